package org.mlcore;

import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Brings events of a request into the form of a stored history: [HIS-4] to [HIS-9], [ORD-4],
 * [ORD-5].
 */
final class History {
  private static final long NO_TIME_IS_LAST = Long.MAX_VALUE;
  private static final double LEAST_DECAYED = 0x1p-1022;

  /** An event of an item that the model has, or what became of all events of the item. */
  private static final class Known {
    final int item;
    double weight;
    final long time;
    int place; // in the request; of an item that of its last event without a time
    double age; // in half-lives
    int entry; // in the history

    Known(int item, double weight, long time, int place) {
      this.item = item;
      this.weight = weight;
      this.time = time;
      this.place = place;
    }
  }

  private static final Comparator<Known> BY_ITEM =
      new Comparator<>() {
        @Override
        public int compare(Known a, Known b) {
          if (a.item != b.item) {
            return Integer.compare(a.item, b.item);
          }
          return a.time != b.time
              ? Long.compare(a.time, b.time)
              : Double.compare(a.weight, b.weight);
        }
      };

  private static final Comparator<Known> BY_TIME =
      new Comparator<>() {
        @Override
        public int compare(Known a, Known b) {
          if (a.time != b.time) {
            return Long.compare(a.time, b.time);
          }
          return a.time == NO_TIME_IS_LAST
              ? Integer.compare(a.place, b.place)
              : Integer.compare(a.item, b.item);
        }
      };

  private History() {}

  /** Checks what can be checked without the model: [HIS-4], or [REC-2] for final weights. */
  static void check(List<Event> events, boolean isFinal) {
    Set<String> seen = new HashSet<>();
    for (Event event : events) {
      double weight = isFinal ? (float) event.weight() : event.weight();
      if (!(weight > 0 && Double.isFinite(weight) && Double.isFinite(event.weight()))) {
        String expected = isFinal ? "a number above 0 that f32 holds" : "a finite number above 0";
        throw ModelException.request(
            "history: item " + Json.show(event.itemId()) + ": weight",
            expected,
            "" + event.weight());
      }
      if (!Times.isMomentOrNone(event.time())) {
        throw ModelException.request(
            "history: item " + Json.show(event.itemId()) + ": time",
            "a time of the years 1 to 9999",
            "" + event.time());
      }
      if (isFinal && !seen.add(event.itemId())) {
        throw ModelException.request(
            "history", "each item once", Json.show(event.itemId()) + " twice");
      }
    }
  }

  /** Makes the history of events in a scratch; the rule is null where weights are final. */
  static void encode(Scratch s, List<Event> events, IdMap.Parsed ids, HistoryRule rule, long now) {
    Known[] known = new Known[events.size()];
    int count = 0;
    for (int place = 0; place < events.size(); place++) {
      Event event = events.get(place);
      int item = ids.position(event.itemId());
      if (item >= 0) {
        long time = event.time() == Event.NO_TIME ? NO_TIME_IS_LAST : event.time();
        known[count++] = new Known(item, event.weight(), time, place);
      }
    }
    Arrays.sort(known, 0, count, BY_ITEM);
    if (rule == null) {
      takeFinal(s, known, count);
    } else {
      weigh(s, known, count, rule, now == Event.NO_TIME ? rule.reference : now);
    }
  }

  private static void takeFinal(Scratch s, Known[] known, int count) {
    s.resize(count);
    for (int at = 0; at < count; at++) {
      s.items[at] = known[at].item;
      s.weights[at] = (float) known[at].weight;
    }
  }

  private static void weigh(Scratch s, Known[] known, int count, HistoryRule rule, long now) {
    int length = 0; // of the history, whose items take the place of the events
    for (int begin = 0; begin < count; ) {
      int end = begin + 1;
      while (end < count && known[end].item == known[begin].item) {
        end++;
      }
      known[length++] = aggregate(known, begin, end, rule, now);
      begin = end;
    }
    s.resize(length);
    for (int at = 0; at < length; at++) {
      s.items[at] = known[at].item;
      s.weights[at] = rule.weigh(known[at].item, known[at].weight, known[at].age, length);
      known[at].entry = at;
    }
    if (rule.usesOrder()) {
      Arrays.sort(known, 0, length, BY_TIME);
      for (int at = 0; at < length; at++) {
        int entry = known[at].entry;
        s.weights[entry] = rule.decay(s.weights[entry], at + 1, length);
      }
    }
  }

  /** Makes one of the events of one item, which are in order: [HIS-6] and [HIS-7]. */
  private static Known aggregate(Known[] known, int begin, int end, HistoryRule rule, long now) {
    Known item = known[end - 1];
    double sum = 0;
    double greatest = 0;
    for (int at = begin; at < end; at++) {
      sum += known[at].weight;
      greatest = Math.max(greatest, known[at].weight);
      if (known[at].time == NO_TIME_IS_LAST) {
        item.place = Math.max(item.place, known[at].place);
      }
    }
    switch (rule.aggregate) {
      case "sum":
        item.weight = sum;
        break;
      case "max":
        item.weight = greatest;
        break;
      case "count":
        item.weight = end - begin;
        break;
      default: // that of the last
    }
    if (Double.isInfinite(item.weight)) {
      throw ModelException.request("history: weight", "a finite sum", "Infinity");
    }
    if (rule.weighting.equals("binary")) {
      item.weight = 1;
    }
    if (rule.halfLife > 0) {
      long latest = item.time == NO_TIME_IS_LAST ? now : item.time;
      if (latest > now) {
        throw ModelException.request("history: time", "a time up to now, " + now, "" + latest);
      }
      item.age = (double) (now - latest) / rule.halfLife;
      item.weight = Math.max(item.weight * Portable.exp2(-item.age), LEAST_DECAYED);
    }
    return item;
  }
}

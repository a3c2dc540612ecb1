package org.mlcore;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.IntPredicate;

/** A made model, and lists of it by the pseudocode of SPEC.md: dense, slow, and obvious. */
final class Oracle {
  List<String> items = new ArrayList<>();
  List<String> users; // null for none
  final List<TreeMap<Integer, Float>> similarity = new ArrayList<>();
  final List<TreeMap<Integer, Float>> histories = new ArrayList<>();
  final List<int[]> orders = new ArrayList<>(); // places of the entries of each history
  double[] popularity;
  String aggregate; // null for no rule
  String weighting;
  double halfLifeDays; // 0 for none
  long reference;
  double k1;
  double[] norms;
  double[] factors;
  String decay; // null for no order
  double halfLifeItems;
  List<String> columns; // null for no catalogue
  List<String> values;
  int[] codes;
  long[] from; // null for no times
  long[] until;

  /** One item of a list. */
  record Listed(int item, double score, boolean filled, Map<Integer, Double> because) {}

  private float decayed(float weight, int place, int length) {
    if (decay == null || decay.equals("none")) {
      return weight;
    }
    double share = (double) place / length;
    double factor =
        decay.equals("quadratic")
            ? share * share
            : Portable.exp2(-((length - place) / halfLifeItems));
    float result = (float) (weight * factor);
    return result == 0 ? Float.MIN_VALUE : result;
  }

  TreeMap<Integer, Float> historyOf(int user) {
    TreeMap<Integer, Float> history = new TreeMap<>();
    int entry = 0;
    for (Map.Entry<Integer, Float> one : histories.get(user).entrySet()) {
      int place = orders.isEmpty() ? 0 : orders.get(user)[entry++];
      history.put(one.getKey(), decayed(one.getValue(), place, histories.get(user).size()));
    }
    return history;
  }

  /** Returns the history of events, or null for a malformed one. */
  TreeMap<Integer, Float> historyOf(List<Event> events, boolean isFinal, long now) {
    Map<Integer, List<Integer>> places = new TreeMap<>();
    Map<String, Integer> seen = new HashMap<>();
    for (int place = 0; place < events.size(); place++) {
      int item = items.indexOf(events.get(place).itemId());
      if (seen.merge(events.get(place).itemId(), 1, Integer::sum) > 1
          && (isFinal || aggregate == null)) {
        return null;
      }
      if (item >= 0) {
        places.computeIfAbsent(item, key -> new ArrayList<>()).add(place);
      }
    }
    TreeMap<Integer, Float> history = new TreeMap<>();
    if (isFinal || aggregate == null) {
      places.forEach((item, at) -> history.put(item, (float) events.get(at.get(0)).weight()));
      return history;
    }
    long today = now == Event.NO_TIME ? reference : now;
    Map<Integer, Long> times = new HashMap<>();
    for (Map.Entry<Integer, List<Integer>> entry : places.entrySet()) {
      int item = entry.getKey();
      List<Event> sorted = new ArrayList<>();
      entry.getValue().forEach(place -> sorted.add(events.get(place)));
      sorted.sort(
          Comparator.comparing((Event e) -> e.time() == Event.NO_TIME)
              .thenComparing(Event::time)
              .thenComparing(Event::weight));
      Event last = sorted.get(sorted.size() - 1);
      double x = 0;
      for (Event event : sorted) {
        switch (aggregate) {
          case "sum":
            x += event.weight();
            break;
          case "max":
            x = Math.max(x, event.weight());
            break;
          case "count":
            x++;
            break;
          default:
            x = event.weight();
        }
      }
      x = weighting.equals("binary") ? 1 : x;
      times.put(item, last.time());
      double age = 0;
      if (halfLifeDays > 0) {
        long time = last.time() == Event.NO_TIME ? today : last.time();
        if (time > today) {
          return null;
        }
        age = (today - time) / (halfLifeDays * 86400000000.0);
        x = Math.max(x * Portable.exp2(-age), 0x1p-1022);
      }
      double factor = factors == null ? 1 : factors[places.size() - 1];
      switch (weighting) {
        case "log":
          x = Portable.log1p(x);
          break;
        case "tf_idf":
          x = x * factor;
          break;
        case "bm25":
          x = ((x * (k1 + 1)) / (x + norms[item])) * factor;
          break;
        default:
      }
      float weight = (float) x;
      weight = weight == 0 && x > 0 && age > 100 ? Float.MIN_VALUE : weight;
      if (!(weight > 0) || Float.isInfinite(weight)) {
        return null;
      }
      history.put(item, weight);
    }
    List<Integer> order = new ArrayList<>(history.keySet());
    order.sort(
        Comparator.comparing((Integer item) -> times.get(item) == Event.NO_TIME)
            .thenComparing(times::get)
            .thenComparing(
                item ->
                    times.get(item) == Event.NO_TIME
                        ? lastWithoutTime(events, places.get(item))
                        : item));
    for (int place = 1; place <= order.size(); place++) {
      int item = order.get(place - 1);
      history.put(item, decayed(history.get(item), place, order.size()));
    }
    return history;
  }

  private static int lastWithoutTime(List<Event> events, List<Integer> places) {
    return places.stream()
        .filter(place -> events.get(place).time() == Event.NO_TIME)
        .mapToInt(Integer::intValue)
        .max()
        .orElseThrow();
  }

  private String value(String column, int item) {
    int code = codes[columns.indexOf(column) * items.size() + item];
    return code < 0 ? null : values.get(code);
  }

  private boolean isAdmitted(int item, Filter filter) {
    boolean isAdmitted = true;
    for (Map.Entry<String, List<String>> entry : filter.anyOf().entrySet()) {
      String value = value(entry.getKey(), item);
      isAdmitted &= value != null && entry.getValue().contains(value);
    }
    for (Map.Entry<String, List<String>> entry : filter.noneOf().entrySet()) {
      String value = value(entry.getKey(), item);
      isAdmitted &= value == null || !entry.getValue().contains(value);
    }
    long moment = filter.availableAt();
    if (moment != Event.NO_TIME) {
      isAdmitted &= from[item] == Event.NO_TIME || from[item] <= moment;
      isAdmitted &= until[item] == Event.NO_TIME || moment < until[item];
    }
    return isAdmitted;
  }

  /** The function recommend of SPEC.md. */
  List<Listed> recommend(TreeMap<Integer, Float> history, int n, Options options) {
    Map<Integer, Double> score = new LinkedHashMap<>();
    history.forEach(
        (i, w) ->
            similarity
                .get(i)
                .forEach(
                    (j, s) -> score.put(j, score.getOrDefault(j, 0.0) + (double) w * (double) s)));
    IntPredicate allowed =
        j ->
            (options.include() == null || options.include().contains(items.get(j)))
                && !options.exclude().contains(items.get(j))
                && isAdmitted(j, options.filter());
    List<Integer> candidates = new ArrayList<>();
    score.forEach(
        (j, value) -> {
          if (allowed.test(j) && (options.includeSeen() || !history.containsKey(j))) {
            candidates.add(j);
          }
        });
    candidates.sort(Comparator.comparing((Integer j) -> -score.get(j)).thenComparing(j -> j));
    List<Integer> list = new ArrayList<>();
    walk(list, candidates, n, options.filter());
    int filledFrom = list.size();
    if (options.fill()) {
      List<Integer> more = new ArrayList<>();
      for (int j = 0; j < items.size(); j++) {
        if (popularity[j] > 0 && allowed.test(j) && !history.containsKey(j) && !list.contains(j)) {
          more.add(j);
        }
      }
      more.sort(Comparator.comparing((Integer j) -> -popularity[j]).thenComparing(j -> j));
      walk(list, more, n, options.filter());
    }
    List<Listed> listed = new ArrayList<>();
    for (int at = 0; at < list.size(); at++) {
      int j = list.get(at);
      Map<Integer, Double> because = options.explain() ? new LinkedHashMap<>() : null;
      if (options.explain() && at < filledFrom) {
        history.forEach(
            (i, w) -> {
              if (similarity.get(i).containsKey(j)) {
                because.put(i, (double) w * (double) similarity.get(i).get(j));
              }
            });
      }
      listed.add(new Listed(j, at < filledFrom ? score.get(j) : 0, at >= filledFrom, because));
    }
    return listed;
  }

  private void walk(List<Integer> list, List<Integer> candidates, int n, Filter filter) {
    for (int j : candidates) {
      boolean isRoom = list.size() < n;
      for (Map.Entry<String, Integer> cap : filter.atMost().entrySet()) {
        String value = value(cap.getKey(), j);
        long held =
            list.stream()
                .filter(other -> value != null && value.equals(value(cap.getKey(), other)))
                .count();
        isRoom &= held < cap.getValue();
      }
      if (isRoom) {
        list.add(j);
      }
    }
  }
}

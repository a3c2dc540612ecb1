package org.mlcore;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Makes lists: section 10 of SPEC.md. */
final class Ranker {
  private static final int[] NONE = {};

  /** {@link Options} with positions in place of ids. */
  static final class Limits {
    final int[] include; // ascending, without excluded ones; null for all
    final int[] exclude;
    final Catalogue.Gate gate;
    final boolean includeSeen;
    final boolean fill;

    Limits(IdMap.Parsed items, Catalogue.Gate gate, Options options) {
      this.gate = gate;
      includeSeen = options.includeSeen();
      fill = options.fill();
      exclude = positions(items, options.exclude());
      int[] allowed = options.include() == null ? null : positions(items, options.include());
      if (allowed != null && exclude.length > 0) {
        int kept = 0;
        for (int item : allowed) {
          if (Arrays.binarySearch(exclude, item) < 0) {
            allowed[kept++] = item;
          }
        }
        allowed = Arrays.copyOf(allowed, kept);
      }
      include = allowed;
    }

    private static int[] positions(IdMap.Parsed items, List<String> ids) {
      return ids.isEmpty() ? NONE : Catalogue.positions(items, ids);
    }
  }

  private final Matrix similarity;
  private final int numItems;
  private final Bytes popularity; // counts, or those that are decayed
  private final boolean isDecayed;
  private final String place; // of these
  private volatile int[] popular; // all items that users have, the most popular first

  Ranker(ModelFiles files) {
    similarity = new Matrix(files, Manifest.SIMILARITY);
    numItems = similarity.columns;
    List<Bytes> arrays = files.arrays(Manifest.POPULARITY);
    isDecayed = arrays.size() > 1;
    popularity = arrays.get(isDecayed ? 1 : 0);
    place = files.place(Manifest.POPULARITY);
  }

  Matrix similarity() {
    return similarity;
  }

  /** Makes the list of n for the history in a scratch. */
  void rank(Scratch s, Limits limits, int n) {
    Map<Long, Integer> held = new HashMap<>(0); // items of the list by column and code
    try {
      s.addRows(similarity);
      if (!limits.includeSeen) {
        s.remove(s.items, s.length);
      }
      s.remove(limits.exclude, limits.exclude.length);
      choose(s, limits, n, held);
    } finally {
      s.clear();
    }
    s.filledFrom = s.list.size;
    if (limits.fill && s.list.size < n) {
      fill(s, limits, n, held);
    }
  }

  /** Makes the list of the candidates; under caps nearly always of the 4 n best, else of more. */
  private void choose(Scratch s, Limits limits, int n, Map<Long, Integer> held) {
    boolean isCapped = limits.gate != null && !limits.gate.caps.isEmpty();
    for (long wanted = isCapped ? 4L * n : n; ; wanted *= 8) {
      int most = (int) Math.min(wanted, numItems);
      s.select(most, limits.include, limits.gate, !isCapped);
      s.list.reset(n);
      held.clear();
      for (int at = 0; at < s.best.size && s.list.size < n; at++) {
        take(s.list, limits.gate, held, s.best.items[at], s.best.scores[at]);
      }
      if (s.list.size == n || s.best.size < most || most == numItems) {
        return;
      }
    }
  }

  /** Gives an item its place in the list, unless one of its groups is full: [ATT-6]. */
  private static void take(
      Best list, Catalogue.Gate gate, Map<Long, Integer> held, int item, double score) {
    if (gate != null && !gate.caps.isEmpty()) {
      for (int at = 0; at < gate.caps.size(); at++) {
        int code = gate.group(gate.caps.get(at), item);
        Integer count = code < 0 ? null : held.get(key(at, code));
        if (count != null && count >= gate.caps.get(at).most()) {
          return;
        }
      }
      for (int at = 0; at < gate.caps.size(); at++) {
        int code = gate.group(gate.caps.get(at), item);
        if (code >= 0) { // no value makes no group
          held.merge(key(at, code), 1, Integer::sum);
        }
      }
    }
    list.add(item, score);
  }

  private static long key(int cap, int code) {
    return (long) cap << 32 | code;
  }

  /** Completes the list with the most popular items: [REC-8]. */
  private void fill(Scratch s, Limits limits, int n, Map<Long, Integer> held) {
    int[] candidates = popular();
    if (limits.include != null) {
      candidates = byPopularity(limits.include);
    }
    try {
      s.mark(s.items, s.length, true);
      s.mark(s.list.items, s.filledFrom, true);
      s.mark(limits.exclude, limits.exclude.length, true);
      for (int item : candidates) {
        if (s.list.size == n) {
          break;
        }
        if (!s.isTouched(item) && (limits.gate == null || limits.gate.admits(item))) {
          take(s.list, limits.gate, held, item, 0);
        }
      }
    } finally {
      s.mark(s.items, s.length, false);
      s.mark(s.list.items, s.filledFrom, false);
      s.mark(limits.exclude, limits.exclude.length, false);
    }
  }

  private int[] popular() {
    int[] result = popular;
    if (result == null) {
      int[] all = new int[numItems];
      for (int item = 0; item < numItems; item++) {
        all[item] = item;
      }
      result = byPopularity(all);
      popular = result; // another thread may have made the same
    }
    return result;
  }

  /**
   * Returns those of some ascending items that users have, the most popular first, ties by
   * position.
   */
  private int[] byPopularity(int[] items) {
    long[] keys = new long[items.length]; // ascend as popularity descends
    for (int at = 0; at < items.length; at++) {
      long count = popularity.getLong(items[at]);
      if (isDecayed) {
        double value = Double.longBitsToDouble(count) + 0.0; // no -0
        count = HistoryRule.isNorm(value) ? Double.doubleToRawLongBits(value) : -1;
      }
      if (count < 0) {
        String element = "element " + items[at];
        throw ModelException.of(
            Verdict.CSR, place, element, "a finite number of at least 0", "another");
      }
      keys[at] = -count;
    }
    long[] sorted = keys.clone();
    Arrays.sort(sorted);
    int[] taken = new int[items.length]; // how many items of a key have their places, at its first
    int[] order = new int[items.length];
    int count = 0;
    for (int at = 0; at < items.length; at++) {
      if (keys[at] < 0) {
        int first = firstOf(sorted, keys[at]);
        order[first + taken[first]++] = items[at];
        count++;
      }
    }
    return Arrays.copyOf(order, count); // those without users would come last
  }

  private static int firstOf(long[] sorted, long key) {
    int low = 0;
    int high = sorted.length;
    while (low < high) {
      int middle = low + high >>> 1;
      if (sorted[middle] < key) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }
}

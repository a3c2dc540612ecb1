package org.mlcore;

import java.util.Arrays;

/** The best of the items offered: score descending, then position ascending. */
final class Best {
  private int limit;
  int[] items = new int[16];
  double[] scores = new double[16];
  int size;

  /** A lower score cannot get in any more. */
  double floor;

  void reset(int most) {
    limit = most;
    size = 0;
    floor = Double.NEGATIVE_INFINITY;
  }

  /** Appends an item, in whatever order. */
  void add(int item, double score) {
    if (size == items.length) {
      int longer = (int) Math.min(2L * size, Integer.MAX_VALUE - 8);
      items = Arrays.copyOf(items, longer);
      scores = Arrays.copyOf(scores, longer);
    }
    items[size] = item;
    scores[size] = score;
    size++;
  }

  /**
   * Takes an item that is among the best so far; the caller may leave out those below the floor.
   */
  void offer(int item, double score) {
    if (size < limit) {
      add(item, score);
      if (size == limit) {
        heapify();
        floor = scores[0];
      }
    } else if (score > scores[0] || score == scores[0] && item < items[0]) {
      items[0] = item;
      scores[0] = score;
      sink(0, size);
      floor = scores[0];
    }
  }

  /** Brings the items into their order; nothing may be offered afterwards. */
  void sort() {
    if (size < limit) {
      heapify();
    }
    for (int end = size - 1; end > 0; end--) {
      swap(0, end);
      sink(0, end);
    }
  }

  /** Makes a heap with the worst item on top. */
  private void heapify() {
    for (int parent = size / 2 - 1; parent >= 0; parent--) {
      sink(parent, size);
    }
  }

  private void sink(int parent, int end) {
    for (int child = 2 * parent + 1; child < end; child = 2 * parent + 1) {
      if (child + 1 < end && isBetter(child, child + 1)) {
        child++;
      }
      if (!isBetter(parent, child)) {
        return;
      }
      swap(parent, child);
      parent = child;
    }
  }

  private boolean isBetter(int a, int b) {
    return scores[a] > scores[b] || scores[a] == scores[b] && items[a] < items[b];
  }

  private void swap(int a, int b) {
    int item = items[a];
    double score = scores[a];
    items[a] = items[b];
    scores[a] = scores[b];
    items[b] = item;
    scores[b] = score;
  }
}

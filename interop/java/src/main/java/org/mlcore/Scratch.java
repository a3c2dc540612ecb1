package org.mlcore;

import java.util.Arrays;

/** The memory of one request; a model keeps it for later ones. */
final class Scratch {
  /** The score of an item before anything is added: -0, which no sum from +0 is. */
  static final double UNTOUCHED = -0.0;

  private static final long UNTOUCHED_BITS = Double.doubleToRawLongBits(UNTOUCHED);

  // The history, items ascending.
  int[] items = new int[64];
  float[] weights = new float[64];
  int length;

  // One row of the similarity.
  private int[] rowItems = new int[256];
  private float[] rowData = new float[256];

  final double[] scores; // of each item; all untouched between two requests
  private final int[] touched; // items in the order of their first entry
  private int touchedCount;

  final Best best = new Best();
  final Best list = new Best();

  /** Where in the list the items begin that were filled in. */
  int filledFrom;

  Scratch(int numItems) {
    scores = new double[numItems];
    Arrays.fill(scores, UNTOUCHED);
    touched = new int[numItems + 1]; // with room for what is noted, but not counted
  }

  void resize(int size) {
    length = size;
    if (items.length < size) {
      items = new int[2 * size];
      weights = new float[2 * size];
    }
  }

  boolean isTouched(int item) {
    return Double.doubleToRawLongBits(scores[item]) != UNTOUCHED_BITS;
  }

  /** Adds the rows of the history to the scores: [REC-3]. */
  void addRows(Matrix similarity) {
    for (int place = 0; place < length; place++) {
      int row = items[place];
      int size = similarity.length(row);
      if (rowItems.length < size) {
        rowItems = new int[(int) Math.min(2L * size, scores.length)];
        rowData = new float[rowItems.length];
      }
      similarity.indices.copyInts(similarity.begin(row), rowItems, size);
      similarity.data.copyFloats(similarity.begin(row), rowData, size);
      similarity.expectSound(row, rowItems, rowData, size);
      try {
        add(weights[place], size);
      } catch (IndexOutOfBoundsException e) { // somebody wrote to the file since
        throw similarity.refuseRow();
      }
    }
  }

  /** Adds one row. It is where a request spends its time. */
  private void add(double weight, int size) {
    int[] row = rowItems;
    float[] data = rowData;
    double[] sums = scores;
    int[] places = touched;
    int count = touchedCount;
    for (int entry = 0; entry < size; entry++) {
      int item = row[entry];
      double sum = sums[item];
      // Noted in any case, and counted if untouched, with no branch: nobody can predict it.
      places[count] = item;
      long other = Double.doubleToRawLongBits(sum) ^ UNTOUCHED_BITS;
      count += (int) (~(other | -other) >>> 63);
      // The product of two f32 is exact. + 0.0 keeps what was touched from being -0 again.
      sums[item] = sum + (weight * data[entry] + 0.0);
    }
    touchedCount = count;
  }

  /** Makes some items no candidates. */
  void remove(int[] removed, int count) {
    for (int at = 0; at < count; at++) {
      scores[removed[at]] = UNTOUCHED;
    }
  }

  /**
   * Makes best of at most so many of the candidates, or those of include, that pass the gate. For
   * the last time, scores may be left untouched on the way.
   */
  void select(int most, int[] include, Catalogue.Gate gate, boolean isLast) {
    best.reset(most);
    int[] from = include == null ? touched : include;
    int count = include == null ? touchedCount : include.length;
    boolean isClearing = isLast && include == null;
    double floor = best.floor;
    for (int at = 0; at < count; at++) {
      int item = from[at];
      double score = scores[item];
      if (isClearing) {
        scores[item] = UNTOUCHED;
      }
      if (score < floor || Double.doubleToRawLongBits(score) == UNTOUCHED_BITS) {
        continue;
      }
      if (gate == null || gate.admits(item)) {
        best.offer(item, score);
        floor = best.floor;
      }
    }
    if (isClearing) {
      touchedCount = 0;
    }
    best.sort();
  }

  /** Leaves all scores untouched, whatever happened before. */
  void clear() {
    for (int at = 0; at < touchedCount; at++) {
      scores[touched[at]] = UNTOUCHED;
    }
    touchedCount = 0;
  }

  /** Marks items, as what a list is not filled with, or takes the marks away. */
  void mark(int[] marked, int count, boolean isMarked) {
    for (int at = 0; at < count; at++) {
      scores[marked[at]] = isMarked ? 0 : UNTOUCHED;
    }
  }
}

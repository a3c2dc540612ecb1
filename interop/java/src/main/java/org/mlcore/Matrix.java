package org.mlcore;

import java.util.List;

/**
 * Compressed sparse rows: section 7 of SPEC.md. Every row lies within the arrays once it is open;
 * what the row holds is checked when it is used.
 */
final class Matrix {
  private final Bytes indptr;
  final Bytes indices;
  final Bytes data;
  private final long rows;
  final int columns;
  private final boolean[] isSound; // of each row of the similarity whether it was found sound
  final String place;

  Matrix(ModelFiles files, String name) {
    List<Bytes> arrays = files.arrays(name);
    indptr = arrays.get(0);
    indices = arrays.get(1);
    data = arrays.get(2);
    rows = indptr.size() / 8 - 1;
    columns = (int) files.manifest.items;
    place = files.place(name);
    isSound = new boolean[name.equals(Manifest.SIMILARITY) ? columns : 0];
    long entries = indices.size() / 4;
    long previous = 0;
    if (begin(0) != 0 || begin(rows) != entries) {
      throw refuse("indptr", 0, "offsets from 0 to " + entries, begin(0) + " to " + begin(rows));
    }
    long[] offsets = new long[(int) Math.min(rows + 1, 4096)];
    for (long row = 0; row <= rows; row += offsets.length) {
      int count = (int) Math.min(offsets.length, rows + 1 - row);
      indptr.copyLongs(row, offsets, count);
      for (int at = 0; at < count; at++) {
        if (offsets[at] < previous) {
          throw refuse("indptr", row + at, "an offset that does not decrease", "" + offsets[at]);
        }
        previous = offsets[at];
      }
    }
  }

  private ModelException refuse(String array, long element, String expected, String got) {
    String where = place + ": " + array + ".npy";
    return ModelException.of(Verdict.CSR, where, "element " + element, expected, got);
  }

  /** Refuses a row that is used. */
  ModelException refuseRow() {
    String expected =
        "item positions that exist and ascend within a row, and values as they should be";
    return ModelException.of(Verdict.CSR, place, "", expected, "others");
  }

  long begin(long row) {
    return indptr.getLong(row);
  }

  /** Returns the number of entries of a row, which may not have more than there are columns. */
  int length(long row) {
    long length = begin(row + 1) - begin(row);
    if (length > columns) {
      throw refuseRow();
    }
    return (int) length;
  }

  /** Refuses a row, of which there are copies, unless it is as it should be; it is checked once. */
  void expectSound(int row, int[] items, float[] values, int length) {
    if (isSound[row]) {
      return;
    }
    int previous = -1;
    for (int entry = 0; entry < length; entry++) {
      if (items[entry] <= previous || items[entry] >= columns || !Float.isFinite(values[entry])) {
        throw refuseRow();
      }
      previous = items[entry];
    }
    isSound[row] = true; // another thread may find the same
  }

  /** Returns the entry of a column in a row that is known to be sound, or -1. */
  long find(long row, int column) {
    long low = begin(row);
    long end = begin(row + 1);
    long high = end;
    while (low < high) {
      long middle = low + high >>> 1;
      if (indices.getInt(middle) < column) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low < end && indices.getInt(low) == column ? low : -1;
  }

  /** Checks [CSR-2] to [CSR-4], and [CSR-5] for the similarity or else [CSR-6]. */
  void verify(boolean isSimilarity) {
    for (long row = 0; row < rows; row++) {
      int previous = -1;
      for (long entry = begin(row), end = begin(row + 1); entry < end; entry++) {
        int index = indices.getInt(entry);
        float value = data.getFloat(entry);
        if (index <= previous || index >= columns) {
          throw refuse("indices", entry, "positions that exist and ascend", "" + index);
        }
        if (isSimilarity && index == row) {
          throw refuse("indices", entry, "another item than the row's own", "" + index);
        }
        if (!Float.isFinite(value) || value == 0 || !isSimilarity && value < 0) {
          String expected = isSimilarity ? "a finite number other than 0" : "a number above 0";
          throw refuse("data", entry, expected, "" + value);
        }
        previous = index;
      }
    }
  }
}

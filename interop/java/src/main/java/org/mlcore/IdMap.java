package org.mlcore;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.concurrent.ThreadLocalRandom;

/**
 * An id map: section 8 of SPEC.md. It is parsed, and so checked, when first asked for. Kept are the
 * bytes of the file and for each id some ten bytes of two tables, no strings.
 */
final class IdMap {
  private static final byte[] HEADER = "index,id\n".getBytes(StandardCharsets.US_ASCII);
  private static final int MAX_ID_BYTES = 65_535;

  /** More than a line can have: an index, a comma, and an id with each byte doubled, in quotes. */
  private static final int LONGEST_LINE = 2 * MAX_ID_BYTES + 16;

  private static final int WINDOW = 1 << 18;

  /** Differs from run to run, so that nobody can write ids that collide. */
  private static final long MULTIPLIER = ThreadLocalRandom.current().nextLong() | 1;

  // What a byte of a field may mean.
  private static final int SPECIAL = 1;
  private static final int FORBIDDEN = 2;
  private static final int NO_ASCII = 4;
  private static final byte[] KINDS = new byte[256];

  static {
    Arrays.fill(KINDS, 128, 256, (byte) NO_ASCII);
    KINDS['"'] = SPECIAL;
    KINDS[','] = SPECIAL;
    KINDS['\r'] = FORBIDDEN;
    KINDS[0] = FORBIDDEN;
  }

  private final Bytes file;
  private final String place;
  private final int count;
  private volatile Parsed parsed;
  private ModelException fault;

  IdMap(Bytes file, String place, long count) {
    this.file = file;
    this.place = place;
    this.count = (int) count; // at most MAX_AXIS
  }

  int count() {
    return count;
  }

  /** Returns the ids, once they were found sound. */
  Parsed parse() {
    Parsed result = parsed;
    return result != null ? result : parseOnce();
  }

  private synchronized Parsed parseOnce() {
    if (fault != null) {
      throw fault;
    }
    if (parsed == null) {
      try {
        parsed = new Parsed();
      } catch (ModelException e) {
        fault = e;
        throw e;
      }
    }
    return parsed;
  }

  private ModelException refuse(int line, String expected, String got) {
    String at = line > 0 ? place + ":" + line : place;
    return ModelException.of(Verdict.IDMAP, at, "", expected, got);
  }

  private ModelException wrongCount() {
    return refuse(0, count + " ids as in the manifest", "another number of lines");
  }

  /** The ids of a sound file. */
  final class Parsed {
    // Where the field of each id begins, in whichever of the two is enough.
    private final int[] starts;
    private final long[] farStarts;
    private final int[] table; // position + 1 of an id at a slot by its hash, or behind it

    private Parsed() {
      byte[] header = new byte[(int) Math.min(HEADER.length, file.size())];
      file.copy(0, header, 0, header.length);
      if (!Arrays.equals(header, HEADER)) {
        throw refuse(1, "the header 'index,id'", "another line");
      }
      // A line has at least four bytes: nothing is allocated by a count the file cannot hold.
      if (count > (file.size() - HEADER.length) / 4) {
        throw wrongCount();
      }
      boolean isNear = file.size() <= 0xFFFFFFFFL;
      starts = new int[isNear ? count : 0];
      farStarts = new long[isNear ? 0 : count];
      // Between one and two thirds of the slots are taken, as far as an array can be as long.
      long wanted = Long.highestOneBit(Math.max(1, count + count / 2L)) * 2;
      table = new int[(int) Math.min(wanted, 1 << 30)];
      if (count >= table.length) {
        throw new OutOfMemoryError(count + " ids");
      }
      parseLines();
    }

    private void parseLines() {
      byte[] window = new byte[(int) Math.min(WINDOW, file.size())];
      long base = HEADER.length; // of the window in the file
      int from = 0; // of the line in the window
      int to = 0; // of what was copied
      byte[] previous = new byte[256];
      int previousLength = 0;
      for (int index = 0; index < count; index++) {
        if (to - from < LONGEST_LINE && base + to < file.size()) {
          System.arraycopy(window, from, window, 0, to - from);
          base += from;
          to -= from;
          from = 0;
          int more = (int) Math.min(window.length - to, file.size() - base - to);
          file.copy(base + to, window, to, more);
          to += more;
        }
        int field = afterIndex(index, window, from, to);
        setStart(index, base + field);
        // All of a field in one pass: where it ends, what it holds, and its hash.
        int end = field;
        int held = 0;
        long hash = MULTIPLIER;
        for (; end < to && window[end] != '\n'; end++) {
          byte c = window[end];
          held |= KINDS[c & 0xFF];
          hash = next(hash, c);
        }
        if (end == to) {
          throw to - from < LONGEST_LINE
              ? wrongCount()
              : refuse(index + 2, "at most " + MAX_ID_BYTES + " bytes", "more");
        }
        byte[] id = window;
        int begin = field;
        int length = end - field;
        if ((held & SPECIAL) != 0) {
          id = new byte[length];
          begin = 0;
          length = unquote(index, window, field, end, id);
          hash = hash(id, length);
        }
        check(index, id, begin, length, held);
        if (index > 0
            && Arrays.compareUnsigned(previous, 0, previousLength, id, begin, begin + length)
                >= 0) {
          throw refuse(
              index + 2,
              "an id after the one before it in UTF-8 byte order",
              shown(id, begin, length));
        }
        insert(index, hash);
        if (previous.length < length) {
          previous = new byte[2 * length];
        }
        System.arraycopy(id, begin, previous, 0, length);
        previousLength = length;
        from = end + 1;
      }
      if (base + from != file.size()) {
        throw wrongCount();
      }
    }

    /** Returns where the field of a line begins, behind the index, which must be there. */
    private int afterIndex(int index, byte[] window, int from, int to) {
      int at = from;
      long value = 0;
      while (at < to && at - from < 10 && window[at] >= '0' && window[at] <= '9') {
        value = 10 * value + window[at++] - '0';
      }
      boolean isPadded = at - from > 1 && window[from] == '0';
      if (at == from || at == to || window[at] != ',' || value != index || isPadded) {
        throw refuse(index + 2, "the index " + index, "another line, or the end");
      }
      return at + 1;
    }

    /**
     * Copies the id of a field in quotes, as one with a comma or a quote must be; returns its
     * length.
     */
    private int unquote(int index, byte[] window, int from, int end, byte[] id) {
      boolean isGood = end - from >= 2 && window[from] == '"' && window[end - 1] == '"';
      boolean isNeeded = false;
      int length = 0;
      for (int at = from + 1; isGood && at < end - 1; at++) {
        byte c = window[at];
        if (c == '"') {
          isGood = ++at < end - 1 && window[at] == '"';
        }
        isNeeded |= c == '"' || c == ',';
        id[length++] = c;
      }
      if (!isGood || !isNeeded) {
        throw refuse(
            index + 2,
            "quotes around, and doubled within, an id with a comma or a quote",
            "another field");
      }
      return length;
    }

    private void check(int index, byte[] id, int begin, int length, int held) {
      if (length == 0 || length > MAX_ID_BYTES) {
        throw refuse(index + 2, "an id of 1 to " + MAX_ID_BYTES + " bytes", "" + length);
      }
      if ((held & FORBIDDEN) != 0) {
        String got = shown(id, begin, length);
        throw refuse(index + 2, "an id without NUL and carriage return", got);
      }
      if ((held & NO_ASCII) != 0 && !Utf8.isValid(id, begin, begin + length)) {
        throw refuse(index + 2, "UTF-8", "other bytes");
      }
    }

    private void setStart(int index, long start) {
      if (starts.length > 0) {
        starts[index] = (int) start;
      } else {
        farStarts[index] = start;
      }
    }

    private void insert(int index, long hash) {
      int slot = slot(hash);
      while (table[slot] != 0) {
        slot = slot + 1 & table.length - 1;
      }
      table[slot] = index + 1;
    }

    private int slot(long hash) {
      return (int) (hash >>> 32) & table.length - 1;
    }

    private long start(int index) {
      return starts.length > 0 ? starts[index] & 0xFFFFFFFFL : farStarts[index];
    }

    private int fieldLength(int index) {
      if (index + 1 == count) {
        return (int) (file.size() - 1 - start(index));
      }
      // Before the next field stand a line feed, its index and a comma.
      int digits = 1;
      for (long power = 10; power <= index + 1; power *= 10) {
        digits++;
      }
      return (int) (start(index + 1) - start(index)) - digits - 2;
    }

    /** Returns where an id stands, or -1. */
    int position(String id) {
      byte[] bytes = Utf8.encode(id);
      if (bytes == null) {
        return -1;
      }
      for (int slot = slot(hash(bytes, bytes.length)); ; slot = slot + 1 & table.length - 1) {
        int index = table[slot] - 1;
        if (index < 0 || isAt(index, bytes)) {
          return index;
        }
      }
    }

    private boolean isAt(int index, byte[] id) {
      long start = start(index);
      int length = fieldLength(index);
      if (file.get(start) == '"') {
        return Arrays.equals(bytes(index), id);
      }
      if (length != id.length) {
        return false;
      }
      // From its end: ids often begin alike.
      for (int at = length - 1; at >= 0; at--) {
        if (file.get(start + at) != id[at]) {
          return false;
        }
      }
      return true;
    }

    /** Returns an id as bytes. */
    byte[] bytes(int index) {
      byte[] field = new byte[fieldLength(index)];
      file.copy(start(index), field, 0, field.length);
      if (field[0] != '"') {
        return field;
      }
      int length = 0;
      for (int at = 1; at < field.length - 1; at++) {
        field[length++] = field[at];
        if (field[at] == '"') {
          at++;
        }
      }
      return Arrays.copyOf(field, length);
    }

    String id(int index) {
      return new String(bytes(index), StandardCharsets.UTF_8);
    }
  }

  private static long next(long hash, byte c) {
    long mixed = (hash ^ c) * MULTIPLIER;
    return mixed ^ mixed >>> 29;
  }

  private static long hash(byte[] id, int length) {
    long hash = MULTIPLIER;
    for (int at = 0; at < length; at++) {
      hash = next(hash, id[at]);
    }
    return hash;
  }

  private static String shown(byte[] id, int begin, int length) {
    String text = Utf8.decode(id, begin, begin + length);
    return text == null ? "other bytes" : Json.show(text);
  }
}

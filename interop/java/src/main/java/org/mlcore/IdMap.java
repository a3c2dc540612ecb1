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
      byte[] id = new byte[256];
      byte[] previous = new byte[256];
      int previousLength = 0;
      long base = HEADER.length; // of the window in the file
      int from = 0; // of the line in the window
      int to = 0; // of what was copied
      byte[] prefix = new byte[11];
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
        int end = from;
        while (end < to && window[end] != '\n') {
          end++;
        }
        if (end == to) {
          throw to - from < LONGEST_LINE
              ? wrongCount()
              : refuse(index + 2, "at most " + MAX_ID_BYTES + " bytes", "more");
        }
        int field = from + prefixed(prefix, index, window, from, end);
        if (id.length < end - field) {
          id = new byte[2 * (end - field)];
        }
        int length = decode(window, field, end, id);
        check(index, id, length);
        if (index > 0 && Arrays.compareUnsigned(previous, 0, previousLength, id, 0, length) >= 0) {
          throw refuse(
              index + 2, "an id after the one before it in UTF-8 byte order", shown(id, length));
        }
        setStart(index, base + field);
        insert(index, id, length);
        byte[] free = previous;
        previous = id;
        previousLength = length;
        id = free;
        from = end + 1;
      }
      if (base + from != file.size()) {
        throw wrongCount();
      }
    }

    /** Returns the length of "index," at the beginning of a line, which must be there. */
    private int prefixed(byte[] prefix, int index, byte[] window, int from, int end) {
      int at = prefix.length;
      prefix[--at] = ',';
      int rest = index;
      do {
        prefix[--at] = (byte) ('0' + rest % 10);
        rest /= 10;
      } while (rest > 0);
      int length = prefix.length - at;
      if (end - from < length
          || !Arrays.equals(prefix, at, prefix.length, window, from, from + length)) {
        throw refuse(index + 2, "the index " + index, "another line");
      }
      return length;
    }

    /** Copies the id of a field, and returns its length, or -1 if it is not quoted as it should. */
    private int decode(byte[] window, int from, int end, byte[] id) {
      int length = 0;
      if (from == end || window[from] != '"') {
        for (int at = from; at < end; at++) {
          if (window[at] == ',' || window[at] == '"') {
            return -1;
          }
        }
        System.arraycopy(window, from, id, 0, end - from);
        return end - from;
      }
      boolean isNeeded = false;
      for (int at = from + 1; at < end - 1; at++) {
        byte c = window[at];
        if (c == '"' && (++at == end - 1 || window[at] != '"')) {
          return -1;
        }
        isNeeded |= c == '"' || c == ',';
        id[length++] = c;
      }
      return isNeeded && window[end - 1] == '"' ? length : -1;
    }

    private void check(int index, byte[] id, int length) {
      if (length < 0) {
        throw refuse(
            index + 2,
            "quotes around, and doubled within, an id with a comma or a quote",
            "another field");
      }
      if (length == 0 || length > MAX_ID_BYTES) {
        throw refuse(index + 2, "an id of 1 to " + MAX_ID_BYTES + " bytes", "" + length);
      }
      boolean isAscii = true;
      for (int at = 0; at < length; at++) {
        isAscii &= id[at] >= 0;
        if (id[at] == 0 || id[at] == '\r') {
          throw refuse(index + 2, "an id without NUL and line break", shown(id, length));
        }
      }
      if (!isAscii && !Utf8.isValid(id, 0, length)) {
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

    private void insert(int index, byte[] id, int length) {
      int slot = slot(id, length);
      while (table[slot] != 0) {
        slot = slot + 1 & table.length - 1;
      }
      table[slot] = index + 1;
    }

    private int slot(byte[] id, int length) {
      long hash = MULTIPLIER;
      for (int at = 0; at < length; at++) {
        hash = (hash ^ id[at]) * MULTIPLIER;
        hash ^= hash >>> 29;
      }
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
      for (int slot = slot(bytes, bytes.length); ; slot = slot + 1 & table.length - 1) {
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

  private static String shown(byte[] id, int length) {
    String text = Utf8.decode(id, 0, length);
    return text == null ? "other bytes" : Json.show(text);
  }
}

package org.mlcore;

import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;

/** The lines of a stream that are not blank, as bytes. */
final class Lines {
  private final InputStream in;
  private byte[] room = new byte[1 << 16];
  private int from;
  private int to;
  private boolean atEnd;

  Lines(InputStream in) {
    this.in = in;
  }

  /** Returns the next line without its line feed, or null at the end. */
  byte[] next() throws IOException {
    for (int at = from; ; at++) {
      if (at == to) {
        if (!atEnd) {
          int before = from;
          read();
          at -= before - from;
        }
        if (at == to && from == to) {
          return null;
        }
      }
      if (at == to || room[at] == '\n') {
        byte[] line = Arrays.copyOfRange(room, from, at);
        from = Math.min(at + 1, to);
        if (!isBlank(line)) {
          return line;
        }
        at = from - 1;
      }
    }
  }

  /** Returns whether there is more to be had without waiting. */
  boolean isReady() throws IOException {
    return !atEnd && (from < to || in.available() > 0);
  }

  private void read() throws IOException {
    if (from > 0) {
      System.arraycopy(room, from, room, 0, to - from);
      to -= from;
      from = 0;
    }
    if (to == room.length) {
      room = Arrays.copyOf(room, 2 * to);
    }
    int count = in.read(room, to, room.length - to);
    atEnd = count < 0;
    to += Math.max(count, 0);
  }

  private static boolean isBlank(byte[] line) {
    for (byte c : line) {
      if (c != ' ' && c != '\t' && c != '\r') {
        return false;
      }
    }
    return true;
  }
}

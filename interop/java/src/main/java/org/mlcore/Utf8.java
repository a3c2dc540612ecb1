package org.mlcore;

import java.nio.charset.StandardCharsets;

/** UTF-8 without replacement: what is malformed is no text, and no text becomes another one. */
final class Utf8 {
  private Utf8() {}

  /** Returns the text of well-formed bytes, and null for others. */
  static String decode(byte[] bytes, int from, int to) {
    return isValid(bytes, from, to)
        ? new String(bytes, from, to - from, StandardCharsets.UTF_8)
        : null;
  }

  /** Returns the bytes of a text, and null for one with a lone surrogate, which has none. */
  static byte[] encode(String text) {
    for (int at = 0; at < text.length(); at++) {
      if (Character.isSurrogate(text.charAt(at))) {
        if (Character.isLowSurrogate(text.charAt(at))
            || at + 1 == text.length()
            || !Character.isLowSurrogate(text.charAt(at + 1))) {
          return null;
        }
        at++;
      }
    }
    return text.getBytes(StandardCharsets.UTF_8);
  }

  static boolean isValid(byte[] bytes, int from, int to) {
    int at = from;
    while (at < to) {
      int first = bytes[at++];
      if (first >= 0) {
        continue;
      }
      int further = first < (byte) 0xE0 ? 1 : first < (byte) 0xF0 ? 2 : 3;
      if (first < (byte) 0xC2 || first > (byte) 0xF4 || to - at < further) {
        return false;
      }
      int second = bytes[at] & 0xFF;
      // The bounds that leave out longer forms than needed, surrogates, and what is past U+10FFFF.
      int least = first == (byte) 0xE0 ? 0xA0 : first == (byte) 0xF0 ? 0x90 : 0x80;
      int most = first == (byte) 0xED ? 0x9F : first == (byte) 0xF4 ? 0x8F : 0xBF;
      if (second < least || second > most) {
        return false;
      }
      for (int end = at + further; at < end; at++) {
        if ((bytes[at] & 0xC0) != 0x80) {
          return false;
        }
      }
    }
    return true;
  }
}

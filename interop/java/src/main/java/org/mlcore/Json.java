package org.mlcore;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Strict JSON after RFC 7493, as [MAN-2] wants it: no key twice, no lone surrogate, a bounded
 * depth.
 *
 * <p>Values are a Map in the order of the text, a List, a String, a {@link Number}, a Boolean, or
 * {@link #NULL}. A Java null means that a key is missing.
 */
final class Json {
  /** The value null. */
  static final Object NULL =
      new Object() {
        @Override
        public String toString() {
          return "null";
        }
      };

  /**
   * What {@link Number#integer} returns for other numbers; no integer of the format is as small.
   */
  static final long NO_INTEGER = Long.MIN_VALUE;

  /** A number as it was written, so that no digit is lost. */
  record Number(String text) {
    /** Returns an integer without fraction and exponent, if it has at most 18 digits. */
    long integer() {
      int begin = text.charAt(0) == '-' ? 1 : 0;
      if (text.length() - begin > 18) {
        return NO_INTEGER;
      }
      long value = 0;
      for (int at = begin; at < text.length(); at++) {
        int digit = text.charAt(at) - '0';
        if (digit < 0 || digit > 9) {
          return NO_INTEGER;
        }
        value = 10 * value + digit;
      }
      return begin == 1 ? -value : value;
    }

    /** Returns the nearest f64, which may be infinite. */
    double real() {
      return Double.parseDouble(text);
    }

    @Override
    public String toString() {
      return text;
    }
  }

  /** Says what stands in a text instead of strict JSON. */
  static final class Malformed extends Exception {
    private static final long serialVersionUID = 1;

    Malformed(String message) {
      super(message, null, false, false);
    }
  }

  private static final int MAX_DEPTH = 16;

  private final String text;
  private int next;

  private Json(String text) {
    this.text = text;
  }

  /** Returns the value that bytes hold, with nothing but white space around it. */
  static Object parse(byte[] utf8) throws Malformed {
    String text = Utf8.decode(utf8, 0, utf8.length);
    if (text == null) {
      throw new Malformed("bytes that are not UTF-8");
    }
    return parse(text);
  }

  /** Likewise of a text without lone surrogates. */
  static Object parse(String text) throws Malformed {
    Json json = new Json(text);
    json.skipSpace();
    Object value = json.value(1);
    json.skipSpace();
    if (json.next < text.length()) {
      throw json.malformed("the end of the text");
    }
    return value;
  }

  /** Returns an object, and null for anything else. */
  @SuppressWarnings("unchecked") // objects are made here only
  static Map<String, Object> object(Object value) {
    return value instanceof Map ? (Map<String, Object>) value : null;
  }

  /** Returns an array, and null for anything else. */
  @SuppressWarnings("unchecked")
  static List<Object> array(Object value) {
    return value instanceof List ? (List<Object>) value : null;
  }

  /** Returns a value for a message. */
  static String show(Object value) {
    if (value == null) {
      return "nothing";
    }
    if (value instanceof Map) {
      return "an object";
    }
    if (value instanceof List) {
      return "an array";
    }
    return value instanceof String ? show((String) value) : cut(value.toString());
  }

  /** Returns a text in quotes for a message. */
  static String show(String text) {
    StringBuilder shown = new StringBuilder();
    Text.appendString(shown, cut(text));
    return shown.toString();
  }

  private static String cut(String text) {
    return text.length() <= 60 ? text : text.substring(0, 57) + "...";
  }

  private Malformed malformed(String expected) {
    return new Malformed("JSON without " + expected + " at character " + (next + 1));
  }

  private char peek() {
    return next < text.length() ? text.charAt(next) : 0; // a NUL is malformed wherever it stands
  }

  private void skipSpace() {
    for (char c = peek(); c == ' ' || c == '\t' || c == '\n' || c == '\r'; c = peek()) {
      next++;
    }
  }

  private Object value(int depth) throws Malformed {
    switch (peek()) {
      case '"':
        return string();
      case '{':
        return object(depth);
      case '[':
        return array(depth);
      case 't':
        return word("true", Boolean.TRUE);
      case 'f':
        return word("false", Boolean.FALSE);
      case 'n':
        return word("null", NULL);
      default:
        return number();
    }
  }

  private Object word(String word, Object value) throws Malformed {
    if (!text.startsWith(word, next)) {
      throw malformed("a value");
    }
    next += word.length();
    return value;
  }

  private Number number() throws Malformed {
    int begin = next;
    if (peek() == '-') {
      next++;
    }
    if (peek() == '0') {
      next++;
    } else {
      digits();
    }
    if (peek() == '.') {
      next++;
      digits();
    }
    if (peek() == 'e' || peek() == 'E') {
      next++;
      if (peek() == '+' || peek() == '-') {
        next++;
      }
      digits();
    }
    return new Number(text.substring(begin, next));
  }

  private void digits() throws Malformed {
    int begin = next;
    while (peek() >= '0' && peek() <= '9') {
      next++;
    }
    if (next == begin) {
      throw malformed("a value");
    }
  }

  private List<Object> array(int depth) throws Malformed {
    List<Object> values = new ArrayList<>();
    if (enter(depth, ']')) {
      do {
        values.add(value(depth + 1));
      } while (more(']'));
    }
    return values;
  }

  private Map<String, Object> object(int depth) throws Malformed {
    Map<String, Object> members = new LinkedHashMap<>();
    if (enter(depth, '}')) {
      do {
        if (peek() != '"') {
          throw malformed("a key");
        }
        String key = string();
        skipSpace();
        if (peek() != ':') {
          throw malformed("a colon");
        }
        next++;
        skipSpace();
        if (members.put(key, value(depth + 1)) != null) {
          throw new Malformed("JSON with the key " + show(key) + " twice");
        }
      } while (more('}'));
    }
    return members;
  }

  /** Steps over an opening bracket, and over the closing one if nothing stands between. */
  private boolean enter(int depth, char closing) throws Malformed {
    if (depth > MAX_DEPTH) {
      throw new Malformed("JSON nested too deeply");
    }
    next++;
    skipSpace();
    if (peek() != closing) {
      return true;
    }
    next++;
    return false;
  }

  /** Steps over a comma, or over the closing bracket. */
  private boolean more(char closing) throws Malformed {
    skipSpace();
    boolean isComma = peek() == ',';
    if (!isComma && peek() != closing) {
      throw malformed("a comma");
    }
    next++;
    if (isComma) {
      skipSpace();
    }
    return isComma;
  }

  private String string() throws Malformed {
    int begin = ++next;
    while (next < text.length() && text.charAt(next) != '"' && text.charAt(next) != '\\') {
      if (text.charAt(next++) < ' ') {
        throw malformed("an escape");
      }
    }
    if (peek() == '"') {
      return text.substring(begin, next++);
    }
    StringBuilder result = new StringBuilder(text.substring(begin, next));
    while (next < text.length()) {
      char c = text.charAt(next++);
      if (c == '"') {
        return result.toString();
      }
      if (c < ' ') {
        throw malformed("an escape");
      }
      if (c == '\\') {
        escape(result);
      } else {
        result.append(c);
      }
    }
    throw malformed("a closing quote");
  }

  private void escape(StringBuilder result) throws Malformed {
    int which = "\"\\/bfnrtu".indexOf(peek());
    if (which < 0) {
      throw malformed("an escape");
    }
    next++;
    if (which < 8) {
      result.append("\"\\/\b\f\n\r\t".charAt(which));
      return;
    }
    char unit = codeUnit();
    result.append(unit);
    if (!Character.isSurrogate(unit)) {
      return;
    }
    if (Character.isHighSurrogate(unit) && text.startsWith("\\u", next)) {
      next += 2;
      char low = codeUnit();
      if (Character.isLowSurrogate(low)) {
        result.append(low);
        return;
      }
    }
    throw new Malformed("JSON with a lone surrogate");
  }

  private char codeUnit() throws Malformed {
    int unit = 0;
    for (int end = next + 4; next < end; next++) {
      // Not Character.digit alone: it takes the digits of all scripts.
      int digit = peek() < 128 ? Character.digit(peek(), 16) : -1;
      if (digit < 0) {
        throw malformed("four hexadecimal digits");
      }
      unit = 16 * unit + digit;
    }
    return (char) unit;
  }
}

package org.mlcore;

import java.util.List;

/** Predictions as text: [PRD-1] to [PRD-4] of SPEC.md. */
public final class Text {
  private Text() {}

  /** Returns the line of a list, with its line feed; a list made with explain has its shares. */
  public static String prediction(String userId, List<Recommendation> items) {
    StringBuilder line = new StringBuilder(64 + 48 * items.size());
    appendPrediction(line, userId, items);
    return line.toString();
  }

  /** Appends the line of a list, with its line feed. */
  public static void appendPrediction(
      StringBuilder text, String userId, List<Recommendation> items) {
    text.append("{\"user_id\": ");
    appendString(text, userId);
    text.append(", \"items\": [");
    for (int place = 0; place < items.size(); place++) {
      Recommendation item = items.get(place);
      text.append(place == 0 ? "{\"item_id\": " : ", {\"item_id\": ");
      appendString(text, item.itemId());
      text.append(", \"score\": ");
      appendNumber(text, item.score());
      if (item.filled()) {
        text.append(", \"source\": \"popularity\"");
      }
      if (item.because() != null) {
        appendShares(text, item.because());
      }
      text.append('}');
    }
    text.append("]}\n");
  }

  private static void appendShares(StringBuilder text, List<Share> because) {
    text.append(", \"because\": [");
    for (int place = 0; place < because.size(); place++) {
      Share share = because.get(place);
      text.append(place == 0 ? "{\"item_id\": " : ", {\"item_id\": ");
      appendString(text, share.itemId());
      text.append(", \"share\": ");
      appendNumber(text, share.share());
      text.append('}');
    }
    text.append(']');
  }

  /** Appends a string in its quotes: RFC 8785, section 3.2.2.2. */
  public static void appendString(StringBuilder text, String value) {
    text.append('"');
    int begin = 0; // of what is copied as it is
    for (int at = 0; at < value.length(); at++) {
      char c = value.charAt(at);
      if (c >= ' ' && c != '"' && c != '\\') {
        continue;
      }
      text.append(value, begin, at);
      begin = at + 1;
      int which = "\b\t\n\f\r\"\\".indexOf(c);
      if (which >= 0) {
        text.append('\\').append("btnfr\"\\".charAt(which));
      } else {
        text.append(c < 16 ? "\\u000" : "\\u00").append(Integer.toHexString(c));
      }
    }
    text.append(value, begin, value.length()).append('"');
  }

  /** Appends a finite number: RFC 8785, section 3.2.2.3. */
  public static void appendNumber(StringBuilder text, double value) {
    if (value < 0) {
      text.append('-');
    }
    long integer = (long) value;
    if (integer == value && Math.abs(integer) < 1L << 53) {
      text.append(Math.abs(integer));
      return;
    }
    Decimal decimal = Decimal.shortest(Math.abs(value));
    String digits = Long.toString(decimal.digits());
    int length = digits.length();
    int point = length + decimal.exponent(); // digits before it
    if (point > 21 || point <= -6) {
      text.append(digits.charAt(0));
      if (length > 1) {
        text.append('.').append(digits, 1, length);
      }
      text.append(point > 0 ? "e+" : "e-").append(Math.abs(point - 1));
    } else if (point <= 0) {
      text.append("0.").append("00000", 0, -point).append(digits);
    } else if (point < length) {
      text.append(digits, 0, point).append('.').append(digits, point, length);
    } else {
      text.append(digits).append("00000000000000000000", 0, point - length);
    }
  }
}

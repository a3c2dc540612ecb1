package org.mlcore;

import java.time.DateTimeException;
import java.time.LocalDateTime;
import java.time.ZoneOffset;

/** Moments, in microseconds since 1970 UTC. */
final class Times {
  private static final long FIRST = -62_135_596_800_000_000L; // of the year 1
  private static final long LAST = 253_402_300_799_999_999L; // of the year 9999

  private Times() {}

  static boolean isMoment(long time) {
    return FIRST <= time && time <= LAST;
  }

  static boolean isMomentOrNone(long time) {
    return time == Event.NO_TIME || isMoment(time);
  }

  /** Returns the moment of a text YYYY-MM-DDTHH:MM:SS.ffffffZ, and NO_TIME for any other. */
  static long parse(String text) {
    String form = "0000-00-00T00:00:00.000000Z";
    if (text.length() != form.length()) {
      return Event.NO_TIME;
    }
    for (int at = 0; at < form.length(); at++) {
      char c = text.charAt(at);
      if (form.charAt(at) == '0' ? c < '0' || c > '9' : c != form.charAt(at)) {
        return Event.NO_TIME;
      }
    }
    try {
      LocalDateTime moment =
          LocalDateTime.of(
              part(text, 0, 4),
              part(text, 5, 7),
              part(text, 8, 10),
              part(text, 11, 13),
              part(text, 14, 16),
              part(text, 17, 19));
      long time = 1_000_000 * moment.toEpochSecond(ZoneOffset.UTC) + part(text, 20, 26);
      return isMoment(time) ? time : Event.NO_TIME;
    } catch (DateTimeException e) {
      return Event.NO_TIME;
    }
  }

  private static int part(String text, int from, int to) {
    return Integer.parseInt(text.substring(from, to));
  }
}

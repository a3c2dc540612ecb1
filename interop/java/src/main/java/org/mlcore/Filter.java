package org.mlcore;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What a list may hold, by the catalogue of the model. All conditions hold together. A column that
 * the catalogue lacks is refused, a value that it lacks is passed over.
 *
 * <pre>{@code
 * Filter.NONE.anyOf("brand", List.of("x", "y")).atMost("kind", 2)
 * }</pre>
 *
 * @param anyOf for some columns the values of which an item must have one
 * @param noneOf for some columns the values of which an item must have none
 * @param availableAt when an item must be there, in microseconds since 1970 UTC, or {@link
 *     Event#NO_TIME}
 * @param atMost for some columns how many items of a list may have the same value
 */
public record Filter(
    Map<String, List<String>> anyOf,
    Map<String, List<String>> noneOf,
    long availableAt,
    Map<String, Integer> atMost) {
  /** A filter that all items pass. */
  public static final Filter NONE = new Filter(Map.of(), Map.of(), Event.NO_TIME, Map.of());

  /** Makes a filter; the collections are copied. */
  public Filter {
    anyOf = copy(anyOf);
    noneOf = copy(noneOf);
    atMost = Collections.unmodifiableMap(new TreeMap<>(atMost));
  }

  // Sorted, so that a faulty catalogue gives the same answer each time.
  private static Map<String, List<String>> copy(Map<String, List<String>> lists) {
    Map<String, List<String>> copied = new TreeMap<>();
    for (Map.Entry<String, List<String>> entry : lists.entrySet()) {
      copied.put(entry.getKey(), List.copyOf(entry.getValue()));
    }
    return Collections.unmodifiableMap(copied);
  }

  /** Returns this filter with a column of which an item must have one of some values. */
  public Filter anyOf(String column, List<String> values) {
    return new Filter(with(anyOf, column, values), noneOf, availableAt, atMost);
  }

  /** Returns this filter with a column of which an item must have none of some values. */
  public Filter noneOf(String column, List<String> values) {
    return new Filter(anyOf, with(noneOf, column, values), availableAt, atMost);
  }

  /** Returns this filter with a moment when items must be there. */
  public Filter availableAt(long microseconds) {
    return new Filter(anyOf, noneOf, microseconds, atMost);
  }

  /** Returns this filter with a column of which a list may hold each value so many times. */
  public Filter atMost(String column, int items) {
    return new Filter(anyOf, noneOf, availableAt, with(atMost, column, items));
  }

  private static <T> Map<String, T> with(Map<String, T> map, String key, T value) {
    Map<String, T> changed = new TreeMap<>(map);
    changed.put(key, value);
    return changed;
  }
}

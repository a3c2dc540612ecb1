package org.mlcore;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** The catalogue of a model, and filters by it: [ATT-1] to [ATT-5] of SPEC.md. */
final class Catalogue {
  private final ModelFiles files;
  private final long items;
  final IdMap columns;
  final IdMap values;
  private final Bytes codes;
  private final Set<Long> soundColumns = ConcurrentHashMap.newKeySet();
  private volatile boolean areTimesSound;
  private final Bytes from; // null without availability.npz, like until
  private final Bytes until;

  Catalogue(ModelFiles files) {
    this.files = files;
    Manifest manifest = files.manifest;
    items = manifest.items;
    columns =
        new IdMap(files.content(Manifest.COLUMNS), files.place(Manifest.COLUMNS), manifest.columns);
    values =
        new IdMap(files.content(Manifest.VALUES), files.place(Manifest.VALUES), manifest.values);
    codes = files.arrays(Manifest.ATTRIBUTES).get(0);
    boolean isTimed = manifest.lists(Manifest.AVAILABILITY);
    List<Bytes> times = isTimed ? files.arrays(Manifest.AVAILABILITY) : null;
    from = isTimed ? times.get(0) : null;
    until = isTimed ? times.get(1) : null;
  }

  /**
   * Refuses a column that a filter names, which begins at an element; it is checked whole, once.
   */
  private long expectSound(long column) {
    if (!soundColumns.contains(column)) {
      for (int item = 0; item < items; item++) {
        code(column, item);
      }
      soundColumns.add(column);
    }
    return column;
  }

  /** Likewise the times. */
  private void expectSoundTimes() {
    for (int item = 0; !areTimesSound && item < items; item++) {
      time(from, item);
      time(until, item);
    }
    areTimesSound = true;
  }

  private boolean isCode(int code) {
    return code >= -1 && code < values.count();
  }

  /**
   * Returns the code of an item in a column, which begins at an element, once it was found sound.
   */
  private int code(long column, int item) {
    int code = codes.getInt(column + item);
    if (!isCode(code)) {
      throw refuse(Manifest.ATTRIBUTES, column + item, "-1 to " + (values.count() - 1L), code);
    }
    return code;
  }

  private long time(Bytes times, long item) {
    long time = times.getLong(item);
    if (!Times.isMomentOrNone(time)) {
      throw refuse(Manifest.AVAILABILITY, item, "a time of the years 1 to 9999, or -2^63", time);
    }
    return time;
  }

  private ModelException refuse(String file, long element, String expected, long got) {
    return ModelException.of(
        Verdict.CSR, files.place(file), "element " + element, expected, "" + got);
  }

  /** Checks [ATT-3]. */
  void verify() {
    columns.parse();
    values.parse();
    for (long column = 0; column < codes.size() / 4; column += items) {
      for (int item = 0; item < items; item++) {
        code(column, item);
      }
    }
    for (int item = 0; from != null && item < items; item++) {
      time(from, item);
      time(until, item);
    }
  }

  /** A column of any_of or none_of. */
  private record Condition(long column, int[] listed, boolean isAnyOf) {}

  /** A column of at_most. */
  record Cap(long column, int most) {}

  /** A filter with codes in place of values. */
  final class Gate {
    private final List<Condition> conditions = new ArrayList<>();
    private final long moment;
    final List<Cap> caps = new ArrayList<>();

    private Gate(Filter filter) {
      // All columns first: whether the request is good is known before the values are looked at.
      filter.anyOf().keySet().forEach(name -> column("any_of", name));
      filter.noneOf().keySet().forEach(name -> column("none_of", name));
      filter.atMost().keySet().forEach(name -> column("at_most", name));
      columns.parse();
      values.parse();
      addConditions("any_of", filter.anyOf(), true);
      addConditions("none_of", filter.noneOf(), false);
      moment = filter.availableAt();
      if (moment != Event.NO_TIME) {
        expectSoundTimes();
      }
      for (Map.Entry<String, Integer> entry : filter.atMost().entrySet()) {
        long column = expectSound(column("at_most", entry.getKey()));
        caps.add(new Cap(column, entry.getValue()));
      }
    }

    private void addConditions(String key, Map<String, List<String>> lists, boolean isAnyOf) {
      for (Map.Entry<String, List<String>> entry : lists.entrySet()) {
        long column = expectSound(column(key, entry.getKey()));
        int[] listed = positions(values.parse(), entry.getValue());
        conditions.add(new Condition(column, listed, isAnyOf));
      }
    }

    /** Returns whether an item passes: [ATT-5]. */
    boolean admits(int item) {
      for (Condition condition : conditions) {
        int code = code(condition.column(), item);
        if (Arrays.binarySearch(condition.listed(), code) >= 0 != condition.isAnyOf()) {
          return false;
        }
      }
      if (moment == Event.NO_TIME) {
        return true;
      }
      long begin = time(from, item);
      long end = time(until, item);
      return begin <= moment && (end == Event.NO_TIME || moment < end);
    }

    /** Returns the code of an item in the column of a cap. */
    int group(Cap cap, int item) {
      return code(cap.column(), item);
    }
  }

  /** Returns a filter for this catalogue, or null for one that changes nothing: [ATT-4]. */
  static Gate gate(Catalogue catalogue, Filter filter) {
    for (Map.Entry<String, Integer> entry : filter.atMost().entrySet()) {
      if (entry.getValue() < 1) {
        throw ModelException.request(
            "filter: at_most: " + entry.getKey(), "an integer above 0", "" + entry.getValue());
      }
    }
    if (!Times.isMomentOrNone(filter.availableAt())) {
      throw ModelException.request(
          "filter: available_at", "a time of the years 1 to 9999", "" + filter.availableAt());
    }
    if (filter.equals(Filter.NONE)) {
      return null;
    }
    if (catalogue == null) {
      throw ModelException.request("filter", "a model with attributes", "one without");
    }
    if (filter.availableAt() != Event.NO_TIME && catalogue.from == null) {
      throw ModelException.request(
          "filter: available_at", "a model with times of its items", "one without");
    }
    return catalogue.new Gate(filter);
  }

  /** Returns where the codes of a column begin. */
  private long column(String key, String name) {
    int position = columns.parse().position(name);
    if (position < 0) {
      throw ModelException.request("filter: " + key, "a column of the model", Json.show(name));
    }
    return position * items;
  }

  /** Returns the positions of the ids that there are, ascending, each once. */
  static int[] positions(IdMap.Parsed map, List<String> ids) {
    int[] found = new int[ids.size()];
    int count = 0;
    for (String id : ids) {
      int position = map.position(id);
      if (position >= 0) {
        found[count++] = position;
      }
    }
    Arrays.sort(found, 0, count);
    int distinct = 0;
    for (int at = 0; at < count; at++) {
      if (at == 0 || found[at] != found[at - 1]) {
        found[distinct++] = found[at];
      }
    }
    return Arrays.copyOf(found, distinct);
  }
}

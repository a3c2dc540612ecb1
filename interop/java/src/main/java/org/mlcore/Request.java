package org.mlcore;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A request as the conformance suite and the commands write it: one JSON object a line. */
final class Request {
  private static final String EVENT = "an array of arrays of id, weight and, perhaps, time";

  private final Map<String, Object> members;

  /** The id, or null if it cannot be read. */
  final String id;

  String user; // one of these three
  String item;
  private List<Event> history;
  private int n;
  Options options = Options.DEFAULT;

  private ModelException fault; // null unless the request is malformed

  private Request(Map<String, Object> members) {
    this.members = members;
    id = members.get("id") instanceof String ? (String) members.get("id") : null;
  }

  /** Reads a line, whatever stands in it: a fault is thrown by {@link #answer}. */
  static Request parse(byte[] line) {
    Object value;
    try {
      value = Json.parse(line);
    } catch (Json.Malformed e) {
      return malformed(e.getMessage());
    }
    return of(value);
  }

  /** Likewise for a text. */
  static Request parse(String line) {
    Object value;
    try {
      value = Json.parse(line);
    } catch (Json.Malformed e) {
      return malformed(e.getMessage());
    }
    return of(value);
  }

  private static Request malformed(String got) {
    Request request = new Request(Map.of());
    request.fault = ModelException.request("", "a JSON object", got).at(Stage.PREDICT);
    return request;
  }

  private static Request of(Object value) {
    if (Json.object(value) == null) {
      return malformed(Json.show(value));
    }
    Request request = new Request(Json.object(value));
    try {
      request.read();
    } catch (ModelException e) {
      request.fault = e.at(Stage.PREDICT);
    }
    return request;
  }

  /** Returns the list, or throws the fault. */
  List<Recommendation> answer(Model model) {
    if (fault != null) {
      throw fault;
    }
    return model.answer(user, item, history == null ? List.of() : history, n, options);
  }

  private void read() {
    text(members, "id", true);
    user = text(members, "user", false);
    item = text(members, "item", false);
    history = history();
    if ((user == null ? 0 : 1) + (item == null ? 0 : 1) + (history == null ? 0 : 1) != 1) {
      throw ModelException.request("", "exactly one of user, item and history", "another number");
    }
    n = count(members.get("n"), "n");
    String weights = text(members, "weights", false);
    if (weights != null && !weights.equals("events") && !weights.equals("final")) {
      throw refuse("weights", "\"events\" or \"final\"", weights);
    }
    List<String> exclude = strings(members, "exclude");
    options =
        new Options(
            strings(members, "include"),
            exclude == null ? List.of() : exclude,
            flag("include_seen"),
            flag("fill"),
            flag("explain"),
            members.containsKey("filter") ? filter(object(members, "filter")) : Filter.NONE,
            "final".equals(weights),
            members.containsKey("now") ? time(members.get("now"), "now") : Event.NO_TIME);
  }

  private static ModelException refuse(String name, String expected, Object got) {
    return ModelException.request(name, expected, Json.show(got));
  }

  private static String text(Map<String, Object> object, String key, boolean isNeeded) {
    Object value = object.get(key);
    if (value == null && !isNeeded) {
      return null;
    }
    if (!(value instanceof String)) {
      throw refuse(key, "a string", value);
    }
    return (String) value;
  }

  private static Map<String, Object> object(Map<String, Object> object, String key) {
    Map<String, Object> value = Json.object(object.get(key));
    if (value == null) {
      throw refuse(key, "an object", object.get(key));
    }
    return value;
  }

  /** Returns a list, or null for a missing one. */
  private static List<String> strings(Map<String, Object> object, String key) {
    if (!object.containsKey(key)) {
      return null;
    }
    List<Object> values = Json.array(object.get(key));
    if (values == null) {
      throw refuse(key, "an array of strings", object.get(key));
    }
    List<String> strings = new ArrayList<>(values.size());
    for (Object value : values) {
      if (!(value instanceof String)) {
        throw refuse(key, "an array of strings", value);
      }
      strings.add((String) value);
    }
    return strings;
  }

  private boolean flag(String key) {
    Object value = members.get(key);
    if (value != null && !(value instanceof Boolean)) {
      throw refuse(key, "true or false", value);
    }
    return Boolean.TRUE.equals(value);
  }

  private static int count(Object value, String name) {
    long integer = value instanceof Json.Number ? ((Json.Number) value).integer() : 0;
    if (integer < 1 || integer > Integer.MAX_VALUE) {
      throw refuse(name, "an integer from 1 to 2147483647", value);
    }
    return (int) integer;
  }

  private static long time(Object value, String name) {
    long time = value instanceof Json.Number ? ((Json.Number) value).integer() : Json.NO_INTEGER;
    if (!Times.isMoment(time)) {
      throw refuse(name, "microseconds of the years 1 to 9999", value);
    }
    return time;
  }

  private List<Event> history() {
    if (!members.containsKey("history")) {
      return null;
    }
    List<Object> values = Json.array(members.get("history"));
    if (values == null) {
      throw refuse("history", EVENT, members.get("history"));
    }
    List<Event> events = new ArrayList<>(values.size());
    for (Object value : values) {
      List<Object> parts = Json.array(value);
      if (parts == null
          || parts.size() < 2
          || parts.size() > 3
          || !(parts.get(0) instanceof String)
          || !(parts.get(1) instanceof Json.Number)) {
        throw refuse("history", EVENT, value);
      }
      double weight = ((Json.Number) parts.get(1)).real();
      long time = parts.size() == 3 ? time(parts.get(2), "history: time") : Event.NO_TIME;
      events.add(new Event((String) parts.get(0), weight, time));
    }
    return events;
  }

  private static Filter filter(Map<String, Object> object) {
    Map<String, List<String>> anyOf = Map.of();
    Map<String, List<String>> noneOf = Map.of();
    Map<String, Integer> atMost = new LinkedHashMap<>();
    long availableAt = Event.NO_TIME;
    for (Map.Entry<String, Object> entry : object.entrySet()) {
      String key = entry.getKey();
      switch (key) {
        case "any_of":
          anyOf = lists(object(object, key));
          break;
        case "none_of":
          noneOf = lists(object(object, key));
          break;
        case "available_at":
          availableAt = time(entry.getValue(), "filter: available_at");
          break;
        case "at_most":
          Map<String, Object> caps = object(object, key);
          for (Map.Entry<String, Object> cap : caps.entrySet()) {
            atMost.put(cap.getKey(), count(cap.getValue(), "filter: at_most"));
          }
          break;
        default:
          throw refuse("filter", "any_of, none_of, available_at and at_most", key);
      }
    }
    return new Filter(anyOf, noneOf, availableAt, atMost);
  }

  private static Map<String, List<String>> lists(Map<String, Object> object) {
    Map<String, List<String>> lists = new LinkedHashMap<>();
    for (String column : object.keySet()) {
      lists.put(column, strings(object, column));
    }
    return lists;
  }
}

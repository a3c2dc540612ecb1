package org.mlcore;

import java.util.List;
import java.util.Map;
import java.util.Set;

/** The members of an object in a JSON file of the model, taken out with the checks they need. */
final class Fields {
  private final Map<String, Object> members;
  private final String place;
  private final String path; // of the object in the file, with a colon behind each key

  private Fields(Map<String, Object> members, String place, String path) {
    this.members = members;
    this.place = place;
    this.path = path;
  }

  /** Reads a file that must hold one object: [MAN-1] and [MAN-2]. */
  static Fields parse(byte[] text, String place) {
    Object value;
    try {
      value = Json.parse(text);
    } catch (Json.Malformed e) {
      throw ModelException.of(Verdict.MANIFEST, place, "", "a JSON object", e.getMessage());
    }
    if (Json.object(value) == null) {
      throw ModelException.of(Verdict.MANIFEST, place, "", "a JSON object", Json.show(value));
    }
    return new Fields(Json.object(value), place, "");
  }

  ModelException refuse(String key, String expected, Object got) {
    return refuse(Verdict.MANIFEST, key, expected, got);
  }

  ModelException refuse(Verdict verdict, String key, String expected, Object got) {
    String name = path + key;
    if (name.endsWith(": ")) {
      name = name.substring(0, name.length() - 2);
    }
    return ModelException.of(verdict, place, name, expected, Json.show(got));
  }

  Set<String> keys() {
    return members.keySet();
  }

  Object value(String key) {
    return members.get(key);
  }

  Fields object(String key) {
    Map<String, Object> object = Json.object(value(key));
    if (object == null) {
      throw refuse(key, "an object", value(key));
    }
    return new Fields(object, place, path + key + ": ");
  }

  List<Object> array(String key) {
    List<Object> array = Json.array(value(key));
    if (array == null) {
      throw refuse(key, "an array", value(key));
    }
    return array;
  }

  String text(String key) {
    if (!(value(key) instanceof String)) {
      throw refuse(key, "a string", value(key));
    }
    return (String) value(key);
  }

  /** Returns a string that is one of some; another one is of a later version. */
  String word(String key, List<String> words) {
    String word = text(key);
    if (!words.contains(word)) {
      throw refuse(Verdict.VERSION, key, "one of " + String.join(", ", words), word);
    }
    return word;
  }

  String sha256(String key) {
    String digits = text(key);
    boolean isGood = digits.length() == 64;
    for (int at = 0; at < digits.length(); at++) {
      isGood &= "0123456789abcdef".indexOf(digits.charAt(at)) >= 0;
    }
    if (!isGood) {
      throw refuse(key, "64 hexadecimal digits", digits);
    }
    return digits;
  }

  long integer(String key, long most) {
    Object value = value(key);
    long integer = value instanceof Json.Number ? ((Json.Number) value).integer() : -1;
    if (integer < 0 || integer > most) {
      throw refuse(key, "an integer from 0 to " + most, value);
    }
    return integer;
  }

  /** Returns a finite number that is above 0, or at least 0. */
  double real(String key, boolean mayBeZero) {
    Object value = value(key);
    double real = value instanceof Json.Number ? ((Json.Number) value).real() : -1;
    if (!(mayBeZero ? real >= 0 : real > 0) || Double.isInfinite(real)) {
      throw refuse(key, mayBeZero ? "a number of at least 0" : "a number above 0", value);
    }
    return real;
  }
}

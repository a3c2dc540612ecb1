package org.mlcore;

/**
 * Every refusal of this library; only the use of a closed model is an {@link
 * IllegalStateException}.
 *
 * <p>The message is {@code <place>: <name>: expected <rule>, got <value>}.
 */
public final class ModelException extends RuntimeException {
  private static final long serialVersionUID = 1;

  private final Verdict verdict;
  private final Stage stage;
  private final String place;
  private final String name;
  private final String expected;
  private final String got;

  private ModelException(
      Verdict verdict,
      Stage stage,
      String place,
      String name,
      String expected,
      String got,
      Throwable cause) {
    // A fault without a stage is on its way to the method that knows it, which throws a copy.
    super(message(place, name, expected, got), cause, true, stage != null);
    this.verdict = verdict;
    this.stage = stage;
    this.place = place;
    this.name = name;
    this.expected = expected;
    this.got = got;
  }

  static ModelException of(
      Verdict verdict, String place, String name, String expected, String got) {
    return new ModelException(verdict, null, place, name, expected, got, null);
  }

  static ModelException io(String place, String expected, String got, Throwable cause) {
    return new ModelException(Verdict.IO, null, place, "", expected, got, cause);
  }

  static ModelException request(String name, String expected, String got) {
    return of(Verdict.REQUEST, "", name, expected, got);
  }

  /** Returns a copy: the fault of an id map is kept, and thrown by every later request. */
  ModelException at(Stage found) {
    return new ModelException(verdict, found, place, name, expected, got, getCause());
  }

  private static String message(String place, String name, String expected, String got) {
    StringBuilder text = new StringBuilder();
    for (String part : new String[] {place, name}) {
      if (!part.isEmpty()) {
        text.append(part).append(": ");
      }
    }
    return text.append("expected ").append(expected).append(", got ").append(got).toString();
  }

  /** Returns what kind of fault it is. */
  public Verdict verdict() {
    return verdict;
  }

  /** Returns when it was found. */
  public Stage stage() {
    return stage;
  }

  /** Returns the file, perhaps with a line or an array; empty for a request. */
  public String place() {
    return place;
  }

  /** Returns what of the place, or of the request, is meant; perhaps empty. */
  public String name() {
    return name;
  }

  /** Returns the rule. */
  public String expected() {
    return expected;
  }

  /** Returns what was there instead. */
  public String got() {
    return got;
  }
}

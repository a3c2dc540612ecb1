package org.mlcore;

/** When a fault was found. */
public enum Stage {
  /** On {@link Model#open}. */
  OPEN("open"),
  /** On {@link Model#verify}. */
  VERIFY("verify"),
  /** While a request was answered. */
  PREDICT("predict");

  private final String word;

  Stage(String word) {
    this.word = word;
  }

  /** Returns the word as SPEC.md writes it. */
  @Override
  public String toString() {
    return word;
  }
}

package org.mlcore;

/** The word of a closed list that says what is wrong (section 1 of SPEC.md). */
public enum Verdict {
  /** A directory or file is missing, unreadable, or of another kind. */
  IO("io"),
  /** A format version or a required feature that is not known here. */
  VERSION("version"),
  /** {@code manifest.json} is malformed or contradicts itself. */
  MANIFEST("manifest"),
  /** A file has another size than the manifest says. */
  SIZE("size"),
  /** An {@code .npz} file is not of the one possible form. */
  CONTAINER("container"),
  /** An {@code .npy} header is not of the one possible form. */
  HEADER("header"),
  /** The values of arrays contradict each other. */
  CSR("csr"),
  /** An id map is malformed. */
  IDMAP("idmap"),
  /** SHA-256 or CRC-32 differs. */
  CHECKSUM("checksum"),
  /** A request names a user that the model does not have. */
  UNKNOWN_USER("unknown_user"),
  /** A request for similar items names an item that the model does not have. */
  UNKNOWN_ITEM("unknown_item"),
  /** A request is malformed. */
  REQUEST("request");

  private final String word;

  Verdict(String word) {
    this.word = word;
  }

  /** Returns the word as SPEC.md writes it. */
  @Override
  public String toString() {
    return word;
  }
}

package org.mlcore;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** The header of one array: section 6 of SPEC.md. */
final class Npy {
  private static final int MAX_HEADER_BYTES = 1024;
  private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0};

  private Npy() {}

  /** Returns the elements of a member that is the array the manifest announces. */
  static Bytes elements(Bytes member, Manifest.ArraySpec spec, String place) {
    byte[] head = new byte[(int) Math.min(member.size(), MAX_HEADER_BYTES)];
    member.copy(0, head, 0, head.length);
    if (head.length < 10 || !Arrays.equals(head, 0, MAGIC.length, MAGIC, 0, MAGIC.length)) {
      throw refuse(place, "", "the magic bytes of npy 1.0", "other bytes");
    }
    int size = 10 + (head[8] & 0xFF) + 256 * (head[9] & 0xFF);
    if (size % 64 != 0 || size > MAX_HEADER_BYTES) {
      throw refuse(place, "header size", "a multiple of 64 up to " + MAX_HEADER_BYTES, "" + size);
    }
    if (head.length < size) {
      throw refuse(place, "header", size + " bytes", "" + head.length);
    }
    // There is one text for each array, so it is made and compared; nothing has to be parsed.
    String text =
        "{'descr': '"
            + spec.type()
            + "', 'fortran_order': False, 'shape': ("
            + spec.length()
            + ",), }";
    byte[] expected = Arrays.copyOf(text.getBytes(StandardCharsets.US_ASCII), size - 10);
    Arrays.fill(expected, text.length(), expected.length, (byte) ' ');
    expected[expected.length - 1] = '\n';
    if (text.length() >= expected.length
        || !Arrays.equals(expected, 0, expected.length, head, 10, size)) {
      throw refuse(place, "header", text + " and spaces up to a line feed", "other bytes");
    }
    long bytes = spec.length() * spec.elementBytes(); // at most 2^56
    if (member.size() - size != bytes) {
      throw refuse(place, "", bytes + " bytes of data", "" + (member.size() - size));
    }
    return member.slice(size, bytes);
  }

  private static ModelException refuse(String place, String name, String expected, String got) {
    return ModelException.of(Verdict.HEADER, place, name, expected, got);
  }
}

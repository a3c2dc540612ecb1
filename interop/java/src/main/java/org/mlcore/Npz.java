package org.mlcore;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * An archive of arrays: section 5 of SPEC.md.
 *
 * <p>There is one form that it can have. So each header is written anew from what it says and
 * compared with the bytes that stand there: whatever is not allowed differs somewhere.
 */
final class Npz {
  private static final int ALIGNMENT = 64;
  private static final int LOCAL_SIZE = 30; // the fixed part of a local header
  private static final long ZIP64 = 0xFFFFFFFFL; // from here on, in a field of its own
  private static final int LARGEST_HEADER = 256; // names are short

  private record Member(String name, long offset, int crc, long size, long start) {}

  private final Bytes file;
  private final String place;
  private final List<Manifest.ArraySpec> specs;
  private final List<Member> members = new ArrayList<>();

  /** Reads all headers of the container. */
  Npz(Bytes file, List<Manifest.ArraySpec> specs, String place) {
    this.file = file;
    this.specs = specs;
    this.place = place;
    long offset = 0;
    for (Manifest.ArraySpec spec : specs) {
      Member member = readMember(spec.name() + ".npy", offset);
      members.add(member);
      offset = member.start() + member.size();
    }
    byte[] directory = directory(offset);
    if (file.size() - offset != directory.length || !standsAt(offset, directory)) {
      throw refuse(offset, "the central directory of exactly these members", "other bytes");
    }
  }

  private ModelException refuse(long offset, String expected, String got) {
    return ModelException.of(Verdict.CONTAINER, place, "byte " + offset, expected, got);
  }

  private boolean standsAt(long offset, byte[] expected) {
    byte[] found = new byte[(int) Math.min(expected.length, file.size() - offset)];
    file.copy(offset, found, 0, found.length);
    return Arrays.equals(found, expected);
  }

  private Member readMember(String name, long offset) {
    byte[] fixed = new byte[LOCAL_SIZE + name.length() + 12]; // with the size of a zip64 field
    if (file.size() - offset < fixed.length) {
      throw refuse(offset, "the member " + name, "the end of the file");
    }
    file.copy(offset, fixed, 0, fixed.length);
    ByteBuffer header = ByteBuffer.wrap(fixed).order(ByteOrder.LITTLE_ENDIAN);
    long size = header.getInt(22) & ZIP64;
    if (size == ZIP64) {
      size = header.getLong(fixed.length - 8);
    }
    int crc = header.getInt(14);
    byte[] expected = localHeader(name, offset, crc, size);
    if (!standsAt(offset, expected)) {
      throw refuse(
          offset, "the member " + name + ", stored and aligned to 64 bytes", "other bytes");
    }
    long start = offset + expected.length;
    if (size < 0 || size > file.size() - start) {
      String expectedSize = Long.toUnsignedString(size) + " bytes of " + name;
      throw refuse(offset, expectedSize, "" + (file.size() - start));
    }
    return new Member(name, offset, crc, size, start);
  }

  private static ByteBuffer room(int size) {
    return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static byte[] taken(ByteBuffer room) {
    return Arrays.copyOf(room.array(), room.position());
  }

  private static boolean isLarge(long value) {
    return Long.compareUnsigned(value, ZIP64) >= 0;
  }

  private static byte[] localHeader(String name, long offset, int crc, long size) {
    ByteBuffer zip64 = room(20);
    if (isLarge(size)) {
      zip64.putShort((short) 1).putShort((short) 16).putLong(size).putLong(size);
    }
    long unaligned = offset + LOCAL_SIZE + name.length() + zip64.position() + 6;
    int zeros = (int) (-unaligned & ALIGNMENT - 1);
    ByteBuffer header = room(LARGEST_HEADER).putInt(0x04034B50);
    putCommon(header, isLarge(size), crc, size, name, zip64.position() + 6 + zeros);
    header.put(name.getBytes(StandardCharsets.US_ASCII)).put(taken(zip64));
    header.putShort((short) 0xD935).putShort((short) (2 + zeros)).putShort((short) ALIGNMENT);
    return taken(header.put(new byte[zeros]));
  }

  /**
   * Puts what both headers of a member have, from the version needed to the length of the extra.
   */
  private static void putCommon(
      ByteBuffer header, boolean isZip64, int crc, long size, String name, int extra) {
    int shown = (int) (isLarge(size) ? ZIP64 : size);
    header.putShort((short) (isZip64 ? 45 : 20)).putShort((short) 0).putShort((short) 0);
    header.putShort((short) 0).putShort((short) 0x21).putInt(crc).putInt(shown).putInt(shown);
    header.putShort((short) name.length()).putShort((short) extra);
  }

  private static byte[] centralHeader(Member member) {
    ByteBuffer fields = room(24);
    if (isLarge(member.size())) {
      fields.putLong(member.size()).putLong(member.size());
    }
    if (isLarge(member.offset())) {
      fields.putLong(member.offset());
    }
    ByteBuffer extra = room(28);
    boolean isZip64 = fields.position() > 0;
    if (isZip64) {
      extra.putShort((short) 1).putShort((short) fields.position()).put(taken(fields));
    }
    ByteBuffer header = room(LARGEST_HEADER).putInt(0x02014B50);
    header.putShort((short) (0x0300 + (isZip64 ? 45 : 20)));
    putCommon(header, isZip64, member.crc(), member.size(), member.name(), extra.position());
    header.putShort((short) 0).putShort((short) 0).putShort((short) 0).putInt(0x81A40000);
    header.putInt((int) (isLarge(member.offset()) ? ZIP64 : member.offset()));
    header.put(member.name().getBytes(StandardCharsets.US_ASCII)).put(taken(extra));
    return taken(header);
  }

  /** Returns everything that follows the data of the last member. */
  private byte[] directory(long offset) {
    ByteBuffer all = room(LARGEST_HEADER * (members.size() + 1));
    for (Member member : members) {
      all.put(centralHeader(member));
    }
    int size = all.position();
    long count = members.size();
    if (isLarge(offset)) {
      all.putInt(0x06064B50).putLong(44).putShort((short) 0x032D).putShort((short) 45);
      all.putInt(0).putInt(0).putLong(count).putLong(count).putLong(size).putLong(offset);
      all.putInt(0x07064B50).putInt(0).putLong(offset + size).putInt(1);
    }
    all.putInt(0x06054B50).putShort((short) 0).putShort((short) 0);
    all.putShort((short) count).putShort((short) count).putInt(size);
    all.putInt((int) (isLarge(offset) ? ZIP64 : offset)).putShort((short) 0);
    return taken(all);
  }

  /** Returns the elements of each array. */
  List<Bytes> arrays() {
    List<Bytes> arrays = new ArrayList<>();
    for (int index = 0; index < members.size(); index++) {
      Member member = members.get(index);
      Bytes content = file.slice(member.start(), member.size());
      arrays.add(Npy.elements(content, specs.get(index), place + ": " + member.name()));
    }
    return arrays;
  }

  /** Checks [NPZ-8]. */
  void verify() {
    for (Member member : members) {
      int crc = file.slice(member.start(), member.size()).crc32();
      if (crc != member.crc()) {
        String expected = "CRC-32 " + Integer.toHexString(member.crc());
        throw ModelException.of(
            Verdict.CHECKSUM, place, member.name(), expected, Integer.toHexString(crc));
      }
    }
  }
}

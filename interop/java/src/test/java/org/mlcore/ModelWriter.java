package org.mlcore;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.zip.CRC32;

/** Writes model directories for tests, from SPEC.md alone: it shares no code with the reader. */
final class ModelWriter {
  /**
   * An array that ends in some bytes; before them there are zeros, which a sparse file need not
   * hold.
   */
  record Array(String name, String type, long length, byte[] end) {
    long bytes() {
      return length * (type.charAt(2) - '0');
    }
  }

  static Array array(String name, long... values) {
    ByteBuffer room = room(8 * values.length);
    for (long value : values) {
      room.putLong(value);
    }
    return new Array(name, "<i8", values.length, room.array());
  }

  static Array array(String name, double... values) {
    ByteBuffer room = room(8 * values.length);
    for (double value : values) {
      room.putDouble(value);
    }
    return new Array(name, "<f8", values.length, room.array());
  }

  static Array array(String name, int... values) {
    ByteBuffer room = room(4 * values.length);
    for (int value : values) {
      room.putInt(value);
    }
    return new Array(name, "<i4", values.length, room.array());
  }

  static Array array(String name, float... values) {
    ByteBuffer room = room(4 * values.length);
    for (float value : values) {
      room.putFloat(value);
    }
    return new Array(name, "<f4", values.length, room.array());
  }

  private static ByteBuffer room(int size) {
    return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Rows of a sparse matrix, as an archive has them. */
  static Array[] csr(List<? extends Map<Integer, Float>> rows) {
    long[] indptr = new long[rows.size() + 1];
    List<Integer> indices = new ArrayList<>();
    List<Float> data = new ArrayList<>();
    for (int row = 0; row < rows.size(); row++) {
      for (Map.Entry<Integer, Float> entry : new TreeMap<>(rows.get(row)).entrySet()) {
        indices.add(entry.getKey());
        data.add(entry.getValue());
      }
      indptr[row + 1] = indices.size();
    }
    float[] values = new float[data.size()];
    for (int entry = 0; entry < values.length; entry++) {
      values[entry] = data.get(entry);
    }
    int[] positions = indices.stream().mapToInt(Integer::intValue).toArray();
    return new Array[] {
      array("indptr", indptr), array("indices", positions), array("data", values)
    };
  }

  private final Path directory;
  private final Map<String, Long> counts = new LinkedHashMap<>();
  private final Map<String, String> files = new LinkedHashMap<>(); // entries of the manifest
  private String configSha256;
  String features = "";

  ModelWriter(Path directory) throws IOException {
    this.directory = Files.createDirectories(directory);
  }

  ModelWriter count(String name, long value) {
    counts.put(name, value);
    return this;
  }

  ModelWriter config(String text) throws Exception {
    Files.writeString(directory.resolve("config.json"), text);
    configSha256 = list("config.json", "");
    return this;
  }

  /** Writes ids that are in order. */
  ModelWriter ids(String file, List<String> ids) throws Exception {
    StringBuilder text = new StringBuilder("index,id\n");
    for (int index = 0; index < ids.size(); index++) {
      String id = ids.get(index);
      boolean isQuoted = id.contains(",") || id.contains("\"");
      text.append(index).append(',');
      text.append(isQuoted ? '"' + id.replace("\"", "\"\"") + '"' : id).append('\n');
    }
    Files.write(directory.resolve(file), text.toString().getBytes(StandardCharsets.UTF_8));
    list(file, "");
    return this;
  }

  ModelWriter npz(String file, Array... arrays) throws Exception {
    try (RandomAccessFile out = new RandomAccessFile(directory.resolve(file).toFile(), "rw")) {
      ByteArrayOutputStream central = new ByteArrayOutputStream();
      for (Array array : arrays) {
        member(out, central, array);
      }
      long offset = out.getFilePointer();
      out.write(central.toByteArray());
      ByteBuffer end = room(98);
      if (offset >= 0xFFFFFFFFL) {
        end.putInt(0x06064B50).putLong(44).putShort((short) 0x032D).putShort((short) 45);
        end.putLong(0).putLong(arrays.length).putLong(arrays.length).putLong(central.size());
        end.putLong(offset).putInt(0x07064B50).putInt(0).putLong(offset + central.size()).putInt(1);
      }
      end.putInt(0x06054B50).putInt(0).putShort((short) arrays.length);
      end.putShort((short) arrays.length).putInt(central.size());
      end.putInt((int) Math.min(offset, 0xFFFFFFFFL)).putShort((short) 0);
      out.write(end.array(), 0, end.position());
    }
    String specs =
        List.of(arrays).stream()
            .map(
                a ->
                    String.format(
                        "\"%s\": {\"dtype\": \"%s\", \"shape\": [%d]}",
                        a.name(), a.type(), a.length()))
            .collect(Collectors.joining(", "));
    list(file, ", \"arrays\": {" + specs + "}");
    return this;
  }

  private static void member(RandomAccessFile out, ByteArrayOutputStream central, Array array)
      throws IOException {
    String text =
        String.format(
            "{'descr': '%s', 'fortran_order': False, 'shape': (%d,), }",
            array.type(), array.length());
    byte[] header =
        String.format("\u0093NUMPY\u0001\0v\0%-117s\n", text).getBytes(StandardCharsets.ISO_8859_1);
    long size = header.length + array.bytes();
    CRC32 crc = new CRC32();
    crc.update(header);
    boolean isLarge = size >= 0xFFFFFFFFL;
    if (!isLarge) { // of larger ones nobody looks at it
      crc.update(new byte[(int) (array.bytes() - array.end().length)]);
      crc.update(array.end());
    }
    byte[] name = (array.name() + ".npy").getBytes(StandardCharsets.US_ASCII);
    long offset = out.getFilePointer();
    boolean isFar = offset >= 0xFFFFFFFFL;
    ByteBuffer fields = room(28); // of the central directory
    ByteBuffer extra = room(100);
    if (isLarge) {
      extra.putShort((short) 1).putShort((short) 16).putLong(size).putLong(size);
    }
    if (isLarge || isFar) {
      fields.putShort((short) 1).putShort((short) ((isLarge ? 16 : 0) + (isFar ? 8 : 0)));
    }
    if (isLarge) {
      fields.putLong(size).putLong(size);
    }
    if (isFar) {
      fields.putLong(offset);
    }
    int zeros = 0;
    while ((offset + 30 + name.length + extra.position() + 6 + zeros) % 64 != 0) {
      zeros++;
    }
    extra
        .putShort((short) 0xD935)
        .putShort((short) (2 + zeros))
        .putShort((short) 64)
        .put(new byte[zeros]);
    int shown = (int) Math.min(size, 0xFFFFFFFFL);
    ByteBuffer local = room(30).putInt(0x04034B50).putShort((short) (isLarge ? 45 : 20)).putInt(0);
    local
        .putShort((short) 0)
        .putShort((short) 0x21)
        .putInt((int) crc.getValue())
        .putInt(shown)
        .putInt(shown);
    local.putShort((short) name.length).putShort((short) extra.position());
    out.write(local.array());
    out.write(name);
    out.write(extra.array(), 0, extra.position());
    out.write(header);
    out.seek(out.getFilePointer() + array.bytes() - array.end().length);
    out.write(array.end());
    short version = (short) (isLarge || isFar ? 45 : 20);
    ByteBuffer entry =
        room(46).putInt(0x02014B50).putShort((short) (0x300 + version)).putShort(version);
    entry.putInt(0).putShort((short) 0).putShort((short) 0x21).putInt((int) crc.getValue());
    entry
        .putInt(shown)
        .putInt(shown)
        .putShort((short) name.length)
        .putShort((short) fields.position());
    entry.putShort((short) 0).putShort((short) 0).putShort((short) 0).putInt(0x81A40000);
    entry.putInt((int) Math.min(offset, 0xFFFFFFFFL));
    central.write(entry.array());
    central.write(name);
    central.write(fields.array(), 0, fields.position());
  }

  private String list(String file, String arrays) throws Exception {
    Path path = directory.resolve(file);
    // A sparse file is never verified.
    String sha256 = Files.size(path) > 1 << 30 ? "0".repeat(64) : sha256(Files.readAllBytes(path));
    files.put(
        file,
        String.format(
            "\"%s\": {\"bytes\": %d, \"sha256\": \"%s\"%s}",
            file, Files.size(path), sha256, arrays));
    return sha256;
  }

  static String sha256(byte[] bytes) throws Exception {
    StringBuilder text = new StringBuilder();
    for (byte b : MessageDigest.getInstance("SHA-256").digest(bytes)) {
      text.append(String.format("%02x", b));
    }
    return text.toString();
  }

  Path manifest() throws IOException {
    String numbers =
        counts.entrySet().stream()
            .map(entry -> "\"" + entry.getKey() + "\": " + entry.getValue())
            .collect(Collectors.joining(", "));
    String text =
        "{\"format\": \"mlcore-model\", \"format_version\": 1, \"required_features\": ["
            + features
            + "], \"producer\": {\"name\": \"test\", \"version\": \"1\"}, \"counts\": {"
            + numbers
            + "}, \"training\": {\"interactions_sha256\": \""
            + "0".repeat(64)
            + "\", \"config_sha256\": \""
            + configSha256
            + "\"}, \"files\": {"
            + String.join(", ", files.values())
            + "}}";
    Files.writeString(directory.resolve("manifest.json"), text);
    return directory;
  }
}

package org.mlcore;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What the conformance suite compares of an accepted model: digests of its arrays and ids. */
final class Digests {
  final Manifest manifest;
  final Map<String, String> arrays = new LinkedHashMap<>();
  final Map<String, String> ids = new LinkedHashMap<>();

  Digests(ModelFiles files) {
    manifest = files.manifest;
    for (String file : manifest.files.keySet()) {
      List<Manifest.ArraySpec> specs = manifest.arrays(file);
      for (int at = 0; at < specs.size(); at++) {
        arrays.put(file + "/" + specs.get(at).name(), sha256(files.arrays(file).get(at)));
      }
    }
  }

  void addIds(String file, IdMap map) {
    MessageDigest digest = newDigest();
    IdMap.Parsed parsed = map.parse();
    for (int index = 0; index < map.count(); index++) {
      byte[] id = parsed.bytes(index);
      for (int shift = 0; shift < 32; shift += 8) {
        digest.update((byte) (id.length >>> shift));
      }
      digest.update(id);
    }
    ids.put(file, hex(digest.digest()));
  }

  static String sha256(Bytes bytes) {
    MessageDigest digest = newDigest();
    bytes.digest(digest);
    return hex(digest.digest());
  }

  private static MessageDigest newDigest() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e); // every Java has it
    }
  }

  private static String hex(byte[] bytes) {
    StringBuilder text = new StringBuilder();
    for (byte b : bytes) {
      text.append(Character.forDigit(b >> 4 & 15, 16)).append(Character.forDigit(b & 15, 16));
    }
    return text.toString();
  }
}

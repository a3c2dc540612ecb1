package org.mlcore;

import java.util.BitSet;
import java.util.List;

/** The checks of every byte: what {@link Model#verify} does. */
final class Verifier {
  private Verifier() {}

  /** Checks a model; what it lacks is null. */
  static void verify(
      ModelFiles files,
      IdMap items,
      IdMap users,
      Matrix similarity,
      Matrix histories,
      Bytes order,
      HistoryRule rule,
      Catalogue catalogue) {
    verifyChecksums(files);
    HistoryRule.parseConfig(files);
    items.parse();
    if (users != null) {
      users.parse();
    }
    similarity.verify(true);
    verifyPopularity(files);
    if (rule != null) {
      rule.verify(files.manifest.items);
    }
    if (catalogue != null) {
      catalogue.verify();
    }
    if (histories != null) {
      histories.verify(false);
      if (order != null) {
        verifyOrder(files, histories, order);
      }
      verifyCounts(files, histories);
    }
  }

  private static void verifyChecksums(ModelFiles files) {
    for (Manifest.Entry entry : files.manifest.files.values()) {
      String found = Digests.sha256(files.content(entry.name()));
      if (!found.equals(entry.sha256())) {
        throw ModelException.of(
            Verdict.CHECKSUM, files.place(entry.name()), "sha256", entry.sha256(), found);
      }
      if (!files.manifest.arrays(entry.name()).isEmpty()) {
        files.archive(entry.name()).verify();
      }
    }
  }

  private static ModelException refuse(
      ModelFiles files, String file, String array, long element, String expected, String got) {
    String place = files.place(file) + ": " + array + ".npy";
    return ModelException.of(Verdict.CSR, place, "element " + element, expected, got);
  }

  /** Checks [POP-1] and [POP-3]. */
  private static void verifyPopularity(ModelFiles files) {
    List<Bytes> arrays = files.arrays(Manifest.POPULARITY);
    Manifest manifest = files.manifest;
    long sum = 0; // at most 2^31 items of at most 2^31 users each
    for (long item = 0; item < manifest.items; item++) {
      long count = arrays.get(0).getLong(item);
      if (count < 0 || count > manifest.users) {
        String expected = "0 to " + manifest.users + " users";
        throw refuse(files, Manifest.POPULARITY, "counts", item, expected, "" + count);
      }
      sum += count;
      double decayed = arrays.size() > 1 ? arrays.get(1).getDouble(item) : count;
      if (!HistoryRule.isNorm(decayed) || decayed > 0 != count > 0) {
        String expected = "a finite number above 0, or 0 without users";
        throw refuse(files, Manifest.POPULARITY, "decayed", item, expected, "" + decayed);
      }
    }
    if (sum != manifest.interactions) {
      String expected = "a sum of " + manifest.interactions;
      throw ModelException.of(
          Verdict.CSR, files.place(Manifest.POPULARITY), "counts", expected, "" + sum);
    }
  }

  /** Checks [ORD-3]. */
  private static void verifyOrder(ModelFiles files, Matrix histories, Bytes order) {
    BitSet taken = new BitSet();
    for (long user = 0; user < files.manifest.users; user++) {
      long begin = histories.begin(user);
      int length = histories.length(user);
      taken.clear();
      for (int at = 0; at < length; at++) {
        int position = order.getInt(begin + at);
        if (position < 1 || position > length || taken.get(position - 1)) {
          String expected = "each of 1 to " + length + " once in the history";
          throw refuse(files, Manifest.ORDER, "positions", begin + at, expected, "" + position);
        }
        taken.set(position - 1);
      }
    }
  }

  /** Checks [POP-2], after the histories have been found sound. */
  private static void verifyCounts(ModelFiles files, Matrix histories) {
    int[] found = new int[histories.columns];
    for (long entry = 0; entry < files.manifest.interactions; entry++) {
      found[histories.indices.getInt(entry)]++;
    }
    Bytes counts = files.arrays(Manifest.POPULARITY).get(0);
    for (int item = 0; item < found.length; item++) {
      if (counts.getLong(item) != found[item]) {
        String expected = found[item] + " users as in histories.npz";
        throw refuse(
            files, Manifest.POPULARITY, "counts", item, expected, "" + counts.getLong(item));
      }
    }
  }
}

package org.mlcore;

import java.util.List;

/**
 * How the events of a request become the weights of a history: as those of the training did.
 * Section 9 of SPEC.md, read from {@code config.json} and two archives.
 */
final class HistoryRule {
  private static final double MICROSECONDS_PER_DAY = 86_400_000_000.0;

  final String aggregate;
  final String weighting;
  final double halfLife; // in microseconds; 0 for none
  final long reference; // what now is by default
  final double k1;
  final String decay;
  final double halfLifeItems;
  private final Bytes norms; // null but for bm25
  private final Bytes factors; // null but for tf_idf and bm25
  private final ModelFiles files;

  /** Reads the rule of a model that must have one. */
  HistoryRule(ModelFiles files) {
    this.files = files;
    Fields config = parseConfig(files);
    aggregate = config.word("aggregate", List.of("sum", "max", "last", "count"));
    Fields how = config.object("weighting");
    weighting = how.word("name", List.of("none", "binary", "log", "tf_idf", "bm25"));
    if (how.value("half_life_days") == Json.NULL) {
      halfLife = 0;
      reference = 0;
    } else {
      halfLife = how.real("half_life_days", false) * MICROSECONDS_PER_DAY;
      reference = Times.parse(how.text("reference_time"));
      if (reference == Event.NO_TIME) {
        throw how.refuse(
            "reference_time", "YYYY-MM-DDTHH:MM:SS.ffffffZ", how.value("reference_time"));
      }
    }
    boolean isBm25 = weighting.equals("bm25");
    k1 = isBm25 ? how.real("k1", true) : 0;
    if (files.manifest.withOrder()) {
      Fields history = config.object("history_decay");
      decay = history.word("name", List.of("none", "quadratic", "exponential"));
      halfLifeItems = decay.equals("exponential") ? history.real("half_life_items", false) : 0;
    } else {
      decay = "none";
      halfLifeItems = 0;
    }
    norms = vector(how, Manifest.NORMS, isBm25);
    factors = vector(how, Manifest.FACTORS, isBm25 || weighting.equals("tf_idf"));
  }

  static Fields parseConfig(ModelFiles files) {
    Bytes content = files.content(Manifest.CONFIG);
    String place = files.place(Manifest.CONFIG);
    if (content.size() > Manifest.MAX_BYTES) {
      String expected = "at most " + Manifest.MAX_BYTES + " bytes";
      throw ModelException.of(Verdict.MANIFEST, place, "", expected, "" + content.size());
    }
    return Fields.parse(content.toArray(), place);
  }

  /** Returns the array of a file that is there if and only if the weighting needs it. */
  private Bytes vector(Fields how, String file, boolean isNeeded) {
    if (files.manifest.lists(file) != isNeeded) {
      throw how.refuse("name", "a weighting that agrees with the files of the model", weighting);
    }
    return isNeeded ? files.arrays(file).get(0) : null;
  }

  boolean usesOrder() {
    return !decay.equals("none");
  }

  /** Returns the weight of an item in a history of so many: [HIS-8] and [HIS-9]. */
  float weigh(int item, double x, double age, int length) {
    double weight = x;
    if (weighting.equals("log")) {
      weight = Portable.log1p(x);
    } else if (factors != null) {
      double factor = factors.getDouble(length - 1);
      if (!Double.isFinite(factor)) {
        throw refuse(Manifest.FACTORS, "finite numbers", factor);
      }
      if (norms != null) {
        double norm = norms.getDouble(item);
        if (!isNorm(norm)) {
          throw refuse(Manifest.NORMS, "finite numbers of at least 0", norm);
        }
        weight = (x * (k1 + 1)) / (x + norm);
      }
      weight = weight * factor;
    }
    float rounded = (float) weight;
    if (rounded == 0 && weight > 0 && age > 100) {
      rounded = Float.MIN_VALUE; // what is old is still seen
    }
    if (!(rounded > 0 && rounded <= Float.MAX_VALUE)) {
      throw ModelException.request(
          "history: weighting " + weighting, "a weight above 0 that f32 holds", "" + weight);
    }
    return rounded;
  }

  /** Returns the weight of the item at a place, from 1, of a history of so many: [ORD-5]. */
  float decay(float weight, int place, int length) {
    double factor;
    if (decay.equals("quadratic")) {
      double share = (double) place / (double) length;
      factor = share * share;
    } else {
      factor = Portable.exp2(-((double) (length - place) / halfLifeItems));
    }
    float decayed = (float) ((double) weight * factor);
    return decayed == 0 ? Float.MIN_VALUE : decayed;
  }

  static boolean isNorm(double value) {
    return value >= 0 && value <= Double.MAX_VALUE;
  }

  private ModelException refuse(String file, String expected, double got) {
    return ModelException.of(Verdict.CSR, files.place(file), "", expected, "" + got);
  }

  /** Checks [NRM-1]. */
  void verify(long items) {
    for (long item = 0; norms != null && item < items; item++) {
      if (!isNorm(norms.getDouble(item))) {
        throw refuse(Manifest.NORMS, "finite numbers of at least 0", norms.getDouble(item));
      }
    }
    for (long length = 0; factors != null && length < items; length++) {
      if (!Double.isFinite(factors.getDouble(length))) {
        throw refuse(Manifest.FACTORS, "finite numbers", factors.getDouble(length));
      }
    }
  }
}

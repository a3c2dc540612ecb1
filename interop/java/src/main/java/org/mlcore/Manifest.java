package org.mlcore;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What {@code manifest.json} says: section 3 of SPEC.md, and the arrays of section 4. */
final class Manifest {
  static final String NAME = "manifest.json";
  static final String CONFIG = "config.json";
  static final String ITEMS = "items.csv";
  static final String USERS = "users.csv";
  static final String SIMILARITY = "similarity.npz";
  static final String HISTORIES = "histories.npz";
  static final String POPULARITY = "popularity.npz";
  static final String NORMS = "item_norms.npz";
  static final String FACTORS = "length_factors.npz";
  static final String ORDER = "order.npz";
  static final String COLUMNS = "attribute_columns.csv";
  static final String VALUES = "attribute_values.csv";
  static final String ATTRIBUTES = "attributes.npz";
  static final String AVAILABILITY = "availability.npz";

  static final int MAX_BYTES = 1 << 20;
  private static final long MAX_AXIS = (1L << 31) - 2;
  private static final long MAX_ENTRIES = (1L << 53) - 1;

  private static final List<String> KNOWN_FEATURES =
      List.of("history_rule", "history_order", "item_attributes", "decayed_popularity");

  /** Files that a model may lack; none of them may be there without being listed. */
  static final List<String> OPTIONAL =
      List.of(USERS, HISTORIES, NORMS, FACTORS, ORDER, COLUMNS, VALUES, ATTRIBUTES, AVAILABILITY);

  /** The type and the length that an array must have. */
  record ArraySpec(String name, String type, long length) {
    int elementBytes() {
      return type.charAt(2) - '0';
    }
  }

  /** A file, its size and its digest. */
  record Entry(String name, long bytes, String sha256) {}

  final String producerName;
  final String producerVersion;
  final String interactionsSha256;
  final long users;
  final long items;
  final long interactions;
  final long pairs;
  final long columns;
  final long values;
  final Map<String, Entry> files = new LinkedHashMap<>(); // in the order of the text

  private final Set<String> features = new LinkedHashSet<>();

  /** Reads the bytes of a manifest; place is its path, for messages. */
  Manifest(byte[] text, String place) {
    Fields root = Fields.parse(text, place);
    if (!"mlcore-model".equals(root.value("format"))) {
      throw root.refuse("format", "\"mlcore-model\"", root.value("format"));
    }
    // Before anything else: a newer format may have changed all the rest.
    long version = root.integer("format_version", MAX_ENTRIES);
    if (version != 1) {
      throw ModelException.of(Verdict.VERSION, place, "format_version", "1", "" + version);
    }
    readFeatures(root, place);
    Fields producer = root.object("producer");
    producerName = producer.text("name");
    producerVersion = producer.text("version");
    Fields counts = root.object("counts");
    users = counts.integer("users", MAX_AXIS);
    items = counts.integer("items", MAX_AXIS);
    interactions = counts.integer("interactions", MAX_ENTRIES);
    pairs = counts.integer("pairs", MAX_ENTRIES);
    columns = withAttributes() ? counts.integer("attribute_columns", MAX_AXIS) : 0;
    values = withAttributes() ? counts.integer("attribute_values", MAX_AXIS) : 0;
    if (columns > MAX_ENTRIES / Math.max(items, 1)) {
      throw counts.refuse("attribute_columns", "at most 2^53 - 1 codes", columns);
    }
    Fields training = root.object("training");
    interactionsSha256 = training.sha256("interactions_sha256");
    String configSha256 = training.sha256("config_sha256");
    readFiles(root.object("files"));
    if (!files.get(CONFIG).sha256().equals(configSha256)) {
      throw training.refuse("config_sha256", "the sha256 of config.json", configSha256);
    }
  }

  private void readFeatures(Fields root, String place) {
    for (Object feature : root.array("required_features")) {
      if (!(feature instanceof String)) {
        throw root.refuse("required_features", "an array of strings", feature);
      }
      features.add((String) feature);
    }
    for (String feature : features) {
      if (!KNOWN_FEATURES.contains(feature)) {
        String known = "none but " + String.join(", ", KNOWN_FEATURES);
        throw ModelException.of(
            Verdict.VERSION, place, "required_features", known, Json.show(feature));
      }
    }
  }

  boolean withRule() {
    return features.contains("history_rule");
  }

  boolean withOrder() {
    return features.contains("history_order");
  }

  boolean withAttributes() {
    return features.contains("item_attributes");
  }

  boolean withDecayed() {
    return features.contains("decayed_popularity");
  }

  boolean withUsers() {
    return lists(USERS);
  }

  boolean lists(String file) {
    return files.containsKey(file);
  }

  private void readFiles(Fields object) {
    checkNames(object);
    for (String name : object.keys()) {
      Fields entry = object.object(name);
      long bytes = entry.integer("bytes", MAX_ENTRIES);
      String sha256 = entry.sha256("sha256");
      List<ArraySpec> specs = arrays(name);
      if (!specs.isEmpty()) {
        checkArrays(entry.object("arrays"), specs);
      }
      files.put(name, new Entry(name, bytes, sha256));
    }
  }

  /** Checks [MAN-12]; which files the rule has is known once its configuration is read. */
  private void checkNames(Fields object) {
    Set<String> names = object.keys();
    Set<String> must = new LinkedHashSet<>(List.of(CONFIG, ITEMS, SIMILARITY, POPULARITY));
    Set<String> may = new LinkedHashSet<>();
    if (names.contains(USERS) || names.contains(HISTORIES)) {
      must.add(USERS);
      must.add(HISTORIES);
    }
    if (withRule()) {
      may.add(NORMS);
      may.add(FACTORS);
    }
    if (withOrder()) {
      if (!withRule()) {
        throw object.refuse("", "history_rule beside history_order", null);
      }
      if (names.contains(HISTORIES)) {
        must.add(ORDER);
      }
    }
    if (withAttributes()) {
      must.addAll(List.of(COLUMNS, VALUES, ATTRIBUTES));
      may.add(AVAILABILITY);
    }
    for (String name : must) {
      if (!names.contains(name)) {
        throw object.refuse(name, "an object", null);
      }
    }
    for (String name : names) {
      if (!must.contains(name) && !may.contains(name)) {
        throw object.refuse("", "none but the files of the model", name);
      }
    }
  }

  private void checkArrays(Fields object, List<ArraySpec> specs) {
    if (object.keys().size() != specs.size()) {
      throw object.refuse("", specs.size() + " arrays", object.keys().size());
    }
    for (ArraySpec spec : specs) {
      Fields array = object.object(spec.name());
      List<Object> shape = array.array("shape");
      if (!spec.type().equals(array.value("dtype"))) {
        throw array.refuse("dtype", Json.show(spec.type()), array.value("dtype"));
      }
      if (shape.size() != 1
          || !(shape.get(0) instanceof Json.Number)
          || ((Json.Number) shape.get(0)).integer() != spec.length()) {
        String expected = "[" + spec.length() + "] by the counts";
        throw array.refuse("shape", expected, shape.size() == 1 ? shape.get(0) : shape);
      }
    }
  }

  /** Returns the arrays of a file in order; none for a file that is no {@code .npz}. */
  List<ArraySpec> arrays(String file) {
    switch (file) {
      case SIMILARITY:
        return csr(items, pairs);
      case HISTORIES:
        return csr(users, interactions);
      case POPULARITY:
        List<ArraySpec> specs = new ArrayList<>();
        specs.add(new ArraySpec("counts", "<i8", items));
        if (withDecayed()) {
          specs.add(new ArraySpec("decayed", "<f8", items));
        }
        return specs;
      case NORMS:
        return List.of(new ArraySpec("norms", "<f8", items));
      case FACTORS:
        return List.of(new ArraySpec("factors", "<f8", items));
      case ORDER:
        return List.of(new ArraySpec("positions", "<i4", interactions));
      case ATTRIBUTES:
        return List.of(new ArraySpec("codes", "<i4", columns * items));
      case AVAILABILITY:
        return List.of(new ArraySpec("from", "<i8", items), new ArraySpec("until", "<i8", items));
      default:
        return List.of();
    }
  }

  private static List<ArraySpec> csr(long rows, long entries) {
    return List.of(
        new ArraySpec("indptr", "<i8", rows + 1),
        new ArraySpec("indices", "<i4", entries),
        new ArraySpec("data", "<f4", entries));
  }
}

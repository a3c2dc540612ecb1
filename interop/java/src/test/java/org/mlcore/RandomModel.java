package org.mlcore;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.TreeSet;

/** Draws models, writes them, and draws requests for them. */
final class RandomModel {
  private static final String[] LETTERS = {"a", "b", "Z", "0", ",", "\"", " ", "é", "～", "😀"};
  private static final long DAY = 86_400_000_000L;

  private final Random random;

  RandomModel(long seed) {
    random = new Random(seed);
  }

  private boolean chance(double share) {
    return random.nextDouble() < share;
  }

  private <T> T pick(List<T> values) {
    return values.get(random.nextInt(values.size()));
  }

  private List<String> ids(int count) {
    TreeSet<String> ids =
        new TreeSet<>(
            (a, b) ->
                Arrays.compareUnsigned(
                    a.getBytes(StandardCharsets.UTF_8), b.getBytes(StandardCharsets.UTF_8)));
    while (ids.size() < count) {
      StringBuilder id = new StringBuilder();
      for (int length = 1 + random.nextInt(4); length > 0; length--) {
        id.append(LETTERS[random.nextInt(LETTERS.length)]);
      }
      ids.add(id.toString());
    }
    return new ArrayList<>(ids);
  }

  /** Draws a model and writes it to a directory. */
  Oracle write(Path directory) throws Exception {
    Oracle model = new Oracle();
    int numItems = random.nextInt(30);
    int numUsers = random.nextInt(8);
    model.items = ids(numItems);
    model.users = chance(0.8) ? ids(numUsers) : null;
    for (int item = 0; item < numItems; item++) {
      TreeMap<Integer, Float> row = new TreeMap<>();
      for (int other = 0; other < numItems; other++) {
        if (other != item && chance(0.4)) {
          // Few different values, so that there are ties.
          row.put(other, chance(0.7) ? (1 + random.nextInt(3)) / 4f : random.nextFloat() - 0.3f);
        }
      }
      row.values().removeIf(value -> value == 0);
      model.similarity.add(row);
    }
    long entries = 0;
    long[] counts = new long[numItems];
    for (int user = 0; user < numUsers; user++) {
      TreeMap<Integer, Float> row = new TreeMap<>();
      for (int item = 0; item < numItems; item++) {
        if (chance(0.2)) {
          row.put(item, 0.25f + random.nextInt(8) / 4f);
          counts[item]++;
          entries++;
        }
      }
      model.histories.add(row);
    }
    model.popularity = new double[numItems];
    for (int item = 0; item < numItems; item++) {
      model.popularity[item] = counts[item];
    }
    List<String> features = new ArrayList<>();
    ModelWriter writer = new ModelWriter(directory);
    writer.count("users", numUsers).count("items", numItems);
    writer.count("interactions", entries);
    writer.count("pairs", model.similarity.stream().mapToLong(Map::size).sum());
    writer.ids("items.csv", model.items);
    writer.npz("similarity.npz", ModelWriter.csr(model.similarity));
    if (chance(0.3)) {
      features.add("decayed_popularity");
      for (int item = 0; item < numItems; item++) {
        model.popularity[item] *= 0.5 + random.nextInt(3) / 8.0;
      }
      writer.npz(
          "popularity.npz",
          ModelWriter.array("counts", counts),
          ModelWriter.array("decayed", model.popularity));
    } else {
      writer.npz("popularity.npz", ModelWriter.array("counts", counts));
    }
    if (model.users != null) {
      writer.ids("users.csv", model.users);
      writer.npz("histories.npz", ModelWriter.csr(model.histories));
    }
    writer.config(chance(0.7) ? rule(model, features, writer) : "{}");
    if (chance(0.5)) {
      catalogue(model, features, writer);
    }
    Collections.shuffle(features, random);
    writer.features = features.isEmpty() ? "" : "\"" + String.join("\", \"", features) + "\"";
    writer.manifest();
    return model;
  }

  private String rule(Oracle model, List<String> features, ModelWriter writer) throws Exception {
    int numItems = model.items.size();
    features.add("history_rule");
    model.aggregate = pick(List.of("sum", "max", "last", "count"));
    model.weighting = pick(List.of("none", "binary", "log", "tf_idf", "bm25"));
    model.halfLifeDays = chance(0.5) ? pick(List.of(0.01, 3.0, 365.0, 1e300)) : 0;
    model.reference = 1_767_268_800_000_000L + random.nextInt(1_000_000);
    model.k1 = pick(List.of(0.0, 1.2, 3.0));
    if (model.weighting.equals("bm25")) {
      model.norms = random.doubles(numItems).toArray();
      writer.npz("item_norms.npz", ModelWriter.array("norms", model.norms));
    }
    if (model.weighting.equals("bm25") || model.weighting.equals("tf_idf")) {
      model.factors = random.doubles(numItems).map(value -> 0.1 + value).toArray();
      writer.npz("length_factors.npz", ModelWriter.array("factors", model.factors));
    }
    String instant =
        Instant.ofEpochSecond(model.reference / 1_000_000).toString().replace("Z", "")
            + String.format(".%06dZ", model.reference % 1_000_000);
    String text =
        String.format(
            "\"aggregate\": \"%s\", \"weighting\": {\"name\": \"%s\", \"half_life_days\": %s, "
                + "\"reference_time\": \"%s\", \"k1\": %s}",
            model.aggregate,
            model.weighting,
            model.halfLifeDays == 0 ? "null" : "" + model.halfLifeDays,
            instant,
            model.k1);
    if (chance(0.5)) {
      features.add("history_order");
      model.decay = pick(List.of("none", "quadratic", "exponential"));
      model.halfLifeItems = pick(List.of(0.5, 3.0));
      text +=
          String.format(
              ", \"history_decay\": {\"name\": \"%s\", \"half_life_items\": %s}",
              model.decay, model.halfLifeItems);
      List<Integer> all = new ArrayList<>();
      for (TreeMap<Integer, Float> row : model.histories) {
        List<Integer> places = new ArrayList<>();
        for (int place = 1; place <= row.size(); place++) {
          places.add(place);
        }
        Collections.shuffle(places, random);
        model.orders.add(places.stream().mapToInt(Integer::intValue).toArray());
        all.addAll(places);
      }
      if (model.users != null) {
        int[] positions = all.stream().mapToInt(Integer::intValue).toArray();
        writer.npz("order.npz", ModelWriter.array("positions", positions));
      }
    }
    return "{" + text + "}";
  }

  private void catalogue(Oracle model, List<String> features, ModelWriter writer) throws Exception {
    int numItems = model.items.size();
    features.add("item_attributes");
    model.columns = ids(random.nextInt(4));
    model.values = ids(random.nextInt(6));
    model.codes = new int[model.columns.size() * numItems];
    Arrays.setAll(model.codes, at -> random.nextInt(model.values.size() + 1) - 1);
    writer.count("attribute_columns", model.columns.size());
    writer.count("attribute_values", model.values.size());
    writer.ids("attribute_columns.csv", model.columns);
    writer.ids("attribute_values.csv", model.values);
    writer.npz("attributes.npz", ModelWriter.array("codes", model.codes));
    if (chance(0.6)) {
      model.from = new long[numItems];
      model.until = new long[numItems];
      Arrays.setAll(model.from, at -> chance(0.5) ? Event.NO_TIME : time());
      Arrays.setAll(model.until, at -> chance(0.5) ? Event.NO_TIME : time());
      writer.npz(
          "availability.npz",
          ModelWriter.array("from", model.from),
          ModelWriter.array("until", model.until));
    }
  }

  private long time() {
    return 1_767_268_800_000_000L - random.nextInt(20) * DAY / 2;
  }

  private List<String> some(List<String> ids) {
    List<String> some = new ArrayList<>(List.of("not there"));
    for (String id : ids) {
      if (chance(0.5)) {
        some.add(id);
      }
    }
    Collections.shuffle(some, random);
    return some;
  }

  Options options(Oracle model) {
    Filter filter = Filter.NONE;
    for (String column : model.columns == null ? List.<String>of() : model.columns) {
      filter = chance(0.2) ? filter.anyOf(column, some(model.values)) : filter;
      filter = chance(0.2) ? filter.noneOf(column, some(model.values)) : filter;
      filter = chance(0.3) ? filter.atMost(column, 1 + random.nextInt(3)) : filter;
    }
    filter = model.from != null && chance(0.3) ? filter.availableAt(time()) : filter;
    return new Options(
        chance(0.3) ? some(model.items) : null,
        chance(0.3) ? some(model.items) : List.of(),
        chance(0.3),
        chance(0.5),
        chance(0.5),
        filter,
        chance(0.2),
        chance(0.3) ? time() : Event.NO_TIME);
  }

  List<Event> events(Oracle model) {
    List<Event> events = new ArrayList<>();
    for (int count = random.nextInt(8); count > 0 && !model.items.isEmpty(); count--) {
      String item = chance(0.1) ? "not there" : pick(model.items);
      long time = chance(0.3) ? Event.NO_TIME : time();
      events.add(new Event(item, (1 + random.nextInt(6)) / 2.0, time));
    }
    return events;
  }

  int n() {
    return 1 + random.nextInt(chance(0.5) ? 4 : 40);
  }

  int index(int size) {
    return random.nextInt(size);
  }

  /** Changes, adds or takes away some bytes. */
  byte[] mutate(byte[] bytes) {
    byte[] changed = bytes.clone();
    for (int times = 1 + random.nextInt(3); times > 0 && changed.length > 0; times--) {
      int at = random.nextInt(changed.length);
      switch (random.nextInt(4)) {
        case 0:
          changed[at] ^= (byte) (1 << random.nextInt(8));
          break;
        case 1:
          changed[at] = (byte) random.nextInt(256);
          break;
        case 2:
          changed = Arrays.copyOf(changed, at);
          break;
        default:
          int end = Math.min(changed.length, at + 1 + random.nextInt(8));
          Arrays.fill(changed, at, end, (byte) (chance(0.5) ? 0xFF : 0));
      }
    }
    return changed;
  }
}

package org.mlcore;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.RandomAccessFile;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The library on models that the test makes. */
class ModelTest {
  @TempDir Path folder;

  private static void check(
      List<Oracle.Listed> expected, List<Recommendation> found, Oracle model) {
    assertEquals(expected.size(), found.size());
    for (int at = 0; at < expected.size(); at++) {
      Oracle.Listed wanted = expected.get(at);
      Recommendation got = found.get(at);
      assertEquals(wanted.item(), got.index());
      assertEquals(model.items.get(wanted.item()), got.itemId());
      assertEquals(
          Double.doubleToRawLongBits(wanted.score()), Double.doubleToRawLongBits(got.score()));
      assertEquals(wanted.filled(), got.filled());
      if (wanted.because() == null) {
        assertNull(got.because());
        continue;
      }
      List<Share> shares = new ArrayList<>();
      wanted
          .because()
          .forEach((item, share) -> shares.add(new Share(model.items.get(item), item, share)));
      assertEquals(shares, got.because());
      if (!got.filled()) {
        double sum = 0;
        for (Share share : got.because()) {
          sum += share.share();
        }
        assertEquals(got.score(), sum);
      }
    }
  }

  @Test
  void listsAreThoseOfThePseudocode() throws Exception {
    int refused = 0;
    int lists = 0;
    for (int seed = 0; seed < 150; seed++) {
      RandomModel random = new RandomModel(seed);
      Path directory = folder.resolve("m" + seed);
      Oracle oracle = random.write(directory);
      Model.Mode mode = seed % 2 == 0 ? Model.Mode.MAPPED : Model.Mode.READ;
      try (Model model = Model.open(directory, mode, seed % 2 == 0 ? 12 : 6)) {
        model.verify();
        for (int request = 0; request < 60; request++) {
          Options options = random.options(oracle);
          int n = random.n();
          if (oracle.users != null && !oracle.users.isEmpty()) {
            int user = random.index(oracle.users.size());
            check(
                oracle.recommend(oracle.historyOf(user), n, options),
                model.recommend(oracle.users.get(user), n, options),
                oracle);
          }
          if (!oracle.items.isEmpty()) {
            int item = random.index(oracle.items.size());
            TreeMap<Integer, Float> alone = new TreeMap<>(Map.of(item, 1f));
            check(
                oracle.recommend(alone, n, options),
                model.similar(oracle.items.get(item), n, options),
                oracle);
          }
          List<Event> events = random.events(oracle);
          TreeMap<Integer, Float> history =
              oracle.historyOf(events, options.finalWeights(), options.now());
          if (history == null) {
            refused++;
            assertRefused(Verdict.REQUEST, () -> model.recommendHistory(events, n, options));
          } else {
            lists++;
            check(
                oracle.recommend(history, n, options),
                model.recommendHistory(events, n, options),
                oracle);
          }
        }
      }
    }
    assertTrue(refused > 100 && lists > 5000, refused + " refused, " + lists + " lists");
  }

  private static ModelException assertRefused(Verdict verdict, Callable<?> call) {
    ModelException fault = assertThrows(ModelException.class, call::call);
    assertEquals(verdict, fault.verdict(), fault.getMessage());
    assertEquals(Stage.PREDICT, fault.stage());
    return fault;
  }

  @Test
  void mutatedModelsGiveListsOrVerdicts() throws Exception {
    int opened = 0;
    int refused = 0;
    for (int seed = 0; seed < 1500; seed++) {
      RandomModel random = new RandomModel(1000 + seed % 50);
      Path directory = folder.resolve("m" + seed % 50);
      Oracle oracle = random.write(directory);
      random = new RandomModel(seed);
      List<Path> files = new ArrayList<>();
      try (DirectoryStream<Path> all = Files.newDirectoryStream(directory)) {
        all.forEach(files::add);
      }
      files.sort(null);
      Path file = files.get(random.index(files.size()));
      byte[] mutated = random.mutate(Files.readAllBytes(file));
      Files.delete(file);
      Files.write(file, mutated);
      Model.Mode mode = seed % 2 == 0 ? Model.Mode.MAPPED : Model.Mode.READ;
      try (Model model = Model.open(directory, mode)) {
        opened++;
        for (int request = 0; request < 10; request++) {
          try {
            Options options = random.options(oracle);
            model.recommendHistory(random.events(oracle), random.n(), options);
            if (oracle.users != null) {
              model.recommend(oracle.users.get(0), random.n(), options);
            }
          } catch (ModelException | IndexOutOfBoundsException e) {
            // A verdict, or no user to ask for.
            assertFalse(e.getStackTrace()[0].getClassName().startsWith("java.nio"));
          }
        }
        model.verify();
      } catch (ModelException e) {
        refused++;
      }
      Files.delete(file);
    }
    assertTrue(opened > 300 && refused > 1000, opened + " opened, " + refused + " refused");
  }

  @Test
  void threadsGiveTheSameLists() throws Exception {
    RandomModel random = new RandomModel(4);
    Oracle oracle = random.write(folder);
    List<Options> options = new ArrayList<>();
    for (int at = 0; at < 50; at++) {
      options.add(random.options(oracle).fill(true));
    }
    ExecutorService pool = Executors.newFixedThreadPool(8);
    try (Model model = Model.open(folder);
        Model other = Model.open(folder, Model.Mode.READ)) {
      List<List<Recommendation>> expected = new ArrayList<>();
      for (Options one : options) {
        expected.add(other.similar(oracle.items.get(1), 20, one));
      }
      List<Future<?>> running = new ArrayList<>();
      for (int thread = 0; thread < 8; thread++) {
        running.add(
            pool.submit(
                () -> {
                  for (int at = 0; at < 20_000; at++) {
                    int which = at % options.size();
                    assertEquals(
                        expected.get(which),
                        model.similar(oracle.items.get(1), 20, options.get(which)));
                  }
                }));
      }
      for (Future<?> one : running) {
        one.get();
      }
    } finally {
      pool.shutdown();
    }
  }

  @Test
  void closedModelsGiveNothing() throws Exception {
    Oracle oracle = new RandomModel(4).write(folder);
    Model model = Model.open(folder);
    assertEquals(oracle.items.size(), model.numItems());
    model.close();
    model.close();
    assertThrows(IllegalStateException.class, model::verify);
    assertThrows(IllegalStateException.class, model::numItems);
    assertThrows(IllegalStateException.class, () -> model.recommend("u", 1));
    assertThrows(IllegalStateException.class, () -> model.recommendHistory(List.of(), 1));
    assertThrows(IllegalStateException.class, () -> model.similar("i", 1));
    assertEquals(folder, model.directory());
  }

  @Test
  void closingWhileListsAreMadeEndsThemWell() throws Exception {
    Oracle oracle = new RandomModel(4).write(folder);
    String item = oracle.items.get(1);
    ExecutorService pool = Executors.newFixedThreadPool(4);
    try {
      for (int round = 0; round < 50; round++) {
        Model model = Model.open(folder);
        List<Recommendation> expected = model.similar(item, 5);
        List<Future<?>> running = new ArrayList<>();
        for (int thread = 0; thread < 4; thread++) {
          running.add(
              pool.submit(
                  () -> {
                    try {
                      for (int at = 0; at < 1_000_000; at++) {
                        assertEquals(expected, model.similar(item, 5));
                      }
                    } catch (IllegalStateException e) {
                      return;
                    }
                  }));
        }
        model.close();
        for (Future<?> one : running) {
          one.get();
        }
      }
    } finally {
      pool.shutdown();
    }
  }

  /** A model of two items, whose arrays are larger than a page. */
  private void writeLarge() throws Exception {
    List<TreeMap<Integer, Float>> rows = new ArrayList<>();
    List<String> ids = new ArrayList<>();
    for (int item = 0; item < 4000; item++) {
      ids.add(String.format("%05d", item));
      rows.add(new TreeMap<>(Map.of((item + 1) % 4000, 1f + item)));
    }
    ModelWriter writer = new ModelWriter(folder);
    writer.count("users", 0).count("items", 4000).count("interactions", 0).count("pairs", 4000);
    writer.config("{}").ids("items.csv", ids);
    writer.npz("similarity.npz", ModelWriter.csr(rows));
    writer.npz("popularity.npz", ModelWriter.array("counts", new long[4000])).manifest();
  }

  @Test
  void truncatedFilesGiveNoWrongLists() throws Exception {
    writeLarge();
    for (long left : new long[] {60_000, 40_000, 4096, 100, 0}) {
      Path file = folder.resolve("similarity.npz");
      byte[] whole = Files.readAllBytes(file);
      Model model = Model.open(folder);
      Model read = Model.open(folder, Model.Mode.READ);
      for (int item = 0; item < 40_000; item++) { // compiled by then
        model.similar(String.format("%05d", item % 4000), 1);
      }
      try (RandomAccessFile opened = new RandomAccessFile(file.toFile(), "rw")) {
        opened.setLength(left);
      }
      for (int item = 0; item < 4000; item++) {
        String id = String.format("%05d", item);
        assertEquals(Verdict.IO, assertRefused(Verdict.IO, () -> model.similar(id, 1)).verdict());
        assertEquals(1.0 + item, read.similar(id, 1).get(0).score());
      }
      assertEquals(Verdict.IO, assertThrows(ModelException.class, model::verify).verdict());
      read.verify();
      Files.delete(file);
      Files.write(file, whole);
    }
  }

  @Test
  void filesTruncatedBeforeAnyRequestGiveAVerdict() throws Exception {
    writeLarge();
    Model model = Model.open(folder);
    for (String name : new String[] {"items.csv", "similarity.npz"}) {
      try (RandomAccessFile opened = new RandomAccessFile(folder.resolve(name).toFile(), "rw")) {
        opened.setLength(0);
      }
    }
    assertRefused(Verdict.IO, () -> model.similar("00000", 1));
    assertRefused(Verdict.IO, () -> model.similar("00000", 1));
  }

  @Test
  void archivesOfMoreThanFourGibibytesAreRead() throws Exception {
    // Three rows: one entry, a great many (never used), one entry at the very end.
    long pairs = (1L << 30) + 7;
    ModelWriter writer = new ModelWriter(folder);
    writer.count("users", 1).count("items", 3).count("interactions", 0).count("pairs", pairs);
    writer.config("{}").ids("items.csv", List.of("a", "b", "c"));
    writer.npz("popularity.npz", ModelWriter.array("counts", 0L, 0L, 0L));
    writer.npz(
        "similarity.npz",
        ModelWriter.array("indptr", 0L, 0L, pairs - 1, pairs),
        new ModelWriter.Array("indices", "<i4", pairs, new byte[] {1, 0, 0, 0}),
        new ModelWriter.Array("data", "<f4", pairs, new byte[] {0, 0, (byte) 0x80, 0x3F}));
    writer.manifest();
    assertTrue(Files.size(folder.resolve("similarity.npz")) > 8L << 30);
    for (int bits : new int[] {30, 26}) {
      try (Model model = Model.open(folder, Model.Mode.MAPPED, bits)) {
        assertEquals(List.of(new Recommendation("b", 1, 1, false, null)), model.similar("c", 9));
        assertEquals(List.of(), model.similar("a", 9));
        assertRefused(Verdict.CSR, () -> model.similar("b", 9));
      }
    }
  }

  @Test
  void requestsOfTheLibraryAreCheckedLikeThoseOfFiles() throws Exception {
    Oracle oracle = new RandomModel(4).write(folder);
    String item = oracle.items.get(1);
    try (Model model = Model.open(folder)) {
      assertRefused(Verdict.REQUEST, () -> model.similar(item, 0));
      assertRefused(
          Verdict.REQUEST, () -> model.similar(item, 1, Options.DEFAULT.now(Long.MAX_VALUE)));
      for (double weight : new double[] {0, -1, Double.NaN, Double.POSITIVE_INFINITY}) {
        assertRefused(
            Verdict.REQUEST, () -> model.recommendHistory(List.of(new Event(item, weight)), 1));
      }
      assertRefused(
          Verdict.REQUEST,
          () -> model.recommendHistory(List.of(new Event(item, 1, Long.MAX_VALUE)), 1));
      assertRefused(
          Verdict.REQUEST,
          () ->
              model.similar(
                  item, 1, Options.DEFAULT.filter(Filter.NONE.anyOf("no column", List.of()))));
      assertRefused(
          Verdict.REQUEST,
          () -> model.similar(item, 1, Options.DEFAULT.filter(Filter.NONE.atMost("no column", 0))));
      ModelException fault = assertRefused(Verdict.UNKNOWN_ITEM, () -> model.similar("?\ud800", 1));
      assertEquals("item: expected an item of the model, got \"?\ud800\"", fault.getMessage());
      assertEquals("item", fault.name());
      assertNotEquals(0, fault.getStackTrace().length);
    }
  }
}

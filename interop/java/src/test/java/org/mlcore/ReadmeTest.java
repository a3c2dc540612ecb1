package org.mlcore;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The examples of README.md, which stand here word for word. */
class ReadmeTest {
  private static void example() {
    try (Model model = Model.open(Path.of("../conformance/predict/good/model"))) {
      model.verify(); // once, for a directory from elsewhere
      for (Recommendation item : model.recommend("ann", 10)) {
        System.out.println(item.itemId() + " " + item.score());
      }
      List<Event> basket = List.of(new Event("apple", 1), new Event("bread", 2));
      Options options = Options.DEFAULT.fill(true).explain(true);
      List<Recommendation> items = model.recommendHistory(basket, 2, options);
      System.out.print(Text.prediction("basket", items));
    }
  }

  private static List<Recommendation> recommendAnyone(Model model, String user) {
    try {
      return model.recommend(user, 10);
    } catch (ModelException e) {
      if (e.verdict() == Verdict.UNKNOWN_USER) {
        return model.recommendHistory(List.of(), 10, Options.DEFAULT.fill(true));
      }
      throw e;
    }
  }

  @Test
  void examplesRun() {
    example();
    try (Model model = Model.open(Path.of("../conformance/predict/good/model"))) {
      List<Recommendation> popular = recommendAnyone(model, "nobody");
      assertTrue(!popular.isEmpty() && popular.get(0).filled());
      assertEquals(model.recommend("ann", 10), recommendAnyone(model, "ann"));
    }
  }

  @Test
  void examplesAreThoseOfTheReadme() throws Exception {
    String here = Files.readString(Path.of("src/test/java/org/mlcore/ReadmeTest.java"));
    String[] parts = Files.readString(Path.of("README.md")).split("```java\n");
    assertEquals(3, parts.length);
    for (int at = 1; at < parts.length; at++) {
      String example = parts[at].substring(0, parts[at].indexOf("```"));
      assertTrue(here.contains(example.indent(4)), example);
    }
  }
}

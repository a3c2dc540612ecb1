package org.mlcore;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Every case of the suite, each accepted model mapped, read, and cut into small segments. */
class SuiteTest {
  /** A way to have the bytes of a model, which must not matter. */
  private record Way(Model.Mode mode, int segmentBits) {}

  private static final List<Way> WAYS =
      List.of(
          new Way(Model.Mode.MAPPED, Bytes.SEGMENT_BITS),
          new Way(Model.Mode.READ, Bytes.SEGMENT_BITS),
          new Way(Model.Mode.MAPPED, 12),
          new Way(Model.Mode.READ, 6));

  @TestFactory
  Stream<DynamicTest> suite() throws Exception {
    List<DynamicTest> tests = new ArrayList<>();
    for (Map<String, Object> entry : Suite.cases()) {
      tests.add(DynamicTest.dynamicTest((String) entry.get("id"), () -> check(entry)));
    }
    assertTrue(tests.size() > 700);
    return tests.stream();
  }

  private static void check(Map<String, Object> entry) throws Exception {
    switch ((String) entry.get("kind")) {
      case "model":
        for (Way way : WAYS) {
          checkModel(entry, way);
        }
        break;
      case "predict":
        for (Way way : WAYS) {
          checkAnswers(entry, way);
        }
        break;
      default:
        for (byte[] line : Suite.lines(Suite.path(entry, "cases"))) {
          StringBuilder found = new StringBuilder();
          Adapter.format(found, line);
          Object expected = Json.object(Json.parse(line)).get("text");
          assertEquals(Map.of("text", expected), Suite.json(found));
        }
    }
  }

  private static void checkModel(Map<String, Object> entry, Way way) throws Exception {
    Path directory = Suite.path(entry, "model");
    if (entry.get("result").equals("accept")) {
      try (Model model = Model.open(directory, way.mode(), way.segmentBits())) {
        model.verify();
        Map<String, Object> expected = Json.object(Suite.json(Suite.path(entry, "expect")));
        assertEquals(expected.get("arrays"), model.digests().arrays);
        assertEquals(expected.get("ids"), model.digests().ids);
        assertEquals(expected.get("users"), "" + model.numUsers());
        assertEquals(expected.get("items"), "" + model.numItems());
        assertEquals(expected.get("with_users"), model.withUsers());
      }
      return;
    }
    ModelException fault =
        assertThrows(
            ModelException.class,
            () -> {
              try (Model model = Model.open(directory, way.mode(), way.segmentBits())) {
                model.verify();
              }
            });
    assertEquals(entry.get("verdict"), fault.verdict().toString(), fault.getMessage());
    // A fault may be found earlier than the case says.
    Stage latest = Stage.valueOf(((String) entry.get("stage")).toUpperCase());
    assertTrue(fault.stage().compareTo(latest) <= 0, fault.getMessage());
  }

  private static void checkAnswers(Map<String, Object> entry, Way way) throws Exception {
    List<byte[]> requests = Suite.lines(Suite.path(entry, "requests"));
    List<byte[]> expected = Suite.lines(Suite.path(entry, "expect"));
    assertEquals(expected.size(), requests.size());
    try (Model model = Model.open(Suite.path(entry, "model"), way.mode(), way.segmentBits())) {
      for (int at = 0; at < requests.size(); at++) {
        StringBuilder found = new StringBuilder();
        Adapter.answer(found, model, Request.parse(requests.get(at)));
        assertEquals(Json.parse(expected.get(at)), Suite.json(found));
      }
    }
  }
}

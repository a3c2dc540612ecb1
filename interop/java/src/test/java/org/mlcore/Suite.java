package org.mlcore;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The conformance suite, where it lies in the repository. */
final class Suite {
  static final Path FOLDER = Path.of("..", "conformance");

  private Suite() {}

  static List<Map<String, Object>> cases() throws Exception {
    Map<String, Object> index = Json.object(json(FOLDER.resolve("cases.json")));
    List<Map<String, Object>> cases = new ArrayList<>();
    for (Object entry : Json.array(index.get("cases"))) {
      cases.add(Json.object(entry));
    }
    if (cases.isEmpty() || ((Json.Number) index.get("count")).integer() != cases.size()) {
      throw new IllegalStateException("cases.json: expected as many cases as it says");
    }
    return cases;
  }

  static Path path(Map<String, Object> entry, String key) {
    return FOLDER.resolve((String) entry.get(key));
  }

  static Object json(Path file) throws Exception {
    return Json.parse(Files.readAllBytes(file));
  }

  static List<byte[]> lines(Path file) throws IOException {
    List<byte[]> lines = new ArrayList<>();
    try (var in = Files.newInputStream(file)) {
      Lines reader = new Lines(in);
      for (byte[] line = reader.next(); line != null; line = reader.next()) {
        lines.add(line);
      }
    }
    return lines;
  }

  static Object json(StringBuilder text) throws Json.Malformed {
    return Json.parse(text.toString().getBytes(StandardCharsets.UTF_8));
  }

  /** Accepted models of the suite that are small and different. */
  static List<Path> models(String... names) {
    List<Path> models = new ArrayList<>();
    for (String name : names) {
      models.add(FOLDER.resolve("valid").resolve(name).resolve("model"));
    }
    return models;
  }
}

package org.mlcore;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Strict JSON, and the UTF-8 below it. */
class JsonTest {
  @Test
  void valuesAreRead() throws Exception {
    assertEquals(
        Map.of("a", List.of(new Json.Number("-0.5e+2"), true, Json.NULL, "\u00e9\n\ud83d\ude00/")),
        Json.parse(" {\"a\": [-0.5e+2, true, null, \"\u00e9\\n\\uD83D\\ude00\\/\"]}\r\n"));
    assertEquals(-62_135_596_800_000_000L, new Json.Number("-62135596800000000").integer());
    assertEquals(0, new Json.Number("-0").integer());
    for (String text : new String[] {"1.0", "1e0", "12345678901234567890"}) {
      assertEquals(Json.NO_INTEGER, new Json.Number(text).integer());
    }
  }

  @Test
  void everythingElseIsMalformed() {
    String deep = "[".repeat(17) + "]".repeat(17);
    for (String text :
        new String[] {
          "",
          "{",
          "[1,]",
          "{\"a\":1,}",
          "{\"a\":1,\"a\":2}",
          "01",
          "-",
          "1.",
          ".5",
          "1e",
          "+1",
          "NaN",
          "Infinity",
          "tru",
          "nulll",
          "'a'",
          "\"\t\"",
          "\"\\x\"",
          "\"\\u12g4\"",
          "\"\\u\u0661234\"",
          "\"\\ud800\"",
          "\"\\udc00\"",
          "\"\\ud800\\u0041\"",
          "\"a",
          "[1 2]",
          "{1:2}",
          "{\"a\" 1}",
          "\ufeff1",
          "1 2",
          "\u00a01",
          deep,
        }) {
      assertThrows(Json.Malformed.class, () -> Json.parse(text), text);
    }
  }

  @Test
  void textsOfAnyBytesAreAnswered() {
    Random random = new Random(3);
    String letters = "{}[]\",:\\u0123dtrue-+.eE \n\u00e9";
    for (int at = 0; at < 200_000; at++) {
      StringBuilder text = new StringBuilder("{\"id\": \"a\", ");
      for (int length = random.nextInt(12); length > 0; length--) {
        text.append(letters.charAt(random.nextInt(letters.length())));
      }
      byte[] bytes = text.toString().getBytes(StandardCharsets.UTF_8);
      Request.parse(new RandomModel(at).mutate(bytes)); // throws nothing
    }
  }

  @Test
  void utf8IsThatOfJava() {
    Random random = new Random(5);
    int[] starts = {0x41, 0xC1, 0xC2, 0xE0, 0xED, 0xEF, 0xF0, 0xF4, 0xF5, 0x80, 0x9F, 0xA0, 0xBF};
    for (int at = 0; at < 300_000; at++) {
      byte[] bytes = new byte[random.nextInt(6)];
      for (int place = 0; place < bytes.length; place++) {
        bytes[place] =
            (byte)
                (random.nextBoolean()
                    ? starts[random.nextInt(starts.length)]
                    : 0x80 + random.nextInt(64));
      }
      String expected;
      try {
        expected = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
      } catch (CharacterCodingException e) {
        expected = null;
      }
      assertEquals(expected, Utf8.decode(bytes, 0, bytes.length));
    }
    assertNull(Utf8.encode("a\ud800"));
    assertNull(Utf8.encode("\udc00\ud800"));
    assertFalse(Utf8.isValid(new byte[] {(byte) 0xE2, (byte) 0x82}, 0, 2));
  }
}

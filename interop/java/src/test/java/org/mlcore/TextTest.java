package org.mlcore;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Numbers as text, against a search for the shortest by {@link BigDecimal}. */
class TextTest {
  private static String text(double value) {
    StringBuilder text = new StringBuilder();
    Text.appendNumber(text, value);
    return text.toString();
  }

  /**
   * The definition: of the decimals with the fewest digits that read back the closest, or the even
   * one.
   */
  private static BigDecimal shortest(double value) {
    BigDecimal exact = new BigDecimal(value);
    for (int digits = 1; ; digits++) {
      BigDecimal found = null;
      for (RoundingMode mode : new RoundingMode[] {RoundingMode.DOWN, RoundingMode.UP}) {
        BigDecimal rounded = exact.round(new MathContext(digits, mode));
        if (rounded.doubleValue() != value) {
          continue;
        }
        int closer =
            found == null
                ? -1
                : rounded.subtract(exact).abs().compareTo(found.subtract(exact).abs());
        if (closer < 0 || closer == 0 && !rounded.unscaledValue().testBit(0)) {
          found = rounded;
        }
      }
      if (found != null) {
        return found;
      }
    }
  }

  private static void check(double value) {
    Decimal found = Decimal.shortest(value);
    BigDecimal expected = shortest(value);
    BigDecimal shown = BigDecimal.valueOf(found.digits(), -found.exponent());
    assertEquals(0, expected.compareTo(shown), () -> value + ": " + expected + ", got " + shown);
    assertEquals(value, Double.parseDouble(text(value)));
  }

  @Test
  void numbersAreAsShortAsTheyCanBe() {
    Random random = new Random(1);
    for (int at = 0; at < 20_000; at++) {
      double value = Double.longBitsToDouble(random.nextLong() & Long.MAX_VALUE);
      if (Double.isFinite(value) && value > 0) {
        check(value);
      }
      check(random.nextFloat() * (double) random.nextFloat() + Double.MIN_VALUE);
      check((1 + random.nextInt(1000)) / 100.0);
    }
  }

  @Test
  void numbersAreAsShortAsTheyCanBeWhereNeighborsAreNotAsFar() {
    for (int exponent = -1074; exponent < 1024; exponent++) {
      double power = Math.scalb(1.0, exponent);
      check(power);
      check(Math.nextUp(power));
      if (exponent > -1074) {
        check(Math.nextDown(power));
      }
    }
    for (long bits = 1; bits < 200; bits++) {
      check(Double.longBitsToDouble(bits));
    }
    check(Double.MAX_VALUE);
  }

  @Test
  void numbersAreWrittenAsEcmascriptDoes() {
    assertEquals("0", text(-0.0));
    assertEquals("-1.5", text(-1.5));
    assertEquals("1e+21", text(1e21));
    assertEquals("123456789012345680000", text(123456789012345680000.0));
    assertEquals("0.000001", text(1e-6));
    assertEquals("1.5e-7", text(1.5e-7));
    assertEquals("5e-324", text(Double.MIN_VALUE));
    assertEquals("2e+23", text(2e23));
    assertEquals("9007199254740992", text(0x1p53));
  }
}

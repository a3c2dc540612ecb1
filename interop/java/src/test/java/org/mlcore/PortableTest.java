package org.mlcore;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The tables against their definitions in 60 digits, the functions against those of Java. */
class PortableTest {
  private static final MathContext DIGITS = new MathContext(60);

  /** Returns ln(x) of an x near 1 by 2 artanh((x - 1) / (x + 1)). */
  private static BigDecimal ln(BigDecimal x) {
    BigDecimal z = x.subtract(BigDecimal.ONE).divide(x.add(BigDecimal.ONE), DIGITS);
    BigDecimal power = z;
    BigDecimal sum = BigDecimal.ZERO;
    for (int k = 1; k < 400; k += 2) {
      sum = sum.add(power.divide(BigDecimal.valueOf(k), DIGITS));
      power = power.multiply(z).multiply(z).round(DIGITS);
    }
    return sum.multiply(BigDecimal.valueOf(2));
  }

  private static BigDecimal exp(BigDecimal x) {
    BigDecimal term = BigDecimal.ONE;
    BigDecimal sum = BigDecimal.ZERO;
    for (int k = 1; k < 100; k++) {
      sum = sum.add(term);
      term = term.multiply(x).divide(BigDecimal.valueOf(k), DIGITS);
    }
    return sum;
  }

  /** split(v, b) of SPEC.md. */
  private static void checkSplit(BigDecimal value, int bits, double high, double low) {
    BigDecimal unit = BigDecimal.ONE.divide(BigDecimal.valueOf(2).pow(bits));
    BigDecimal multiple =
        value.divide(unit, DIGITS).setScale(0, RoundingMode.HALF_EVEN).multiply(unit);
    assertEquals(multiple.doubleValue(), high);
    assertEquals(value.subtract(multiple).doubleValue(), low);
  }

  @Test
  void tablesAreExactlyRounded() {
    BigDecimal ln2 = ln(BigDecimal.valueOf(2));
    assertEquals(ln2.doubleValue(), PortableTables.LN2);
    checkSplit(ln2, 42, PortableTables.LN2_HIGH, PortableTables.LN2_LOW);
    for (int c = 90; c <= 182; c++) {
      int at = 2 * (c - PortableTables.FIRST_LOG);
      BigDecimal log = ln(BigDecimal.valueOf(128).divide(BigDecimal.valueOf(c), DIGITS));
      checkSplit(log, 42, PortableTables.LOG[at], PortableTables.LOG[at + 1]);
    }
    for (int k = 0; k < 128; k++) {
      BigDecimal power = exp(ln2.multiply(BigDecimal.valueOf(k / 128.0)));
      checkSplit(power, 52, PortableTables.POW[2 * k], PortableTables.POW[2 * k + 1]);
    }
    assertEquals(2 * 93, PortableTables.LOG.length);
    assertEquals(2 * 128, PortableTables.POW.length);
  }

  @Test
  void functionsAreNearThoseOfJava() {
    Random random = new Random(2);
    for (int at = 0; at < 100_000; at++) {
      double x = Math.scalb(random.nextDouble(), random.nextInt(200) - 100);
      double log = Math.log1p(x);
      assertTrue(Math.abs(Portable.log1p(x) - log) <= 2 * Math.ulp(log), () -> "log1p " + x);
      double y = -1000 * random.nextDouble();
      double power = Math.pow(2, y);
      assertTrue(Math.abs(Portable.exp2(y) - power) <= 2 * Math.ulp(power), () -> "exp2 " + y);
    }
    assertEquals(0, Portable.log1p(0));
    assertEquals(1, Portable.exp2(-0.0));
    assertEquals(0.125, Portable.exp2(-3));
    assertEquals(0, Portable.exp2(Double.NEGATIVE_INFINITY));
  }
}

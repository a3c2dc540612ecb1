package org.mlcore;

import java.math.BigInteger;

/**
 * The shortest decimal that reads back as an f64, digits x 10^exponent without a zero at its end;
 * of several the one closest to the f64.
 *
 * <p>It is the algorithm of Raffaello Giulietti, "The Schubfach way to render doubles". The text of
 * {@link Double#toString} has digits too many before Java 19, and never fewer than two.
 */
record Decimal(long digits, int exponent) {
  private static final int MIN_EXPONENT = -1074;
  private static final long HIDDEN_BIT = 1L << 52;
  private static final long MASK_63 = (1L << 63) - 1;
  private static final int MIN_K = -324;
  private static final int MAX_K = 292;

  /** 10^-k in 126 bits, rounded up, for each k from MIN_K: 63 bits and the 63 below them. */
  private static final long[] POWERS = powers();

  private static long[] powers() {
    long[] powers = new long[2 * (MAX_K - MIN_K + 1)];
    BigInteger ten = BigInteger.ONE; // to the |k|
    for (int size = 0; size <= -MIN_K; size++) {
      put(powers, -size, ten.shiftLeft(126));
      if (size > 0 && size <= MAX_K) {
        put(powers, size, BigInteger.ONE.shiftLeft(125 + ten.bitLength()).divide(ten));
      }
      ten = ten.multiply(BigInteger.TEN);
    }
    return powers;
  }

  private static void put(long[] powers, int k, BigInteger value) {
    BigInteger power = value.shiftRight(value.bitLength() - 126).add(BigInteger.ONE);
    powers[2 * (k - MIN_K)] = power.shiftRight(63).longValueExact();
    powers[2 * (k - MIN_K) + 1] = power.longValue() & MASK_63;
  }

  /** Returns the shortest decimal of a finite number above 0. */
  static Decimal shortest(double value) {
    long bits = Double.doubleToRawLongBits(value);
    int biased = (int) (bits >>> 52);
    long fraction = bits & (HIDDEN_BIT - 1);
    // value = c * 2^q
    long c = biased == 0 ? fraction : fraction | HIDDEN_BIT;
    int q = biased == 0 ? MIN_EXPONENT : biased + MIN_EXPONENT - 1;
    boolean isRegular = c != HIDDEN_BIT || q == MIN_EXPONENT; // both neighbors are as far
    long out = c & 1; // whether the bounds of what reads back do not read back themselves
    int k = isRegular ? floorLog10Pow2(q) : floorLog10ThreeQuartersPow2(q);
    int h = q + floorLog2Pow10(-k) + 2;
    long high = POWERS[2 * (k - MIN_K)];
    long low = POWERS[2 * (k - MIN_K) + 1];
    long middle = roundToOdd(high, low, c << 2 << h);
    long lower = roundToOdd(high, low, (c << 2) - (isRegular ? 2 : 1) << h) + out;
    long upper = roundToOdd(high, low, (c << 2) + 2 << h) - out;
    long s = middle >> 2;
    // With one digit less there is at most one that reads back.
    long tens = s / 10 * 10;
    boolean isBelow = lower <= tens << 2;
    boolean isAbove = tens + 10 << 2 <= upper;
    if (isBelow != isAbove) {
      return withoutZeros(isBelow ? tens : tens + 10, k);
    }
    boolean isLower = lower <= s << 2;
    boolean isUpper = s + 1 << 2 <= upper;
    if (isLower != isUpper) {
      return withoutZeros(isLower ? s : s + 1, k);
    }
    long compared = middle - (2 * s + 1 << 1);
    return withoutZeros(compared < 0 || compared == 0 && (s & 1) == 0 ? s : s + 1, k);
  }

  private static Decimal withoutZeros(long digits, int exponent) {
    while (digits % 10 == 0) {
      digits /= 10;
      exponent++;
    }
    return new Decimal(digits, exponent);
  }

  /** Returns the product of two numbers over 2^127, the last bit telling that others were lost. */
  private static long roundToOdd(long high, long low, long c) {
    long carried = (high * c >>> 1) + Math.multiplyHigh(low, c);
    long product = Math.multiplyHigh(high, c) + (carried >>> 63);
    return product | (carried & MASK_63) + MASK_63 >>> 63;
  }

  private static int floorLog10Pow2(int e) {
    return (int) (e * 661_971_961_083L >> 41);
  }

  private static int floorLog10ThreeQuartersPow2(int e) {
    return (int) (e * 661_971_961_083L - 274_743_187_321L >> 41);
  }

  private static int floorLog2Pow10(int e) {
    return (int) (e * 913_124_641_741L >> 38);
  }
}

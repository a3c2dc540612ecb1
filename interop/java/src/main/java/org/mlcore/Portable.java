package org.mlcore;

/**
 * Logarithms and powers with the same bits everywhere: those of section 9 of SPEC.md, operation by
 * operation. Java rounds each operation by itself since version 17.
 */
final class Portable {
  private static final double SQRT_HALF = 0x1.6a09e667f3bcdp-1;
  private static final double[] LOG_SERIES = {
    1.0 / 3, -1.0 / 4, 1.0 / 5, -1.0 / 6, 1.0 / 7, -1.0 / 8
  };
  private static final double[] EXP_SERIES = {1, 1.0 / 2, 1.0 / 6, 1.0 / 24, 1.0 / 120};

  private Portable() {}

  /** Returns ln(1 + x) of a finite x of at least 0. */
  static double log1p(double x) {
    double y = 1 + x;
    double b = y - 1;
    double lost = (1 - (y - b)) + (x - b); // what 1 + x rounded away
    // y is at least 1, so normal: its fraction, in [1/2, 1), has the exponent -1.
    long bits = Double.doubleToRawLongBits(y);
    double m = Double.longBitsToDouble(bits & (1L << 52) - 1 | 1022L << 52);
    double e = (bits >>> 52) - 1022;
    if (m < SQRT_HALF) {
      m = m * 2;
      e = e - 1;
    }
    double c = Math.rint(128 / m);
    int log = 2 * ((int) c - PortableTables.FIRST_LOG);
    double d = c / 128;
    double mHigh = Math.rint(m * 0x1p26) / 0x1p26;
    double rHigh = mHigh * d - 1;
    double rLow = (m - mHigh) * d;
    double r = rHigh + rLow;
    double whole = e * PortableTables.LN2_HIGH + PortableTables.LOG[log];
    double linear = whole + r;
    double halfSquare = (0.5 * rHigh) * rHigh;
    double high = linear - halfSquare;
    double low = ((whole - linear) + r) + ((linear - high) - halfSquare);
    low = low + (e * PortableTables.LN2_LOW + PortableTables.LOG[log + 1]);
    low = low - (0.5 * rLow) * (rHigh + r);
    low = low + ((r * r) * r) * horner(r, LOG_SERIES);
    return high + (low + lost / y);
  }

  /** Returns 2^x of an x that is not NaN: 0 or infinity where f64 ends. */
  static double exp2(double x) {
    x = Math.min(Math.max(x, -1100), 1100);
    double s = Math.rint(x * 128);
    double rest = (x - s / 128) * PortableTables.LN2;
    double k = Math.floor(s / 128);
    int power = 2 * (int) (s - k * 128);
    double grown = rest * horner(rest, EXP_SERIES);
    double high = PortableTables.POW[power];
    double y = high + (PortableTables.POW[power + 1] + high * grown);
    // Twice, so that both factors are normal.
    double half = Math.floor(k / 2);
    return (y * powerOfTwo((int) half)) * powerOfTwo((int) (k - half));
  }

  private static double powerOfTwo(int exponent) {
    return Double.longBitsToDouble(exponent + 1023L << 52);
  }

  private static double horner(double x, double[] c) {
    double r = x * c[c.length - 1];
    for (int at = c.length - 2; at >= 1; at--) {
      r = (r + c[at]) * x;
    }
    return r + c[0];
  }
}

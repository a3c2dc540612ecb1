/**
 * Logarithms and powers with the same bits everywhere: those of SPEC.md, section 9, operation by operation.
 * JavaScript rounds each operation and fuses none.
 */

const LN2 = 0.6931471805599453;
const SQRT_HALF = 0.7071067811865476;
const FIRST_LOG = 90;
const LAST_LOG = 182;

/** A number as the unevaluated sum of two, where one f64 is not enough. */
interface Parts {
  readonly high: number;
  readonly low: number;
}

/** Bits behind the point of the integers that the tables are computed in. */
const POINT = 200n;
const ONE = 1n << POINT;

/** Returns the nearest multiple of 2^-bits to a number, and the rest. */
function split(value: bigint, bits: bigint): Parts {
  const drop = POINT - bits;
  const high = (value + (1n << (drop - 1n))) >> drop;
  return {
    high: Number(high) * powerOf2(-Number(bits)),
    low: Number(value - (high << drop)) * powerOf2(-Number(POINT)),
  };
}

/** Returns ln(numerator / denominator), by the series of 2 artanh. */
function logarithm(numerator: bigint, denominator: bigint): bigint {
  const z = ((numerator - denominator) << POINT) / (numerator + denominator);
  const square = (z * z) >> POINT;
  let sum = 0n;
  for (
    let power = z, k = 1n;
    power !== 0n && power !== -1n;
    power = (power * square) >> POINT, k += 2n
  ) {
    sum += power / k;
  }
  return 2n * sum;
}

/** Returns the square root of a number, by Newton's method from above. */
function root(value: bigint): bigint {
  const square = value << POINT;
  let guess = value > ONE ? value : ONE;
  for (;;) {
    const next = (guess + square / guess) >> 1n;
    if (next >= guess) return guess;
    guess = next;
  }
}

function makeTables(): { ln2: Parts; logs: Parts[]; powers: Parts[] } {
  let step = 2n * ONE;
  for (let halving = 0; halving < 7; halving++) step = root(step); // 2^(1/128)
  const powers: Parts[] = [];
  for (let k = 0, power = ONE; k < 128; k++, power = (power * step) >> POINT)
    powers.push(split(power, 52n));
  const logs: Parts[] = [];
  for (let c = FIRST_LOG; c <= LAST_LOG; c++) logs.push(split(logarithm(128n, BigInt(c)), 42n));
  return { ln2: split(logarithm(2n, 1n), 42n), logs, powers };
}

let tables: ReturnType<typeof makeTables> | undefined;

/** Rounds a number below 2^51 in size to an integer, ties to even: the sum has no bits behind the point. */
function round(value: number): number {
  const shift = 1.5 * 2 ** 52;
  return value + shift - shift;
}

function horner(x: number, coefficients: readonly number[]): number {
  const last = coefficients.length - 1;
  let r = x * coefficients[last]!;
  for (let index = last - 1; index >= 1; index--) r = (r + coefficients[index]!) * x;
  return r + coefficients[0]!;
}

const LOG_SERIES = [1 / 3, -1 / 4, 1 / 5, -1 / 6, 1 / 7, -1 / 8];
const EXP_SERIES = [1, 1 / 2, 1 / 6, 1 / 24, 1 / 120];

const F64 = new Float64Array(1);
const BITS = new BigUint64Array(F64.buffer);

/** Returns ln(1 + x) of a finite x of at least 0. */
export function log1p(x: number): number {
  tables ??= makeTables();
  const y = 1 + x;
  const b = y - 1;
  const lost = 1 - (y - b) + (x - b); // what 1 + x rounded away
  // frexp; y is normal.
  F64[0] = y;
  const bits = BITS[0]!;
  let e = Number(bits >> 52n) - 1022;
  BITS[0] = (bits & 0xfffffffffffffn) | (1022n << 52n);
  let m = F64[0];
  if (m < SQRT_HALF) {
    m = m * 2;
    e = e - 1;
  }
  const c = round(128 / m);
  const d = c / 128;
  const log = tables.logs[c - FIRST_LOG]!;
  const mHigh = round(m * 2 ** 26) / 2 ** 26;
  const rHigh = mHigh * d - 1;
  const rLow = (m - mHigh) * d;
  const r = rHigh + rLow;
  const whole = e * tables.ln2.high + log.high;
  const linear = whole + r;
  const halfSquare = 0.5 * rHigh * rHigh;
  const high = linear - halfSquare;
  let low = whole - linear + r + (linear - high - halfSquare);
  low = low + (e * tables.ln2.low + log.low);
  low = low - 0.5 * rLow * (rHigh + r);
  low = low + r * r * r * horner(r, LOG_SERIES);
  return high + (low + lost / y);
}

/** Returns 2^x of an x that is not NaN: 0 or infinity where f64 ends. */
export function exp2(x: number): number {
  tables ??= makeTables();
  x = Math.min(Math.max(x, -1100), 1100);
  const s = round(x * 128);
  const rest = (x - s / 128) * LN2;
  const k = Math.floor(s / 128);
  const power = tables.powers[s - k * 128]!;
  const grown = rest * horner(rest, EXP_SERIES);
  const y = power.high + (power.low + power.high * grown);
  const half = Math.floor(k / 2); // twice, so that both factors are normal
  return y * powerOf2(half) * powerOf2(k - half);
}

/** Returns 2^k of an integer whose power is normal; `**` need not be exact. */
function powerOf2(k: number): number {
  BITS[0] = BigInt(k + 1023) << 52n;
  return F64[0]!;
}

/**
 * Microseconds since 1970 UTC. Those from 2255 on are beyond what a number holds exactly: give them as a bigint.
 */
export type Microseconds = number | bigint;

/** The years 1 to 9999. */
const FIRST = -62_135_596_800_000_000n;
const LAST = 253_402_300_799_999_999n;

/**
 * Returns a time of the years 1 to 9999 as a number where one holds it, else as a bigint, so that few are slow;
 * undefined for anything else. Both kinds compare exactly with each other.
 */
export function momentOf(value: unknown): Microseconds | undefined {
  if (typeof value === "number")
    return Number.isSafeInteger(value) ? (isMoment(value) ? value : undefined) : undefined;
  if (typeof value !== "bigint" || !isMoment(value)) return undefined;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function isMoment(value: Microseconds): boolean {
  return value >= FIRST && value <= LAST;
}

/** Returns the difference of two times as the nearest f64. */
export function difference(later: Microseconds, earlier: Microseconds): number {
  if (typeof later === "number" && typeof earlier === "number") return later - earlier;
  return Number(BigInt(later) - BigInt(earlier));
}

/** Reads a time that stands exactly as `YYYY-MM-DDTHH:MM:SS.ffffffZ`. */
export function parseMoment(text: string): Microseconds | undefined {
  const parts = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3})(\d{3})Z$/.exec(text);
  if (!parts) return undefined;
  const date = new Date(`${parts[1]!}Z`);
  // Back and forth, since some engines take days that there are not.
  if (Number.isNaN(date.getTime()) || date.toISOString() !== `${parts[1]!}Z`) return undefined;
  return momentOf(BigInt(date.getTime()) * 1000n + BigInt(parts[2]!));
}

/** No time, in `availability.npz`: -2^63. */
const NONE_HIGH = -(2 ** 31);

/** Times of items as they stand in a file, in halves, since a number does not hold them. */
export class ItemTimes {
  constructor(readonly words: Int32Array) {}

  isNone(item: number): boolean {
    return this.words[2 * item + 1] === NONE_HIGH && this.words[2 * item] === 0;
  }

  /** Returns whether an element is a time of the years 1 to 9999, or none. */
  isSound(item: number): boolean {
    return (
      this.isNone(item) ||
      (this.compare(item, FIRST_HALVES) >= 0 && this.compare(item, LAST_HALVES) <= 0)
    );
  }

  /** Compares the time of an item with another. */
  compare(item: number, other: Halves): number {
    const high = this.words[2 * item + 1]! - other.high;
    return high === 0 ? (this.words[2 * item]! >>> 0) - other.low : high;
  }
}

/** The halves of an i64, the lower one without sign. */
export interface Halves {
  readonly high: number;
  readonly low: number;
}

export function halvesOf(value: Microseconds): Halves {
  const whole = BigInt(value);
  return { high: Number(whole >> 32n), low: Number(whole & 0xffffffffn) };
}

const FIRST_HALVES = halvesOf(FIRST);
const LAST_HALVES = halvesOf(LAST);

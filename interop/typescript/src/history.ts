import { badRequest, MlcoreError } from "./errors.js";
import { JsonNumber } from "./json.js";
import { FACTORS, NORMS, type Manifest, type ObjectReader } from "./manifest.js";
import { exp2, log1p } from "./portable.js";
import { difference, parseMoment, type Microseconds } from "./times.js";

/** How the events of a request become a history: section 9. */
export interface HistoryRule {
  readonly aggregate: string;
  readonly weighting: string;
  /** In microseconds; null for no decay. */
  readonly halfLife: number | null;
  /** What now is if a request does not say; undefined without a half-life. */
  readonly reference: Microseconds | undefined;
  readonly k1: number;
  readonly decay: HistoryDecay;
}

/** How much less earlier items of a history count. */
export interface HistoryDecay {
  readonly name: string;
  readonly halfLifeItems: number;
}

const MICROSECONDS_PER_DAY = 86_400_000_000;
const LEAST_DECAYED = 2.2250738585072014e-308; // 2^-1022: a factor below 1 does not lose bits of it
const OLD_HALF_LIVES = 100; // a weight that needs more of them to round to 0 is old, not small
const LEAST_WEIGHT = 1.401298464324817e-45; // 2^-149

const NO_DECAY: HistoryDecay = { name: "none", halfLifeItems: 1 };

/** What a weighting took of the training. */
const FILES_OF = new Map([
  ["tf_idf", [FACTORS]],
  ["bm25", [NORMS, FACTORS]],
]);

/** Reads the rule of a model that must have one: [HIS-2], [HIS-3] and [ORD-2]. */
export function readRule(config: ObjectReader, manifest: Manifest): HistoryRule {
  const aggregate = word(config, "aggregate", ["sum", "max", "last", "count"]);
  const object = config.child("weighting");
  const weighting = word(object, "name", ["none", "binary", "log", "tf_idf", "bm25"]);
  const withHalfLife = object.get("half_life_days") !== null;
  const days = withHalfLife
    ? number(object, "half_life_days", "a finite number above 0", (value) => value > 0)
    : null;
  const reference = withHalfLife ? parseMoment(object.string("reference_time")) : undefined;
  if (withHalfLife && reference === undefined) {
    throw object.refuse(
      "reference_time",
      "YYYY-MM-DDTHH:MM:SS.ffffffZ",
      object.get("reference_time"),
    );
  }
  const ofBm25 = weighting === "bm25";
  const k1 = ofBm25
    ? number(object, "k1", "a finite number of at least 0", (value) => value >= 0)
    : 0;
  const decay = manifest.requiredFeatures.includes("history_order")
    ? readDecay(config.child("history_decay"))
    : NO_DECAY;
  const needed = FILES_OF.get(weighting) ?? [];
  for (const file of [NORMS, FACTORS]) {
    if (needed.includes(file) !== manifest.files.has(file)) {
      const expected = `a weighting ${manifest.files.has(file) ? "with" : "without"} ${file}, as the model has it`;
      throw object.refuse("name", expected, weighting);
    }
  }
  const halfLife = days === null ? null : days * MICROSECONDS_PER_DAY;
  return { aggregate, weighting, halfLife, reference, k1, decay };
}

function readDecay(object: ObjectReader): HistoryDecay {
  const name = word(object, "name", ["none", "quadratic", "exponential"]);
  const above0 = (value: number) => value > 0;
  const items =
    name === "exponential"
      ? number(object, "half_life_items", "a finite number above 0", above0)
      : 1;
  return { name, halfLifeItems: items };
}

/** Returns a string that must be one of some; another one is of a later version. */
function word(object: ObjectReader, key: string, words: readonly string[]): string {
  const value = object.string(key);
  if (!words.includes(value))
    throw object.refuse(key, `one of ${words.join(", ")}`, value, "version");
  return value;
}

function number(
  object: ObjectReader,
  key: string,
  rule: string,
  isGood: (value: number) => boolean,
): number {
  const value = object.get(key);
  const found = value instanceof JsonNumber ? value.value : NaN;
  if (!Number.isFinite(found) || !isGood(found)) throw object.refuse(key, rule, value);
  return found;
}

/** An event of an item that the model has; of several of one item the rule makes one. */
export interface Event {
  readonly item: number;
  weight: number;
  time: Microseconds | undefined;
  /** In the request; of several events of one item that of the last without a time. */
  place: number;
  /** In half-lives. */
  age: number;
}

/** Items of a history, ascending, and what they weigh. */
export interface History {
  readonly items: Int32Array;
  readonly weights: Float32Array;
}

/** Arrays that some weightings need. */
export interface RuleArrays {
  readonly norms: Float64Array | undefined;
  readonly factors: Float64Array | undefined;
}

const compare = (a: Microseconds, b: Microseconds): number => (a < b ? -1 : a > b ? 1 : 0);

/** Orders times, none last. */
function compareTimes(a: Microseconds | undefined, b: Microseconds | undefined): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  return compare(a, b);
}

/** Orders events by item, and those of one item by time, then weight. */
function compareEvents(a: Event, b: Event): number {
  return a.item - b.item || compareTimes(a.time, b.time) || a.weight - b.weight;
}

/** Makes a history of events whose weights are final, each of another item. */
export function takeFinal(events: Event[]): History {
  events.sort((a, b) => a.item - b.item);
  return {
    items: Int32Array.from(events, ({ item }) => item),
    weights: Float32Array.from(events, ({ weight }) => weight),
  };
}

/** Makes a history of events by the rule: [HIS-6] to [ORD-5]. `place` says where the arrays are. */
export function weigh(
  events: Event[],
  rule: HistoryRule,
  now: Microseconds | undefined,
  arrays: RuleArrays,
  idOf: (item: number) => string,
  place: string,
): History {
  events.sort(compareEvents);
  const items: Event[] = [];
  for (let begin = 0, end = 0; begin < events.length; begin = end) {
    while (end < events.length && events[end]!.item === events[begin]!.item) end++;
    items.push(aggregate(events.slice(begin, end), rule, now ?? rule.reference, idOf));
  }
  const weights = Float32Array.from(items, (item) =>
    weightOf(item, items.length, rule, arrays, idOf, place),
  );
  if (rule.decay.name !== "none") {
    const order = items.map((item, entry) => ({ ...item, entry })).sort(compareLatest);
    for (const [index, { entry }] of order.entries()) {
      weights[entry] = decayed(rule.decay, weights[entry]!, index + 1, items.length);
    }
  }
  return { items: Int32Array.from(items, ({ item }) => item), weights };
}

/** [ORD-4]; an item with an event without a time has none. */
function compareLatest(a: Event, b: Event): number {
  return (
    compareTimes(a.time, b.time) || (a.time === undefined ? a.place - b.place : a.item - b.item)
  );
}

/** Makes one of the events of an item, which are in order: [HIS-6] and [HIS-7]. */
function aggregate(
  events: readonly Event[],
  rule: HistoryRule,
  now: Microseconds | undefined,
  idOf: (item: number) => string,
): Event {
  const last = events[events.length - 1]!;
  let x = last.weight;
  if (rule.aggregate === "count") x = events.length;
  if (rule.aggregate === "sum") x = events.reduce((sum, { weight }) => sum + weight, 0);
  if (rule.aggregate === "max") x = events.reduce((most, { weight }) => Math.max(most, weight), 0);
  if (!Number.isFinite(x)) throw badRequest(`weight of ${idOf(last.item)}`, "a finite sum", x);
  if (rule.weighting === "binary") x = 1;
  // Those without a time are last, in order of weight.
  const place = events.reduce(
    (most, { time, place }) => (time === undefined ? Math.max(most, place) : most),
    last.place,
  );
  let age = 0;
  if (rule.halfLife !== null && now !== undefined) {
    const time = last.time ?? now;
    if (time > now) throw badRequest(`time of ${idOf(last.item)}`, `one up to now, ${now}`, time);
    age = difference(now, time) / rule.halfLife;
    x = Math.max(x * exp2(-age), LEAST_DECAYED);
  }
  return { item: last.item, weight: x, time: last.time, place, age };
}

/** Returns the weight of an item in a history of so many: [HIS-8] and [HIS-9]. */
function weightOf(
  { item, weight: x, age }: Event,
  length: number,
  rule: HistoryRule,
  { norms, factors }: RuleArrays,
  idOf: (item: number) => string,
  place: string,
): number {
  const factor = factors ? factors[length - 1]! : 1;
  if (!Number.isFinite(factor))
    throw new MlcoreError("csr", `${place}/${FACTORS}`, "", "finite numbers", String(factor));
  let y = x;
  if (rule.weighting === "log") y = log1p(x);
  if (rule.weighting === "tf_idf") y = x * factor;
  if (rule.weighting === "bm25") {
    const norm = norms![item]!;
    if (!isNorm(norm)) {
      throw new MlcoreError(
        "csr",
        `${place}/${NORMS}`,
        "",
        "finite numbers of at least 0",
        String(norm),
      );
    }
    y = ((x * (rule.k1 + 1)) / (x + norm)) * factor;
  }
  const weight = Math.fround(y);
  if (weight === 0 && y > 0 && rule.halfLife !== null && age > OLD_HALF_LIVES) return LEAST_WEIGHT;
  if (!isWeight(weight)) {
    throw badRequest(`weight of ${idOf(item)}`, "a number above 0 that f32 holds", y);
  }
  return weight;
}

/** Returns a weight as its place in the order of the history makes it, from 1: [ORD-5]. */
export function decayed(
  decay: HistoryDecay,
  weight: number,
  place: number,
  length: number,
): number {
  let factor = 1;
  if (decay.name === "quadratic") factor = (place / length) * (place / length);
  if (decay.name === "exponential") factor = exp2(-((length - place) / decay.halfLifeItems));
  return Math.fround(weight * factor) || LEAST_WEIGHT;
}

/** Returns whether a number is finite and above 0. */
export function isWeight(value: number): boolean {
  return value > 0 && value < Infinity;
}

/** Returns whether a number is finite and at least 0. */
export function isNorm(value: number): boolean {
  return value >= 0 && value < Infinity;
}

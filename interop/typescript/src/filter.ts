import { badRequest, MlcoreError } from "./errors.js";
import type { IdMap } from "./idmap.js";
import { ATTRIBUTES, AVAILABILITY } from "./manifest.js";
import { halvesOf, ItemTimes, momentOf, type Halves, type Microseconds } from "./times.js";

/** Values by column: a map, or an object of its own keys. */
export type ByColumn<T> = ReadonlyMap<string, T> | Readonly<Record<string, T>>;

/**
 * What a list may hold by the catalogue of the model: [ATT-4]. All conditions hold together. A column that
 * the catalogue lacks is refused, a value that it lacks is passed over.
 */
export interface Filter {
  /** For some columns the values of which an item must have one. */
  readonly anyOf?: ByColumn<readonly string[]>;
  /** For some columns the values of which an item must have none. */
  readonly noneOf?: ByColumn<readonly string[]>;
  /** When an item must be there. */
  readonly availableAt?: Microseconds;
  /** For some columns how many items of a list may have the same value. */
  readonly atMost?: ByColumn<number>;
}

/** The catalogue of a model: [ATT-1] to [ATT-3]. */
export interface Catalogue {
  readonly columns: IdMap;
  readonly values: IdMap;
  /** Of all items, column by column. */
  readonly codes: Int32Array;
  readonly times: { readonly from: ItemTimes; readonly until: ItemTimes } | undefined;
  /** The columns that filters have looked at and found sound, and -1 for the times. */
  readonly sound: Set<number>;
}

const TIMES = -1;

interface Condition {
  readonly codes: Int32Array; // of all items in a column
  readonly listed: Set<number>;
  readonly isAnyOf: boolean;
}

/** A column of `atMost`, and how many items of the list have each code. */
interface Cap {
  readonly codes: Int32Array;
  readonly most: number;
  readonly held: Map<number, number>;
}

export function* entriesOf<T>(
  values: ByColumn<T> | undefined,
  field: string,
): Generator<[string, T]> {
  if (values === undefined) return;
  if (!isObject(values)) {
    throw badRequest(field, "an object by column", values);
  }
  yield* values instanceof Map ? values.entries() : Object.entries(values as Record<string, T>);
}

/** Returns whether what a caller without types gave is an object, and no array. */
export function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isCount(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 2 ** 31 - 1;
}

/** Returns ids after checking that they are strings. */
export function idsOf(values: unknown, field: string): string[] {
  const ids =
    typeof values === "object" && values !== null && Symbol.iterator in values
      ? [...(values as Iterable<unknown>)]
      : null;
  if (!ids?.every((id) => typeof id === "string"))
    throw badRequest(field, "a list of strings", values);
  return ids;
}

/** A filter with codes in place of values. */
export class Gate {
  readonly caps: Cap[] = [];
  readonly #conditions: Condition[] = [];
  #moment: Halves | undefined;

  /** Checks the form of a filter; the columns are looked up later. */
  static check(filter: Filter): void {
    if (!isObject(filter)) {
      throw badRequest("filter", "an object", filter);
    }
    for (const key of ["anyOf", "noneOf"] as const) {
      for (const [, values] of entriesOf(filter[key], `filter: ${key}`))
        idsOf(values, `filter: ${key}`);
    }
    for (const [, most] of entriesOf(filter.atMost, "filter: atMost")) {
      if (!isCount(most))
        throw badRequest("filter: atMost", "an integer from 1 to 2147483647", most);
    }
    if (filter.availableAt !== undefined && momentOf(filter.availableAt) === undefined) {
      throw badRequest(
        "filter: availableAt",
        "microseconds of the years 1 to 9999",
        filter.availableAt,
      );
    }
  }

  /** Refuses what the model has no column for; a faulty map of columns is for {@link open}. */
  constructor(
    readonly filter: Filter,
    readonly catalogue: Catalogue | undefined,
    readonly place: string,
  ) {
    for (const key of ["anyOf", "noneOf", "atMost"] as const) {
      for (const [name] of entriesOf<unknown>(filter[key], key)) {
        if (catalogue?.columns.isSound() === false) return;
        if ((catalogue?.columns.position(name) ?? -1) < 0) {
          throw badRequest(`filter: ${key}`, "a column of the model", name);
        }
      }
    }
    if (filter.availableAt !== undefined && !catalogue?.times) {
      throw badRequest("filter: availableAt", "a model with times of its items", "one without");
    }
  }

  /** Looks up columns and values, and whether what the filter uses of the catalogue is sound. */
  open(): void {
    const { anyOf, noneOf, availableAt, atMost } = this.filter;
    const parts = [anyOf, noneOf, atMost].map((part) => [...entriesOf<unknown>(part, "filter")]);
    if (!this.catalogue || (parts.flat().length === 0 && availableAt === undefined)) return;
    const { columns, values } = this.catalogue;
    columns.check();
    values.check();
    for (const isAnyOf of [true, false]) {
      for (const [column, wanted] of entriesOf(isAnyOf ? anyOf : noneOf, "filter")) {
        const listed = new Set(idsOf(wanted, "filter").map((value) => values.position(value)));
        listed.delete(-1); // which is the code of no value, too
        this.#conditions.push({ codes: this.#column(column), listed, isAnyOf });
      }
    }
    if (availableAt !== undefined) {
      this.#checkTimes();
      this.#moment = halvesOf(availableAt);
    }
    for (const [column, most] of entriesOf(atMost, "filter")) {
      this.caps.push({ codes: this.#column(column), most, held: new Map() });
    }
  }

  #column(name: string): Int32Array {
    const { codes, columns, values, sound } = this.catalogue!;
    const position = columns.position(name);
    const items = codes.length / columns.count;
    const column = codes.subarray(position * items, (position + 1) * items);
    if (!sound.has(position) && column.some((code) => code < -1 || code >= values.count)) {
      const expected = `-1 to ${values.count - 1}`;
      throw new MlcoreError("csr", `${this.place}/${ATTRIBUTES}`, name, expected, "another code");
    }
    sound.add(position);
    return column;
  }

  #checkTimes(): void {
    const { times, sound } = this.catalogue!;
    if (sound.has(TIMES)) return;
    for (const part of [times!.from, times!.until]) {
      for (let item = 0; item < part.words.length / 2; item++) {
        if (part.isSound(item)) continue;
        const expected = "a time of the years 1 to 9999, or none";
        const place = `${this.place}/${AVAILABILITY}`;
        throw new MlcoreError("csr", place, `item ${item}`, expected, "another one");
      }
    }
    sound.add(TIMES);
  }

  /** Returns whether an item passes the conditions: [ATT-5]. */
  admits(item: number): boolean {
    for (const { codes, listed, isAnyOf } of this.#conditions) {
      if (listed.has(codes[item]!) !== isAnyOf) return false;
    }
    if (!this.#moment) return true;
    const { from, until } = this.catalogue!.times!;
    return (
      (from.isNone(item) || from.compare(item, this.#moment) <= 0) &&
      (until.isNone(item) || until.compare(item, this.#moment) > 0)
    );
  }

  /** Returns whether the caps leave an item room in the list, and then counts it: [ATT-6]. */
  takes(item: number): boolean {
    const codes = this.caps.map((cap) => cap.codes[item]!);
    const heldOf = ({ held }: Cap, index: number) => held.get(codes[index]!) ?? 0;
    if (!this.caps.every((cap, index) => codes[index] === -1 || heldOf(cap, index) < cap.most))
      return false;
    this.caps.forEach((cap, index) => cap.held.set(codes[index]!, heldOf(cap, index) + 1));
    return true;
  }
}

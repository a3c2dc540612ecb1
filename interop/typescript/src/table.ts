import { elementBytes, type StoredArray } from "./npz.js";
import { cutShort, type Source } from "./source.js";

/** The elements of an array; those of `<i8` are halves, the lower one first. */
export type Elements = Int32Array | Float32Array | Float64Array;

/** Returns bytes as the numbers they hold, in place if they are aligned. */
export function elementsOf(bytes: Uint8Array, { spec }: Pick<StoredArray, "spec">): Elements {
  const width = elementBytes(spec.dtype);
  const { buffer, byteOffset, length } = bytes.byteOffset % width === 0 ? bytes : bytes.slice();
  switch (spec.dtype) {
    case "<f4":
      return new Float32Array(buffer, byteOffset, length / 4);
    case "<f8":
      return new Float64Array(buffer, byteOffset, length / 8);
    default:
      return new Int32Array(buffer, byteOffset, length / 4);
  }
}

/** Some rows of a matrix, of which one is looked at at a time. */
export interface Rows {
  indices: Int32Array;
  data: Float32Array;
  /** Only of histories, in a model that keeps their order. */
  positions: Int32Array | undefined;
  /** Where the row that was selected stands in these. */
  begin: number;
  end: number;
  /** Goes to the row at a place in the list of rows asked for. */
  select(place: number): void;
}

/** A sparse matrix by rows whose offsets have been checked; the entries have not. */
export interface Table {
  readonly indptr: Float64Array;
  /** Returns rows, at once if they are in memory. */
  rows(wanted: readonly number[] | Int32Array): Rows | Promise<Rows>;
}

/** A matrix in memory. */
export class LoadedTable implements Table {
  constructor(
    readonly indptr: Float64Array,
    readonly indices: Int32Array,
    readonly data: Float32Array,
    readonly positions: Int32Array | undefined,
  ) {}

  rows(wanted: readonly number[] | Int32Array): Rows {
    return new LoadedRows(this, wanted);
  }
}

/** Offsets from here on are no integers to the engine. */
const MOST_OFFSET = 2 ** 31 - 1;

class LoadedRows implements Rows {
  indices: Int32Array;
  data: Float32Array;
  positions: Int32Array | undefined;
  begin = 0;
  end = 0;
  readonly #table: LoadedTable;
  readonly #wanted: readonly number[] | Int32Array;

  constructor(table: LoadedTable, wanted: readonly number[] | Int32Array) {
    this.indices = table.indices;
    this.data = table.data;
    this.positions = table.positions;
    this.#table = table;
    this.#wanted = wanted;
  }

  select(place: number): void {
    const row = this.#wanted[place]!;
    const { indptr, indices, data, positions } = this.#table;
    this.begin = indptr[row]!;
    this.end = indptr[row + 1]!;
    if (this.end <= MOST_OFFSET) return;
    this.indices = indices.subarray(this.begin, this.end);
    this.data = data.subarray(this.begin, this.end);
    this.positions = positions?.subarray(this.begin, this.end);
    this.end -= this.begin;
    this.begin = 0;
  }
}

/** One row that was fetched. */
interface Row {
  readonly indices: Int32Array;
  readonly data: Float32Array;
  readonly positions: Int32Array | undefined;
}

const EMPTY: Row = {
  indices: new Int32Array(),
  data: new Float32Array(),
  positions: new Int32Array(),
};

/** Rows whose gap has no more entries are fetched in one go: two requests cost more than these bytes. */
const GAP = 4096;

/** A matrix whose rows are fetched when they are needed, and kept while there is room. */
export class LazyTable implements Table {
  readonly #kept = new Map<number, Row>(); // the one used longest ago comes first
  readonly #awaited = new Map<number, Promise<Map<number, Row>>>();
  #keptEntries = 0;

  constructor(
    readonly indptr: Float64Array,
    readonly source: Source,
    readonly arrays: readonly StoredArray[], // indices, data and perhaps positions
    readonly room: number, // for entries
  ) {}

  rows(wanted: readonly number[] | Int32Array): Rows | Promise<Rows> {
    const found = new Map<number, Row>();
    const missing: number[] = [];
    const awaited = new Set<Promise<Map<number, Row>>>();
    for (const row of wanted) {
      const kept = this.indptr[row] === this.indptr[row + 1] ? EMPTY : this.#kept.get(row);
      const pending = this.#awaited.get(row);
      if (kept) {
        found.set(row, kept);
        if (this.#kept.delete(row)) this.#kept.set(row, kept);
      } else if (pending) {
        awaited.add(pending);
      } else {
        missing.push(row);
      }
    }
    for (const group of this.#groups(missing)) awaited.add(this.#fetch(group));
    if (awaited.size === 0) return new FetchedRows(wanted, found);
    return Promise.all(awaited).then((fetched) => {
      for (const rows of fetched) for (const [row, entries] of rows) found.set(row, entries);
      return new FetchedRows(wanted, found);
    });
  }

  /** Puts rows together that stand near each other. */
  #groups(rows: number[]): number[][] {
    const groups: number[][] = [];
    let end = -Infinity;
    for (const row of rows.sort((a, b) => a - b)) {
      if (this.indptr[row]! - end <= GAP) groups[groups.length - 1]!.push(row);
      else groups.push([row]);
      end = this.indptr[row + 1]!;
    }
    return groups;
  }

  #fetch(group: number[]): Promise<Map<number, Row>> {
    const fetched = this.#read(group).finally(() => {
      for (const row of group) this.#awaited.delete(row);
    });
    for (const row of group) this.#awaited.set(row, fetched);
    return fetched;
  }

  async #read(group: number[]): Promise<Map<number, Row>> {
    const begin = this.indptr[group[0]!]!;
    const end = this.indptr[group[group.length - 1]! + 1]!;
    const ranges = await Promise.all(
      this.arrays.map(async (array) => elementsOf(await this.#range(array, begin, end), array)),
    );
    const [indices, data, positions] = ranges as [Int32Array, Float32Array, Int32Array | undefined];
    const rows = new Map<number, Row>();
    for (const row of group) {
      const from = this.indptr[row]! - begin;
      const to = this.indptr[row + 1]! - begin;
      // A copy, so that the gaps are not kept.
      const entries = {
        indices: indices.slice(from, to),
        data: data.slice(from, to),
        positions: positions?.slice(from, to),
      };
      rows.set(row, entries);
      this.#kept.set(row, entries);
      this.#keptEntries += to - from;
    }
    for (const [row, { indices: dropped }] of this.#kept) {
      if (this.#keptEntries <= this.room) break;
      this.#kept.delete(row);
      this.#keptEntries -= dropped.length;
    }
    return rows;
  }

  async #range({ file, start }: StoredArray, begin: number, end: number): Promise<Uint8Array> {
    const length = 4 * (end - begin);
    const bytes = await this.source.read(file, start + 4 * begin, length);
    if (bytes.length !== length) throw cutShort(this.source, file, length, bytes.length);
    return bytes;
  }
}

class FetchedRows implements Rows {
  indices = EMPTY.indices;
  data = EMPTY.data;
  positions = EMPTY.positions;
  readonly begin = 0;
  end = 0;
  readonly #wanted: readonly number[] | Int32Array;
  readonly #rows: ReadonlyMap<number, Row>;

  constructor(wanted: readonly number[] | Int32Array, rows: ReadonlyMap<number, Row>) {
    this.#wanted = wanted;
    this.#rows = rows;
  }

  select(place: number): void {
    const { indices, data, positions } = this.#rows.get(this.#wanted[place]!)!;
    this.indices = indices;
    this.data = data;
    this.positions = positions;
    this.end = indices.length;
  }
}

import { keyOf, readArray, type Contents, type StoredArrays } from "./contents.js";
import { badRequest, MlcoreError, show } from "./errors.js";
import { Gate, idsOf, isCount, isObject, type Catalogue, type Filter } from "./filter.js";
import {
  decayed,
  isNorm,
  isWeight,
  readRule,
  takeFinal,
  weigh,
  type Event,
  type History,
  type HistoryRule,
} from "./history.js";
import { IdMap } from "./idmap.js";
import {
  ATTRIBUTES,
  AVAILABILITY,
  COLUMNS,
  CONFIG,
  FACTORS,
  HISTORIES,
  ITEMS,
  NORMS,
  ORDER,
  parseObject,
  POPULARITY,
  SIMILARITY,
  USERS,
  VALUES,
} from "./manifest.js";
import { Ranker, type Rules, type Share } from "./rank.js";
import type { Source } from "./source.js";
import { LazyTable, LoadedTable, type Elements, type Table } from "./table.js";
import { ItemTimes, momentOf, type Microseconds } from "./times.js";

/** What a list may hold. Without options it holds all items but those of the history. */
export interface Options {
  /** Only these items; unknown ids are passed over, here and in `exclude`. An empty list allows none. */
  readonly include?: Iterable<string>;
  /** None of these items. */
  readonly exclude?: Iterable<string>;
  /** Also the items of the history. */
  readonly includeSeen?: boolean;
  /** Completes a short list with the most popular items that are not in the history. */
  readonly fill?: boolean;
  /** Gives each item what adds up to its score. */
  readonly explain?: boolean;
  /** Leaves out items by the catalogue of the model. */
  readonly filter?: Filter;
}

/** {@link Options}, and how the events of a history are to be taken. */
export interface HistoryOptions extends Options {
  /** `final` keeps the model's rule from changing the weights. */
  readonly weights?: "events" | "final";
  /** The time from which the age of events is told; else the reference time of the model. */
  readonly now?: Microseconds;
}

/** One event of a history. */
export interface HistoryEvent {
  readonly id: string;
  /** A number above 0; 1 if not given. */
  readonly weight?: number;
  readonly time?: Microseconds;
}

/** What is asked for: the list of a user, of a history, or of the items similar to one; exactly one of these. */
export interface Request extends HistoryOptions {
  readonly user?: string;
  readonly history?: readonly HistoryEvent[];
  readonly item?: string;
  /** The most items of the list. */
  readonly n: number;
}

/** One item of a list. */
export interface Item {
  readonly id: string;
  /** Position of the item in the model. */
  readonly index: number;
  readonly score: number;
  /** Whether it was filled in because it is popular. */
  readonly filled: boolean;
  /** With `explain`, what adds up to the score, in this order. */
  readonly because?: readonly Share[];
}

/** Work that yields what it waits for; in a model that is in memory it waits for nothing. */
export type Work<T> = Generator<Promise<unknown>, T, unknown>;

function* settle<T>(value: T | Promise<T>): Work<T> {
  return value instanceof Promise ? ((yield value) as T) : value;
}

/** What requests are answered from. */
export class Core {
  readonly items: IdMap;
  readonly users: IdMap | undefined;
  readonly similarity: Table;
  readonly histories: Table | undefined;
  readonly rule: HistoryRule | undefined;
  readonly columns: IdMap | undefined;
  readonly values: IdMap | undefined;
  #catalogue: Catalogue | undefined;
  #ranker: Ranker | undefined;
  #popular: Int32Array | undefined;
  #isPopularitySound = false;
  readonly #awaited = new Map<string, Promise<Elements>>();

  constructor(
    readonly contents: Contents,
    /** Where the rest is; undefined if all is in memory. */
    readonly rest:
      { readonly source: Source; readonly stored: StoredArrays; readonly room: number } | undefined,
  ) {
    const { counts, requiredFeatures } = contents.manifest;
    const withCatalogue = requiredFeatures.includes("item_attributes");
    this.items = this.#ids(ITEMS, counts.items);
    this.users = this.has(USERS) ? this.#ids(USERS, counts.users) : undefined;
    this.columns = withCatalogue ? this.#ids(COLUMNS, counts.attributeColumns) : undefined;
    this.values = withCatalogue ? this.#ids(VALUES, counts.attributeValues) : undefined;
    this.similarity = this.#table(SIMILARITY);
    this.histories = this.has(HISTORIES) ? this.#table(HISTORIES) : undefined;
    if (requiredFeatures.includes("history_rule")) {
      const config = parseObject(contents.files.get(CONFIG)!, `${contents.place}/${CONFIG}`);
      this.rule = readRule(config, contents.manifest);
    }
  }

  has(file: string): boolean {
    return this.contents.manifest.files.has(file);
  }

  #ids(file: string, count: number): IdMap {
    return new IdMap(this.contents.files.get(file)!, `${this.contents.place}/${file}`, count);
  }

  #table(file: string): Table {
    const { arrays } = this.contents;
    const keys = [keyOf(file, "indices"), keyOf(file, "data")];
    if (file === HISTORIES && this.has(ORDER)) keys.push(keyOf(ORDER, "positions"));
    const indptr = arrays.get(keyOf(file, "indptr")) as Float64Array;
    if (this.rest) {
      const { source, stored, room } = this.rest;
      const parts = keys.map((key) => stored.get(key)!);
      return new LazyTable(indptr, source, parts, room);
    }
    const [indices, data, positions] = keys.map((key) => arrays.get(key));
    return new LoadedTable(
      indptr,
      indices as Int32Array,
      data as Float32Array,
      positions as Int32Array | undefined,
    );
  }

  /** Returns an array, which is read when it is first asked for. */
  array(file: string, name: string): Elements | Promise<Elements> {
    const key = keyOf(file, name);
    const found = this.contents.arrays.get(key) ?? this.#awaited.get(key);
    if (found) return found;
    const { source, stored } = this.rest!;
    const awaited = readArray(source, stored.get(key)!, 0, false)
      .then((elements) => {
        this.contents.arrays.set(key, elements);
        return elements;
      })
      .finally(() => this.#awaited.delete(key));
    this.#awaited.set(key, awaited);
    return awaited;
  }

  /** Returns the catalogue, or undefined in a model without one. */
  *catalogue(): Work<Catalogue | undefined> {
    if (this.#catalogue || !this.columns || !this.values) return this.#catalogue;
    const codes = (yield* settle(this.array(ATTRIBUTES, "codes"))) as Int32Array;
    let times: Catalogue["times"];
    if (this.has(AVAILABILITY)) {
      const from = (yield* settle(this.array(AVAILABILITY, "from"))) as Int32Array;
      const until = (yield* settle(this.array(AVAILABILITY, "until"))) as Int32Array;
      times = { from: new ItemTimes(from), until: new ItemTimes(until) };
    }
    this.#catalogue = {
      columns: this.columns,
      values: this.values,
      codes,
      times,
      sound: new Set(),
    };
    return this.#catalogue;
  }

  /** Answers a request. */
  *answer(request: Request): Work<Item[]> {
    checkForm(request);
    const areFinal = request.weights === "final" || !this.rule;
    if (request.history) checkWeights(request.history, areFinal);
    const gate =
      request.filter && new Gate(request.filter, yield* this.catalogue(), this.contents.place);
    if (request.user !== undefined) this.#userOf(request.user);
    this.items.check();
    const history = yield* this.#historyOf(request, areFinal);
    gate?.open();
    const include = request.include && this.#positions(request.include, "include");
    const rules: Rules = {
      n: request.n,
      include,
      exclude: this.#positions(request.exclude ?? [], "exclude"),
      includeSeen: request.includeSeen ?? false,
      gate,
      fill: request.fill
        ? () => (include ? this.#byPopularity(include) : this.#allByPopularity())
        : undefined,
    };
    const rows = yield* settle(this.similarity.rows(history.items));
    // From here on nothing is waited for, so that one memory serves all requests.
    this.#ranker ??= new Ranker(this.contents.manifest.counts.items);
    const list = this.#ranker.rank(history, rows, rules);
    if (!list) {
      const expected = "item positions that exist and ascend within a row, and finite scores";
      throw new MlcoreError("csr", `${this.contents.place}/${SIMILARITY}`, "", expected, "others");
    }
    const idOf = (item: number) => this.items.id(item);
    const shares = request.explain ? this.#ranker.explain(list, history, rows, idOf) : undefined;
    return list.items.map((index, place) => {
      const item = {
        id: idOf(index),
        index,
        score: list.scores[place]!,
        filled: place >= list.filled,
      };
      return shares ? { ...item, because: shares[place]! } : item;
    });
  }

  #positions(ids: Iterable<string>, field: string): number[] {
    const positions = new Set(idsOf(ids, field).map((id) => this.items.position(id)));
    positions.delete(-1);
    return [...positions];
  }

  *#historyOf(request: Request, areFinal: boolean): Work<History> {
    if (request.user !== undefined) return yield* this.storedHistory(request.user);
    if (request.item !== undefined) {
      const position = this.items.position(request.item);
      if (position < 0) {
        throw new MlcoreError(
          "unknown_item",
          "",
          "item",
          "an item of the model",
          show(request.item),
        );
      }
      return { items: Int32Array.of(position), weights: Float32Array.of(1) };
    }
    const events = this.#events(request.history!);
    const { rule } = this;
    if (areFinal || !rule) return takeFinal(events);
    const norms = this.has(NORMS)
      ? ((yield* settle(this.array(NORMS, "norms"))) as Float64Array)
      : undefined;
    const factors = this.has(FACTORS)
      ? ((yield* settle(this.array(FACTORS, "factors"))) as Float64Array)
      : undefined;
    const idOf = (item: number) => show(this.items.id(item));
    return weigh(
      events,
      rule,
      momentOf(request.now),
      { norms, factors },
      idOf,
      this.contents.place,
    );
  }

  /** Returns the events of items that the model has. */
  #events(history: readonly HistoryEvent[]): Event[] {
    const events: Event[] = [];
    for (let place = 0; place < history.length; place++) {
      const { id, weight = 1, time } = history[place]!;
      const item = this.items.position(id);
      if (item >= 0) events.push({ item, weight, time: momentOf(time), place, age: 0 });
    }
    return events;
  }

  #userOf(user: string): number {
    if (!this.users)
      throw new MlcoreError(
        "unknown_user",
        "",
        "user",
        "a model with users",
        "one trained without",
      );
    const row = this.users.position(user);
    if (row < 0)
      throw new MlcoreError("unknown_user", "", "user", "a user of the model", show(user));
    return row;
  }

  /** Returns the history of a user, with decayed weights: [REC-1]. Opening has not looked at what stands in it. */
  *storedHistory(user: string): Work<History> {
    const row = this.#userOf(user);
    const rows = yield* settle(this.histories!.rows([row]));
    rows.select(0);
    const items = rows.indices.subarray(rows.begin, rows.end);
    let weights = rows.data.subarray(rows.begin, rows.end);
    let before = -1;
    for (let entry = 0; entry < items.length; entry++) {
      const item = items[entry]!;
      if (
        item <= before ||
        item >= this.contents.manifest.counts.items ||
        !isWeight(weights[entry]!)
      ) {
        const expected =
          "item positions that exist and ascend within a row, and finite weights above 0";
        throw new MlcoreError("csr", `${this.contents.place}/${HISTORIES}`, "", expected, "others");
      }
      before = item;
    }
    const decay = this.rule?.decay;
    if (decay && decay.name !== "none" && rows.positions) {
      const places = rows.positions.subarray(rows.begin, rows.end);
      weights = weights.map((weight, entry) => {
        const place = places[entry]!;
        if (place < 1 || place > items.length) {
          const expected = `1 to ${items.length}`;
          throw new MlcoreError(
            "csr",
            `${this.contents.place}/${ORDER}`,
            "",
            expected,
            String(place),
          );
        }
        return decayed(decay, weight, place, items.length);
      });
    }
    return { items, weights };
  }

  /** Orders items by popularity, ties by position; those that nobody has are left out. */
  #byPopularity(items: ArrayLike<number>): Int32Array {
    const counts = this.contents.arrays.get(keyOf(POPULARITY, "counts")) as Int32Array;
    const decayedCounts = this.contents.arrays.get(keyOf(POPULARITY, "decayed")) as
      Float64Array | undefined;
    const high = (item: number) => counts[2 * item + 1]!;
    const low = (item: number) => counts[2 * item]! >>> 0;
    this.#checkPopularity(counts, decayedCounts);
    const order = decayedCounts
      ? Int32Array.from(items).filter((item) => decayedCounts[item]! > 0)
      : Int32Array.from(items).filter((item) => high(item) > 0 || low(item) > 0);
    return order.sort(
      decayedCounts
        ? (a, b) => decayedCounts[b]! - decayedCounts[a]! || a - b
        : (a, b) => high(b) - high(a) || low(b) - low(a) || a - b,
    );
  }

  #checkPopularity(counts: Int32Array, decayedCounts: Float64Array | undefined): void {
    if (this.#isPopularitySound) return;
    for (let item = 0; item < counts.length / 2; item++) {
      if (decayedCounts ? !isNorm(decayedCounts[item]!) : counts[2 * item + 1]! < 0) {
        const expected = "finite numbers of at least 0";
        throw new MlcoreError(
          "csr",
          `${this.contents.place}/${POPULARITY}`,
          `item ${item}`,
          expected,
          "another one",
        );
      }
    }
    this.#isPopularitySound = true;
  }

  #allByPopularity(): Int32Array {
    const items = { length: this.contents.manifest.counts.items };
    this.#popular ??= this.#byPopularity(Int32Array.from(items, (_, item) => item));
    return this.#popular;
  }
}

/** Checks all of a request that needs no model. */
function checkForm(request: Request): void {
  const { user, item, history, n, weights, now, filter } = request;
  const kinds = [user, item, history].filter((kind) => kind !== undefined);
  if (kinds.length !== 1)
    throw badRequest("user", "exactly one of user, item and history", `${kinds.length} of them`);
  if (!isCount(n)) throw badRequest("n", "an integer from 1 to 2147483647", n);
  for (const id of [user, item]) {
    if (id !== undefined && typeof id !== "string") throw badRequest("user", "a string", id);
  }
  if (!["events", "final", undefined].includes(weights)) {
    throw badRequest("weights", '"events" or "final"', weights);
  }
  if (now !== undefined) checkTime("now", now);
  if (filter !== undefined) Gate.check(filter);
  if (history === undefined) return;
  if (!Array.isArray(history)) throw badRequest("history", "an array of events", history);
  for (const event of history as readonly Partial<HistoryEvent>[]) {
    if (!isObject(event) || typeof event.id !== "string") {
      throw badRequest("history", "events with an id", event);
    }
    const { id, weight = 1, time } = event;
    if (typeof weight !== "number") throw badRequest(`weight of ${show(id)}`, "a number", weight);
    if (time !== undefined) checkTime(`time of ${show(id)}`, time);
  }
}

/** Checks weights: [REC-2] of final ones, else [HIS-4]. */
function checkWeights(history: readonly HistoryEvent[], areFinal: boolean): void {
  for (const { id, weight = 1 } of history) {
    if (!isWeight(areFinal ? Math.fround(weight) : weight)) {
      throw badRequest(`weight of ${show(id)}`, "a finite number above 0", weight);
    }
  }
  if (areFinal && new Set(history.map(({ id }) => id)).size < history.length) {
    throw badRequest("history", "each item once", "one twice");
  }
}

function checkTime(field: string, time: unknown): void {
  if (momentOf(time) === undefined)
    throw badRequest(field, "whole microseconds of the years 1 to 9999", time);
}

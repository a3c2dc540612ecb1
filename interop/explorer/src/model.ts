/** A model as the page shows it: what the reader keeps in memory at once, all else when it is shown. */

import {
  type Catalogue,
  type Item,
  LazyModel,
  type Request,
  type Source,
  formatNumber,
  formatPrediction,
  formatString,
  openLazy,
} from "../../typescript/src/index.js";
import type { Event, Filter, Settings } from "./requests.js";
import { Search } from "./search.js";

export type { Item };
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
/** Whom a list is for. */
export type Of =
  | { item: string }
  | { user: string }
  | { history: Event[]; final: boolean; now: bigint | undefined };

/** When an item is there. */
export interface Availability {
  from?: bigint;
  until?: bigint;
}

export interface Users {
  search: Search;
  id: (user: number) => string;
  /** The position of a user, or -1. */
  find: (id: string) => number;
  length: (user: number) => number;
  /** How many items each user has. */
  lengths: Float64Array;
  history: (id: string) => Promise<{ index: number; weight: number }[]>;
}

export class Model {
  readonly columns: string[];
  /** What is popular: users of each item, or those of late where the model lets old ones count less. */
  readonly popularity: Float64Array;
  readonly maxPopularity: number;
  readonly numNeighbors: Float64Array;
  readonly manifest: Json;
  readonly config: Json;
  readonly users: Users | undefined;
  private titles: (string | undefined)[] | undefined;
  private found: Search | undefined;
  private readonly values = new Map<number, Search>();

  private constructor(
    readonly name: string,
    private readonly model: LazyModel,
    private readonly source: Counted,
    private readonly catalogue: Catalogue | undefined,
    readonly manifestText: string,
  ) {
    this.columns = model.columns();
    this.manifest = JSON.parse(manifestText) as Json;
    this.config = JSON.parse(model.config()) as Json;
    const { items } = model.manifest.counts;
    this.popularity = Float64Array.from({ length: items }, (_, item) => model.popularity(item));
    this.numNeighbors = Float64Array.from({ length: items }, (_, item) =>
      model.neighborCount(item),
    );
    this.maxPopularity = this.popularity.reduce((most, one) => Math.max(most, one), 0);
    this.users = model.manifest.files.has("histories.npz") ? usersOf(model) : undefined;
  }

  static async open(source: Source, name: string): Promise<Model> {
    const counted = new Counted(source);
    const model = await openLazy(counted);
    // Ids are checked when they are first used: a model whose ids are faulty is not opened.
    model.itemIndex("");
    model.userIndex("");
    const stat = await counted.stat("manifest.json");
    const text = new TextDecoder().decode(await counted.read("manifest.json", 0, stat?.size ?? 0));
    return new Model(name, model, counted, await model.catalogue(), text);
  }

  get configText(): string {
    return this.model.config();
  }

  get hasRule(): boolean {
    return this.model.manifest.requiredFeatures.includes("history_rule");
  }

  /** Whether it matters what time is now. */
  get hasHalfLife(): boolean {
    const { weighting = null } = asObject(this.config);
    return this.hasRule && (asObject(weighting)["half_life_days"] ?? null) !== null;
  }

  get hasTimes(): boolean {
    return this.catalogue?.times !== undefined;
  }

  get hasTitles(): boolean {
    return this.titles !== undefined || this.columns.includes("title");
  }

  /** What `popularity` counts. */
  get popularityNoun(): string {
    return this.model.manifest.requiredFeatures.includes("decayed_popularity")
      ? "recent users"
      : "users";
  }

  id(item: number): string {
    return this.model.itemId(item);
  }

  /** The position of an item, or -1. */
  find(id: string): number {
    return this.model.itemIndex(id);
  }

  titleOf(item: number): string | undefined {
    const column = this.columns.indexOf("title");
    return this.titles?.[item] ?? (column < 0 ? undefined : this.valueOf(column, item));
  }

  /** Takes titles by id from elsewhere. */
  setTitles(titles: ReadonlyMap<string, string>): void {
    this.titles = [];
    for (const [id, title] of titles) {
      const item = this.find(id);
      if (item >= 0) {
        this.titles[item] = title;
      }
    }
    this.found = undefined;
  }

  valueOf(column: number, item: number): string | undefined {
    if (this.catalogue === undefined) {
      return undefined;
    }
    const { codes, values } = this.catalogue;
    const code = codes[column * this.popularity.length + item] ?? -1;
    return code >= 0 && code < values.count ? values.id(code) : undefined;
  }

  availability(item: number): Availability {
    const found: Availability = {};
    for (const end of ["from", "until"] as const) {
      const times = this.catalogue?.times?.[end];
      if (times?.isSound(item) === true && !times.isNone(item)) {
        const high = BigInt(times.words[2 * item + 1] ?? 0);
        found[end] = high * 2n ** 32n + BigInt((times.words[2 * item] ?? 0) >>> 0);
      }
    }
    return found;
  }

  /** The search of items, by popularity among equals. */
  get search(): Search {
    if (this.found === undefined) {
      const order = Uint32Array.from(this.popularity, (_, item) => item);
      const by = this.popularity;
      order.sort((one, other) => (by[other] ?? 0) - (by[one] ?? 0) || one - other);
      this.found = new Search(order, (item) => {
        const title = this.titleOf(item);
        return title === undefined ? [this.id(item)] : [this.id(item), title];
      });
    }
    return this.found;
  }

  /** The values that occur in a column and hold a text, frequent ones first. */
  valuesLike(column: number, text: string, limit: number): string[] {
    if (this.catalogue === undefined) {
      return [];
    }
    const { codes, values } = this.catalogue;
    const items = this.popularity.length;
    let search = this.values.get(column);
    if (search === undefined) {
      const counts = new Map<number, number>();
      for (const code of codes.subarray(column * items, (column + 1) * items)) {
        if (code >= 0 && code < values.count) {
          counts.set(code, (counts.get(code) ?? 0) + 1);
        }
      }
      const order = [...counts].sort((one, other) => other[1] - one[1] || one[0] - other[0]);
      search = new Search(
        order.map(([code]) => code),
        (code) => [values.id(code)],
      );
      this.values.set(column, search);
    }
    return search.find(text, limit).positions.map((code) => values.id(code));
  }

  /** The list of a request, each item with its shares. */
  async list(of: Of, { n, includeSeen, fill, filter }: Settings): Promise<Item[]> {
    const options = { n, includeSeen, fill, explain: true, filter: filterOf(filter) };
    return this.model.answer({ ...requestOf(of), ...options });
  }

  /** A list as `cli.predict --explain` writes it. */
  listText(user: string, list: readonly Item[]): string {
    return formatPrediction(user, list);
  }

  /** A list as `cli.similar` writes it. */
  similarText(list: readonly Item[]): string {
    const line = ({ id, score }: Item) =>
      `{"item_id": ${formatString(id)}, "score": ${formatNumber(score)}}\n`;
    return list.map(line).join("");
  }

  /** Checks every byte; throws what is wrong with the model. */
  async verify(progress: (done: number, total: number) => void): Promise<void> {
    const total = [...this.model.manifest.files.values()].reduce(
      (sum, { bytes }) => sum + bytes,
      0,
    );
    const before = this.source.count;
    this.source.counted = (count) => progress(count - before, total);
    await this.model.verify().finally(() => (this.source.counted = () => undefined));
  }

  async close(): Promise<void> {
    await this.model.close();
  }
}

/** A source that tells how much was read. */
class Counted implements Source {
  count = 0;
  counted: (count: number) => void = () => undefined;

  constructor(private readonly source: Source) {}

  get place(): string {
    return this.source.place;
  }

  async stat(file: string) {
    return this.source.stat(file);
  }

  async read(file: string, offset: number, length: number): Promise<Uint8Array> {
    const bytes = await this.source.read(file, offset, length);
    this.counted((this.count += bytes.length));
    return bytes;
  }

  async close(): Promise<void> {
    await this.source.close();
  }
}

function usersOf(model: LazyModel): Users {
  const { users } = model.manifest.counts;
  let search: Search | undefined;
  return {
    get search() {
      const order = () => Uint32Array.from({ length: users }, (_, user) => user);
      return (search ??= new Search(order(), (user) => [model.userId(user)]));
    },
    id: (user) => model.userId(user),
    find: (id) => model.userIndex(id),
    length: (user) => model.historyLength(user),
    lengths: Float64Array.from({ length: users }, (_, user) => model.historyLength(user)),
    history: (id) => model.history(id),
  };
}

function requestOf(of: Of): Omit<Request, "n"> {
  if (!("history" in of)) {
    return of;
  }
  const { history, final, now } = of;
  return { history, weights: final ? "final" : "events", ...(now === undefined ? {} : { now }) };
}

function filterOf({ any_of, none_of, at_most, available_at }: Filter): Request["filter"] & object {
  return {
    anyOf: any_of ?? {},
    noneOf: none_of ?? {},
    atMost: at_most ?? {},
    ...(available_at === undefined ? {} : { availableAt: available_at }),
  };
}

function asObject(value: Json): { [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};
}

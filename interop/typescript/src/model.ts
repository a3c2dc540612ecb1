import { keyOf, load, type Contents, type StoredArrays } from "./contents.js";
import { atStage, MlcoreError, type Stage } from "./errors.js";
import { decodeUtf8 } from "./json.js";
import type { Catalogue } from "./filter.js";
import { CONFIG, POPULARITY, type Manifest } from "./manifest.js";
import {
  Core,
  type HistoryEvent,
  type HistoryOptions,
  type Item,
  type Options,
  type Request,
  type Work,
} from "./recommend.js";
import type { Source } from "./source.js";
import { verify, type Digests } from "./verify.js";

/** Where an open model reads what is not in memory. */
interface Origin {
  readonly source: Source;
  readonly stored: StoredArrays;
}

/** What both kinds of models have in common: all that opening put in memory. */
abstract class OpenModel {
  /** What `manifest.json` says. */
  readonly manifest: Manifest;
  /** Names the model in messages. */
  readonly place: string;
  readonly #core: Core;
  readonly #origin: Origin | undefined;
  #isClosed = false;

  /** @internal */
  constructor(core: Core, origin: Origin | undefined) {
    this.#core = core;
    this.#origin = origin;
    this.manifest = core.contents.manifest;
    this.place = core.contents.place;
  }

  /** Returns the id of the item at a position. */
  itemId(index: number): string {
    return this.#idAt(this.#use("predict").items, "item", index);
  }

  /** Returns the position of an item, or -1. */
  itemIndex(id: string): number {
    return this.#use("predict").items.position(id);
  }

  /** Returns the id of the user at a position. */
  userId(index: number): string {
    return this.#idAt(this.#use("predict").users, "user", index);
  }

  /** Returns the position of a user, or -1. */
  userIndex(id: string): number {
    return this.#use("predict").users?.position(id) ?? -1;
  }

  #idAt(ids: Core["items"] | undefined, field: string, index: number): string {
    const count = ids?.count ?? 0;
    if (!ids || !Number.isInteger(index) || index < 0 || index >= count) {
      throw new MlcoreError(
        "request",
        "",
        field,
        `a position below ${count}`,
        String(index),
        "predict",
      );
    }
    try {
      return ids.id(index);
    } catch (error) {
      throw atStage(error, "predict", this.place);
    }
  }

  /** Returns the number of users of an item, or with decayed popularity what lists are filled by. */
  popularity(index: number): number {
    const { arrays } = this.#use("predict").contents;
    const decayed = arrays.get(keyOf(POPULARITY, "decayed"));
    if (decayed) return decayed[index]!;
    const counts = arrays.get(keyOf(POPULARITY, "counts"))!;
    return counts[2 * index + 1]! * 2 ** 32 + (counts[2 * index]! >>> 0);
  }

  /** Returns how many neighbors are stored for an item: the length of its row of the similarity. */
  neighborCount(index: number): number {
    const { indptr } = this.#use("predict").similarity;
    return indptr[index + 1]! - indptr[index]!;
  }

  /** Returns how many items a user has. */
  historyLength(index: number): number {
    const { histories } = this.#use("predict");
    return histories ? histories.indptr[index + 1]! - histories.indptr[index]! : 0;
  }

  /** Returns the text of `config.json`, which says how the model was trained. */
  config(): string {
    return decodeUtf8(this.#use("predict").contents.files.get(CONFIG)!);
  }

  /** The names of the columns of the catalogue. */
  columns(): string[] {
    const { columns } = this.#use("predict");
    return Array.from({ length: columns?.count ?? 0 }, (_, index) => columns!.id(index));
  }

  /** The values of all columns of the catalogue. */
  values(): string[] {
    const { values } = this.#use("predict");
    return Array.from({ length: values?.count ?? 0 }, (_, index) => values!.id(index));
  }

  /** Checks every byte, index and value: all that opening leaves unread. Call it for a model from elsewhere. */
  async verify(): Promise<void> {
    await this.digests(false);
  }

  /**
   * Verifies, and returns the SHA-256 of each array and of the ids of each map, to compare models by.
   *
   * @internal
   */
  async digests(withDigests = true): Promise<Digests> {
    const core = this.#use("verify");
    try {
      if (!this.#origin) {
        throw new MlcoreError(
          "io",
          this.place,
          "",
          "the model that was opened",
          "a part of it in a worker",
        );
      }
      return await verify(core, this.#origin.source, this.#origin.stored, withDigests);
    } catch (error) {
      throw atStage(error, "verify", this.place);
    }
  }

  /** Gives back what is open. All later calls are refused (`io`); closing twice does no harm. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#origin?.source.close();
  }

  /** @internal */
  protected get core(): Core {
    return this.#use("predict");
  }

  #use(stage: Stage): Core {
    if (this.#isClosed)
      throw new MlcoreError("io", this.place, "", "an open model", "a closed one", stage);
    return this.#core;
  }
}

/**
 * A model whose arrays are in memory, so that it answers at once. What happens to its files after opening
 * changes nothing.
 */
export class Model extends OpenModel {
  /** Returns the best n items for a user of the model: score descending, then position ascending. */
  recommend(user: string, n: number, options: Options = {}): Item[] {
    return this.answer({ ...options, user, n });
  }

  /** Returns the best n items for any history; items that the model does not have are passed over. */
  recommendHistory(
    history: readonly HistoryEvent[],
    n: number,
    options: HistoryOptions = {},
  ): Item[] {
    return this.answer({ ...options, history, n });
  }

  /** Returns the n items that having an item speaks for the most. */
  similar(item: string, n: number, options: Options = {}): Item[] {
    return this.answer({ ...options, item, n });
  }

  /** Answers a request of any kind. */
  answer(request: Request): Item[] {
    return this.#run((core) => core.answer(request));
  }

  /** Returns the items of a user and their weights as lists take them: ascending, earlier ones decayed. */
  history(user: string): Weighted[] {
    return this.#run((core) => historyOf(core, user));
  }

  /** Returns the attributes of all items; undefined in a model without a catalogue. */
  catalogue(): Catalogue | undefined {
    return this.#run((core) => core.catalogue());
  }

  #run<T>(begin: (core: Core) => Work<T>): T {
    try {
      const step = begin(this.core).next();
      if (step.done !== true) throw new Error("a model in memory waits for nothing");
      return step.value;
    } catch (error) {
      throw atStage(error, "predict", this.place);
    }
  }

  /** Returns what a worker makes the same model of with {@link fromShared}; opened as `shared` no byte is copied. */
  share(): SharedModel {
    return this.core.contents;
  }

  /** Returns the model of another thread. It cannot be verified here. */
  static fromShared(shared: SharedModel): Model {
    return new Model(new Core(shared as Contents, undefined), undefined);
  }
}

/** A model on its way to a worker; see {@link Model.share}. */
export type SharedModel = Pick<Contents, "place" | "manifest">;

/**
 * A model of which only the manifest, the configuration, the ids, the popularity and the offsets of rows are
 * in memory. The rest is read when it is needed, and so each answer is a promise, of the same bits.
 */
export class LazyModel extends OpenModel {
  /** As {@link Model.recommend}. */
  async recommend(user: string, n: number, options: Options = {}): Promise<Item[]> {
    return this.answer({ ...options, user, n });
  }

  /** As {@link Model.recommendHistory}. */
  async recommendHistory(
    history: readonly HistoryEvent[],
    n: number,
    options: HistoryOptions = {},
  ): Promise<Item[]> {
    return this.answer({ ...options, history, n });
  }

  /** As {@link Model.similar}. */
  async similar(item: string, n: number, options: Options = {}): Promise<Item[]> {
    return this.answer({ ...options, item, n });
  }

  /** As {@link Model.answer}. */
  async answer(request: Request): Promise<Item[]> {
    return this.#run((core) => core.answer(request));
  }

  /** As {@link Model.history}. */
  async history(user: string): Promise<Weighted[]> {
    return this.#run((core) => historyOf(core, user));
  }

  /** As {@link Model.catalogue}. */
  async catalogue(): Promise<Catalogue | undefined> {
    return this.#run((core) => core.catalogue());
  }

  async #run<T>(begin: (core: Core) => Work<T>): Promise<T> {
    try {
      const work = begin(this.core);
      for (let given: unknown; ;) {
        const step = work.next(given);
        if (step.done === true) return step.value;
        given = await step.value;
      }
    } catch (error) {
      throw atStage(error, "predict", this.place);
    }
  }
}

/** An item of a history, by its position in the model. */
export interface Weighted {
  readonly index: number;
  readonly weight: number;
}

function* historyOf(core: Core, user: string): Work<Weighted[]> {
  const { items, weights } = yield* core.storedHistory(user);
  return Array.from(items, (index, place) => ({ index, weight: weights[place]! }));
}

/** How a model is opened. */
export interface OpenOptions {
  /** Puts the arrays into memory that threads share, so that {@link Model.share} copies nothing. */
  readonly shared?: boolean;
}

/** How a model is opened that stays where it is. */
export interface LazyOptions {
  /** Memory for rows that were read, in bytes; 64 MiB if not given. */
  readonly cacheBytes?: number;
}

/** Opens a model and reads all of it, but checks only sizes, headers and offsets; see `verify`. */
export async function openModel(source: Source, options: OpenOptions = {}): Promise<Model> {
  const { core, origin } = await open(source, false, options.shared ?? false, 0);
  return new Model(core, origin);
}

/** Opens a model and reads what {@link LazyModel} says. */
export async function openLazy(source: Source, options: LazyOptions = {}): Promise<LazyModel> {
  const { core, origin } = await open(source, true, false, options.cacheBytes ?? 64 << 20);
  return new LazyModel(core, origin);
}

async function open(
  source: Source,
  isLazy: boolean,
  shared: boolean,
  cacheBytes: number,
): Promise<{ core: Core; origin: Origin }> {
  try {
    const { contents, stored } = await load(source, isLazy ? "lazy" : "loaded", shared);
    const rest = isLazy ? { source, stored, room: cacheBytes / 8 } : undefined;
    return { core: new Core(contents, rest), origin: { source, stored } };
  } catch (error) {
    await source.close();
    throw atStage(error, "open", source.place);
  }
}

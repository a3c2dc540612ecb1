import { keyOf, type StoredArrays } from "./contents.js";
import { crc32 } from "./crc32.js";
import { MlcoreError } from "./errors.js";
import { isNorm, isWeight } from "./history.js";
import {
  arraysOf,
  ATTRIBUTES,
  AVAILABILITY,
  CONFIG,
  FACTORS,
  HISTORIES,
  NORMS,
  ORDER,
  parseObject,
  POPULARITY,
  SIMILARITY,
} from "./manifest.js";
import { elementBytes, type StoredArray } from "./npz.js";
import type { Core } from "./recommend.js";
import { Sha256 } from "./sha256.js";
import { pathOf, pieces, type Hash, type Source } from "./source.js";
import { elementsOf, type Elements } from "./table.js";
import { ItemTimes } from "./times.js";

/** Takes the elements of an array piece by piece, and says what is wrong with one. */
type Check = (elements: Elements, first: number) => Fault | undefined;

interface Fault {
  readonly element: number;
  readonly expected: string;
  readonly got: unknown;
}

/** The order in which faults of values are told, after those of digests. */
const VALUES_IN_ORDER = [
  SIMILARITY,
  POPULARITY,
  NORMS,
  FACTORS,
  ATTRIBUTES,
  AVAILABILITY,
  HISTORIES,
  ORDER,
];

/** SHA-256 of the content: of each array by its key, and of the ids of each map by its file. */
export interface Digests {
  readonly arrays: Map<string, string>;
  readonly ids: Map<string, string>;
}

/**
 * Looks at every byte that opening left unread, once; returns the digests of the content if they are wanted.
 */
export async function verify(
  core: Core,
  source: Source,
  stored: StoredArrays,
  withDigests: boolean,
): Promise<Digests> {
  const { manifest, files } = core.contents;
  const checks = new Checks(core);
  const faults = new Map<string, MlcoreError>(); // the first of each archive
  const digests: Digests = { arrays: new Map(), ids: new Map() };
  const newHash = (): Hash => source.sha256?.() ?? new Sha256();

  for (const [file, { bytes, sha256 }] of manifest.files) {
    const place = pathOf(source, file);
    const whole = newHash();
    const parts = arraysOf(file, manifest.counts, manifest.requiredFeatures).map((spec) => {
      const key = keyOf(file, spec.name);
      return {
        array: stored.get(key)!,
        check: checks.of(key),
        crc: 0,
        hash: withDigests ? newHash() : undefined,
      };
    });
    for await (const [offset, piece] of pieces(source, file, 0, bytes)) {
      whole.update(piece);
      for (const part of parts) {
        const { array, check, hash } = part;
        const { member, spec, start } = array;
        part.crc = crc32(cut(piece, offset, member.start, member.start + member.size), part.crc);
        const data = cut(piece, offset, start, member.start + member.size);
        hash?.update(data);
        if (data.length === 0 || !check || faults.has(file)) continue;
        const first = Math.max(0, offset - start) / elementBytes(spec.dtype);
        const fault = check(elementsOf(data, array), first);
        if (fault) faults.set(file, refusal(source, array, fault));
      }
    }
    const found = whole.hex();
    if (found !== sha256) throw new MlcoreError("checksum", place, "sha256", sha256, found);
    for (const { array, crc, hash } of parts) {
      const member = `${place}: ${array.spec.name}.npy`;
      if (crc !== array.member.crc) {
        throw new MlcoreError("checksum", member, "CRC-32", String(array.member.crc), String(crc));
      }
      if (hash) digests.arrays.set(keyOf(file, array.spec.name), hash.hex());
    }
  }
  parseObject(files.get(CONFIG)!, pathOf(source, CONFIG));
  for (const ids of [core.items, core.users, core.columns, core.values]) {
    ids?.check();
    if (!ids || !withDigests) continue;
    const hash = newHash();
    ids.hash(hash);
    digests.ids.set(ids.place.slice(source.place.length + 1), hash.hex());
  }
  for (const file of VALUES_IN_ORDER) {
    const fault = faults.get(file);
    if (fault) throw fault;
    if (file === POPULARITY) checks.expectSum();
  }
  if (core.histories) checks.expectUsersOfItems();
  return digests;
}

/** Returns what a piece, which begins at `offset`, holds of a range. */
function cut(piece: Uint8Array, offset: number, begin: number, end: number): Uint8Array {
  return piece.subarray(Math.max(0, begin - offset), Math.max(0, end - offset));
}

function refusal(
  source: Source,
  { file, spec }: StoredArray,
  { element, expected, got }: Fault,
): MlcoreError {
  const place = `${pathOf(source, file)}: ${spec.name}.npy`;
  return new MlcoreError("csr", place, `element ${element}`, expected, String(got));
}

/** The rules of section 7, and those on the values of sections 9 and 10. */
class Checks {
  readonly #core: Core;
  readonly #counts: Float64Array; // users of each item as popularity.npz has them
  readonly #users: Float64Array; // and as histories.npz has them
  #sum = 0;

  constructor(core: Core) {
    this.#core = core;
    this.#counts = new Float64Array(core.contents.manifest.counts.items);
    this.#users = new Float64Array(core.contents.manifest.counts.items);
  }

  /** Returns the check of an array. */
  of(key: string): Check | undefined {
    const { counts } = this.#core.contents.manifest;
    const { similarity, histories } = this.#core;
    switch (key) {
      case keyOf(SIMILARITY, "indices"):
        return this.#indices(similarity.indptr, true);
      case keyOf(SIMILARITY, "data"):
        return every(
          (value) => Number.isFinite(value) && value !== 0,
          "a finite number other than 0",
        );
      case keyOf(HISTORIES, "indices"):
        return this.#indices(histories!.indptr, false);
      case keyOf(HISTORIES, "data"):
        return every(isWeight, "a finite number above 0");
      case keyOf(ORDER, "positions"):
        return positions(histories!.indptr);
      case keyOf(POPULARITY, "counts"):
        return this.#popularity(counts.users);
      case keyOf(POPULARITY, "decayed"):
        return every(
          (value, item) => isNorm(value) && value > 0 === this.#counts[item]! > 0,
          "a finite number above 0, or 0 without users",
        );
      case keyOf(NORMS, "norms"):
        return every(isNorm, "a finite number of at least 0");
      case keyOf(FACTORS, "factors"):
        return every(Number.isFinite, "a finite number");
      case keyOf(ATTRIBUTES, "codes"): {
        const most = counts.attributeValues - 1;
        return every((code) => code >= -1 && code <= most, `-1 to ${most}`);
      }
      case keyOf(AVAILABILITY, "from"):
      case keyOf(AVAILABILITY, "until"):
        return times;
    }
    return undefined; // indptr, which opening has checked
  }

  /** [CSR-2], [CSR-3] and [CSR-5]. */
  #indices(indptr: Float64Array, isSimilarity: boolean): Check {
    const { items } = this.#core.contents.manifest.counts;
    const users = this.#users;
    let row = 0;
    let before = -1;
    return (elements, first) => {
      for (let index = 0; index < elements.length; index++) {
        const element = first + index;
        while (indptr[row + 1]! <= element) {
          row++;
          before = -1;
        }
        const got = elements[index]!;
        if (got < 0 || got >= items) return { element, expected: `0 to ${items - 1}`, got };
        if (got <= before)
          return { element, expected: "an index above the one before it in the same row", got };
        if (isSimilarity && got === row)
          return { element, expected: "another item than the row's own", got };
        if (!isSimilarity) users[got]!++;
        before = got;
      }
      return undefined;
    };
  }

  /** [POP-1], but for the sum. */
  #popularity(users: number): Check {
    return (elements, first) => {
      for (let index = 0; index < elements.length / 2; index++) {
        const got = elements[2 * index + 1]! * 2 ** 32 + (elements[2 * index]! >>> 0);
        if (got < 0 || got > users)
          return { element: first + index, expected: `0 to ${users} users`, got };
        this.#counts[first + index] = got;
        this.#sum += got;
      }
      return undefined;
    };
  }

  expectSum(): void {
    const { interactions } = this.#core.contents.manifest.counts;
    if (this.#sum !== interactions)
      throw this.#refuse("", `a sum of ${interactions} interactions`, this.#sum);
  }

  /** [POP-2], after the histories have been found sound. */
  expectUsersOfItems(): void {
    const item = this.#counts.findIndex((count, index) => count !== this.#users[index]);
    if (item >= 0) {
      throw this.#refuse(
        `element ${item}`,
        `${this.#users[item]} users as in ${HISTORIES}`,
        this.#counts[item],
      );
    }
  }

  #refuse(field: string, expected: string, got: unknown): MlcoreError {
    const place = `${this.#core.contents.place}/${POPULARITY}: counts.npy`;
    return new MlcoreError("csr", place, field, expected, String(got));
  }
}

function every(isGood: (value: number, element: number) => boolean, expected: string): Check {
  return (elements, first) => {
    for (let index = 0; index < elements.length; index++) {
      const got = elements[index]!;
      if (!isGood(got, first + index)) return { element: first + index, expected, got };
    }
    return undefined;
  };
}

/** [ORD-3]: the positions of a row are 1 to its length, each once. */
function positions(indptr: Float64Array): Check {
  let row = 0;
  let taken = new Set<number>();
  return (elements, first) => {
    for (let index = 0; index < elements.length; index++) {
      const element = first + index;
      while (indptr[row + 1]! <= element) {
        row++;
        taken = new Set();
      }
      const length = indptr[row + 1]! - indptr[row]!;
      const got = elements[index]!;
      if (got < 1 || got > length || taken.has(got)) {
        return { element, expected: `each of 1 to ${length} once in the history`, got };
      }
      taken.add(got);
    }
    return undefined;
  };
}

/** [ATT-3]. */
function times(elements: Elements, first: number): Fault | undefined {
  const found = new ItemTimes(elements as Int32Array);
  for (let index = 0; index < elements.length / 2; index++) {
    if (!found.isSound(index)) {
      return {
        element: first + index,
        expected: "a time of the years 1 to 9999, or -2^63",
        got: "another one",
      };
    }
  }
  return undefined;
}

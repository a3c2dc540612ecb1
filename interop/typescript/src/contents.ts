import { MlcoreError } from "./errors.js";
import {
  arraysOf,
  ATTRIBUTES,
  AVAILABILITY,
  COLUMNS,
  CONFIG,
  FACTORS,
  HISTORIES,
  ITEMS,
  MANIFEST,
  MAX_MANIFEST_BYTES,
  NORMS,
  OPTIONAL_FILES,
  ORDER,
  parseManifest,
  POPULARITY,
  SIMILARITY,
  USERS,
  VALUES,
  type Manifest,
} from "./manifest.js";
import { elementBytes, readNpz, type StoredArray } from "./npz.js";
import { pathOf, readInto, type FileStat, type Source } from "./source.js";
import { elementsOf, type Elements } from "./table.js";

/** How much of a model is in memory. */
export type Mode = "loaded" | "lazy";

/** What is in memory of a model, in a form that can be sent to a worker. */
export interface Contents {
  readonly place: string;
  readonly manifest: Manifest;
  /** The bytes of `config.json` and of the id maps. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Arrays by their keys. */
  readonly arrays: Map<string, Elements>;
}

/** Where the arrays of a model are, by their keys. */
export type StoredArrays = ReadonlyMap<string, StoredArray>;

/** Returns the key of an array. */
export function keyOf(file: string, array: string): string {
  return `${file}/${array}`;
}

/** In this order, so that the first fault is always the same. */
const ARCHIVES = [
  SIMILARITY,
  POPULARITY,
  HISTORIES,
  ORDER,
  NORMS,
  FACTORS,
  ATTRIBUTES,
  AVAILABILITY,
];
const WHOLE_FILES = [CONFIG, ITEMS, USERS, COLUMNS, VALUES];

/** Returns memory, which threads share if `shared`. */
function allocate(bytes: number, shared: boolean): Uint8Array {
  return new Uint8Array(shared ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes));
}

async function readWhole(
  source: Source,
  file: string,
  size: number,
  shared: boolean,
): Promise<Uint8Array> {
  const bytes = allocate(size, shared);
  await readInto(bytes, source, file, 0);
  return bytes;
}

/** Reads the elements of an array; `indptr` becomes numbers, and is checked ([CSR-1]). */
export async function readArray(
  source: Source,
  array: StoredArray,
  entries: number,
  shared: boolean,
): Promise<Elements> {
  const { file, spec, start } = array;
  const bytes = allocate(spec.length * elementBytes(spec.dtype), shared);
  await readInto(bytes, source, file, start);
  const elements = elementsOf(bytes, array);
  if (spec.name !== "indptr") return elements;
  return offsetsOf(elements as Int32Array, entries, `${pathOf(source, file)}: indptr.npy`);
}

/** Turns halves into numbers, in the same memory. */
function offsetsOf(halves: Int32Array, entries: number, place: string): Float64Array {
  const offsets = new Float64Array(halves.buffer, halves.byteOffset, halves.length / 2);
  let before = 0;
  for (let row = 0; row < offsets.length; row++) {
    // Beyond 2^53 this is rounded, but larger than any number of entries all the same.
    const offset = halves[2 * row + 1]! * 2 ** 32 + (halves[2 * row]! >>> 0);
    if (offset < before || offset > entries || (row === 0 && offset !== 0)) {
      const expected = row === 0 ? "0" : `an offset from ${before} to ${entries}`;
      throw new MlcoreError("csr", place, `element ${row}`, expected, String(offset));
    }
    offsets[row] = before = offset;
  }
  if (before !== entries) {
    throw new MlcoreError("csr", place, "", `offsets up to ${entries}`, `up to ${before}`);
  }
  return offsets;
}

/** Reads and checks all that opening a model takes: sections 2 to 7. */
export async function load(
  source: Source,
  mode: Mode,
  shared: boolean,
): Promise<{ contents: Contents; stored: StoredArrays }> {
  const manifest = await readManifest(source);
  await checkFiles(source, manifest);
  const { counts, requiredFeatures } = manifest;
  const stored = new Map<string, StoredArray>();
  const arrays = new Map<string, Elements>();
  const files = new Map<string, Uint8Array>();
  const sizeOf = (file: string): number => manifest.files.get(file)!.bytes;
  const listed = (file: string): boolean => manifest.files.has(file);

  async function readArchive(file: string): Promise<void> {
    const entries = file === SIMILARITY ? counts.pairs : counts.interactions;
    const specs = arraysOf(file, counts, requiredFeatures);
    for (const array of await readNpz(source, file, sizeOf(file), specs)) {
      const key = keyOf(file, array.spec.name);
      stored.set(key, array);
      if (mode === "loaded" || array.spec.name === "indptr" || file === POPULARITY) {
        arrays.set(key, await readArray(source, array, entries, shared));
      }
    }
  }

  // All at once, but the first fault in this order is the one that is told.
  const work = [
    ...WHOLE_FILES.filter(listed).map(async (file) => {
      files.set(file, await readWhole(source, file, sizeOf(file), shared));
    }),
    ...ARCHIVES.filter(listed).map(readArchive),
  ];
  await allInOrder(work);
  return { contents: { place: source.place, manifest, files, arrays }, stored };
}

/** Waits for all; if some fail, the first of them in the list is the error. */
async function allInOrder<T>(work: readonly Promise<T>[]): Promise<T[]> {
  const results: T[] = [];
  for (const settled of await Promise.allSettled(work)) {
    if (settled.status === "rejected") throw settled.reason;
    results.push(settled.value);
  }
  return results;
}

function refuseMissing(
  source: Source,
  file: string,
  stat: FileStat | null,
): asserts stat is FileStat {
  const refuse = (got: string) =>
    new MlcoreError("io", pathOf(source, file), "", "a regular file", got);
  if (!stat) throw refuse("none");
  if (stat.other !== undefined) throw refuse(stat.other);
}

async function readManifest(source: Source): Promise<Manifest> {
  const stat = await source.stat(MANIFEST);
  refuseMissing(source, MANIFEST, stat);
  const place = pathOf(source, MANIFEST);
  if (stat.size > MAX_MANIFEST_BYTES) {
    throw new MlcoreError(
      "manifest",
      place,
      "",
      `at most ${MAX_MANIFEST_BYTES} bytes`,
      String(stat.size),
    );
  }
  return parseManifest(await readWhole(source, MANIFEST, stat.size, false), place);
}

/** Checks that the files of the manifest are there, and no others ([MAN-12], [MAN-13]). */
async function checkFiles(source: Source, { files }: Manifest): Promise<void> {
  const names = [...OPTIONAL_FILES.filter((name) => !files.has(name)), ...files.keys()];
  const stats = await allInOrder(names.map((name) => source.stat(name)));
  for (const [index, file] of names.entries()) {
    const stat = stats[index] ?? null;
    const entry = files.get(file);
    if (!entry) {
      if (stat)
        throw new MlcoreError(
          "manifest",
          pathOf(source, MANIFEST),
          "files",
          `${file}, which is there`,
          "none",
        );
      continue;
    }
    refuseMissing(source, file, stat);
    if (stat.size !== entry.bytes) {
      const expected = `${entry.bytes} bytes as in the manifest`;
      throw new MlcoreError("size", pathOf(source, file), "", expected, String(stat.size));
    }
  }
}

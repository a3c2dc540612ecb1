import { MlcoreError, show } from "./errors.js";
import {
  decodeUtf8,
  JsonError,
  JsonNumber,
  parseJson,
  type Json,
  type JsonObject,
} from "./json.js";

/** The limits of section 11. */
export const MAX_MANIFEST_BYTES = 2 ** 20;
const MAX_AXIS = 2 ** 31 - 2;
const MAX_ENTRIES = 2 ** 53 - 1;

export const MANIFEST = "manifest.json";
export const CONFIG = "config.json";
export const ITEMS = "items.csv";
export const USERS = "users.csv";
export const SIMILARITY = "similarity.npz";
export const HISTORIES = "histories.npz";
export const POPULARITY = "popularity.npz";
export const NORMS = "item_norms.npz";
export const FACTORS = "length_factors.npz";
export const ORDER = "order.npz";
export const COLUMNS = "attribute_columns.csv";
export const VALUES = "attribute_values.csv";
export const ATTRIBUTES = "attributes.npz";
export const AVAILABILITY = "availability.npz";

const ALWAYS = [CONFIG, ITEMS, SIMILARITY, POPULARITY];
const OF_USERS = [USERS, HISTORIES];
const OF_ATTRIBUTES = [COLUMNS, VALUES, ATTRIBUTES];

/** The required features known here, and the files that a model has only with them. */
const FEATURES = new Map<string, readonly string[]>([
  ["history_rule", [NORMS, FACTORS]],
  ["history_order", [ORDER]],
  ["item_attributes", [...OF_ATTRIBUTES, AVAILABILITY]],
  ["decayed_popularity", []],
]);

/** The files that a model may lack; none of them may be there without being listed. */
export const OPTIONAL_FILES: readonly string[] = [...OF_USERS, ...[...FEATURES.values()].flat()];

/** The type of the elements of an array. */
export type Dtype = "<i4" | "<i8" | "<f4" | "<f8";

/** The type and length that an array must have. */
export interface ArraySpec {
  readonly name: string;
  readonly dtype: Dtype;
  readonly length: number;
}

/** The sizes of a model. */
export interface Counts {
  readonly users: number;
  readonly items: number;
  readonly interactions: number;
  readonly pairs: number;
  /** Of the catalogue; 0 in a model without one. */
  readonly attributeColumns: number;
  readonly attributeValues: number;
}

/** One file as the manifest lists it. */
export interface FileEntry {
  readonly bytes: number;
  readonly sha256: string;
}

/** What `manifest.json` says about a model. */
export interface Manifest {
  readonly producer: { readonly name: string; readonly version: string };
  readonly counts: Counts;
  readonly requiredFeatures: readonly string[];
  /** Digest of the training interactions, to compare models by. */
  readonly interactionsSha256: string;
  /** By name, in the order of the manifest. */
  readonly files: ReadonlyMap<string, FileEntry>;
}

/** Returns the arrays of a file in order; none of a file that is no `.npz`. */
export function arraysOf(file: string, counts: Counts, features: readonly string[]): ArraySpec[] {
  const { users, items, interactions, pairs } = counts;
  const array = (name: string, dtype: Dtype, length: number): ArraySpec => ({
    name,
    dtype,
    length,
  });
  const csr = (rows: number, entries: number): ArraySpec[] => [
    array("indptr", "<i8", rows + 1),
    array("indices", "<i4", entries),
    array("data", "<f4", entries),
  ];
  switch (file) {
    case SIMILARITY:
      return csr(items, pairs);
    case HISTORIES:
      return csr(users, interactions);
    case POPULARITY: {
      const decayed = features.includes("decayed_popularity")
        ? [array("decayed", "<f8", items)]
        : [];
      return [array("counts", "<i8", items), ...decayed];
    }
    case NORMS:
      return [array("norms", "<f8", items)];
    case FACTORS:
      return [array("factors", "<f8", items)];
    case ORDER:
      return [array("positions", "<i4", interactions)];
    case ATTRIBUTES:
      return [array("codes", "<i4", counts.attributeColumns * items)];
    case AVAILABILITY:
      return [array("from", "<i8", items), array("until", "<i8", items)];
  }
  return [];
}

/** Takes values out of the JSON objects of a file. */
export class ObjectReader {
  constructor(
    readonly place: string,
    readonly object: JsonObject,
    readonly path = "",
  ) {}

  refuse(
    key: string,
    expected: string,
    got: unknown,
    verdict: "manifest" | "version" = "manifest",
  ): MlcoreError {
    return new MlcoreError(verdict, this.place, this.path + key, expected, show(got));
  }

  get(key: string): Json | undefined {
    return this.object.get(key);
  }

  child(key: string): ObjectReader {
    const value = this.get(key);
    if (!(value instanceof Map)) throw this.refuse(key, "an object", value);
    return new ObjectReader(this.place, value, `${this.path}${key}: `);
  }

  string(key: string): string {
    const value = this.get(key);
    if (typeof value !== "string") throw this.refuse(key, "a string", value);
    return value;
  }

  integer(key: string, most: number): number {
    const value = integerOf(this.get(key));
    if (value === undefined || value > most) {
      throw this.refuse(key, `an integer from 0 to ${most}`, this.get(key));
    }
    return value;
  }

  sha256(key: string): string {
    const value = this.get(key);
    if (typeof value !== "string" || !/^[0-9a-f]{64}$/.test(value)) {
      throw this.refuse(key, "64 hexadecimal digits", value);
    }
    return value;
  }
}

/** Returns the integer of [MAN-8], or undefined. */
function integerOf(value: Json | undefined): number | undefined {
  if (!(value instanceof JsonNumber)) return undefined;
  const integer = value.integer;
  return integer !== undefined && integer >= 0n && integer <= MAX_ENTRIES
    ? Number(integer)
    : undefined;
}

/** Returns the object that a file of [MAN-1] and [MAN-2] holds. */
export function parseObject(bytes: Uint8Array, place: string): ObjectReader {
  const refuse = (expected: string, got: string) =>
    new MlcoreError("manifest", place, "", expected, got);
  if (bytes.length > MAX_MANIFEST_BYTES) {
    throw refuse(`at most ${MAX_MANIFEST_BYTES} bytes`, String(bytes.length));
  }
  let value: Json;
  try {
    value = parseJson(decodeUtf8(bytes));
  } catch (error) {
    if (error instanceof JsonError) throw refuse("a JSON object", error.message);
    throw error;
  }
  if (!(value instanceof Map)) throw refuse("a JSON object", show(value));
  return new ObjectReader(place, value);
}

/** Reads `manifest.json`: section 3. */
export function parseManifest(bytes: Uint8Array, place: string): Manifest {
  const root = parseObject(bytes, place);
  const requiredFeatures = readVersion(root);
  const counts = readCounts(root.child("counts"), requiredFeatures.includes("item_attributes"));
  const producer = root.child("producer");
  const training = root.child("training");
  const configSha256 = training.sha256("config_sha256");
  const manifest = {
    producer: { name: producer.string("name"), version: producer.string("version") },
    counts,
    requiredFeatures,
    interactionsSha256: training.sha256("interactions_sha256"),
    files: readFiles(root.child("files"), counts, requiredFeatures),
  };
  if (manifest.files.get(CONFIG)?.sha256 !== configSha256) {
    throw training.refuse("config_sha256", "the sha256 of config.json", configSha256);
  }
  return manifest;
}

/** Checks what says whether the rest can be read; returns the required features. */
function readVersion(root: ObjectReader): string[] {
  if (root.get("format") !== "mlcore-model") {
    throw root.refuse("format", '"mlcore-model"', root.get("format"));
  }
  const version = root.integer("format_version", MAX_ENTRIES);
  if (version !== 1) throw root.refuse("format_version", "1", version, "version");
  const required = root.get("required_features");
  if (!Array.isArray(required) || !required.every((name) => typeof name === "string")) {
    throw root.refuse("required_features", "an array of strings", required);
  }
  const unknown = required.find((name) => !FEATURES.has(name));
  if (unknown !== undefined) {
    const known = [...FEATURES.keys()].join(", ");
    throw root.refuse("required_features", `none but ${known}`, unknown, "version");
  }
  return required;
}

function readCounts(object: ObjectReader, withAttributes: boolean): Counts {
  const counts = {
    users: object.integer("users", MAX_AXIS),
    items: object.integer("items", MAX_AXIS),
    interactions: object.integer("interactions", MAX_ENTRIES),
    pairs: object.integer("pairs", MAX_ENTRIES),
    attributeColumns: withAttributes ? object.integer("attribute_columns", MAX_AXIS) : 0,
    attributeValues: withAttributes ? object.integer("attribute_values", MAX_AXIS) : 0,
  };
  // The product of an f64 is exact up to the limit, and not below it if it is above.
  if (counts.attributeColumns * counts.items > MAX_ENTRIES) {
    throw object.refuse(
      "attribute_columns",
      `at most ${MAX_ENTRIES} codes`,
      counts.attributeColumns,
    );
  }
  return counts;
}

function readFiles(
  object: ObjectReader,
  counts: Counts,
  features: readonly string[],
): Map<string, FileEntry> {
  const names = object.object;
  const listed = (name: string) => names.has(name);
  const allowed = [
    ...ALWAYS,
    ...OF_USERS,
    ...features.flatMap((feature) => FEATURES.get(feature) ?? []),
  ];
  const needed = [...ALWAYS, ...(features.includes("item_attributes") ? OF_ATTRIBUTES : [])];
  for (const name of names.keys()) {
    if (!allowed.includes(name)) throw object.refuse("", `some of ${allowed.join(", ")}`, name);
  }
  for (const name of needed) {
    if (!listed(name)) throw object.refuse("", `${name}, which every such model has`, "none");
  }
  if (listed(USERS) !== listed(HISTORIES)) {
    throw object.refuse("", `both or none of ${USERS} and ${HISTORIES}`, "one of them");
  }
  if (features.includes("history_order")) {
    if (!features.includes("history_rule")) {
      throw object.refuse("", "history_rule beside history_order in required_features", "none");
    }
    if (listed(ORDER) !== listed(HISTORIES)) {
      throw object.refuse("", `both or none of ${ORDER} and ${HISTORIES}`, "one of them");
    }
  }
  const files = new Map<string, FileEntry>();
  for (const name of names.keys()) {
    const entry = object.child(name);
    checkArrays(entry, arraysOf(name, counts, features));
    files.set(name, { bytes: entry.integer("bytes", MAX_ENTRIES), sha256: entry.sha256("sha256") });
  }
  return files;
}

function checkArrays(entry: ObjectReader, specs: readonly ArraySpec[]): void {
  if (specs.length === 0) return;
  const arrays = entry.child("arrays");
  for (const name of arrays.object.keys()) {
    if (!specs.some((spec) => spec.name === name)) throw arrays.refuse("", "no other array", name);
  }
  for (const { name, dtype, length } of specs) {
    const array = arrays.child(name);
    const shape = array.get("shape");
    if (array.get("dtype") !== dtype) throw array.refuse("dtype", `"${dtype}"`, array.get("dtype"));
    if (!Array.isArray(shape) || shape.length !== 1 || integerOf(shape[0]) !== length) {
      throw array.refuse("shape", `[${length}] by the counts`, shape);
    }
  }
}

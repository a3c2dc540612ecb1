/** What several tests need: a writer of small models, and one independent way to answer. */
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32, deflateRawSync } from "node:zlib";
import type { HistoryEvent, Item, Request } from "mlcore";

/** Numbers that look random, the same for the same seed. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 to below 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  below(end: number): number {
    return Math.floor(this.next() * end);
  }

  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)]!;
  }

  some(end: number, share: number): number[] {
    return Array.from({ length: end }, (_, index) => index).filter(() => this.next() < share);
  }
}

/** A row: positions, ascending, and values. */
export type Row = [index: number, value: number][];

/** A model as a test thinks of it: without a rule, but perhaps with a catalogue. */
export interface Draft {
  items: string[];
  users: string[];
  similarity: Row[];
  histories: Row[];
  columns: string[];
  values: string[];
  codes: number[][]; // by column
  from: (bigint | null)[];
  until: (bigint | null)[];
}

const compareUtf8 = (a: string, b: string): number =>
  Buffer.compare(Buffer.from(a), Buffer.from(b));

/** Returns a random model with ties, negative weights, empty rows and ids of all kinds. */
export function draw(random: Random, most = 30): Draft {
  const id = (): string =>
    Array.from({ length: 1 + random.below(4) }, () =>
      random.pick(["a", "B", "é", "😀", "～", '"', ",", " ", "0", "_"]),
    ).join("");
  const ids = (count: number): string[] =>
    [...new Set(Array.from({ length: count }, id))].sort(compareUtf8);
  const items = ids(1 + random.below(most));
  const users = ids(1 + random.below(10));
  const weight = (): number => Math.fround(random.pick([0.5, 1, 2, 0.1, random.next() + 1e-3]));
  const columns = ["brand", "kind"];
  const values = ["x", "y", "z"];
  const time = (): bigint | null =>
    random.next() < 0.5 ? null : BigInt(random.below(10)) * 10n ** 16n;
  return {
    items,
    users,
    similarity: items.map((_, row) =>
      random
        .some(items.length, 0.4)
        .filter((item) => item !== row)
        .map((item) => [item, random.next() < 0.2 ? -weight() : weight()]),
    ),
    histories: users.map(() => random.some(items.length, 0.2).map((item) => [item, weight()])),
    columns,
    values,
    codes: columns.map(() => items.map(() => random.below(4) - 1)),
    from: items.map(time),
    until: items.map(time),
  };
}

interface Packed {
  name: string;
  dtype: "<i4" | "<i8" | "<f4" | "<f8";
  values: readonly (number | bigint)[];
}

function bytesOf({ dtype, values }: Packed): Buffer {
  const width = Number(dtype[2]);
  const bytes = Buffer.alloc(values.length * width);
  for (const [index, value] of values.entries()) {
    const at = index * width;
    if (dtype === "<i4") bytes.writeInt32LE(Number(value), at);
    else if (dtype === "<i8") bytes.writeBigInt64LE(BigInt(value), at);
    else if (dtype === "<f4") bytes.writeFloatLE(Number(value), at);
    else bytes.writeDoubleLE(Number(value), at);
  }
  return bytes;
}

/** Writes an archive, field by field, apart from how the reader does. */
function packNpz(arrays: readonly Packed[]): Buffer {
  const parts: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const array of arrays) {
    const name = Buffer.from(`${array.name}.npy`);
    const text = `{'descr': '${array.dtype}', 'fortran_order': False, 'shape': (${array.values.length},), }`;
    const header = Buffer.concat([
      Buffer.from("\x93NUMPY\x01\x00\x76\x00", "latin1"),
      Buffer.from(`${text.padEnd(117)}\n`),
    ]);
    const data = Buffer.concat([header, bytesOf(array)]);
    const padding = (64 - ((offset + 30 + name.length + 6) % 64)) % 64;
    const fixed = Buffer.alloc(26); // version needed to lengths
    fixed.writeUInt16LE(20, 0);
    fixed.writeUInt16LE(0x21, 8);
    fixed.writeUInt32LE(crc32(data), 10);
    fixed.writeUInt32LE(data.length, 14);
    fixed.writeUInt32LE(data.length, 18);
    fixed.writeUInt16LE(name.length, 22);
    const extra = Buffer.alloc(6 + padding);
    extra.writeUInt16LE(0xd935, 0);
    extra.writeUInt16LE(2 + padding, 2);
    extra.writeUInt16LE(64, 4);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(0x81a40000, 6);
    rest.writeUInt32LE(offset, 10);
    central.push(Buffer.from("PK\x01\x02\x14\x03", "latin1"), Buffer.from(fixed), rest, name);
    fixed.writeUInt16LE(extra.length, 24);
    const member = Buffer.concat([Buffer.from("PK\x03\x04"), fixed, name, extra, data]);
    parts.push(member);
    offset += member.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06");
  end.writeUInt16LE(arrays.length, 8);
  end.writeUInt16LE(arrays.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, directory, end]);
}

/** Writes an ordinary zip file of a folder, as other programs do. */
export function zip(files: ReadonlyMap<string, Buffer>, isDeflated: boolean): Buffer {
  const parts: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const [path, content] of files) {
    const name = Buffer.from(`folder/${path}`);
    const data = isDeflated ? deflateRawSync(content) : content;
    const fixed = Buffer.alloc(26);
    fixed.writeUInt16LE(20, 0);
    fixed.writeUInt16LE(isDeflated ? 8 : 0, 4);
    fixed.writeUInt32LE(crc32(content), 10);
    fixed.writeUInt32LE(data.length, 14);
    fixed.writeUInt32LE(content.length, 18);
    fixed.writeUInt16LE(name.length, 22);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(offset, 10);
    parts.push(Buffer.from("PK\x03\x04"), fixed, name, data);
    central.push(Buffer.from("PK\x01\x02\x14\x03", "latin1"), fixed, rest, name);
    offset += 30 + name.length + data.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22 + 7);
  end.write("PK\x05\x06");
  end.writeUInt16LE(files.size, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  end.writeUInt16LE(7, 20);
  end.write("comment", 22);
  return Buffer.concat([...parts, directory, end]);
}

function packIds(ids: readonly string[]): Buffer {
  const field = (id: string): string => (/[",]/.test(id) ? `"${id.replaceAll('"', '""')}"` : id);
  return Buffer.from(`index,id\n${ids.map((id, index) => `${index},${field(id)}\n`).join("")}`);
}

function packRows(rows: readonly Row[]): Packed[] {
  const ends = rows.map((_, row) =>
    rows.slice(0, row + 1).reduce((sum, { length }) => sum + length, 0),
  );
  return [
    { name: "indptr", dtype: "<i8", values: [0, ...ends] },
    { name: "indices", dtype: "<i4", values: rows.flatMap((row) => row.map(([item]) => item)) },
    { name: "data", dtype: "<f4", values: rows.flatMap((row) => row.map(([, value]) => value)) },
  ];
}

/** Returns the files of a model. */
export function pack(draft: Draft): Map<string, Buffer> {
  const counts = draft.items.map(
    (_, item) => draft.histories.filter((row) => row.some(([index]) => index === item)).length,
  );
  const times = (values: readonly (bigint | null)[]): bigint[] =>
    values.map((value) => value ?? -(2n ** 63n));
  const archives: Record<string, Packed[]> = {
    "similarity.npz": packRows(draft.similarity),
    "histories.npz": packRows(draft.histories),
    "popularity.npz": [{ name: "counts", dtype: "<i8", values: counts }],
    "attributes.npz": [{ name: "codes", dtype: "<i4", values: draft.codes.flat() }],
    "availability.npz": [
      { name: "from", dtype: "<i8", values: times(draft.from) },
      { name: "until", dtype: "<i8", values: times(draft.until) },
    ],
  };
  const files = new Map<string, Buffer>([
    ["config.json", Buffer.from("{}")],
    ["items.csv", packIds(draft.items)],
    ["users.csv", packIds(draft.users)],
    ["attribute_columns.csv", packIds(draft.columns)],
    ["attribute_values.csv", packIds(draft.values)],
  ]);
  for (const [name, arrays] of Object.entries(archives)) files.set(name, packNpz(arrays));
  const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");
  const listed = [...files].map(([name, bytes]) => {
    const arrays = archives[name]?.map(
      ({ name: array, dtype, values }) => [array, { dtype, shape: [values.length] }] as const,
    );
    const entry = { bytes: bytes.length, sha256: sha256(bytes) };
    return [name, arrays ? { ...entry, arrays: Object.fromEntries(arrays) } : entry] as const;
  });
  const length = (rows: readonly Row[]): number => rows.flat().length;
  const manifest = {
    format: "mlcore-model",
    format_version: 1,
    required_features: ["item_attributes"],
    producer: { name: "test", version: "0" },
    counts: {
      users: draft.users.length,
      items: draft.items.length,
      interactions: length(draft.histories),
      pairs: length(draft.similarity),
      attribute_columns: draft.columns.length,
      attribute_values: draft.values.length,
    },
    training: { interactions_sha256: "0".repeat(64), config_sha256: sha256(Buffer.from("{}")) },
    files: Object.fromEntries(listed),
  };
  return files.set("manifest.json", Buffer.from(JSON.stringify(manifest)));
}

/** Writes files into a new directory, which is there until the work is done. */
export async function withDirectory<T>(
  files: ReadonlyMap<string, Uint8Array>,
  work: (path: string) => Promise<T>,
): Promise<T> {
  const parent = mkdtempSync(join(tmpdir(), "mlcore-"));
  const path = join(parent, "model");
  mkdirSync(path);
  try {
    for (const [name, bytes] of files) writeFileSync(join(path, name), bytes);
    return await work(path);
  } finally {
    rmSync(parent, { recursive: true });
  }
}

/** Returns a random request for a model; some of its ids are unknown. */
export function drawRequest(random: Random, { items, users }: Draft): Request {
  const ids = [...items, "nobody's", "\u{10ffff}"];
  const maybe = <T>(value: () => T): T | undefined => (random.next() < 0.3 ? value() : undefined);
  const list = (): string[] => random.some(ids.length, 0.5).map((index) => ids[index]!);
  const byColumn = (): Map<string, string[]> =>
    new Map([[random.pick(["brand", "kind"]), random.pick([["x"], ["x", "y"], ["no"], []])]]);
  const filter = maybe(() =>
    known({
      anyOf: maybe(byColumn),
      noneOf: maybe(byColumn),
      availableAt: maybe(() => BigInt(random.below(10)) * 10n ** 16n + BigInt(random.below(3) - 1)),
      atMost: maybe(() => ({ brand: 1 + random.below(3), kind: 1 + random.below(3) })),
    }),
  );
  const options = known({
    include: maybe(list),
    exclude: maybe(list),
    includeSeen: maybe(() => true),
    fill: maybe(() => true),
    explain: maybe(() => true),
    filter,
  });
  const history = (): HistoryEvent[] =>
    list().map((id) => ({ id, weight: random.pick([1, 0.3, 2]) }));
  const whom = random.pick<() => object>([
    () => ({ user: random.pick(users) }),
    () => ({ item: random.pick(items) }),
    () => ({ history: history() }),
  ])();
  return { n: 1 + random.below(12), ...whom, ...options };
}

/** Drops what is undefined. */
function known<T extends object>(values: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}

/** Answers a request by section 10, as plainly as can be: everything is looked at, everything is sorted. */
export function recommendNaively(draft: Draft, request: Request): Item[] {
  const { items } = draft;
  const position = (id: string): number => items.indexOf(id);
  const rows = (): [number, number][] => {
    if (request.user !== undefined) return draft.histories[draft.users.indexOf(request.user)]!;
    if (request.item !== undefined) return [[position(request.item), 1]];
    return request.history!.map(({ id, weight = 1 }): [number, number] => [
      position(id),
      Math.fround(weight),
    ]);
  };
  const history = rows()
    .filter(([item]) => item >= 0)
    .sort((a, b) => a[0] - b[0]);
  const seen = new Set(history.map(([item]) => item));
  const include = request.include && new Set([...request.include].map(position));
  const exclude = new Set([...(request.exclude ?? [])].map(position));
  const filter = request.filter ?? {};
  const asMap = <T>(values: unknown): Map<string, T> =>
    new Map(values instanceof Map ? values : Object.entries(values ?? {})) as Map<string, T>;
  const codeOf = (column: string, item: number): number =>
    draft.codes[draft.columns.indexOf(column)]![item]!;
  const valueIn = (column: string, item: number, values: string[]): boolean =>
    values.includes(draft.values[codeOf(column, item)] ?? "\0");
  const admits = (item: number): boolean =>
    [...asMap<string[]>(filter.anyOf)].every(([column, values]) => valueIn(column, item, values)) &&
    ![...asMap<string[]>(filter.noneOf)].some(([column, values]) =>
      valueIn(column, item, values),
    ) &&
    (filter.availableAt === undefined ||
      ((draft.from[item] ?? -Infinity) <= filter.availableAt &&
        (draft.until[item] ?? Infinity) > filter.availableAt));
  const allowed = (item: number): boolean =>
    (!include || include.has(item)) && !exclude.has(item) && admits(item);
  const list: Item[] = [];
  const walk = (candidates: number[], make: (item: number) => Item): void => {
    for (const index of candidates) {
      const fits = [...asMap<number>(filter.atMost)].every(([column, most]) => {
        const code = codeOf(column, index);
        return (
          code === -1 || list.filter((other) => codeOf(column, other.index) === code).length < most
        );
      });
      if (fits && list.length < request.n) list.push(make(index));
    }
  };
  const terms = items.map((_, item) =>
    history.flatMap(([source, weight]) =>
      draft.similarity[source]!.filter(([target]) => target === item).map(([, value]) => ({
        id: items[source]!,
        index: source,
        share: weight * Math.fround(value),
      })),
    ),
  );
  const scores = terms.map((shares) => shares.reduce((sum, { share }) => sum + share, 0));
  const best = items
    .map((_, item) => item)
    .filter(
      (item) =>
        terms[item]!.length > 0 &&
        allowed(item) &&
        (request.includeSeen === true || !seen.has(item)),
    );
  walk(
    best.sort((a, b) => scores[b]! - scores[a]! || a - b),
    (index) => ({
      id: items[index]!,
      index,
      score: scores[index]!,
      filled: false,
      ...(request.explain === true && { because: terms[index]! }),
    }),
  );
  if (request.fill === true) {
    const count = (item: number): number =>
      draft.histories.filter((row) => row.some(([index]) => index === item)).length;
    const listed = new Set(list.map(({ index }) => index));
    const more = items
      .map((_, item) => item)
      .filter((item) => count(item) > 0 && allowed(item) && !seen.has(item) && !listed.has(item));
    walk(
      more.sort((a, b) => count(b) - count(a) || a - b),
      (index) => ({
        id: items[index]!,
        index,
        score: 0,
        filled: true,
        ...(request.explain === true && { because: [] }),
      }),
    );
  }
  return list;
}

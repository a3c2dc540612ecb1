import { MlcoreError, show } from "./errors.js";
import { decodeUtf8, isWellFormed, JsonError, unshared } from "./json.js";
import type { Hash } from "./source.js";

const HEADER = "index,id\n";
const MAX_ID_BYTES = 65535;
const LF = 0x0a;
const CR = 0x0d;
const QUOTE = 0x22;
const COMMA = 0x2c;
const ZERO = 0x30;

/** How many ids are kept as strings, by the last bits of their positions. */
const KEPT = 2 ** 16;

/**
 * An id map, section 8. The bytes stay as they are in the file; ids are compared as bytes, and become strings
 * when they are asked for. The whole file is checked before the first use.
 */
export class IdMap {
  #starts: Uint32Array | Float64Array | undefined; // of the ids, quotes included
  #fault: MlcoreError | undefined;
  readonly #ids: string[] = [];
  readonly #positions: Int32Array;

  constructor(
    readonly bytes: Uint8Array,
    readonly place: string,
    readonly count: number,
  ) {
    this.#positions = new Int32Array(Math.min(count, KEPT)).fill(-1);
  }

  /** Checks the file, once; throws what is wrong. */
  check(): void {
    if (this.#starts) return;
    try {
      if (!this.#fault) this.#starts = this.#parse();
    } catch (error) {
      if (!(error instanceof MlcoreError)) throw error;
      this.#fault = error;
    }
    if (this.#fault) throw this.#fault;
  }

  /** Returns whether there is nothing wrong with the file. */
  isSound(): boolean {
    try {
      this.check();
      return true;
    } catch {
      return false;
    }
  }

  /** Returns the id at a position that exists. */
  id(position: number): string {
    const slot = position & (KEPT - 1);
    if (this.#positions[slot] !== position) {
      this.#ids[slot] = this.#decode(position);
      this.#positions[slot] = position;
    }
    return this.#ids[slot]!;
  }

  /** Returns the position of an id, or -1. */
  position(id: string): number {
    this.check();
    const wanted = encode(id);
    if (!wanted) return -1;
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const order = this.#compare(middle, wanted);
      if (order === 0) return middle;
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    return -1;
  }

  /** Adds all ids to a hash, each as u32 length and UTF-8 bytes. */
  hash(hash: Hash): void {
    this.check();
    const length = new Uint8Array(4);
    for (let position = 0; position < this.count; position++) {
      const id = this.#bytesOf(position);
      new DataView(length.buffer).setUint32(0, id.length, true);
      hash.update(length);
      hash.update(id);
    }
  }

  #start(position: number): number {
    return this.#starts![position]!;
  }

  /** Where the field at a position ends: before its line feed. */
  #end(position: number): number {
    if (position + 1 === this.count) return this.bytes.length - 1;
    let digits = 1;
    for (let power = 10; position + 1 >= power; power *= 10) digits++;
    return this.#start(position + 1) - digits - 2; // the line feed, the index, a comma
  }

  #bytesOf(position: number): Uint8Array {
    const field = this.bytes.subarray(this.#start(position), this.#end(position));
    return field[0] === QUOTE ? unquote(field) : field;
  }

  #decode(position: number): string {
    this.check();
    const bytes = this.#bytesOf(position);
    if (bytes.length <= 64 && bytes.every((byte) => byte < 0x80))
      return String.fromCharCode(...bytes);
    return DECODER.decode(unshared(bytes));
  }

  #compare(position: number, wanted: Uint8Array): number {
    const begin = this.#start(position);
    if (this.bytes[begin] === QUOTE) return compare(this.#bytesOf(position), wanted);
    const length = this.#end(position) - begin;
    const common = Math.min(length, wanted.length);
    for (let at = 0; at < common; at++) {
      const difference = this.bytes[begin + at]! - wanted[at]!;
      if (difference !== 0) return difference;
    }
    return length - wanted.length;
  }

  #parse(): Uint32Array | Float64Array {
    const { bytes, count } = this;
    const refuse = (line: number, expected: string, got: string) =>
      new MlcoreError("idmap", line > 0 ? `${this.place}:${line}` : this.place, "", expected, got);
    for (let at = 0; at < HEADER.length; at++) {
      if (bytes[at] !== HEADER.charCodeAt(at)) throw refuse(1, "the header index,id", "other text");
    }
    if (bytes[bytes.length - 1] !== LF) throw refuse(0, "a line feed at the end", "none");
    const wrongCount = () => refuse(0, `${count} ids as in the manifest`, "another number");
    // A line has at least four bytes: nothing is allocated by a count that the file cannot hold.
    if (count > (bytes.length - HEADER.length) / 4) throw wrongCount();
    const starts = bytes.length < 2 ** 32 ? new Uint32Array(count) : new Float64Array(count);
    const shown = (begin: number, end: number) =>
      show(LENIENT.decode(unshared(bytes.subarray(begin, Math.min(end, begin + 100)))));
    let at = HEADER.length;
    let before = -1; // where the id before begins
    let beforeEnd = -1;
    let ascii = 0;
    let digits = 1;
    for (let index = 0, power = 10; index < count; index++) {
      if (index === power) {
        power *= 10;
        digits++;
      }
      const line = at;
      if (line >= bytes.length) throw wrongCount();
      at += digits;
      for (let digit = at - 1, rest = index; digit >= line; digit--, rest = Math.floor(rest / 10)) {
        if (bytes[digit] !== ZERO + (rest % 10))
          throw refuse(index + 2, `the index ${index}`, shown(line, at));
      }
      if (bytes[at] !== COMMA)
        throw refuse(index + 2, `the index ${index} and a comma`, shown(line, at + 1));
      const begin = ++at;
      let special = false;
      let byte = bytes[at]!;
      for (; byte !== LF; byte = bytes[++at]!) {
        ascii |= byte;
        if (byte === QUOTE || byte === COMMA) special = true;
        if (byte === 0 || byte === CR)
          throw refuse(index + 2, "no NUL and no line break", shown(begin, at));
      }
      const field = bytes.subarray(begin, at);
      if (special && !isQuoted(field)) {
        throw refuse(
          index + 2,
          "quotes around, and doubled within, an id with a comma or a quote",
          shown(begin, at),
        );
      }
      const length = special ? unquote(field).length : at - begin;
      if (length < 1 || length > MAX_ID_BYTES) {
        throw refuse(index + 2, `an id of 1 to ${MAX_ID_BYTES} bytes`, String(length));
      }
      if (before >= 0 && !this.#ascends(before, beforeEnd, begin, at)) {
        throw refuse(
          index + 2,
          `an id after ${shown(before, beforeEnd)} in UTF-8 byte order`,
          shown(begin, at),
        );
      }
      starts[index] = begin;
      before = begin;
      beforeEnd = at++;
    }
    if (at !== bytes.length) throw wrongCount();
    if (ascii >= 0x80) this.#checkUtf8();
    return starts;
  }

  #ascends(begin: number, end: number, next: number, nextEnd: number): boolean {
    const { bytes } = this;
    if (bytes[begin] === QUOTE || bytes[next] === QUOTE) {
      const plain = (field: Uint8Array) => (field[0] === QUOTE ? unquote(field) : field);
      return compare(plain(bytes.subarray(begin, end)), plain(bytes.subarray(next, nextEnd))) < 0;
    }
    for (; begin < end && next < nextEnd; begin++, next++) {
      if (bytes[begin] !== bytes[next]) return bytes[begin]! < bytes[next]!;
    }
    return begin === end && next < nextEnd;
  }

  /** Line by line would do, too, but a decoder is fast only on much. */
  #checkUtf8(): void {
    const step = 1 << 20;
    for (let begin = 0; begin < this.bytes.length;) {
      let end = Math.min(begin + step, this.bytes.length);
      while (this.bytes[end - 1] !== LF) end++; // there is one at the end
      try {
        decodeUtf8(this.bytes.subarray(begin, end));
      } catch (error) {
        if (!(error instanceof JsonError)) throw error;
        throw new MlcoreError("idmap", this.place, "", "UTF-8", "bytes that are none");
      }
      begin = end;
    }
  }
}

const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const LENIENT = new TextDecoder();
const ENCODER = new TextEncoder();
const ROOM = new Uint8Array(256);

/** Returns the bytes of an id, in memory that is used again; undefined for what has none in UTF-8. */
function encode(id: string): Uint8Array | undefined {
  const { length } = id;
  if (length <= ROOM.length) {
    let at = 0;
    for (; at < length; at++) {
      const code = id.charCodeAt(at);
      if (code >= 0x80) break;
      ROOM[at] = code;
    }
    if (at === length) return ROOM.subarray(0, length);
  }
  return length <= MAX_ID_BYTES && isWellFormed(id) ? ENCODER.encode(id) : undefined;
}

/** Returns whether a field is in quotes, has its inner quotes doubled, and needs that. */
function isQuoted(field: Uint8Array): boolean {
  const last = field.length - 1;
  if (last < 1 || field[0] !== QUOTE || field[last] !== QUOTE) return false;
  let needed = false;
  for (let at = 1; at < last; at++) {
    if (field[at] === COMMA) needed = true;
    if (field[at] === QUOTE) {
      needed = true;
      if (++at === last || field[at] !== QUOTE) return false;
    }
  }
  return needed;
}

/** Returns the id of a field in quotes. */
function unquote(field: Uint8Array): Uint8Array {
  const id = new Uint8Array(field.length);
  let length = 0;
  for (let at = 1; at < field.length - 1; at++) {
    id[length++] = field[at]!;
    if (field[at] === QUOTE) at++;
  }
  return id.subarray(0, length);
}

function compare(a: Uint8Array, b: Uint8Array): number {
  const common = Math.min(a.length, b.length);
  for (let at = 0; at < common; at++) {
    const difference = a[at]! - b[at]!;
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

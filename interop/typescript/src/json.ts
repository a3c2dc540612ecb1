/** JSON as RFC 7493 has it: no key twice, no lone surrogate, numbers with their text. */

/** A number as it stands in a text, since an f64 holds neither every integer nor how it was written. */
export class JsonNumber {
  constructor(readonly text: string) {}

  /** The nearest f64; infinite where it is out of range. */
  get value(): number {
    return Number(this.text);
  }

  /** The integer, if it is written without fraction and exponent, and not far beyond 64 bits. */
  get integer(): bigint | undefined {
    return /^-?\d{1,20}$/.test(this.text) ? BigInt(this.text) : undefined;
  }

  toString(): string {
    return this.text;
  }
}

export type JsonObject = Map<string, Json>;
export type Json = null | boolean | string | JsonNumber | Json[] | JsonObject;

/** What is wrong with a text. */
export class JsonError extends Error {}

export const MAX_DEPTH = 16;

/** Returns the text of UTF-8 bytes, with a byte order mark as any other character. */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(unshared(bytes));
  } catch {
    throw new JsonError("bytes that are not UTF-8");
  }
}

/** Returns bytes that a decoder takes: browsers refuse those of shared memory. */
export function unshared(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer
    ? (bytes as Uint8Array<ArrayBuffer>)
    : new Uint8Array(bytes);
}

/** Returns whether a text holds no lone surrogate, so that it has a form in UTF-8. */
export function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}

const WORDS = new Map<string, null | boolean>([
  ["null", null],
  ["true", true],
  ["false", false],
]);

const BLANKS = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const PLAIN = /[^"\\\u0000-\u001f]*/y;

/** Returns the value of a text; throws a {@link JsonError}. */
export function parseJson(text: string): Json {
  if (!isWellFormed(text)) throw new JsonError("a lone surrogate");
  let at = 0;

  function match(pattern: RegExp): string {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0] ?? "";
    at += found.length;
    return found;
  }

  function skip(): number {
    // Most values are followed by one blank or none.
    const code = text.charCodeAt(at);
    if (code === 0x20 || (code >= 0x09 && code <= 0x0d)) match(BLANKS);
    return text.charCodeAt(at);
  }

  function malformed(what: string): JsonError {
    return new JsonError(`${what} at character ${at + 1}`);
  }

  function take(character: string): void {
    if (text[at] !== character) throw malformed(`no ${character}`);
    at++;
  }

  function string(): string {
    take('"');
    let result = match(PLAIN);
    const escaped = text[at] === "\\";
    while (text[at] === "\\") {
      const begin = at;
      const escape = text[at + 1] ?? "";
      at += escape === "u" ? 6 : 2;
      const piece = text.slice(begin, at);
      if (!/^\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})$/.test(piece)) throw malformed("no escape");
      result += JSON.parse(`"${piece}"`) as string;
      result += match(PLAIN);
    }
    take('"');
    if (escaped && !isWellFormed(result)) throw malformed("a lone surrogate before");
    return result;
  }

  function value(depth: number): Json {
    const first = skip();
    if (first === 0x22) return string();
    if (first === 0x7b || first === 0x5b) {
      if (depth > MAX_DEPTH) throw malformed(`nesting deeper than ${MAX_DEPTH}`);
      return first === 0x7b ? object(depth) : array(depth);
    }
    if (first === 0x2d || (first >= 0x30 && first <= 0x39)) {
      const digits = match(NUMBER);
      if (digits === "") throw malformed("no number");
      return new JsonNumber(digits);
    }
    for (const [word, meaning] of WORDS) {
      if (text.startsWith(word, at)) {
        at += word.length;
        return meaning;
      }
    }
    throw malformed("no value");
  }

  /** Takes what stands between two brackets, separated by commas. */
  function members(close: number, member: () => void): void {
    at++;
    if (skip() === close) {
      at++;
      return;
    }
    for (;;) {
      member();
      if (skip() === close) break;
      take(",");
    }
    at++;
  }

  function array(depth: number): Json[] {
    const items: Json[] = [];
    members(0x5d, () => items.push(value(depth + 1)));
    return items;
  }

  function object(depth: number): JsonObject {
    const result: JsonObject = new Map();
    members(0x7d, () => {
      skip();
      const key = string();
      if (result.has(key)) throw malformed(`the key ${JSON.stringify(key)} twice`);
      skip();
      take(":");
      result.set(key, value(depth + 1));
    });
    return result;
  }

  const result = value(1);
  skip();
  if (at < text.length) throw malformed("more text");
  return result;
}

import { MlcoreError } from "./errors.js";
import { cutShort, pathOf, type FileStat, type Source } from "./source.js";

/** What the first request asks for: small files come whole, and the first headers of large ones. */
const HEAD = 16 << 10;

interface Opened {
  readonly size: number;
  /** The first bytes; all of them if the server knows no ranges. */
  readonly head: Uint8Array;
  /** Tells one state of the file from another, if the server says so. */
  readonly tag: string | null;
}

/**
 * A model below an address, read by range requests. A server that does not know them sends whole files, which
 * are then kept. The server says 404 or 410 for a file that is not there.
 */
export class UrlSource implements Source {
  readonly place: string;
  readonly #base: string;
  readonly #options: RequestInit;
  readonly #files = new Map<string, Promise<Opened | null>>();
  #stopped = new AbortController();
  #fetched = 0;

  /** `options` go with each request, such as headers and credentials. */
  constructor(base: string | URL, options: RequestInit = {}) {
    this.place = String(base).replace(/\/$/, "");
    this.#base = this.place;
    this.#options = options;
  }

  /** The bytes that were fetched up to now, without headers. */
  get fetchedBytes(): number {
    return this.#fetched;
  }

  async stat(file: string): Promise<FileStat | null> {
    const opened = await this.#open(file);
    return opened && { size: opened.size };
  }

  #open(file: string): Promise<Opened | null> {
    let opened = this.#files.get(file);
    if (!opened) {
      opened = this.#begin(file);
      this.#files.set(file, opened);
      opened.catch(() => this.#files.delete(file)); // so that a later try asks again
    }
    return opened;
  }

  async #begin(file: string): Promise<Opened | null> {
    const response = await this.#fetch(file, 0, HEAD);
    const tag = tagOf(response);
    if (response.status === 404 || response.status === 410) {
      await response.body?.cancel();
      return null;
    }
    if (response.status === 416) {
      await response.body?.cancel();
      return { size: 0, head: new Uint8Array(), tag }; // no byte is in the range of an empty file
    }
    const head = await this.#body(file, response);
    if (response.status === 200) return { size: head.length, head, tag };
    const range = /^bytes 0-(\d+)\/(\d+)$/.exec(response.headers.get("content-range") ?? "");
    const size = range ? Number(range[2]) : NaN;
    if (response.status !== 206 || head.length !== Math.min(size, HEAD)) {
      throw this.#refuse(file, `status ${response.status} with ${head.length} bytes`);
    }
    return { size, head, tag };
  }

  async read(file: string, offset: number, length: number): Promise<Uint8Array> {
    const opened = await this.#open(file);
    if (!opened) throw this.#refuse(file, "none");
    const { head, size, tag } = opened;
    if (offset + length > size) throw cutShort(this, file, length, Math.max(0, size - offset));
    if (offset + length <= head.length) return head.subarray(offset, offset + length);
    const response = await this.#fetch(file, offset, length);
    const bytes = await this.#body(file, response);
    if (tagOf(response) !== tag) throw this.#refuse(file, "one that changed");
    // A server may send all of a file though it knows ranges.
    const range =
      response.status === 200 && bytes.length === size
        ? bytes.subarray(offset, offset + length)
        : bytes;
    if (range.length !== length || (response.status !== 206 && response.status !== 200)) {
      throw this.#refuse(file, `status ${response.status} with ${bytes.length} bytes`);
    }
    return range;
  }

  async #fetch(file: string, offset: number, length: number): Promise<Response> {
    const headers = new Headers(this.#options.headers);
    headers.set("range", `bytes=${offset}-${offset + length - 1}`);
    try {
      return await fetch(`${this.#base}/${file}`, {
        ...this.#options,
        headers,
        signal: this.#stopped.signal,
      });
    } catch (error) {
      throw this.#refuse(file, error instanceof Error ? error.message : String(error), error);
    }
  }

  async #body(file: string, response: Response): Promise<Uint8Array> {
    try {
      const bytes = new Uint8Array(await response.arrayBuffer());
      this.#fetched += bytes.length;
      return bytes;
    } catch (error) {
      throw this.#refuse(file, error instanceof Error ? error.message : String(error), error);
    }
  }

  close(): Promise<void> {
    this.#stopped.abort();
    this.#files.clear();
    return Promise.resolve();
  }

  #refuse(file: string, got: string, cause?: unknown): MlcoreError {
    const expected = "a file that the server sends and does not change";
    return new MlcoreError("io", pathOf(this, file), "", expected, got, "open", { cause });
  }
}

function tagOf(response: Response): string | null {
  return response.headers.get("etag") ?? response.headers.get("last-modified");
}

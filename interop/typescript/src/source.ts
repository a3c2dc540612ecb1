import { MlcoreError } from "./errors.js";

/** What is there under the name of a file. */
export interface FileStat {
  /** Bytes of a regular file. */
  readonly size: number;
  /** What it is, if it is no regular file. */
  readonly other?: string;
}

/**
 * Where the files of a model come from. Implement it for anything that reads ranges of bytes.
 *
 * A source holds what it opened until `close`, so that all reads see the same model.
 */
export interface Source {
  /** Names the model in messages. */
  readonly place: string;
  /** Tells what is there under a name, or null; rejects with {@link MlcoreError} if that cannot be told. */
  stat(file: string): Promise<FileStat | null>;
  /** Returns exactly `length` bytes from `offset`; rejects if they are not there. */
  read(file: string, offset: number, length: number): Promise<Uint8Array>;
  /** Gives back what is open. */
  close(): Promise<void>;
  /** Returns a hash that is faster than the one of this package, if there is one. */
  sha256?(): Hash;
}

/** A hash of bytes that come in pieces. */
export interface Hash {
  update(bytes: Uint8Array): void;
  /** Returns hexadecimal digits; once, at the end. */
  hex(): string;
}

/** The piece that long reads are made of; a multiple of 64, the alignment of arrays. */
export const PIECE = 4 << 20;

/** Gives the bytes of a range piece by piece, with the offset of each. */
export async function* pieces(
  source: Source,
  file: string,
  offset: number,
  length: number,
): AsyncGenerator<[offset: number, bytes: Uint8Array]> {
  for (let done = 0; done < length; done += PIECE) {
    const bytes = await source.read(file, offset + done, Math.min(PIECE, length - done));
    yield [offset + done, bytes];
  }
}

/** Reads a range into memory that is there, so no single read is longer than a piece. */
export async function readInto(
  target: Uint8Array,
  source: Source,
  file: string,
  offset: number,
): Promise<void> {
  for await (const [at, bytes] of pieces(source, file, offset, target.length)) {
    target.set(bytes, at - offset);
  }
}

/** Returns the refusal of a read that found less than there should be. */
export function cutShort(source: Source, file: string, wanted: number, got: number): MlcoreError {
  const place = pathOf(source, file);
  return new MlcoreError(
    "io",
    place,
    "",
    `${wanted} bytes of a file that stays as it was opened`,
    String(got),
  );
}

export function pathOf(source: { readonly place: string }, file: string): string {
  return `${source.place}/${file}`;
}

/** Models in directories, for Node.js. It has no mapping of files, so they are read. */
import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { lstat, open, stat, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { MlcoreError } from "./errors.js";
import {
  openLazy,
  openModel,
  type LazyModel,
  type LazyOptions,
  type Model,
  type OpenOptions,
} from "./model.js";
import { cutShort, pathOf, type FileStat, type Hash, type Source } from "./source.js";

/** Opens the model of a directory in memory; see {@link openModel}. */
export async function openDirectory(directory: string, options: OpenOptions = {}): Promise<Model> {
  return openModel(new DirectorySource(directory), options);
}

/** Opens the model of a directory whose rows are read when they are needed; see {@link openLazy}. */
export async function openDirectoryLazy(
  directory: string,
  options: LazyOptions = {},
): Promise<LazyModel> {
  return openLazy(new DirectorySource(directory), options);
}

/** A directory. Its files stay open, so that a model that takes its place changes nothing. */
export class DirectorySource implements Source {
  readonly place: string;
  readonly #files = new Map<string, Promise<FileHandle>>();
  #checked: Promise<void> | undefined;

  constructor(directory: string) {
    this.place = directory;
  }

  async stat(file: string): Promise<FileStat | null> {
    await (this.#checked ??= this.#check());
    const path = join(this.place, file);
    try {
      // Looked at before it is opened, since opening a named pipe waits for its other end.
      const found = await lstat(path);
      if (!found.isFile())
        return { size: 0, other: found.isDirectory() ? "a directory" : "something else" };
      const handle = await this.#open(file);
      return { size: (await handle.stat()).size };
    } catch (error) {
      if (isMissing(error)) return null;
      throw this.#refuse(file, error);
    }
  }

  async #check(): Promise<void> {
    const found = await stat(this.place).catch((error: unknown) => {
      throw this.#refuse("", error);
    });
    if (!found.isDirectory())
      throw new MlcoreError("io", this.place, "", "a model directory", "a file");
  }

  #open(file: string): Promise<FileHandle> {
    // Those that a system lacks are undefined, and so no bits.
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    const opened = this.#files.get(file) ?? open(join(this.place, file), flags);
    this.#files.set(file, opened);
    return opened;
  }

  async read(file: string, offset: number, length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length);
    try {
      const handle = await this.#open(file);
      for (let done = 0; done < length;) {
        const { bytesRead } = await handle.read(bytes, done, length - done, offset + done);
        if (bytesRead === 0) throw cutShort(this, file, length, done);
        done += bytesRead;
      }
      return bytes;
    } catch (error) {
      throw error instanceof MlcoreError ? error : this.#refuse(file, error);
    }
  }

  async close(): Promise<void> {
    const files = [...this.#files.values()];
    this.#files.clear();
    await Promise.allSettled(files.map(async (opened) => (await opened).close()));
  }

  sha256(): Hash {
    const hash = createHash("sha256");
    return { update: (bytes) => void hash.update(bytes), hex: () => hash.digest("hex") };
  }

  #refuse(file: string, error: unknown): MlcoreError {
    const place = file === "" ? this.place : pathOf(this, file);
    const got = error instanceof Error ? error.message : String(error);
    return new MlcoreError("io", place, "", "a file or directory that can be read", got, "open", {
      cause: error,
    });
  }
}

function isMissing(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  return code === "ENOENT" || code === "ENOTDIR";
}

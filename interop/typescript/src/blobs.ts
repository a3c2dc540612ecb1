import { MlcoreError } from "./errors.js";
import { cutShort, pathOf, type FileStat, type Source } from "./source.js";

/** Files of a model as a browser gives them: dropped, or chosen by the user. */
export class FilesSource implements Source {
  readonly #files: ReadonlyMap<string, Blob>;

  /** Takes blobs by their names; those of a folder may have its path before them. */
  constructor(
    files: Iterable<readonly [name: string, file: Blob]>,
    readonly place = "files",
  ) {
    const all = [...files].map(([path, file]) => [path.split("/"), file] as const);
    // The manifest that is nearest to the top says which folder is meant.
    const manifests = all.map(([path]) => path).filter((path) => path.at(-1) === "manifest.json");
    const folder =
      manifests
        .sort((a, b) => a.length - b.length)[0]
        ?.slice(0, -1)
        .join("/") ?? "";
    this.#files = new Map(
      all
        .filter(([path]) => path.slice(0, -1).join("/") === folder)
        .map(([path, file]) => [path.at(-1)!, file]),
    );
  }

  /** Takes the files of an `<input type="file" webkitdirectory>`, or of a drop. */
  static of(files: Iterable<File>, place?: string): FilesSource {
    return new FilesSource(
      Array.from(files, (file) => [file.webkitRelativePath || file.name, file] as const),
      place,
    );
  }

  stat(file: string): Promise<FileStat | null> {
    const blob = this.#files.get(file);
    return Promise.resolve(blob ? { size: blob.size } : null);
  }

  async read(file: string, offset: number, length: number): Promise<Uint8Array> {
    return readBlob(this, file, this.#files.get(file), offset, length);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** A directory that the user let a page read. */
export class DirectoryHandleSource implements Source {
  readonly place: string;
  readonly #handle: FileSystemDirectoryHandle;
  readonly #files = new Map<string, File>();

  constructor(handle: FileSystemDirectoryHandle) {
    this.place = handle.name;
    this.#handle = handle;
  }

  async stat(file: string): Promise<FileStat | null> {
    try {
      const found = await (await this.#handle.getFileHandle(file)).getFile();
      this.#files.set(file, found);
      return { size: found.size };
    } catch (error) {
      const name = error instanceof Error ? error.name : "";
      if (name === "NotFoundError") return null;
      if (name === "TypeMismatchError") return { size: 0, other: "a directory" };
      throw refuse(this, file, error);
    }
  }

  async read(file: string, offset: number, length: number): Promise<Uint8Array> {
    return readBlob(this, file, this.#files.get(file), offset, length);
  }

  close(): Promise<void> {
    this.#files.clear();
    return Promise.resolve();
  }
}

/** Reads a range of a file, which a browser refuses once the file has changed. */
async function readBlob(
  source: Source,
  file: string,
  blob: Blob | undefined,
  offset: number,
  length: number,
): Promise<Uint8Array> {
  if (!blob) throw new MlcoreError("io", pathOf(source, file), "", "a file", "none");
  try {
    const bytes = new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer());
    if (bytes.length !== length) throw cutShort(source, file, length, bytes.length);
    return bytes;
  } catch (error) {
    throw error instanceof MlcoreError ? error : refuse(source, file, error);
  }
}

function refuse(source: Source, file: string, error: unknown): MlcoreError {
  const got = error instanceof Error ? error.message : String(error);
  return new MlcoreError("io", pathOf(source, file), "", "a file that can be read", got, "open", {
    cause: error,
  });
}

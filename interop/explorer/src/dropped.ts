/** What was dropped or picked: a folder, a zip, a table of titles. */

/** Files by the path they were dropped with. */
export type Dropped = Map<string, File>;

/** What of it the page can show. */
export interface Sorted {
  /** The files of a model by name. */
  folder: Map<string, File> | undefined;
  zip: File | undefined;
  /** Tables that are no file of the model. */
  tables: File[];
  /** What to call the model. */
  name: string;
}

const MOST_FILES = 10_000;

/** Something that is dropped. */
interface Item extends DataTransferItem {
  // Not in all browsers. In Chromium the older way reads nothing for a page that was opened from disk.
  getAsFileSystemHandle?: () => Promise<FileSystemHandle | null>;
}

/** Files of a drop, those of folders included; must be called in the event itself. */
export async function filesOf(transfer: DataTransfer): Promise<Dropped> {
  const found: Dropped = new Map();
  const walks: Promise<void>[] = [];
  for (const item of transfer.items as Iterable<Item>) {
    const entry = item.webkitGetAsEntry();
    const file = item.getAsFile();
    if (entry !== null) {
      const handle = item.getAsFileSystemHandle?.() ?? Promise.resolve(null);
      walks.push(
        handle.then((got) =>
          got === null ? walkEntry(entry, "", found) : walkHandle(got, "", found),
        ),
      );
    } else if (file !== null) {
      found.set(file.name, file); // of a program, not of a folder
    }
  }
  await Promise.all(walks);
  return found;
}

/** Files of a field, with their folder where a folder was picked. */
export function pickedFiles(files: FileList): Dropped {
  return new Map([...files].map((file) => [file.webkitRelativePath || file.name, file]));
}

async function walkHandle(handle: FileSystemHandle, parent: string, found: Dropped): Promise<void> {
  const path = `${parent}${handle.name}`;
  if (found.size >= MOST_FILES) {
    return;
  }
  if (handle.kind === "file") {
    found.set(path, await (handle as FileSystemFileHandle).getFile());
    return;
  }
  for await (const inner of (handle as FileSystemDirectoryHandle).values()) {
    await walkHandle(inner, `${path}/`, found);
  }
}

async function walkEntry(entry: FileSystemEntry, parent: string, found: Dropped): Promise<void> {
  const path = `${parent}${entry.name}`;
  if (found.size >= MOST_FILES) {
    return;
  }
  if (entry.isFile) {
    found.set(
      path,
      await new Promise((done, fail) => (entry as FileSystemFileEntry).file(done, fail)),
    );
    return;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  for (;;) {
    // A reader gives some entries at a time, and none at the end.
    const some = await new Promise<FileSystemEntry[]>((done, fail) =>
      reader.readEntries(done, fail),
    );
    if (some.length === 0) {
      return;
    }
    await Promise.all(some.map((inner) => walkEntry(inner, `${path}/`, found)));
  }
}

/** Finds the model in what was dropped: the folder of the manifest that is least deep, or a zip. */
export function sort(dropped: Dropped): Sorted {
  const manifests = [...dropped.keys()]
    .filter((path) => path === "manifest.json" || path.endsWith("/manifest.json"))
    .sort((one, other) => one.split("/").length - other.split("/").length);
  const folder = manifests[0]?.slice(0, -"manifest.json".length);
  const inside = (path: string) =>
    folder !== undefined && path.startsWith(folder) && !path.slice(folder.length).includes("/");
  const others = [...dropped].filter(([path]) => !inside(path)).map(([, file]) => file);
  const zip = folder === undefined ? others.find((file) => /\.zip$/i.test(file.name)) : undefined;
  const model = [...dropped]
    .filter(([path]) => inside(path))
    .map(([path, file]): [string, File] => [path.slice(folder?.length ?? 0), file]);
  return {
    folder: folder === undefined ? undefined : new Map(model),
    zip,
    tables: others.filter((file) => /\.csv$/i.test(file.name)),
    name: folder?.split("/").at(-2) ?? zip?.name ?? "model",
  };
}

import { FilesSource } from "./blobs.js";
import { MlcoreError } from "./errors.js";

const END = 0x06054b50;
const END_64 = 0x06064b50;
const END_SIZE = 22;
const LOCATOR_SIZE = 20;
const CENTRAL = 0x02014b50;
const CENTRAL_SIZE = 46;
const LOCAL_SIZE = 30;
const MOST_COMMENT = 0xffff;
const MOST_DIRECTORY = 64 << 20;
const FULL = 0xffffffff;
const STORED = 0;
const DEFLATED = 8;

/**
 * Opens a zip file of a model directory, as every zip program makes it. Stored files are read in place,
 * deflated ones become as large as they were at once, up to `most` bytes together.
 */
export async function openZip(zip: Blob, place = "zip", most = 2 ** 31): Promise<FilesSource> {
  const refuse = (expected: string, got: string) => new MlcoreError("io", place, "", expected, got);
  const view = async (begin: number, end: number): Promise<DataView> => {
    if (!(begin >= 0 && begin <= end && end <= zip.size))
      throw refuse("a whole zip file", "offsets beyond it");
    return new DataView(await zip.slice(begin, end).arrayBuffer());
  };
  const { begin, size, count } = await findDirectory(zip, view, () =>
    refuse("a zip file", "other bytes"),
  );
  if (size > MOST_DIRECTORY) throw refuse("a zip file of a model", "one of very many files");
  const directory = await view(begin, begin + size);
  const files: [string, Blob][] = [];
  let room = most;
  for (let at = 0, index = 0; index < count; index++) {
    if (at + CENTRAL_SIZE > size || directory.getUint32(at, true) !== CENTRAL)
      throw refuse("a whole zip file", "a broken one");
    const entry = readEntry(directory, at, size);
    if (!entry) throw refuse("a whole zip file", "a broken one");
    at = entry.next;
    if (entry.name.endsWith("/")) continue;
    const local = await view(entry.offset, entry.offset + LOCAL_SIZE);
    const start = entry.offset + LOCAL_SIZE + local.getUint16(26, true) + local.getUint16(28, true);
    if (start + entry.packed > zip.size) throw refuse("a whole zip file", "offsets beyond it");
    const packed = zip.slice(start, start + entry.packed);
    if (
      entry.isEncrypted ||
      entry.isLink ||
      (entry.method !== STORED && entry.method !== DEFLATED)
    ) {
      throw refuse("regular files, stored or deflated, without a password", entry.name);
    }
    if (entry.method === STORED) {
      files.push([entry.name, packed]);
    } else if (/\.(?:json|csv|npz)$/.test(entry.name)) {
      room -= entry.size;
      if (room < 0) throw refuse(`at most ${most} bytes that are not stored`, "more");
      const file = await inflate(packed, entry.size);
      if (!file) throw refuse(`${entry.size} bytes of ${entry.name}`, "others");
      files.push([entry.name, file]);
    }
  }
  return new FilesSource(files, place);
}

async function findDirectory(
  zip: Blob,
  view: (begin: number, end: number) => Promise<DataView>,
  refuse: () => MlcoreError,
): Promise<{ begin: number; size: number; count: number }> {
  const from = Math.max(0, zip.size - END_SIZE - MOST_COMMENT);
  const tail = await view(from, zip.size);
  let at = tail.byteLength - END_SIZE;
  while (
    at >= 0 &&
    !(
      tail.getUint32(at, true) === END &&
      at + END_SIZE + tail.getUint16(at + 20, true) === tail.byteLength
    )
  )
    at--;
  if (at < 0) throw refuse();
  const found = {
    count: tail.getUint16(at + 10, true),
    size: tail.getUint32(at + 12, true),
    begin: tail.getUint32(at + 16, true),
  };
  if (found.count !== 0xffff && found.begin !== FULL) return found;
  const locator = await view(from + at - LOCATOR_SIZE, from + at);
  const at64 = Number(locator.getBigUint64(8, true));
  const end = await view(at64, at64 + 56);
  if (end.getUint32(0, true) !== END_64) throw refuse();
  const [count, size, begin] = [32, 40, 48].map((offset) =>
    Number(end.getBigUint64(offset, true)),
  ) as [number, number, number];
  return { count, size, begin };
}

function readEntry(view: DataView, at: number, size: number) {
  const nameLength = view.getUint16(at + 28, true);
  const extraLength = view.getUint16(at + 30, true);
  const extraAt = at + CENTRAL_SIZE + nameLength;
  const next = extraAt + extraLength + view.getUint16(at + 32, true);
  if (next > size) return undefined;
  const bytes = new Uint8Array(view.buffer, at + CENTRAL_SIZE, nameLength);
  const numbers = [
    view.getUint32(at + 24, true),
    view.getUint32(at + 20, true),
    view.getUint32(at + 42, true),
  ];
  for (
    let field = extraAt;
    field + 4 <= extraAt + extraLength;
    field += 4 + view.getUint16(field + 2, true)
  ) {
    if (view.getUint16(field, true) !== 1) continue;
    const end = Math.min(field + 4 + view.getUint16(field + 2, true), extraAt + extraLength);
    let value = field + 4;
    for (let index = 0; index < 3; index++) {
      if (numbers[index] !== FULL || value + 8 > end) continue;
      numbers[index] = Number(view.getBigUint64(value, true));
      value += 8;
    }
  }
  const [unpacked, packed, offset] = numbers as [number, number, number];
  return {
    name: new TextDecoder().decode(bytes),
    isEncrypted: (view.getUint16(at + 8, true) & 1) === 1,
    isLink: ((view.getUint32(at + 38, true) >>> 16) & 0o170000) === 0o120000,
    method: view.getUint16(at + 10, true),
    size: unpacked,
    packed,
    offset,
    next,
  };
}

/** Returns the content of a deflated file; undefined if it has another size than it says. */
async function inflate(packed: Blob, size: number): Promise<Blob | undefined> {
  const parts: BlobPart[] = [];
  let length = 0;
  const reader = packed.stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      length += value.length;
      if (length > size) break;
      parts.push(value);
    }
  } catch {
    return undefined; // no deflated bytes
  } finally {
    await reader.cancel().catch(() => undefined);
  }
  return length === size ? new Blob(parts) : undefined;
}

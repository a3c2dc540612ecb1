import { MlcoreError } from "./errors.js";
import type { ArraySpec, Dtype } from "./manifest.js";
import { checkHeader, HEADER_WINDOW } from "./npy.js";
import { pathOf, type Source } from "./source.js";

const ALIGNMENT = 64;
const LOCAL_SIZE = 30; // fixed part of a local header
const FULL = 0xffffffff; // sizes and offsets from here on stand in a zip64 field
const CRC_AT = 14;
const SIZE_AT = 22;

/** An array of a file, and where its bytes are. */
export interface StoredArray {
  readonly file: string;
  readonly spec: ArraySpec;
  /** Offset of the first element. */
  readonly start: number;
  /** What the CRC-32 is of: the member with its `.npy` header. */
  readonly member: { readonly start: number; readonly size: number; readonly crc: number };
}

interface Member {
  readonly name: string;
  readonly offset: number; // of its local header
  readonly crc: number;
  readonly size: number;
}

/** Writes numbers, little-endian. */
class Writer {
  readonly bytes: number[] = [];

  number(width: 2 | 4 | 8, ...values: number[]): this {
    for (let value of values) {
      for (let byte = 0; byte < width; byte++) {
        this.bytes.push(value % 256);
        value = Math.floor(value / 256);
      }
    }
    return this;
  }

  text(text: string): this {
    for (const character of text) this.bytes.push(character.charCodeAt(0));
    return this;
  }
}

const is64 = (value: number): boolean => value >= FULL;

/** What both headers of a member have in common, from the version to the size. */
function common(writer: Writer, member: Member, version: number): Writer {
  const size = is64(member.size) ? FULL : member.size;
  return writer
    .number(2, version, 0, 0, 0, 0x21)
    .number(4, member.crc, size, size)
    .number(2, member.name.length);
}

/** Writes the one local header that such a member can have. */
function localHeader(member: Member): number[] {
  const zip64 = is64(member.size);
  const extra = new Writer();
  if (zip64) extra.number(2, 1, 16).number(8, member.size, member.size);
  const before = member.offset + LOCAL_SIZE + member.name.length + extra.bytes.length + 6;
  const padding = (ALIGNMENT - (before % ALIGNMENT)) % ALIGNMENT;
  extra.number(2, 0xd935, 2 + padding, ALIGNMENT);
  for (let zero = 0; zero < padding; zero++) extra.bytes.push(0);
  const writer = common(new Writer().text("PK\x03\x04"), member, zip64 ? 45 : 20);
  return [...writer.number(2, extra.bytes.length).text(member.name).bytes, ...extra.bytes];
}

/** Writes the one central header that such a member can have. */
function centralHeader(member: Member): number[] {
  const fields = new Writer();
  if (is64(member.size)) fields.number(8, member.size, member.size);
  if (is64(member.offset)) fields.number(8, member.offset);
  const extra = new Writer();
  if (fields.bytes.length > 0) extra.number(2, 1, fields.bytes.length);
  extra.bytes.push(...fields.bytes);
  const version = extra.bytes.length > 0 ? 45 : 20;
  const writer = common(new Writer().text("PK\x01\x02").number(2, 0x300 + version), member, version)
    .number(2, extra.bytes.length, 0, 0, 0)
    .number(4, 0x81a40000, is64(member.offset) ? FULL : member.offset)
    .text(member.name);
  return [...writer.bytes, ...extra.bytes];
}

/** Writes everything that follows the last member's content, which ends at `offset`. */
function directory(members: readonly Member[], offset: number): Uint8Array {
  const writer = new Writer();
  for (const member of members) writer.bytes.push(...centralHeader(member));
  const size = writer.bytes.length;
  const count = members.length;
  if (is64(offset)) {
    writer
      .text("PK\x06\x06")
      .number(8, 44)
      .number(2, 0x32d, 45)
      .number(4, 0, 0)
      .number(8, count, count, size, offset);
    writer
      .text("PK\x06\x07")
      .number(4, 0)
      .number(8, offset + size)
      .number(4, 1);
  }
  writer
    .text("PK\x05\x06")
    .number(2, 0, 0, count, count)
    .number(4, size, is64(offset) ? FULL : offset)
    .number(2, 0);
  return Uint8Array.from(writer.bytes);
}

/** Returns the bytes of one element. */
export function elementBytes(dtype: Dtype): number {
  return Number(dtype[2]);
}

/**
 * Finds the arrays of an archive of `size` bytes: sections 5 and 6.
 *
 * The headers are written anew from what they say and compared with the bytes that stand there: whatever
 * the format does not allow differs somewhere.
 */
export async function readNpz(
  source: Source,
  file: string,
  size: number,
  specs: readonly ArraySpec[],
): Promise<StoredArray[]> {
  const place = pathOf(source, file);
  const refuse = (at: number, expected: string, got: string) =>
    new MlcoreError("container", place, `byte ${at}`, expected, got);
  const found: { member: Member; start: number; header: Uint8Array }[] = [];
  let offset = 0;
  for (const spec of specs) {
    const name = `${spec.name}.npy`;
    // One read for both headers.
    const room = Math.min(size - offset, LOCAL_SIZE + name.length + 128 + HEADER_WINDOW);
    if (room < LOCAL_SIZE) throw refuse(offset, `the member ${name}`, "the end of the file");
    const head = await source.read(file, offset, room);
    const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
    let memberSize = view.getUint32(SIZE_AT, true);
    const at64 = LOCAL_SIZE + name.length + 4;
    if (memberSize === FULL && room >= at64 + 8) memberSize = Number(view.getBigUint64(at64, true));
    const member = { name, offset, crc: view.getUint32(CRC_AT, true), size: memberSize };
    const expected = localHeader(member);
    if (!expected.every((byte, index) => head[index] === byte)) {
      throw refuse(
        offset,
        `the member ${name}, stored and aligned to ${ALIGNMENT} bytes`,
        "other bytes",
      );
    }
    const start = offset + expected.length;
    if (memberSize > size - start) {
      throw refuse(offset, `${memberSize} bytes of ${name}`, String(size - start));
    }
    found.push({
      member,
      start,
      header: head.subarray(expected.length, expected.length + memberSize),
    });
    offset = start + memberSize;
  }
  const expected = directory(
    found.map(({ member }) => member),
    offset,
  );
  const got =
    size - offset === expected.length ? await source.read(file, offset, expected.length) : null;
  if (!got?.every((byte, index) => byte === expected[index])) {
    throw refuse(offset, "the central directory of exactly these members", "other bytes");
  }
  // All of the container first, so that a fault in it is never reported as one of an array.
  return found.map(({ member, start, header }, index) => {
    const spec = specs[index]!;
    const headerSize = checkHeader(
      header,
      member.size,
      spec,
      elementBytes(spec.dtype),
      `${place}: ${member.name}`,
    );
    return {
      file,
      spec,
      start: start + headerSize,
      member: { start, size: member.size, crc: member.crc },
    };
  });
}

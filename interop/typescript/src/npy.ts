import { MlcoreError } from "./errors.js";
import type { ArraySpec } from "./manifest.js";

/** The most bytes that a header may have. */
export const HEADER_WINDOW = 1024;

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0];
const LENGTH_END = 10;

/** Checks a header against the one text it can have, section 6; returns its bytes. */
export function checkHeader(
  head: Uint8Array,
  size: number,
  spec: ArraySpec,
  bytesOfElement: number,
  place: string,
): number {
  const refuse = (expected: string, got: string) =>
    new MlcoreError("header", place, "", expected, got);
  if (head.length < LENGTH_END || !MAGIC.every((byte, index) => head[index] === byte)) {
    throw refuse("an .npy header of version 1.0", "other bytes");
  }
  const length = LENGTH_END + head[8]! + 256 * head[9]!;
  if (length % 64 !== 0 || length > HEADER_WINDOW || length > head.length) {
    throw refuse(`a header of a multiple of 64 bytes, up to ${HEADER_WINDOW}`, String(length));
  }
  const text = `{'descr': '${spec.dtype}', 'fortran_order': False, 'shape': (${spec.length},), }`;
  const expected = `${text.padEnd(length - LENGTH_END - 1)}\n`;
  for (let at = LENGTH_END; at < length; at++) {
    if (head[at] !== expected.charCodeAt(at - LENGTH_END)) throw refuse(text, "other text");
  }
  if (size !== length + spec.length * bytesOfElement) {
    throw refuse(`${spec.length} elements`, `${size - length} bytes of data`);
  }
  return length;
}

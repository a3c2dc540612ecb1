/** Four tables, so that four bytes are taken at a time. */
const TABLES = [0, 1, 2, 3].map(() => new Int32Array(256)) as [
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
];
for (let byte = 0; byte < 256; byte++) {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  TABLES[0][byte] = value;
}
for (let byte = 0; byte < 256; byte++) {
  for (let table = 1; table < 4; table++) {
    const value = TABLES[table - 1]![byte]!;
    TABLES[table]![byte] = (value >>> 8) ^ TABLES[0][value & 255]!;
  }
}

/** Returns the CRC-32 of bytes that follow those with the CRC-32 `before`. */
export function crc32(bytes: Uint8Array, before = 0): number {
  const [one, two, three, four] = TABLES;
  let value = ~before;
  let at = 0;
  for (; at + 4 <= bytes.length; at += 4) {
    value ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    value =
      four[value & 255]! ^
      three[(value >>> 8) & 255]! ^
      two[(value >>> 16) & 255]! ^
      one[value >>> 24]!;
  }
  for (; at < bytes.length; at++) value = (value >>> 8) ^ one[(value ^ bytes[at]!) & 255]!;
  return ~value >>> 0;
}

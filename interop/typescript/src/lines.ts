/** Standard input and output of the commands. */

const LF = 0x0a;

/** Gives blocks of whole lines, of about this many bytes or more. */
export async function* blocksOf(
  input: AsyncIterable<Uint8Array>,
  least = 1 << 16,
): AsyncGenerator<Uint8Array> {
  let held: Uint8Array[] = [];
  let size = 0;
  for await (const piece of input) {
    const end = piece.lastIndexOf(LF) + 1;
    if (end > 0 && size + end >= least) {
      yield Buffer.concat([...held, piece.subarray(0, end)]);
      held = [];
      size = 0;
      if (end === piece.length) continue;
      held.push(piece.subarray(end));
      size = piece.length - end;
    } else {
      held.push(piece);
      size += piece.length;
    }
  }
  if (size > 0) yield Buffer.concat(held);
}

/** Gives the lines of a block that are not blank. */
export function* linesOf(block: Uint8Array): Generator<Uint8Array> {
  for (let begin = 0; begin < block.length;) {
    const found = block.indexOf(LF, begin);
    const end = found < 0 ? block.length : found;
    const line = block.subarray(begin, end);
    if (line.some((byte) => byte > 0x20)) yield line;
    begin = end + 1;
  }
}

/** Gives the lines of an input as soon as they are there. */
export async function* linesIn(input: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const block of blocksOf(input, 1)) yield* linesOf(block);
}

/** Writes, and waits while the reader is slower. */
export async function write(text: string | Uint8Array): Promise<void> {
  if (!process.stdout.write(text))
    await new Promise((resolve) => process.stdout.once("drain", resolve));
}

/** Search of ids and titles: all of them as one text, which the browser's own `indexOf` walks. */

export interface Found {
  /** Positions, the best first: equal, then beginning with what is asked, then a word in it, then a part. */
  positions: number[];
  /** How many there are in all. */
  total: number;
}

const END = "\n"; // ids hold none; titles have it replaced
const BETWEEN = "\u0000"; // nor this

export class Search {
  private readonly text: string;
  /** Where the line of each entry begins; one more at the end. */
  private readonly starts: Uint32Array;

  /**
   * @param order positions, those first that should come first among equals.
   * @param textsOf what an entry is found by: an id, perhaps a title.
   */
  constructor(
    private readonly order: ArrayLike<number>,
    textsOf: (position: number) => string[],
  ) {
    const lines: string[] = [];
    this.starts = new Uint32Array(order.length + 1);
    let end = 0;
    for (let at = 0; at < order.length; at += 1) {
      const texts = textsOf(order[at] ?? 0).map((text) => fold(text).replaceAll(END, " "));
      const line = BETWEEN + texts.join(BETWEEN) + END;
      lines.push(line);
      end += line.length;
      this.starts[at + 1] = end;
    }
    this.text = lines.join("");
  }

  /** Finds what holds the text, whatever its case; at most `limit` positions. */
  find(asked: string, limit: number): Found {
    const needle = fold(asked.trim());
    if (needle === "") {
      return { positions: Array.from(this.order).slice(0, limit), total: this.order.length };
    }
    const kept: number[][] = [[], [], [], []];
    const { text, starts } = this;
    let total = 0;
    let at = 0;
    for (let hit = text.indexOf(needle); hit >= 0; hit = text.indexOf(needle, starts[at])) {
      while ((starts[at + 1] ?? Infinity) <= hit) {
        at += 1;
      }
      const level = this.levelOf(needle, hit, starts[at + 1] ?? 0);
      const list = kept[level];
      if (list !== undefined && list.length < limit) {
        list.push(this.order[at] ?? 0);
      }
      total += 1;
      at += 1;
    }
    return { positions: kept.flat().slice(0, limit), total };
  }

  private levelOf(needle: string, first: number, end: number): number {
    let best = 3;
    for (let hit = first; hit >= 0 && hit < end && best > 0;) {
      const before = this.text.charAt(hit - 1);
      const after = this.text.charAt(hit + needle.length);
      if (before === BETWEEN) {
        best = after === BETWEEN || after === END ? 0 : Math.min(best, 1);
      } else if (!/[\p{L}\p{N}]/u.test(before)) {
        best = Math.min(best, 2);
      }
      hit = best > 1 ? this.text.indexOf(needle, hit + 1) : -1;
      if (hit - first > 1000) {
        break; // a long line of the same
      }
    }
    return best;
  }
}

function fold(text: string): string {
  return text.toLowerCase();
}

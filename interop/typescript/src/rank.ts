import type { Gate } from "./filter.js";
import type { History } from "./history.js";
import type { Rows } from "./table.js";

/** Marks of an item while a list is made. */
const EXCLUDED = 1;
const SEEN = 2;
const INCLUDED = 4;
const LISTED = 8;

/** What a list may hold, with positions in place of ids. */
export interface Rules {
  readonly n: number;
  readonly include: readonly number[] | undefined;
  readonly exclude: readonly number[];
  readonly includeSeen: boolean;
  readonly gate: Gate | undefined;
  /** Items by popularity, of which those that are allowed complete a short list. */
  readonly fill: (() => ArrayLike<number>) | undefined;
}

/** Items of a list, best first; those from `filled` on were filled in. */
export interface Ranked {
  readonly items: number[];
  readonly scores: number[];
  readonly filled: number;
}

/** Items in a heap with the worst, or the best, of them on top: score descending, then position ascending. */
class Heap {
  items = new Int32Array(64);
  scores = new Float64Array(64);
  size = 0;

  constructor(readonly bestOnTop: boolean) {}

  /** Adds an item behind the others, without regard to their order. */
  push(item: number, score: number): void {
    if (this.size === this.items.length) {
      const items = new Int32Array(2 * this.size);
      const scores = new Float64Array(2 * this.size);
      items.set(this.items);
      scores.set(this.scores);
      this.items = items;
      this.scores = scores;
    }
    this.items[this.size] = item;
    this.scores[this.size++] = score;
  }

  /** Brings all items into the order of a heap. */
  order(): void {
    for (let parent = (this.size >> 1) - 1; parent >= 0; parent--) this.#sink(parent);
  }

  /** Puts another item in the place of the top, if it is better. */
  offer(item: number, score: number): void {
    const top = this.scores[0]!;
    if (score > top || (score === top && item < this.items[0]!)) {
      this.items[0] = item;
      this.scores[0] = score;
      this.#sink(0);
    }
  }

  /** Removes the top. */
  drop(): void {
    const last = --this.size;
    this.items[0] = this.items[last]!;
    this.scores[0] = this.scores[last]!;
    this.#sink(0);
  }

  #sink(parent: number): void {
    const { items, scores, size, bestOnTop } = this;
    const item = items[parent]!;
    const score = scores[parent]!;
    for (;;) {
      let child = 2 * parent + 1;
      if (child >= size) break;
      const right = child + 1;
      if (right < size) {
        const a = scores[right]!;
        const b = scores[child]!;
        if ((a > b || (a === b && items[right]! < items[child]!)) === bestOnTop) child = right;
      }
      const above = scores[child]!;
      if ((above > score || (above === score && items[child]! < item)) !== bestOnTop) break;
      items[parent] = items[child]!;
      scores[parent] = above;
      parent = child;
    }
    items[parent] = item;
    scores[parent] = score;
  }
}

/**
 * Adds one row, weighted, and notes items that are touched first from `count` on; returns the new count, or -1
 * if the positions do not ascend or exist. A product of two f32 is exact in f64.
 */
function addRow(
  scores: Float64Array,
  fresh: Uint8Array, // 1 for items that nothing was added to
  touched: Int32Array,
  count: number,
  weight: number,
  { indices, data, begin, end }: Rows,
): number {
  const items = scores.length;
  let before = -1;
  // Integers, which the engine would not take offsets for: they are stored as f64.
  const last = end | 0;
  for (let entry = begin | 0; entry < last; entry++) {
    const item = indices[entry]!;
    if (item <= before || item >= items) return -1;
    before = item;
    // Written each time, and counted without a branch, which would be foreseen by no processor.
    touched[count] = item;
    count += fresh[item]!;
    fresh[item] = 0;
    scores[item]! += weight * data[entry]!;
  }
  return count;
}

/** What an item of the history adds to a score. */
export interface Share {
  readonly id: string;
  /** Position of the item in the model. */
  readonly index: number;
  readonly share: number;
}

/** Makes lists, one at a time, in memory that is used again: section 10. */
export class Ranker {
  readonly #scores: Float64Array;
  readonly #fresh: Uint8Array;
  readonly #touched: Int32Array;
  readonly #marks: Uint8Array;
  readonly #worst = new Heap(false);
  readonly #best = new Heap(true);
  #slots: Int32Array | undefined; // of the items of a list that is explained, from 1; else 0
  #isClean = false;

  constructor(items: number) {
    this.#scores = new Float64Array(items);
    this.#fresh = new Uint8Array(items);
    this.#touched = new Int32Array(items + 1); // one more may be written than is counted
    this.#marks = new Uint8Array(items);
  }

  /** Returns the list for a history; undefined if the rows are unsound, or a score is not finite. */
  rank(history: History, rows: Rows, rules: Rules): Ranked | undefined {
    if (!this.#isClean) {
      this.#scores.fill(0);
      this.#fresh.fill(1);
      this.#marks.fill(0);
    }
    this.#isClean = false; // until this has come to its end
    const { items, weights } = history;
    let count = 0;
    for (let place = 0; place < items.length; place++) {
      rows.select(place);
      count = addRow(this.#scores, this.#fresh, this.#touched, count, weights[place]!, rows);
      if (count < 0) return undefined;
    }
    const { include, exclude, fill } = rules;
    this.#mark(items, SEEN);
    this.#mark(exclude, EXCLUDED);
    if (include) this.#mark(include, INCLUDED);
    const list =
      rules.gate && rules.gate.caps.length > 0
        ? this.#walk(count, rules)
        : this.#select(count, rules);
    if (!list) return undefined;
    const filled = list.items.length;
    if (fill && filled < rules.n) this.#fill(list.items, fill(), rules);
    for (let index = filled; index < list.items.length; index++) list.scores.push(0);
    for (const marked of [items, exclude, include ?? []]) this.#unmark(marked);
    this.#isClean = true;
    return { ...list, filled };
  }

  #mark(items: Iterable<number>, mark: number): void {
    for (const item of items) this.#marks[item]! |= mark;
  }

  #unmark(items: Iterable<number>): void {
    for (const item of items) this.#marks[item] = 0;
  }

  /** Returns the marks that are looked at of a candidate, and what they must be. */
  #wanted({ include, includeSeen }: Rules): [mask: number, marks: number] {
    const ofInclude = include ? INCLUDED : 0;
    return [EXCLUDED | ofInclude | (includeSeen ? 0 : SEEN), ofInclude];
  }

  /** Returns the n best of the items that were touched, and leaves everything untouched. */
  #select(count: number, rules: Rules): { items: number[]; scores: number[] } | undefined {
    const { n, gate } = rules;
    const [mask, wanted] = this.#wanted(rules);
    const scores = this.#scores;
    const fresh = this.#fresh;
    const touched = this.#touched;
    const marks = this.#marks;
    const heap = this.#worst;
    let floor = -Infinity;
    let isSound = true;
    heap.size = 0;
    for (let index = 0; index < count; index++) {
      const item = touched[index]!;
      const score = scores[item]!;
      scores[item] = 0;
      fresh[item] = 1;
      if (score - score !== 0) isSound = false;
      if (score < floor || (marks[item]! & mask) !== wanted || (gate && !gate.admits(item)))
        continue;
      if (heap.size < n) {
        heap.push(item, score);
        if (heap.size < n) continue;
        heap.order();
      } else {
        heap.offer(item, score);
      }
      floor = heap.scores[0]!;
    }
    if (!isSound) return undefined;
    if (heap.size < n) heap.order();
    const list = { items: new Array<number>(heap.size), scores: new Array<number>(heap.size) };
    while (heap.size > 0) {
      const at = heap.size - 1;
      list.items[at] = heap.items[0]!;
      list.scores[at] = heap.scores[0]!;
      heap.drop();
    }
    return list;
  }

  /** Returns the n best that the caps let in, one by one: [ATT-6]. */
  #walk(count: number, rules: Rules): { items: number[]; scores: number[] } | undefined {
    const [mask, wanted] = this.#wanted(rules);
    const gate = rules.gate!;
    const heap = this.#best;
    let isSound = true;
    heap.size = 0;
    for (let index = 0; index < count; index++) {
      const item = this.#touched[index]!;
      const score = this.#scores[item]!;
      this.#scores[item] = 0;
      this.#fresh[item] = 1;
      if (score - score !== 0) isSound = false;
      if ((this.#marks[item]! & mask) === wanted && gate.admits(item)) heap.push(item, score);
    }
    if (!isSound) return undefined;
    heap.order();
    const list = { items: [] as number[], scores: [] as number[] };
    while (heap.size > 0 && list.items.length < rules.n) {
      const item = heap.items[0]!;
      if (gate.takes(item)) {
        list.items.push(item);
        list.scores.push(heap.scores[0]!);
      }
      heap.drop();
    }
    return list;
  }

  /** Completes a list with the most popular items: [REC-8]. */
  #fill(list: number[], popular: ArrayLike<number>, { n, include, gate }: Rules): void {
    const marks = this.#marks;
    const wanted = include ? INCLUDED : 0;
    const listed = list.length;
    for (const item of list) marks[item]! |= LISTED;
    for (let index = 0; index < popular.length && list.length < n; index++) {
      const item = popular[index]!;
      if ((marks[item]! & (EXCLUDED | SEEN | LISTED | wanted)) !== wanted) continue;
      if (!gate || (gate.admits(item) && gate.takes(item))) list.push(item);
    }
    for (let index = 0; index < listed; index++) marks[list[index]!] = 0;
  }

  /** Returns what the score of each item of a list is the sum of, in the order of the sum: [REC-11]. */
  explain(
    { items, filled }: Ranked,
    history: History,
    rows: Rows,
    idOf: (item: number) => string,
  ): Share[][] {
    const shares = items.map((): Share[] => []);
    const slots = (this.#slots ??= new Int32Array(this.#marks.length));
    for (let slot = 0; slot < filled; slot++) slots[items[slot]!] = slot + 1;
    for (let place = 0; place < history.items.length; place++) {
      const index = history.items[place]!;
      const id = idOf(index);
      rows.select(place);
      const { indices, data, begin, end } = rows;
      const weight = history.weights[place]!;
      for (let entry = begin | 0; entry < (end | 0); entry++) {
        const slot = slots[indices[entry]!]!;
        if (slot > 0) shares[slot - 1]!.push({ id, index, share: weight * data[entry]! });
      }
    }
    for (const item of items) slots[item] = 0;
    return shares;
  }
}

// The merge loop of both BPE models: joins neighbouring symbols, best pair first, in O(n log n).
import type { Steps } from '../../steps.ts';

/** Priority of joining [start, middle) and [middle, end): lower is sooner, undefined is never. */
export type PairPriority = (start: number, middle: number, end: number) => number | undefined;

const SYMBOLS_A_STEP = 1024;
/** Symbols that are only put in a row. */
const LINKS_A_STEP = 1 << 15;
/** Buffers larger than this many symbols are not kept for the next call. */
const KEPT_SYMBOLS = 1 << 16;

/**
 * A long word's symbols with pauses: `starts` as `merge` takes it, `append` gets the ids of symbols [from, to) of those that are kept.
 * The merger is its own, as other words are merged in the pauses.
 */
export function* mergeLongWord(
  starts: Int32Array, count: number, priority: PairPriority, append: (starts: Int32Array, from: number, to: number) => void,
): Steps<void> {
  const numKept = yield* new SymbolMerger().mergeSteps(starts, count, priority);
  for (let from = 0; from < numKept; from += SYMBOLS_A_STEP) {
    append(starts, from, Math.min(from + SYMBOLS_A_STEP, numKept));
    yield;
  }
}

export class SymbolMerger {
  #capacity = 0;
  #next = new Int32Array(0);
  #previous = new Int32Array(0);
  #priorities = new Float64Array(0);
  #lefts = new Int32Array(0);
  #lengths = new Int32Array(0);
  #heapSize = 0;

  /**
   * Merges in place: `starts[0..count)` are where symbols begin and `starts[count]` is where the last one ends.
   * Among equal priorities the leftmost pair goes first. Returns how many symbols are left.
   */
  merge(starts: Int32Array, count: number, priority: PairPriority): number {
    if (count < 2) return count;
    this.#reserve(count);
    this.#link(0, count);
    this.#offerAll(starts, 0, count - 1, count, priority);
    this.#join(starts, count, priority, Infinity);
    return this.#gather(starts, count);
  }

  /** The same with pauses, in which this merger must not be used for anything else. */
  *mergeSteps(starts: Int32Array, count: number, priority: PairPriority): Steps<number> {
    if (count < 2) return count;
    this.#reserve(count);
    for (let from = 0; from < count; from += LINKS_A_STEP) {
      this.#link(from, Math.min(from + LINKS_A_STEP, count));
      yield;
    }
    for (let from = 0; from < count - 1; from += SYMBOLS_A_STEP) {
      this.#offerAll(starts, from, Math.min(from + SYMBOLS_A_STEP, count - 1), count, priority);
      yield;
    }
    while (!this.#join(starts, count, priority, SYMBOLS_A_STEP)) yield;
    return this.#gather(starts, count);
  }

  /** Symbols [from, to) in a row; a row that goes on is linked again at its end. */
  #link(from: number, to: number): void {
    const next = this.#next;
    const previous = this.#previous;
    for (let i = from; i < to; i++) {
      next[i] = i + 1;
      previous[i] = i - 1;
    }
    next[to] = to;
    this.#heapSize = 0;
  }

  #offerAll(starts: Int32Array, from: number, to: number, count: number, priority: PairPriority): void {
    for (let left = from; left < to; left++) this.#offer(starts, left, left + 1, count, priority);
  }

  /** Looks at `most` pairs; true once none is left. */
  #join(starts: Int32Array, count: number, priority: PairPriority, most: number): boolean {
    const next = this.#next;
    const previous = this.#previous;
    for (let i = 0; this.#heapSize > 0; i++) {
      if (i === most) return false;
      const left = this.#lefts[0]!;
      const length = this.#lengths[0]!;
      this.#pop();
      const right = next[left]!;
      // A symbol that was joined to its left has next -1. Lengths only grow, so the same length means the same pair.
      if (right < 0 || right === count || starts[next[right]!]! - starts[left]! !== length) continue;
      const after = next[right]!;
      next[left] = after;
      next[right] = -1;
      if (after < count) previous[after] = left;
      if (previous[left]! >= 0) this.#offer(starts, previous[left]!, left, count, priority);
      if (after < count) this.#offer(starts, left, after, count, priority);
    }
    return true;
  }

  #gather(starts: Int32Array, count: number): number {
    const next = this.#next;
    let kept = 0;
    const end = starts[count]!;
    for (let i = 0; i < count; i = next[i]!) starts[kept++] = starts[i]!;
    starts[kept] = end;
    if (count > KEPT_SYMBOLS) this.#release();
    return kept;
  }

  #offer(starts: Int32Array, left: number, right: number, count: number, priority: PairPriority): void {
    const end = starts[right === count ? count : this.#next[right]!]!;
    const value = priority(starts[left]!, starts[right]!, end);
    if (value !== undefined) this.#push(value, left, end - starts[left]!);
  }

  #push(priority: number, left: number, length: number): void {
    let at = this.#heapSize++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#isBefore(priority, left, parent)) break;
      this.#move(parent, at);
      at = parent;
    }
    this.#set(at, priority, left, length);
  }

  #pop(): void {
    const last = --this.#heapSize;
    const priority = this.#priorities[last]!;
    const left = this.#lefts[last]!;
    const length = this.#lengths[last]!;
    let at = 0;
    for (let child = 1; child < last; child = 2 * at + 1) {
      if (child + 1 < last && this.#isBefore(this.#priorities[child + 1]!, this.#lefts[child + 1]!, child)) child++;
      if (this.#isBefore(priority, left, child)) break;
      this.#move(child, at);
      at = child;
    }
    this.#set(at, priority, left, length);
  }

  #isBefore(priority: number, left: number, other: number): boolean {
    const otherPriority = this.#priorities[other]!;
    return priority < otherPriority || (priority === otherPriority && left < this.#lefts[other]!);
  }

  #move(from: number, to: number): void {
    this.#set(to, this.#priorities[from]!, this.#lefts[from]!, this.#lengths[from]!);
  }

  #set(at: number, priority: number, left: number, length: number): void {
    this.#priorities[at] = priority;
    this.#lefts[at] = left;
    this.#lengths[at] = length;
  }

  #reserve(count: number): void {
    if (count <= this.#capacity) return;
    this.#capacity = Math.max(count, 2 * this.#capacity, 64);
    this.#next = new Int32Array(this.#capacity + 1);
    this.#previous = new Int32Array(this.#capacity + 1);
    // count - 1 pairs at first; each merge takes one out and puts at most two in.
    this.#priorities = new Float64Array(2 * this.#capacity);
    this.#lefts = new Int32Array(2 * this.#capacity);
    this.#lengths = new Int32Array(2 * this.#capacity);
  }

  #release(): void {
    this.#capacity = 0;
    this.#next = this.#previous = this.#lefts = this.#lengths = new Int32Array(0);
    this.#priorities = new Float64Array(0);
  }
}

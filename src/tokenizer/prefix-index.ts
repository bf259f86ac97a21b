// Finds which of many texts begin at a place in a string: a sorted list narrowed unit by unit, no tree in memory.

/** Longer texts are never found (real tokens are shorter): to look for one all along a long text could take minutes. */
const MAX_LENGTH = 256;

export interface Prefix {
  readonly id: number;
  readonly text: string;
}

export class PrefixIndex {
  readonly #texts: readonly string[];
  readonly #ids: Int32Array;
  /** First unit → where its texts begin and end in the sorted list. */
  readonly #rangeByUnit = new Map<number, readonly [number, number]>();

  /** Texts are distinct and not empty. */
  constructor(prefixes: readonly Prefix[]) {
    const sorted = prefixes.filter(({ text }) => text.length <= MAX_LENGTH).sort((a, b) => (a.text < b.text ? -1 : 1));
    this.#texts = sorted.map(({ text }) => text);
    this.#ids = Int32Array.from(sorted, ({ id }) => id);
    for (let begin = 0, end = 0; begin < this.#texts.length; begin = end) {
      const unit = this.#texts[begin]!.charCodeAt(0);
      while (end < this.#texts.length && this.#texts[end]!.charCodeAt(0) === unit) end++;
      this.#rangeByUnit.set(unit, [begin, end]);
    }
  }

  get firstUnits(): Iterable<number> {
    return this.#rangeByUnit.keys();
  }

  /** Calls `visit` with each text that lies at `from` and ends by `limit`, shortest first. */
  walk(text: string, from: number, limit: number, visit: (id: number, end: number) => void): void {
    if (from >= limit) return;
    const range = this.#rangeByUnit.get(text.charCodeAt(from));
    if (!range) return;
    let [begin, end] = range;
    for (let depth = 1; ; depth++) {
      if (this.#texts[begin]!.length === depth) visit(this.#ids[begin++]!, from + depth);
      if (begin === end || from + depth >= limit) return;
      const unit = text.charCodeAt(from + depth);
      begin = this.#lowerBound(begin, end, depth, unit);
      end = this.#upperBound(begin, end, depth, unit);
      if (begin === end) return;
    }
  }

  /** First entry in [begin, end) whose unit at `depth` is at least `unit`; all of them are longer than `depth`. */
  #lowerBound(begin: number, end: number, depth: number, unit: number): number {
    if (this.#unitAt(begin, depth) >= unit) return begin;
    while (begin < end) {
      const middle = (begin + end) >>> 1;
      if (this.#unitAt(middle, depth) < unit) begin = middle + 1;
      else end = middle;
    }
    return begin;
  }

  /** The end of the entries whose unit is `unit`; from the back, because a range often narrows by few entries. */
  #upperBound(begin: number, end: number, depth: number, unit: number): number {
    for (let step = 1; begin < end; step *= 2) {
      const probe = Math.max(begin, end - step);
      if (this.#unitAt(probe, depth) <= unit) return this.#lowerBound(probe, end, depth, unit + 1);
      end = probe;
    }
    return end;
  }

  #unitAt(index: number, depth: number): number {
    return this.#texts[index]!.charCodeAt(depth);
  }
}

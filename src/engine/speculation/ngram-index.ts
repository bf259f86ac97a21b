// Where the last few ids of a sequence occurred before: a trie of its n-grams, extended by one id at a time.

/** Node numbers times ids stay whole numbers: a node per id and length, and ids below 2^24. */
const ID_SPAN = 2 ** 24;
const ROOT = 0;

export class NgramIndex {
  readonly #maxNgram: number;
  readonly #ids: number[] = [];
  /** Child of a node along an id, by `node * ID_SPAN + id`: exact, so that no n-gram is taken for another. */
  readonly #children = new Map<number, number>();
  /** By node: the number of ids up to and with the n-gram's latest occurrence. */
  readonly #ends: number[] = [0];
  /** By n: the node of the last n ids. Shorter than maxNgram + 1 at the beginning. */
  #nodes: number[] = [ROOT];
  /** By n: where the last n ids ended the time before, 0 for nowhere. */
  readonly #earlier: number[] = [];

  constructor(maxNgram: number) {
    this.#maxNgram = maxNgram;
  }

  get length(): number {
    return this.#ids.length;
  }

  /** Appends an id; maxNgram steps, however long the sequence is. */
  push(id: number): void {
    const end = this.#ids.push(id);
    const nodes = [ROOT];
    for (let n = 1; n <= Math.min(this.#maxNgram, end); n++) {
      const node = this.#child(this.#nodes[n - 1]!, id);
      this.#earlier[n] = this.#ends[node]!;
      this.#ends[node] = end;
      nodes.push(node);
    }
    this.#nodes = nodes;
  }

  /**
   * What followed the latest earlier occurrence of the longest possible end of the sequence, from `maxNgram` down to
   * `minNgram` ids: `count` ids, or none where there was no such occurrence. A continuation that reaches the end of the
   * sequence goes on with itself, as a repetition would.
   */
  continuation(minNgram: number, count: number): number[] {
    let n = this.#nodes.length - 1;
    while (n >= minNgram && this.#earlier[n] === 0) n--;
    if (n < minNgram || n === 0) return [];
    const period = this.#ids.length - this.#earlier[n]!;
    const draft: number[] = [];
    for (let i = 0; i < count; i++) draft.push(i < period ? this.#ids[this.#earlier[n]! + i]! : draft[i - period]!);
    return draft;
  }

  #child(node: number, id: number): number {
    const key = node * ID_SPAN + id;
    const known = this.#children.get(key);
    if (known !== undefined) return known;
    const child = this.#ends.push(0) - 1;
    this.#children.set(key, child);
    return child;
  }
}

// Remembers the ids of short words, which make up most of a text.

const MAX_WORDS = 20_000;
/** Longer slices of a string keep the whole of it alive (V8's SlicedString), so they are no cache keys. */
const MAX_LENGTH = 12;

export class WordCache {
  readonly #ids = new Map<string, readonly number[]>();
  readonly #encode: (word: string, output: number[]) => void;

  /** `encode` appends the ids of a word, which depend on nothing but the word. */
  constructor(encode: (word: string, output: number[]) => void) {
    this.#encode = encode;
  }

  append(word: string, output: number[]): void {
    if (word.length > MAX_LENGTH) {
      this.#encode(word, output);
      return;
    }
    let ids = this.#ids.get(word);
    if (!ids) {
      const fresh: number[] = [];
      this.#encode(word, fresh);
      if (this.#ids.size >= MAX_WORDS) this.#ids.clear();
      this.#ids.set(word, (ids = fresh));
    }
    for (const id of ids) output.push(id);
  }
}

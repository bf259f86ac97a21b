// Byte-level BPE (`tokenizer.ggml.model` = gpt2): words from the pre-tokenizer, each merged by the rank of its pairs.
import { TokenizerError } from '../../errors.ts';
import type { Metadata } from '../../gguf/metadata.ts';
import type { Steps } from '../../steps.ts';
import type { PreTokenizer } from '../pre-tokenizers.ts';
import { splitWords } from '../split-words.ts';
import { TOKEN_KIND } from '../vocabulary.ts';
import type { Vocabulary } from '../vocabulary.ts';
import { fromByteAlphabet, toByteAlphabet, toByteAlphabetSteps } from './byte-alphabet.ts';
import { SymbolMerger, mergeLongWord } from './symbol-merger.ts';
import type { PairPriority } from './symbol-merger.ts';
import { LONG_WORD, WORDS_A_STEP } from './text-model.ts';
import type { TextModel } from './text-model.ts';
import { WordCache } from './word-cache.ts';

const MERGES = 'tokenizer.ggml.merges';
const MERGES_A_STEP = 2048;

export class ByteLevelBpe implements TextModel {
  readonly addsSpace = false;
  readonly #vocabulary: Vocabulary;
  readonly #preTokenizer: PreTokenizer;
  readonly #merges: readonly string[];
  readonly #merger = new SymbolMerger();
  readonly #words = new WordCache((word, output) => this.#encodeWord(word, output));
  readonly #rankByPair = new Map<string, number>();
  /** Merges that are not in the map yet. */
  #numUnranked: number;
  #maxMerge = 0;
  #starts = new Int32Array(64);

  constructor(vocabulary: Vocabulary, metadata: Metadata, rules: PreTokenizer) {
    this.#vocabulary = vocabulary;
    this.#preTokenizer = rules;
    this.#merges = metadata.required(MERGES, metadata.strings(MERGES));
    this.#numUnranked = this.#merges.length;
    for (const [rank, merge] of this.#merges.entries()) {
      const space = merge.indexOf(' ', 1);
      if (space < 0 || space === merge.length - 1) throw malformedMerge(merge, rank);
    }
  }

  *encode(text: string, _afterSpecial: boolean, output: number[]): Steps<void> {
    while (!this.#rankPairs(MERGES_A_STEP)) yield;
    const words = yield* splitWords(text, this.#preTokenizer.expressions);
    for (let i = 0; i < words.length;) {
      const end = Math.min(i + WORDS_A_STEP, words.length);
      i = this.#encodeWords(words, i, end, output);
      if (i < end) yield* this.#encodeLongWord(words[i++]!, output);
      else if (i < words.length) yield;
    }
  }

  /** Words from one on, until a long one; returns where that is. */
  #encodeWords(words: readonly string[], from: number, end: number, output: number[]): number {
    let i = from;
    for (; i < end && words[i]!.length <= LONG_WORD; i++) this.#words.append(words[i]!, output);
    return i;
  }

  bytes(token: string): Uint8Array {
    return fromByteAlphabet(token);
  }

  #encodeWord(word: string, output: number[]): void {
    const letters = toByteAlphabet(word);
    if (this.#isToken(letters, output)) return;
    const starts = this.#fillStarts(letters.length);
    const count = this.#merger.merge(starts, letters.length, this.#priorityIn(letters));
    this.#append(letters, starts, 0, count, output);
  }

  *#encodeLongWord(word: string, output: number[]): Steps<void> {
    const letters = yield* toByteAlphabetSteps(word);
    if (this.#isToken(letters, output)) return;
    const starts = inOrder(new Int32Array(letters.length + 1), letters.length);
    yield* mergeLongWord(starts, letters.length, this.#priorityIn(letters), (...part) => this.#append(letters, ...part, output));
  }

  #isToken(letters: string, output: number[]): boolean {
    const whole = this.#preTokenizer.ignoreMerges ? this.#vocabulary.textId(letters) : undefined;
    if (whole === undefined) return false;
    output.push(whole);
    return true;
  }

  #priorityIn(letters: string): PairPriority {
    const ranks = this.#rankByPair;
    return (start, middle, end) => {
      if (end - start > this.#maxMerge) return undefined;
      const rank = ranks.get(`${letters.slice(start, middle)} ${letters.slice(middle, end)}`);
      return rank === undefined || this.#spellsSpecial(letters.slice(start, end)) ? undefined : rank;
    };
  }

  #append(letters: string, starts: Int32Array, from: number, to: number, output: number[]): void {
    for (let i = from; i < to; i++) {
      const symbol = letters.slice(starts[i]!, starts[i + 1]!);
      const id = this.#vocabulary.textId(symbol);
      if (id === undefined) this.#encodeBytes(symbol, output);
      else output.push(id);
    }
  }

  /** Bytes that the vocabulary lacks produce nothing, as in llama.cpp. */
  #encodeBytes(symbol: string, output: number[]): void {
    for (const letter of symbol) {
      const id = this.#vocabulary.textId(letter);
      if (id !== undefined) output.push(id);
    }
  }

  #spellsSpecial(text: string): boolean {
    const id = this.#vocabulary.idOf(text);
    return id !== undefined && this.#vocabulary.has(id, TOKEN_KIND.control | TOKEN_KIND.unknown);
  }

  #fillStarts(count: number): Int32Array {
    return inOrder(count < this.#starts.length ? this.#starts : new Int32Array(count + 1), count);
  }

  /** Ranks `most` merges more, the first time that there is a text; true once all have theirs. */
  #rankPairs(most: number): boolean {
    const least = Math.max(0, this.#numUnranked - most);
    // Backwards, so that the first of equal merges counts.
    while (this.#numUnranked > least) {
      const rank = --this.#numUnranked;
      const merge = this.#merges[rank]!;
      if (merge.length > this.#maxMerge) this.#maxMerge = merge.length;
      this.#rankByPair.set(merge, rank);
    }
    return this.#numUnranked === 0;
  }
}

/** Writes 0 … count. */
function inOrder(starts: Int32Array, count: number): Int32Array {
  for (let i = 0; i <= count; i++) starts[i] = i;
  return starts;
}

function malformedMerge(merge: string, rank: number): TokenizerError {
  return new TokenizerError(
    `Merge ${rank}, ${JSON.stringify(merge.slice(0, 80))}, is not two tokens with a space between. ` +
      'Fetch or convert the model again.',
  );
}

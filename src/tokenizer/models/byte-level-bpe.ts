// Byte-level BPE (`tokenizer.ggml.model` = gpt2): words from the pre-tokenizer, each merged by the rank of its pairs.
import { TokenizerError } from '../../errors.ts';
import type { Metadata } from '../../gguf/metadata.ts';
import type { StringList } from '../../gguf/string-list.ts';
import type { Steps } from '../../steps.ts';
import type { PreTokenizer } from '../pre-tokenizers.ts';
import { splitWords } from '../split-words.ts';
import { TextIndex } from '../text-index.ts';
import { TOKEN_KIND } from '../vocabulary.ts';
import type { Vocabulary } from '../vocabulary.ts';
import { fromByteAlphabet, lettersFor, writeLetters } from './byte-alphabet.ts';
import type { Letters } from './byte-alphabet.ts';
import { SymbolMerger, mergeLongWord } from './symbol-merger.ts';
import type { PairPriority } from './symbol-merger.ts';
import { LONG_WORD, UNITS_A_STEP, WORDS_A_STEP, utf8 } from './text-model.ts';
import type { TextModel } from './text-model.ts';
import { WordCache } from './word-cache.ts';

const MERGES = 'tokenizer.ggml.merges';
const MERGES_A_STEP = 2048;
const BYTES_A_STEP = 16_384;
const SPACE = 0x20;

export class ByteLevelBpe implements TextModel {
  readonly addsSpace = false;
  readonly #vocabulary: Vocabulary;
  readonly #preTokenizer: PreTokenizer;
  readonly #merges: StringList;
  readonly #merger = new SymbolMerger();
  readonly #words = new WordCache((word, output) => this.#encodeWord(word, output));
  readonly #ranks: TextIndex;
  /** Merges that are found by their pairs. */
  #numRanked = 0;
  /** In bytes, the space included. */
  #maxMerge = 0;
  /** A word's UTF-8, its letters, and a pair of symbols as a merge is written. */
  readonly #utf8 = new Uint8Array(3 * LONG_WORD);
  readonly #letters = lettersFor(3 * LONG_WORD);
  #pair = new Uint8Array(0);

  constructor(vocabulary: Vocabulary, metadata: Metadata, rules: PreTokenizer) {
    this.#vocabulary = vocabulary;
    this.#preTokenizer = rules;
    const merges = metadata.required(MERGES, metadata.stringList(MERGES));
    for (let rank = 0; rank < merges.length; rank++) if (!isPair(merges, rank)) throw malformedMerge(merges.text(rank), rank);
    this.#merges = merges;
    this.#ranks = new TextIndex(merges);
  }

  *encode(text: string, _afterSpecial: boolean, output: number[]): Steps<void> {
    while (!this.#rankPairs(MERGES_A_STEP)) yield;
    const words = yield* splitWords(text, this.#preTokenizer.expressions);
    for (let i = 0; i < words.length;) {
      i = this.#encodeWords(words, i, output);
      if (i === words.length) return;
      if (words[i]!.length > LONG_WORD) yield* this.#encodeLongWord(words[i++]!, output);
      else yield;
    }
  }

  /** Words from one on, until there are enough or a long one; returns where it got to. */
  #encodeWords(words: readonly string[], from: number, output: number[]): number {
    const end = Math.min(from + WORDS_A_STEP, words.length);
    let at = from;
    for (let numUnits = 0; at < end && numUnits < UNITS_A_STEP && words[at]!.length <= LONG_WORD; at++) {
      numUnits += words[at]!.length;
      this.#words.append(words[at]!, output);
    }
    return at;
  }

  bytes(token: Uint8Array): Uint8Array {
    return fromByteAlphabet(token);
  }

  #encodeWord(word: string, output: number[]): void {
    const letters = this.#letters;
    const count = writeLetters(this.#utf8, 0, utf8.encodeInto(word, this.#utf8).written, letters);
    if (this.#isToken(letters, count, output)) return;
    this.#append(letters.bytes, letters.starts, 0, this.#merger.merge(letters.starts, count, this.#priorityIn(letters.bytes)), output);
  }

  *#encodeLongWord(word: string, output: number[]): Steps<void> {
    const source = utf8.encode(word);
    const letters = lettersFor(source.length);
    for (let from = 0; from < source.length; from += BYTES_A_STEP) {
      writeLetters(source, from, Math.min(from + BYTES_A_STEP, source.length), letters);
      yield;
    }
    if (this.#isToken(letters, source.length, output)) return;
    const append = this.#append.bind(this, letters.bytes);
    yield* mergeLongWord(letters.starts, source.length, this.#priorityIn(letters.bytes), (...part) => append(...part, output));
  }

  #isToken({ bytes, starts }: Letters, count: number, output: number[]): boolean {
    const whole = this.#preTokenizer.ignoreMerges ? this.#vocabulary.textIdIn(bytes, 0, starts[count]!) : undefined;
    if (whole === undefined) return false;
    output.push(whole);
    return true;
  }

  #priorityIn(letters: Uint8Array): PairPriority {
    return (start, middle, end) => {
      if (end - start >= this.#maxMerge) return undefined;
      const rank = this.#rankOf(letters, start, middle, end);
      return rank < 0 || this.#spellsSpecial(letters, start, end) ? undefined : rank;
    };
  }

  #rankOf(letters: Uint8Array, start: number, middle: number, end: number): number {
    const pair = this.#pair;
    let length = 0;
    for (let at = start; at < middle; at++) pair[length++] = letters[at]!;
    pair[length++] = SPACE;
    for (let at = middle; at < end; at++) pair[length++] = letters[at]!;
    return this.#ranks.find(pair, 0, length);
  }

  #append(letters: Uint8Array, starts: Int32Array, from: number, to: number, output: number[]): void {
    for (let i = from; i < to; i++) {
      const id = this.#vocabulary.textIdIn(letters, starts[i]!, starts[i + 1]!);
      if (id === undefined) this.#encodeLetters(letters, starts[i]!, starts[i + 1]!, output);
      else output.push(id);
    }
  }

  /** Bytes that the vocabulary lacks produce nothing, as in llama.cpp. */
  #encodeLetters(letters: Uint8Array, from: number, to: number, output: number[]): void {
    for (let at = from, next = at; at < to; at = next) {
      next = letters[at]! < 0x80 ? at + 1 : at + 2;
      const id = this.#vocabulary.textIdIn(letters, at, next);
      if (id !== undefined) output.push(id);
    }
  }

  #spellsSpecial(letters: Uint8Array, from: number, to: number): boolean {
    const id = this.#vocabulary.idIn(letters, from, to);
    return id !== undefined && this.#vocabulary.has(id, TOKEN_KIND.control | TOKEN_KIND.unknown);
  }

  /** Ranks `most` merges more, the first time that there is a text; true once all have theirs. Of equal merges the first counts. */
  #rankPairs(most: number): boolean {
    const { starts, length } = this.#merges;
    const end = Math.min(length, this.#numRanked + most), lastByte = starts[this.#numRanked]! + BYTES_A_STEP;
    for (; this.#numRanked < end && starts[this.#numRanked]! <= lastByte; this.#numRanked++) {
      this.#maxMerge = Math.max(this.#maxMerge, starts[this.#numRanked + 1]! - starts[this.#numRanked]!);
      this.#ranks.add(this.#numRanked);
    }
    if (this.#pair.length < this.#maxMerge) this.#pair = new Uint8Array(this.#maxMerge);
    return this.#numRanked === length;
  }
}

/** Whether there is a space with something on both sides. */
function isPair({ bytes, starts }: StringList, rank: number): boolean {
  for (let at = starts[rank]! + 1; at < starts[rank + 1]! - 1; at++) if (bytes[at] === SPACE) return true;
  return false;
}

function malformedMerge(merge: string, rank: number): TokenizerError {
  return new TokenizerError(
    `Merge ${rank}, ${JSON.stringify(merge.slice(0, 80))}, is not two tokens with a space between. ` +
      'Fetch or convert the model again.',
  );
}

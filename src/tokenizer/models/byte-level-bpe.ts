// Byte-level BPE (`tokenizer.ggml.model` = gpt2): words from the pre-tokenizer, each merged by the rank of its pairs.
import { TokenizerError } from '../../errors.ts';
import type { Metadata } from '../../gguf/metadata.ts';
import type { PreTokenizer } from '../pre-tokenizers.ts';
import { splitWords } from '../split-words.ts';
import { TOKEN_KIND } from '../vocabulary.ts';
import type { Vocabulary } from '../vocabulary.ts';
import { fromByteAlphabet, toByteAlphabet } from './byte-alphabet.ts';
import { SymbolMerger } from './symbol-merger.ts';
import type { TextModel } from './text-model.ts';
import { WordCache } from './word-cache.ts';

const MERGES = 'tokenizer.ggml.merges';

export class ByteLevelBpe implements TextModel {
  readonly addsSpace = false;
  readonly #vocabulary: Vocabulary;
  readonly #preTokenizer: PreTokenizer;
  readonly #merges: readonly string[];
  readonly #merger = new SymbolMerger();
  readonly #words = new WordCache((word, output) => this.#encodeWord(word, output));
  #rankByPair: Map<string, number> | undefined;
  #maxMerge = 0;
  #starts = new Int32Array(64);

  constructor(vocabulary: Vocabulary, metadata: Metadata, rules: PreTokenizer) {
    this.#vocabulary = vocabulary;
    this.#preTokenizer = rules;
    this.#merges = metadata.required(MERGES, metadata.strings(MERGES));
    for (const [rank, merge] of this.#merges.entries()) {
      const space = merge.indexOf(' ', 1);
      if (space < 0 || space === merge.length - 1) throw malformedMerge(merge, rank);
    }
  }

  encode(text: string, _afterSpecial: boolean, output: number[]): void {
    for (const word of splitWords(text, this.#preTokenizer.expressions)) this.#words.append(word, output);
  }

  bytes(token: string): Uint8Array {
    return fromByteAlphabet(token);
  }

  #encodeWord(word: string, output: number[]): void {
    const vocabulary = this.#vocabulary;
    const letters = toByteAlphabet(word);
    const whole = this.#preTokenizer.ignoreMerges ? vocabulary.textId(letters) : undefined;
    if (whole !== undefined) {
      output.push(whole);
      return;
    }
    const ranks = (this.#rankByPair ??= this.#rankPairs());
    const starts = this.#fillStarts(letters.length);
    const count = this.#merger.merge(starts, letters.length, (start, middle, end) => {
      if (end - start > this.#maxMerge) return undefined;
      const rank = ranks.get(`${letters.slice(start, middle)} ${letters.slice(middle, end)}`);
      return rank === undefined || this.#spellsSpecial(letters.slice(start, end)) ? undefined : rank;
    });
    for (let i = 0; i < count; i++) {
      const symbol = letters.slice(starts[i]!, starts[i + 1]!);
      const id = vocabulary.textId(symbol);
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
    const starts = count < this.#starts.length ? this.#starts : new Int32Array(count + 1);
    for (let i = 0; i <= count; i++) starts[i] = i;
    return starts;
  }

  #rankPairs(): Map<string, number> {
    const ranks = new Map<string, number>();
    // Backwards, so that the first of equal merges counts.
    for (let rank = this.#merges.length - 1; rank >= 0; rank--) {
      const merge = this.#merges[rank]!;
      if (merge.length > this.#maxMerge) this.#maxMerge = merge.length;
      ranks.set(merge, rank);
    }
    return ranks;
  }
}

function malformedMerge(merge: string, rank: number): TokenizerError {
  return new TokenizerError(
    `Merge ${rank}, ${JSON.stringify(merge.slice(0, 80))}, is not two tokens with a space between. ` +
      'Fetch or convert the model again.',
  );
}

// SentencePiece BPE (`tokenizer.ggml.model` = llama): characters merged by the score of what they become, bytes for the rest.
import { TokenizerError } from '../../errors.ts';
import type { Vocabulary } from '../vocabulary.ts';
import { SymbolMerger } from './symbol-merger.ts';
import { utf8, visibleSpaceBytes, VISIBLE_SPACE } from './text-model.ts';
import type { TextModel } from './text-model.ts';

export class SentencePieceBpe implements TextModel {
  readonly addsSpace: boolean;
  readonly #vocabulary: Vocabulary;
  readonly #unkId: number | undefined;
  readonly #merger = new SymbolMerger();

  constructor(vocabulary: Vocabulary, options: { readonly addSpacePrefix: boolean; readonly unkId: number | undefined }) {
    this.#vocabulary = vocabulary;
    this.addsSpace = options.addSpacePrefix;
    this.#unkId = options.unkId;
  }

  encode(text: string, afterSpecial: boolean, output: number[]): void {
    const vocabulary = this.#vocabulary;
    const spaced = (this.addsSpace && afterSpecial ? ` ${text}` : text).replaceAll(' ', VISIBLE_SPACE);
    const starts = new Int32Array(spaced.length + 1);
    const count = this.#merger.merge(starts, fillStarts(spaced, starts), (start, _middle, end) => {
      if (end - start > vocabulary.maxTokenLength) return undefined;
      const id = vocabulary.textId(spaced.slice(start, end));
      return id === undefined ? undefined : -vocabulary.score(id);
    });
    for (let i = 0; i < count; i++) {
      const symbol = spaced.slice(starts[i]!, starts[i + 1]!);
      const id = vocabulary.textId(symbol);
      if (id === undefined) this.#encodeBytes(symbol, output);
      else output.push(id);
    }
  }

  bytes(token: string): Uint8Array {
    return visibleSpaceBytes(token);
  }

  #encodeBytes(symbol: string, output: number[]): void {
    for (const byte of utf8.encode(symbol)) {
      const id = this.#vocabulary.byteId(byte) ?? this.#unkId;
      if (id === undefined) {
        throw new TokenizerError(
          `The vocabulary has no token for ${JSON.stringify(symbol)}, none for its bytes and no unknown token.`,
        );
      }
      output.push(id);
    }
  }
}

/** Writes where each character begins, then where the text ends; returns how many characters there are. */
function fillStarts(text: string, starts: Int32Array): number {
  let count = 0;
  for (let at = 0; at < text.length; at += text.codePointAt(at)! > 0xffff ? 2 : 1) starts[count++] = at;
  starts[count] = text.length;
  return count;
}

// SentencePiece BPE (`tokenizer.ggml.model` = llama): characters merged by the score of what they become, else bytes.
import { TokenizerError } from '../../errors.ts';
import { isContinuation } from '../../gguf/string-list.ts';
import type { StringList } from '../../gguf/string-list.ts';
import type { Steps } from '../../steps.ts';
import type { Vocabulary } from '../vocabulary.ts';
import { SymbolMerger, mergeLongWord } from './symbol-merger.ts';
import type { PairPriority } from './symbol-merger.ts';
import { LONG_WORD, UNITS_A_STEP, WORDS_A_STEP, VISIBLE_SPACE, isVisibleSpace, utf8, visibleSpaceBytes } from './text-model.ts';
import type { TextModel } from './text-model.ts';
import { WordCache } from './word-cache.ts';

const SPACE_UNIT = VISIBLE_SPACE.charCodeAt(0);
/** Of what takes no search. */
const UNITS_PUT_A_STEP = 1 << 15;

export class SentencePieceBpe implements TextModel {
  readonly addsSpace: boolean;
  readonly #vocabulary: Vocabulary;
  readonly #unkId: number | undefined;
  readonly #merger = new SymbolMerger();
  readonly #words = new WordCache((word, output) => this.#encodeWord(word, output));
  /** A word's UTF-8, and where its characters begin. */
  readonly #bytes = new Uint8Array(3 * LONG_WORD);
  readonly #starts = new Int32Array(LONG_WORD + 1);
  #beforeInnerSpace: ReadonlySet<number> | undefined;

  constructor(vocabulary: Vocabulary, addSpacePrefix: boolean, unkId: number | undefined) {
    this.#vocabulary = vocabulary;
    this.addsSpace = addSpacePrefix;
    this.#unkId = unkId;
  }

  *encode(text: string, afterSpecial: boolean, output: number[]): Steps<void> {
    const spaced = yield* withVisibleSpaces(this.addsSpace && afterSpecial ? ` ${text}` : text);
    for (let from = 0; from < spaced.length;) {
      from = this.#encodeWords(spaced, from, output);
      if (from === spaced.length) return;
      const end = this.#wordEnd(spaced, from);
      if (end - from > LONG_WORD) {
        yield* this.#encodeLongWord(spaced.slice(from, end), output);
        from = end;
      }
      yield;
    }
  }

  /** Words from one on, until there are enough or a long one; returns where it got to. */
  #encodeWords(spaced: string, from: number, output: number[]): number {
    let at = from;
    for (let i = 0; i < WORDS_A_STEP && at - from < UNITS_A_STEP && at < spaced.length; i++) {
      const end = this.#wordEnd(spaced, at);
      if (end - at > LONG_WORD) return at;
      this.#words.append(spaced.slice(at, end), output);
      at = end;
    }
    return at;
  }

  #wordEnd(spaced: string, from: number): number {
    const inside = (this.#beforeInnerSpace ??= unitsBeforeInnerSpace(this.#vocabulary));
    for (let at = spaced.indexOf(VISIBLE_SPACE, from + 1); at > 0; at = spaced.indexOf(VISIBLE_SPACE, at + 1)) {
      const before = spaced.charCodeAt(at - 1);
      if (before !== SPACE_UNIT && !inside.has(before)) return at;
    }
    return spaced.length;
  }

  bytes(token: Uint8Array): Uint8Array {
    return visibleSpaceBytes(token);
  }

  #encodeWord(word: string, output: number[]): void {
    const { written } = utf8.encodeInto(word, this.#bytes);
    const count = fillStarts(this.#bytes, 0, written, this.#starts, 0);
    this.#append(this.#bytes, this.#starts, 0, this.#merger.merge(this.#starts, count, this.#priorityIn(this.#bytes)), output);
  }

  *#encodeLongWord(word: string, output: number[]): Steps<void> {
    const bytes = utf8.encode(word);
    const starts = new Int32Array(word.length + 1);
    let count = 0;
    for (let from = 0, to = 0; from < bytes.length; from = to) {
      to = Math.min(from + UNITS_PUT_A_STEP, bytes.length);
      count = fillStarts(bytes, from, to, starts, count);
      yield;
    }
    yield* mergeLongWord(starts, count, this.#priorityIn(bytes), (...part) => this.#append(bytes, ...part, output));
  }

  #priorityIn(bytes: Uint8Array): PairPriority {
    const vocabulary = this.#vocabulary;
    return (start, _middle, end) => {
      if (end - start > vocabulary.maxTokenLength) return undefined;
      const id = vocabulary.textIdIn(bytes, start, end);
      return id === undefined ? undefined : -vocabulary.score(id);
    };
  }

  #append(bytes: Uint8Array, starts: Int32Array, from: number, to: number, output: number[]): void {
    for (let i = from; i < to; i++) {
      const id = this.#vocabulary.textIdIn(bytes, starts[i]!, starts[i + 1]!);
      if (id === undefined) this.#encodeBytes(bytes.subarray(starts[i], starts[i + 1]), output);
      else output.push(id);
    }
  }

  #encodeBytes(symbol: Uint8Array, output: number[]): void {
    for (const byte of symbol) {
      const id = this.#vocabulary.byteId(byte) ?? this.#unkId;
      if (id === undefined) {
        const text = JSON.stringify(new TextDecoder('utf-8', { ignoreBOM: true }).decode(symbol));
        throw new TokenizerError(`The vocabulary has no token for ${text}, none for its bytes and no unknown token.`);
      }
      output.push(id);
    }
  }
}

function* withVisibleSpaces(text: string): Steps<string> {
  let spaced = '';
  for (let from = 0; from < text.length; from += UNITS_PUT_A_STEP) {
    if (from > 0) yield;
    spaced += text.slice(from, from + UNITS_PUT_A_STEP).replaceAll(' ', VISIBLE_SPACE);
  }
  return spaced;
}

/** Writes where each character of [from, to) begins, from index `count` on, then where they end; returns how many there are then. */
function fillStarts(bytes: Uint8Array, from: number, to: number, starts: Int32Array, count: number): number {
  let end = count;
  for (let at = from; at < to; at++) if (!isContinuation(bytes[at]!)) starts[end++] = at;
  starts[end] = to;
  return end;
}

/**
 * The UTF-16 units after which some token goes on with a space. After all others no merge crosses the start of a word,
 * so words can be merged one by one. Most vocabularies have none; Gemma's have ">", for one token.
 */
function unitsBeforeInnerSpace(vocabulary: Vocabulary): Set<number> {
  const units = new Set<number>();
  for (let id = 0; id < vocabulary.size; id++) {
    if (!vocabulary.isText(id) || !hasInnerSpace(vocabulary.texts, id)) continue;
    const token = vocabulary.text(id);
    for (let at = token.indexOf(VISIBLE_SPACE, 1); at > 0; at = token.indexOf(VISIBLE_SPACE, at + 1)) {
      const before = token.charCodeAt(at - 1);
      if (before !== SPACE_UNIT) units.add(before);
    }
  }
  return units;
}

function hasInnerSpace({ bytes, starts }: StringList, id: number): boolean {
  for (let at = starts[id]! + 1; at < starts[id + 1]!; at++) if (isVisibleSpace(bytes, at)) return true;
  return false;
}

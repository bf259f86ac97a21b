// WordPiece (`tokenizer.ggml.model` = bert): cleaned, lower-cased words cut into the longest tokens from the left.
import { TokenizerError } from '../../errors.ts';
import type { Metadata } from '../../gguf/metadata.ts';
import type { Steps } from '../../steps.ts';
import { PrefixIndex } from '../prefix-index.ts';
import type { Vocabulary } from '../vocabulary.ts';
import { visibleSpaceBytes, VISIBLE_SPACE } from './text-model.ts';
import type { TextModel } from './text-model.ts';

const CHARACTERS_A_STEP = 512;

const WHITE_SPACE = /^\p{White_Space}$/u;
const DROPPED = /^[\0\uFFFD\p{Cc}\p{Cf}\p{Co}]$/u;
const ACCENT = /^\p{M}$/u;
/** Punctuation and the ASCII symbols. */
const OWN_WORD = /^[\p{P}$+<=>^\x60|~]$/u;
const ASCII_LETTERS = /^[a-z0-9]$/;

export class WordPiece implements TextModel {
  readonly addsSpace = true;
  readonly #vocabulary: Vocabulary;
  readonly #unkId: number;
  readonly #lowercase: boolean;
  readonly #stripAccents: boolean;
  #index: PrefixIndex | undefined;

  constructor(vocabulary: Vocabulary, metadata: Metadata, unkId: number | undefined) {
    if (unkId === undefined) {
      throw new TokenizerError('A WordPiece vocabulary needs an unknown token (tokenizer.ggml.unknown_token_id).');
    }
    this.#vocabulary = vocabulary;
    this.#unkId = unkId;
    this.#lowercase = metadata.boolean('tokenizer.ggml.normalizer.lowercase') ?? true;
    this.#stripAccents = metadata.boolean('tokenizer.ggml.normalizer.strip_accents') ?? this.#lowercase;
  }

  *encode(text: string, _afterSpecial: boolean, output: number[]): Steps<void> {
    for (const word of this.#words(text)) {
      if (word === undefined) yield;
      else yield* this.#encodeWord(VISIBLE_SPACE + word, output);
    }
  }

  bytes(token: Uint8Array): Uint8Array {
    return visibleSpaceBytes(token);
  }

  *#encodeWord(word: string, output: number[]): Steps<void> {
    const index = (this.#index ??= new PrefixIndex(this.#vocabulary.textTokens()));
    const first = output.length;
    let longestId = 0;
    let longestEnd = 0;
    const keep = (id: number, end: number): void => {
      longestId = id;
      longestEnd = end;
    };
    for (let from = 0, due = CHARACTERS_A_STEP; from < word.length; from = longestEnd) {
      if (from >= due) {
        due = from + CHARACTERS_A_STEP;
        yield;
      }
      index.walk(word, from, word.length, keep);
      if (longestEnd === from) {
        // A word with a part that is no token is unknown as a whole.
        output.length = first;
        output.push(this.#unkId);
        return;
      }
      output.push(longestId);
    }
  }

  /** The words; undefined where there may be a pause. */
  *#words(text: string): Generator<string | undefined> {
    let word = '';
    let numCharacters = 0;
    for (const original of text) {
      if (++numCharacters % CHARACTERS_A_STEP === 0) yield undefined;
      if (ASCII_LETTERS.test(original)) {
        word += original;
        continue;
      }
      // One character of the decomposition, as llama.cpp's table has it: the base letter.
      const character = this.#stripAccents ? firstCharacter(original.normalize('NFD')) : original;
      const isSpace = WHITE_SPACE.test(character);
      if (!isSpace && (DROPPED.test(character) || (this.#stripAccents && ACCENT.test(character)))) continue;
      const alone = !isSpace && (OWN_WORD.test(character) || isIdeograph(character.codePointAt(0)!));
      if ((isSpace || alone) && word !== '') {
        yield word;
        word = '';
      }
      if (isSpace) continue;
      const written = this.#lowercase ? firstCharacter(character.toLowerCase()) : character;
      if (alone) yield written;
      else word += written;
    }
    if (word !== '') yield word;
  }
}

function firstCharacter(text: string): string {
  return String.fromCodePoint(text.codePointAt(0)!);
}

/** The blocks BERT splits into single characters, with the gap at U+2B820 that huggingface/tokenizers has. */
function isIdeograph(codePoint: number): boolean {
  return codePoint >= 0x3400 && (
    (codePoint <= 0x4dbf) ||
    (codePoint >= 0x4e00 && codePoint <= 0x9fff) ||
    (codePoint >= 0xf900 && codePoint <= 0xfaff) ||
    (codePoint >= 0x20000 && codePoint <= 0x2a6df) ||
    (codePoint >= 0x2a700 && codePoint <= 0x2b73f) ||
    (codePoint >= 0x2b740 && codePoint <= 0x2b81f) ||
    (codePoint >= 0x2b920 && codePoint <= 0x2ceaf) ||
    (codePoint >= 0x2f800 && codePoint <= 0x2fa1f)
  );
}

// Turns ids into bytes and text, at once or as they come; a stream never shows part of a character.
import { TokenizerError } from '../errors.ts';
import type { TextModel } from './models/text-model.ts';
import type { DecodeOptions, TokenStream } from './types.ts';
import { TOKEN_KIND } from './vocabulary.ts';
import type { Vocabulary } from './vocabulary.ts';

const SKIPPED = TOKEN_KIND.control | TOKEN_KIND.unknown;
const SPELLED_OUT = SKIPPED | TOKEN_KIND.userDefined;
const NOTHING = new Uint8Array(0);
const SPACE = 0x20;
/** Tokens whose bytes are kept at hand: a text has few different ones. */
const MAX_KEPT = 4096;

export class Detokenizer {
  readonly #vocabulary: Vocabulary;
  readonly #model: TextModel;
  readonly #bytes = new Map<number, Uint8Array>();

  constructor(vocabulary: Vocabulary, model: TextModel) {
    this.#vocabulary = vocabulary;
    this.#model = model;
  }

  /** What `id` stands for: special tokens their name, byte tokens their byte. Not to be changed. */
  bytes(id: number): Uint8Array {
    let bytes = this.#bytes.get(id);
    if (!bytes) {
      bytes = this.#spell(this.#checked(id));
      if (this.#bytes.size >= MAX_KEPT) this.#bytes.clear();
      this.#bytes.set(id, bytes);
    }
    return bytes;
  }

  decode(ids: Iterable<number>, options: DecodeOptions): string {
    const next = this.#pieces(options);
    const pieces = Array.from(ids, next);
    const joined = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
    let at = 0;
    for (const piece of pieces) {
      joined.set(piece, at);
      at += piece.length;
    }
    return textDecoder().decode(joined);
  }

  stream(options: DecodeOptions): TokenStream {
    const next = this.#pieces(options);
    const decoder = textDecoder();
    return {
      push: (id) => decoder.decode(next(id), { stream: true }),
      flush: () => decoder.decode(),
    };
  }

  /** The bytes that each id adds, given those before it. */
  #pieces({ skipSpecial = true, continuation = false }: DecodeOptions): (id: number) => Uint8Array {
    let spaceAdded = this.#model.addsSpace && !continuation;
    return (id) => {
      const bytes = this.bytes(id);
      if (this.#vocabulary.has(id, SPELLED_OUT)) {
        spaceAdded = this.#model.addsSpace;
        return skipSpecial && this.#vocabulary.has(id, SKIPPED) ? NOTHING : bytes;
      }
      const dropped = spaceAdded && bytes[0] === SPACE;
      spaceAdded = false;
      return dropped ? bytes.subarray(1) : bytes;
    };
  }

  #spell(id: number): Uint8Array {
    const token = this.#vocabulary.texts.utf8(id);
    if (this.#vocabulary.has(id, SPELLED_OUT)) return token;
    const byte = this.#vocabulary.has(id, TOKEN_KIND.byte) ? this.#vocabulary.byteOf(id) : undefined;
    return byte === undefined ? this.#model.bytes(token) : Uint8Array.of(byte);
  }

  #checked(id: number): number {
    if (Number.isInteger(id) && id >= 0 && id < this.#vocabulary.size) return id;
    throw new TokenizerError(`${id} is not a token id: the vocabulary has ids 0 to ${this.#vocabulary.size - 1}.`);
  }
}

function textDecoder(): TextDecoder {
  return new TextDecoder('utf-8', { ignoreBOM: true });
}

// The tokens of a model: texts, kinds and scores, checked against each other; what text becomes is left to the models.
import { TokenizerError } from '../errors.ts';
import type { Metadata } from '../gguf/metadata.ts';
import { StringList } from '../gguf/string-list.ts';
import type { Prefix } from './prefix-index.ts';
import { TextIndex } from './text-index.ts';

/** Bits of a token's kind. A token may carry several once its text shows what it is for (see special-ids.ts). */
export const TOKEN_KIND = { unknown: 1, unused: 2, normal: 4, control: 8, userDefined: 16, byte: 32 } as const;

/** `tokenizer.ggml.token_type` → kind, in the order of the GGUF specification (0 and what is not listed: undefined). */
const KIND_OF_TYPE = [
  0, TOKEN_KIND.normal, TOKEN_KIND.unknown, TOKEN_KIND.control,
  TOKEN_KIND.userDefined, TOKEN_KIND.unused, TOKEN_KIND.byte,
];
/** Kinds that ordinary text must never produce by the spelling of a token. */
const NOT_TEXT = TOKEN_KIND.control | TOKEN_KIND.unknown | TOKEN_KIND.byte;
const KEY = 'tokenizer.ggml.';
const AGAIN = 'Fetch or convert the model again.';

const encoder = new TextEncoder();

export class Vocabulary {
  readonly texts: StringList;
  /** TOKEN_KIND bits per token. */
  readonly kinds: Uint8Array;
  readonly scores: ArrayLike<number> | undefined;
  /** In bytes. */
  readonly maxTokenLength: number;
  readonly #index: TextIndex;
  #byteIds: Int32Array | undefined;

  /** Reads tokens, types and scores; throws TokenizerError when they contradict each other. */
  constructor(metadata: Metadata) {
    const listed = metadata.required(`${KEY}tokens`, metadata.stringList(`${KEY}tokens`));
    if (listed.length === 0) throw new TokenizerError(`The vocabulary has no tokens. ${AGAIN}`);
    this.texts = named(listed);
    this.kinds = readKinds(metadata, this.size);
    this.scores = readScores(metadata, this.size);
    this.#index = new TextIndex(this.texts);
    const { starts } = this.texts;
    let maxTokenLength = 0;
    for (let id = 0; id < this.size; id++) {
      maxTokenLength = Math.max(maxTokenLength, starts[id + 1]! - starts[id]!);
      const first = this.#index.add(id);
      if (first !== id) throw duplicateToken(this.text(id), first, id);
    }
    this.maxTokenLength = maxTokenLength;
  }

  get size(): number {
    return this.texts.length;
  }

  text(id: number): string {
    return this.texts.text(id);
  }

  has(id: number, kind: number): boolean {
    return (this.kinds[id]! & kind) !== 0;
  }

  /** Whether text may become this token: special and byte tokens are never found by their spelling. */
  isText(id: number): boolean {
    return !this.has(id, NOT_TEXT);
  }

  /** The tokens that text may become. */
  textTokens(): Prefix[] {
    return this.texts.toArray().map((text, id) => ({ id, text })).filter(({ id }) => this.isText(id));
  }

  /** The token spelled exactly like this, whatever its kind. */
  idOf(token: string): number | undefined {
    const bytes = encoder.encode(token);
    return this.idIn(bytes, 0, bytes.length);
  }

  /** The token spelled bytes[from … to), whatever its kind. */
  idIn(bytes: Uint8Array, from: number, to: number): number | undefined {
    const id = this.#index.find(bytes, from, to);
    return id < 0 ? undefined : id;
  }

  /** The token that the text bytes[from … to) may become. */
  textIdIn(bytes: Uint8Array, from: number, to: number): number | undefined {
    const id = this.#index.find(bytes, from, to);
    return id < 0 || !this.isText(id) ? undefined : id;
  }

  score(id: number): number {
    return this.scores ? this.scores[id]! : 0;
  }

  /** The token that stands for one byte, `<0x0A>` by spelling, or undefined. */
  byteId(byte: number): number | undefined {
    this.#byteIds ??= Int32Array.from({ length: 256 }, (_, value) => this.idOf(byteToken(value)) ?? -1);
    const id = this.#byteIds[byte]!;
    return id < 0 ? undefined : id;
  }

  /** The byte that a token of kind `byte` stands for. */
  byteOf(id: number): number | undefined {
    const hex = /^<0x([0-9A-Fa-f]{2})>$/.exec(this.text(id))?.[1];
    return hex === undefined ? undefined : Number.parseInt(hex, 16);
  }
}

function byteToken(byte: number): string {
  return `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`;
}

/** Tokens without a text get one that nothing else has. */
function named(texts: StringList): StringList {
  const { starts } = texts;
  const isNameless = (_: unknown, id: number): boolean => starts[id] === starts[id + 1];
  if (!starts.subarray(0, texts.length).some(isNameless)) return texts;
  return StringList.from(texts.toArray().map((text, id) => text || `[EMPTY_${id}]`));
}

function readKinds(metadata: Metadata, count: number): Uint8Array {
  const types = metadata.numbers(`${KEY}token_type`);
  if (!types) return new Uint8Array(count).fill(TOKEN_KIND.normal);
  checkLength(types, count, 'token_type');
  const kinds = new Uint8Array(count);
  for (let id = 0; id < count; id++) kinds[id] = KIND_OF_TYPE[types[id]!] ?? 0;
  return kinds;
}

function readScores(metadata: Metadata, count: number): ArrayLike<number> | undefined {
  const scores = metadata.numbers(`${KEY}scores`);
  if (!scores) return undefined;
  checkLength(scores, count, 'scores');
  for (let id = 0; id < count; id++) {
    if (Number.isNaN(scores[id]!)) {
      throw new TokenizerError(`The score of token ${id} is not a number. ${AGAIN}`);
    }
  }
  return scores;
}

function checkLength(values: ArrayLike<number>, count: number, name: string): void {
  if (values.length === count) return;
  throw new TokenizerError(
    `"${KEY}${name}" has ${values.length} entries but the vocabulary has ${count} tokens. ${AGAIN}`,
  );
}

function duplicateToken(token: string, first: number, id: number): TokenizerError {
  const name = JSON.stringify(token.slice(0, 80));
  return new TokenizerError(`The vocabulary has the token ${name} twice, as ${first} and ${id}. ${AGAIN}`);
}

// The tokens of a model: texts, kinds and scores, checked against each other; what text becomes is left to the models.
import { TokenizerError } from '../errors.ts';
import type { Metadata } from '../gguf/metadata.ts';

/** Bits of a token's kind. A token may carry several once its text shows what it is for (see special-ids.ts). */
export const TOKEN_KIND = { unknown: 1, unused: 2, normal: 4, control: 8, userDefined: 16, byte: 32 } as const;

/** `tokenizer.ggml.token_type` → kind, in the order of the GGUF specification (0 and what is not listed: undefined). */
const KIND_OF_TYPE = [
  0, TOKEN_KIND.normal, TOKEN_KIND.unknown, TOKEN_KIND.control,
  TOKEN_KIND.userDefined, TOKEN_KIND.unused, TOKEN_KIND.byte,
];
/** Kinds that ordinary text must never produce by the spelling of a token. */
const NOT_TEXT = TOKEN_KIND.control | TOKEN_KIND.unknown | TOKEN_KIND.byte;
/** A JavaScript Map holds no more entries than this. */
const MAX_TOKENS = 2 ** 24 - 1;
const KEY = 'tokenizer.ggml.';
const AGAIN = 'Fetch or convert the model again.';

export class Vocabulary {
  readonly tokens: readonly string[];
  /** TOKEN_KIND bits per token. */
  readonly kinds: Uint8Array;
  readonly scores: ArrayLike<number> | undefined;
  /** In UTF-16 units. */
  readonly maxTokenLength: number;
  readonly #idByToken = new Map<string, number>();
  #byteIds: Int32Array | undefined;

  /** Reads tokens, types and scores; throws TokenizerError when they contradict each other. */
  constructor(metadata: Metadata) {
    const listed = metadata.required(`${KEY}tokens`, metadata.strings(`${KEY}tokens`));
    if (listed.length === 0) throw new TokenizerError(`The vocabulary has no tokens. ${AGAIN}`);
    if (listed.length > MAX_TOKENS) {
      throw new TokenizerError(`The vocabulary has ${listed.length} tokens; at most ${MAX_TOKENS} are supported.`);
    }
    this.tokens = listed.includes('') ? listed.map((token, id) => (token === '' ? `[EMPTY_${id}]` : token)) : listed;
    this.kinds = readKinds(metadata, this.size);
    this.scores = readScores(metadata, this.size);
    let maxTokenLength = 0;
    for (let id = 0; id < this.size; id++) {
      const token = this.tokens[id]!;
      if (token.length > maxTokenLength) maxTokenLength = token.length;
      this.#idByToken.set(token, id);
    }
    this.maxTokenLength = maxTokenLength;
    if (this.#idByToken.size !== this.size) throw duplicateToken(this.tokens);
  }

  get size(): number {
    return this.tokens.length;
  }

  has(id: number, kind: number): boolean {
    return (this.kinds[id]! & kind) !== 0;
  }

  /** The token spelled exactly like this, whatever its kind. */
  idOf(token: string): number | undefined {
    return this.#idByToken.get(token);
  }

  /** The token that text may become: special and byte tokens are never found by their spelling. */
  textId(text: string): number | undefined {
    const id = this.#idByToken.get(text);
    return id === undefined || (this.kinds[id]! & NOT_TEXT) !== 0 ? undefined : id;
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
    const hex = /^<0x([0-9A-Fa-f]{2})>$/.exec(this.tokens[id]!)?.[1];
    return hex === undefined ? undefined : Number.parseInt(hex, 16);
  }
}

function byteToken(byte: number): string {
  return `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`;
}

function readKinds(metadata: Metadata, count: number): Uint8Array {
  const types = metadata.numbers(`${KEY}token_type`);
  if (!types) return new Uint8Array(count).fill(TOKEN_KIND.normal);
  checkLength(types, count, 'token_type');
  return Uint8Array.from(types, (type) => KIND_OF_TYPE[type] ?? 0);
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

function duplicateToken(tokens: readonly string[]): TokenizerError {
  const seen = new Map<string, number>();
  for (const [id, token] of tokens.entries()) {
    const first = seen.get(token);
    if (first !== undefined) {
      const name = JSON.stringify(token.slice(0, 80));
      return new TokenizerError(
        `The vocabulary has the token ${name} twice, as ${first} and ${id}. ${AGAIN}`,
      );
    }
    seen.set(token, id);
  }
  return new TokenizerError(`The vocabulary has a token twice. ${AGAIN}`);
}

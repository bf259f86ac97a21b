// What every tokenization model offers: ids for text without special tokens, and the bytes of an ordinary token.
import type { Steps } from '../../steps.ts';

export interface TextModel {
  /**
   * Appends the ids of `text` (well-formed, no special tokens in it) to `output`. `afterSpecial`: the text begins the
   * input or follows a special token, where some models put a space.
   */
  encode(text: string, afterSpecial: boolean, output: number[]): Steps<void>;
  /** The bytes that an ordinary token of this UTF-8 stands for. Not to be changed. */
  bytes(token: Uint8Array): Uint8Array;
  /** Whether `encode` puts a space before text that follows a special token, which decoding then removes. */
  readonly addsSpace: boolean;
}

/** Words are encoded without a pause until there are so many of them, or of their UTF-16 units; longer ones have pauses of their own. */
export const WORDS_A_STEP = 128;
export const UNITS_A_STEP = 2048;
export const LONG_WORD = 1024;

export const utf8 = new TextEncoder();

/** SentencePiece's visible space, U+2581. */
export const VISIBLE_SPACE = '\u2581';
const VISIBLE_SPACE_BYTES = utf8.encode(VISIBLE_SPACE);

export function isVisibleSpace(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === VISIBLE_SPACE_BYTES[0] && bytes[at + 1] === VISIBLE_SPACE_BYTES[1] && bytes[at + 2] === VISIBLE_SPACE_BYTES[2];
}

/** Bytes of a token in which U+2581 stands for a space. */
export function visibleSpaceBytes(token: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(token.length);
  let length = 0;
  for (let at = 0; at < token.length; at++) {
    if (isVisibleSpace(token, at)) {
      bytes[length++] = 0x20;
      at += VISIBLE_SPACE_BYTES.length - 1;
    } else {
      bytes[length++] = token[at]!;
    }
  }
  return bytes.subarray(0, length);
}

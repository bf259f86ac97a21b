// GPT-2's alphabet: every byte as one printable character, so that a byte-level vocabulary is text.
import type { Steps } from '../../steps.ts';
import { utf8 } from './text-model.ts';

/** Printable bytes stand for themselves; the other 68 become U+0100, U+0101 … in order. (openai/gpt-2, encoder.py) */
const CHARACTER_BY_BYTE: readonly string[] = buildAlphabet();
const BYTE_BY_UNIT = new Int16Array(324).fill(-1);
for (const [byte, character] of CHARACTER_BY_BYTE.entries()) BYTE_BY_UNIT[character.charCodeAt(0)] = byte;

const UNITS_A_STEP = 4096;
const ONLY_ITSELF = /^[!-~]*$/;

function buildAlphabet(): string[] {
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    return String.fromCharCode(printable ? byte : next++);
  });
}

export function toByteAlphabet(text: string): string {
  if (ONLY_ITSELF.test(text)) return text;
  let encoded = '';
  for (const byte of utf8.encode(text)) encoded += CHARACTER_BY_BYTE[byte]!;
  return encoded;
}

/** The same for long texts, with pauses. */
export function* toByteAlphabetSteps(text: string): Steps<string> {
  let encoded = '';
  for (let from = 0, to = 0; from < text.length; from = to) {
    to = from + UNITS_A_STEP;
    // Halves of a pair stay together.
    if (to < text.length && text.codePointAt(to - 1)! > 0xffff) to++;
    encoded += toByteAlphabet(text.slice(from, to));
    yield;
  }
  return encoded;
}

/** The bytes a token stands for. A character outside the alphabet stands for its own UTF-8. */
export function fromByteAlphabet(token: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of token) {
    const unit = character.length === 1 ? character.charCodeAt(0) : -1;
    const byte = unit >= 0 && unit < BYTE_BY_UNIT.length ? BYTE_BY_UNIT[unit]! : -1;
    if (byte >= 0) bytes.push(byte);
    else bytes.push(...utf8.encode(character));
  }
  return Uint8Array.from(bytes);
}

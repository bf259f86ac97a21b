// GPT-2's alphabet: every byte as one printable character, so that a byte-level vocabulary is text.

/** Printable bytes stand for themselves; the other 68 become U+0100, U+0101 … in order. (openai/gpt-2, encoder.py) */
const UNIT_BY_BYTE = buildAlphabet();
const BYTE_BY_UNIT = new Int16Array(324).fill(-1);
for (const [byte, unit] of UNIT_BY_BYTE.entries()) BYTE_BY_UNIT[unit] = byte;

function buildAlphabet(): Uint16Array {
  let next = 256;
  return Uint16Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    return printable ? byte : next++;
  });
}

/** Bytes in the alphabet's UTF-8, which takes one or two for each, and where each begins: starts[0 … count], the last being the end. */
export interface Letters {
  readonly bytes: Uint8Array;
  readonly starts: Int32Array;
}

export function lettersFor(numBytes: number): Letters {
  return { bytes: new Uint8Array(2 * numBytes), starts: new Int32Array(numBytes + 1) };
}

/** Writes the letters of source[from … to), after those of what lies before; returns how many there are then. */
export function writeLetters(source: Uint8Array, from: number, to: number, { bytes, starts }: Letters): number {
  let at = from === 0 ? 0 : starts[from]!;
  for (let i = from; i < to; i++) {
    starts[i] = at;
    const unit = UNIT_BY_BYTE[source[i]!]!;
    if (unit < 0x80) {
      bytes[at++] = unit;
    } else {
      bytes[at++] = 0xc0 | (unit >> 6);
      bytes[at++] = 0x80 | (unit & 0x3f);
    }
  }
  starts[to] = at;
  return to;
}

/**
 * The bytes a token stands for. A character outside the alphabet stands for its own UTF-8: those of more than two bytes are taken
 * byte by byte, as each is a unit that stands for itself or for nothing.
 */
export function fromByteAlphabet(token: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(token.length);
  let length = 0;
  for (let at = 0; at < token.length; at++) {
    const first = token[at]!;
    const isPair = (first & 0xe0) === 0xc0;
    const byte = BYTE_BY_UNIT[isPair ? ((first & 0x1f) << 6) | (token[at + 1]! & 0x3f) : first] ?? -1;
    bytes[length++] = byte < 0 ? first : byte;
    if (!isPair) continue;
    at++;
    if (byte < 0) bytes[length++] = token[at]!;
  }
  return bytes.subarray(0, length);
}

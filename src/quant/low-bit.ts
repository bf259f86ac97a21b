// Ternary and one- or two-bit formats with a single scale: TQ1_0, TQ2_0, Q1_0, Q2_0.
//
//   TQ1_0  48 B qs (five trits each) | 4 B qh (four trits each) | f16 d    256 elements, value = d * (trit - 1)
//   TQ2_0  64 B qs (2 bits)          | f16 d                               256 elements, value = d * (q - 1)
//   Q1_0   f16 d | 16 B bits                                               128 elements, value = bit ? d : -d
//   Q2_0   f16 d | 16 B qs (2 bits)                                         64 elements, value = d * (q - 1)
import { inverse, largest, roundHalfAway } from './block-format.ts';
import type { BlockFormat } from './block-format.ts';
import { readHalf, writeHalf } from './half.ts';

const BLOCK = 256;
const POWERS_OF_3 = [1, 3, 9, 27, 81];

/** Where the trits of TQ1_0 lie: bytes of a run hold trit n of element start + n * length + m at byte m. */
const TQ1_RUNS = [
  { at: 0, length: 32, start: 0, trits: 5 },
  { at: 32, length: 16, start: 160, trits: 5 },
  { at: 48, length: 4, start: 240, trits: 4 },
];

/** The scale of a ternary block, and each value as 0, 1 or 2. */
function ternary(values: Float32Array): { d: number; levels: Uint8Array } {
  const d = Math.abs(largest(values));
  const factor = inverse(d);
  return { d, levels: Uint8Array.from(values, (value) => roundHalfAway(Math.fround(value * factor)) + 1) };
}

export const TQ1_0: BlockFormat = {
  dequantizeBlock(bytes, at, out, to) {
    const d = readHalf(bytes, at + 52);
    for (const run of TQ1_RUNS) {
      for (let n = 0; n < run.trits; n++) {
        for (let m = 0; m < run.length; m++) {
          // A byte is a fraction of 256 in base 3: its digits come out of the top after multiplying, modulo 256.
          const fraction = (bytes[at + run.at + m] * POWERS_OF_3[n]) & 255;
          out[to + run.start + n * run.length + m] = d * (((fraction * 3) >> 8) - 1);
        }
      }
    }
  },
  quantizeBlock(values, bytes, at) {
    const { d, levels } = ternary(values);
    for (const run of TQ1_RUNS) {
      for (let m = 0; m < run.length; m++) {
        let number = 0;
        for (let n = 0; n < run.trits; n++) number += levels[run.start + n * run.length + m] * POWERS_OF_3[4 - n];
        bytes[at + run.at + m] = Math.ceil((number * 256) / 243);
      }
    }
    writeHalf(bytes, at + 52, d);
  },
};

export const TQ2_0: BlockFormat = {
  dequantizeBlock(bytes, at, out, to) {
    const d = readHalf(bytes, at + 64);
    for (let i = 0; i < BLOCK; i++) {
      out[to + i] = d * (((bytes[at + 32 * (i >> 7) + (i & 31)] >> (2 * ((i >> 5) & 3))) & 3) - 1);
    }
  },
  quantizeBlock(values, bytes, at) {
    const { d, levels } = ternary(values);
    for (let i = 0; i < BLOCK; i++) bytes[at + 32 * (i >> 7) + (i & 31)] |= levels[i] << (2 * ((i >> 5) & 3));
    writeHalf(bytes, at + 64, d);
  },
};

export const Q1_0: BlockFormat = {
  dequantizeBlock(bytes, at, out, to) {
    const d = readHalf(bytes, at);
    for (let i = 0; i < 128; i++) out[to + i] = (bytes[at + 2 + (i >> 3)] >> (i & 7)) & 1 ? d : -d;
  },
};

export const Q2_0: BlockFormat = {
  dequantizeBlock(bytes, at, out, to) {
    const d = readHalf(bytes, at);
    for (let i = 0; i < 64; i++) out[to + i] = d * (((bytes[at + 2 + (i >> 2)] >> (2 * (i & 3))) & 3) - 1);
  },
};

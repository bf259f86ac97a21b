// The K-quants: 256 elements in sub-blocks whose scales are quantized themselves. Reading them; writing is in
// k-quants-quantize.ts.
//
//   Q2_K  16 B scales (4-bit scale, 4-bit min per 16) | 64 B qs | f16 d | f16 dmin
//   Q3_K  32 B hmask | 64 B qs | 12 B scales (6-bit per 16) | f16 d
//   Q4_K  f16 d | f16 dmin | 12 B scales (6-bit scale and min per 32) | 128 B qs
//   Q5_K  f16 d | f16 dmin | 12 B scales | 32 B qh | 128 B qs
//   Q6_K  128 B ql | 64 B qh | 16 i8 scales (per 16) | f16 d
//
// 2-bit qs: byte 32h + l holds elements 128h + l, +32, +64, +96 from the low bits up. 4-bit qs: byte 32g + l holds
// elements 64g + l and +32. The high bits of Q3_K and Q5_K: bit s of byte l belongs to element 32s + l.
import { signed } from './block-format.ts';
import type { BlockFormat } from './block-format.ts';
import { readHalf } from './half.ts';

const BLOCK = 256;

/** Element i's two bits in a 2-bit plane that starts at `at`. */
function twoBits(bytes: Uint8Array, at: number, i: number): number {
  return (bytes[at + 32 * (i >> 7) + (i & 31)] >> (2 * ((i >> 5) & 3))) & 3;
}

/** Element i's four bits in the Q4_K order. */
function fourBits(bytes: Uint8Array, at: number, i: number): number {
  return (bytes[at + 32 * (i >> 6) + (i & 31)] >> (4 * ((i >> 5) & 1))) & 15;
}

function highBit(bytes: Uint8Array, at: number, i: number): number {
  return (bytes[at + (i & 31)] >> (i >> 5)) & 1;
}

/** Scale and min of sub-block j (0 … 7) of Q4_K and Q5_K, six bits each. */
export function scaleAndMin(bytes: Uint8Array, at: number, j: number): [scale: number, min: number] {
  if (j < 4) return [bytes[at + j] & 63, bytes[at + j + 4] & 63];
  const low = bytes[at + j + 4];
  return [(low & 15) | ((bytes[at + j - 4] >> 6) << 4), (low >> 4) | ((bytes[at + j] >> 6) << 4)];
}

/** The scale of sub-block j (0 … 15) of Q3_K, -32 … 31: four low bits in bytes 0 … 7, two high ones in 8 … 11. */
export function q3Scale(bytes: Uint8Array, at: number, j: number): number {
  const low = (bytes[at + (j & 7)] >> (4 * (j >> 3))) & 15;
  const high = (bytes[at + 8 + (j & 3)] >> (2 * (j >> 2))) & 3;
  return (low | (high << 4)) - 32;
}

export const Q2_K: BlockFormat = {
  dequantizeBlock(bytes, at, out, to) {
    const d = readHalf(bytes, at + 80);
    const dmin = readHalf(bytes, at + 82);
    for (let i = 0; i < BLOCK; i++) {
      const scale = bytes[at + (i >> 4)];
      out[to + i] = d * (scale & 15) * twoBits(bytes, at + 16, i) - dmin * (scale >> 4);
    }
  },
};

export const Q3_K: BlockFormat = {
  dequantizeBlock(bytes, at, out, to) {
    const d = readHalf(bytes, at + 108);
    for (let j = 0; j < BLOCK / 16; j++) {
      const scale = d * q3Scale(bytes, at + 96, j);
      for (let i = 16 * j; i < 16 * (j + 1); i++) {
        out[to + i] = scale * (twoBits(bytes, at + 32, i) - 4 * (1 - highBit(bytes, at, i)));
      }
    }
  },
};

export const Q4_K: BlockFormat = {
  dequantizeBlock(bytes, at, out, to) {
    const d = readHalf(bytes, at);
    const dmin = readHalf(bytes, at + 2);
    for (let j = 0; j < BLOCK / 32; j++) {
      const [scale, min] = scaleAndMin(bytes, at + 4, j);
      for (let i = 32 * j; i < 32 * (j + 1); i++) {
        out[to + i] = d * scale * fourBits(bytes, at + 16, i) - dmin * min;
      }
    }
  },
};

export const Q5_K: BlockFormat = {
  dequantizeBlock(bytes, at, out, to) {
    const d = readHalf(bytes, at);
    const dmin = readHalf(bytes, at + 2);
    for (let j = 0; j < BLOCK / 32; j++) {
      const [scale, min] = scaleAndMin(bytes, at + 4, j);
      for (let i = 32 * j; i < 32 * (j + 1); i++) {
        const q = fourBits(bytes, at + 48, i) | (highBit(bytes, at + 16, i) << 4);
        out[to + i] = d * scale * q - dmin * min;
      }
    }
  },
};

export const Q6_K: BlockFormat = {
  dequantizeBlock(bytes, at, out, to) {
    const d = readHalf(bytes, at + 208);
    for (let i = 0; i < BLOCK; i++) {
      const low = (bytes[at + 64 * (i >> 7) + (i & 63)] >> (4 * ((i >> 6) & 1))) & 15;
      const q = (low | (twoBits(bytes, at + 128, i) << 4)) - 32;
      out[to + i] = d * signed(bytes[at + 192 + (i >> 4)]) * q;
    }
  },
};

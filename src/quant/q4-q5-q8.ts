// Blocks of 32 with one scale (…_0) or a scale and an offset (…_1): Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q8_1, and Q8_K, the
// 256-wide form that activations take beside K-quants.
//
//   Q4_0  f16 d | 16 B qs            value = d * (q - 8)     qs[j] holds element j (low) and j + 16 (high)
//   Q4_1  f16 d | f16 m | 16 B qs    value = d * q + m
//   Q5_0  f16 d | u32 qh | 16 B qs   value = d * (q - 16)    bit j of qh is the fifth bit of element j
//   Q5_1  f16 d | f16 m | u32 qh | 16 B qs
//   Q8_0  f16 d | 32 i8              value = d * q
//   Q8_1  f16 d | f16 s | 32 i8      s = d * sum of q
//   Q8_K  f32 d | 256 i8 | 16 i16    the i16 are sums of q over 16 elements
import { clamp, inverse, largest, readU32, roundHalfAway, roundHalfEven, signed } from './block-format.ts';
import type { BlockFormat } from './block-format.ts';
import { readHalf, writeHalf } from './half.ts';

const BLOCK = 32;
const { fround } = Math;

/** Stores element j's low four bits where 4- and 5-bit formats keep them. */
function setNibble(bytes: Uint8Array, qsAt: number, j: number, q: number): void {
  bytes[qsAt + (j & 15)] |= (q & 15) << (j < 16 ? 0 : 4);
}

function nibble(bytes: Uint8Array, qsAt: number, j: number): number {
  return (bytes[qsAt + (j & 15)] >> (j < 16 ? 0 : 4)) & 15;
}

/** Symmetric quantization: the value farthest from zero becomes the most negative level. */
function quantizeSymmetric(values: Float32Array, half: number, store: (j: number, q: number) => void): number {
  const d = fround(largest(values) / -half);
  const factor = inverse(d);
  for (let j = 0; j < BLOCK; j++) {
    store(j, clamp(Math.trunc(fround(fround(values[j] * factor) + half + 0.5)), 0, 2 * half - 1));
  }
  return d;
}

/** Quantization between the block's least and greatest value. */
function quantizeRange(values: Float32Array, top: number, store: (j: number, q: number) => void): [number, number] {
  const low = Math.min(...values);
  const d = fround(fround(Math.max(...values) - low) / top);
  const factor = inverse(d);
  for (let j = 0; j < BLOCK; j++) {
    store(j, clamp(Math.trunc(fround(fround(fround(values[j] - low) * factor) + 0.5)), 0, top));
  }
  return [d, low];
}

export const Q4_0: BlockFormat = {
  dequantizeBlock(bytes, at, out, to) {
    const d = readHalf(bytes, at);
    for (let j = 0; j < BLOCK; j++) out[to + j] = d * (nibble(bytes, at + 2, j) - 8);
  },
  quantizeBlock(values, bytes, at) {
    writeHalf(bytes, at, quantizeSymmetric(values, 8, (j, q) => setNibble(bytes, at + 2, j, q)));
  },
};

export const Q4_1: BlockFormat = {
  dequantizeBlock(bytes, at, out, to) {
    const d = readHalf(bytes, at);
    const m = readHalf(bytes, at + 2);
    for (let j = 0; j < BLOCK; j++) out[to + j] = d * nibble(bytes, at + 4, j) + m;
  },
  quantizeBlock(values, bytes, at) {
    const [d, m] = quantizeRange(values, 15, (j, q) => setNibble(bytes, at + 4, j, q));
    writeHalf(bytes, at, d);
    writeHalf(bytes, at + 2, m);
  },
};

/** Element j of a 5-bit block: four bits from qs, which follow the 32 bits of qh. */
function fiveBits(bytes: Uint8Array, qhAt: number, qh: number, j: number): number {
  return nibble(bytes, qhAt + 4, j) | (((qh >>> j) & 1) << 4);
}

function setFiveBits(bytes: Uint8Array, qhAt: number, j: number, q: number): void {
  setNibble(bytes, qhAt + 4, j, q);
  bytes[qhAt + (j >> 3)] |= (q >> 4) << (j & 7);
}

export const Q5_0: BlockFormat = {
  dequantizeBlock(bytes, at, out, to) {
    const d = readHalf(bytes, at);
    const qh = readU32(bytes, at + 2);
    for (let j = 0; j < BLOCK; j++) out[to + j] = d * (fiveBits(bytes, at + 2, qh, j) - 16);
  },
  quantizeBlock(values, bytes, at) {
    writeHalf(bytes, at, quantizeSymmetric(values, 16, (j, q) => setFiveBits(bytes, at + 2, j, q)));
  },
};

export const Q5_1: BlockFormat = {
  dequantizeBlock(bytes, at, out, to) {
    const d = readHalf(bytes, at);
    const m = readHalf(bytes, at + 2);
    const qh = readU32(bytes, at + 4);
    for (let j = 0; j < BLOCK; j++) out[to + j] = d * fiveBits(bytes, at + 4, qh, j) + m;
  },
  quantizeBlock(values, bytes, at) {
    const [d, m] = quantizeRange(values, 31, (j, q) => setFiveBits(bytes, at + 4, j, q));
    writeHalf(bytes, at, d);
    writeHalf(bytes, at + 2, m);
  },
};

/** Stores 32 rounded bytes and returns the scale and the sum of the bytes. */
function quantizeBytes(values: Float32Array, bytes: Uint8Array, qsAt: number): { d: number; sum: number } {
  const d = fround(Math.abs(largest(values)) / 127);
  const factor = inverse(d);
  let sum = 0;
  for (let j = 0; j < BLOCK; j++) {
    const q = roundHalfAway(fround(values[j] * factor));
    bytes[qsAt + j] = q;
    sum += q;
  }
  return { d, sum };
}

export const Q8_0: BlockFormat = {
  dequantizeBlock(bytes, at, out, to) {
    const d = readHalf(bytes, at);
    for (let j = 0; j < BLOCK; j++) out[to + j] = signed(bytes[at + 2 + j]) * d;
  },
  quantizeBlock(values, bytes, at) {
    writeHalf(bytes, at, quantizeBytes(values, bytes, at + 2).d);
  },
};

export const Q8_1: BlockFormat = {
  dequantizeBlock(bytes, at, out, to) {
    const d = readHalf(bytes, at);
    for (let j = 0; j < BLOCK; j++) out[to + j] = signed(bytes[at + 4 + j]) * d;
  },
  quantizeBlock(values, bytes, at) {
    const { d, sum } = quantizeBytes(values, bytes, at + 4);
    writeHalf(bytes, at, d);
    writeHalf(bytes, at + 2, fround(sum * d));
  },
};

const WIDE_BLOCK = 256;
const WIDE_QS = 4;
const WIDE_SUMS = WIDE_QS + WIDE_BLOCK;

export const Q8_K: BlockFormat = {
  dequantizeBlock(bytes, at, out, to) {
    const d = new DataView(bytes.buffer, bytes.byteOffset + at, 4).getFloat32(0, true);
    for (let j = 0; j < WIDE_BLOCK; j++) out[to + j] = d * signed(bytes[at + WIDE_QS + j]);
  },
  quantizeBlock(values, bytes, at) {
    const view = new DataView(bytes.buffer, bytes.byteOffset + at);
    const extreme = largest(values);
    const factor = extreme === 0 ? 0 : fround(-127 / extreme);
    for (let j = 0; j < WIDE_BLOCK; j++) {
      const q = Math.min(127, roundHalfEven(fround(factor * values[j])));
      const sumAt = WIDE_SUMS + 2 * (j >> 4);
      view.setInt8(WIDE_QS + j, q);
      view.setInt16(sumAt, view.getInt16(sumAt, true) + q, true);
    }
    view.setFloat32(0, inverse(factor), true);
  },
};

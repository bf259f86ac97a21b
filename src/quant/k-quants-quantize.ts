// Writing the K-quants, whose layouts k-quants.ts draws: fit each sub-block, quantize the scales, round the values.
import type { BlockFormat } from './block-format.ts';
import { clamp, inverse, largest, roundHalfEven } from './block-format.ts';
import { readHalf, writeHalf } from './half.ts';
import * as reading from './k-quants.ts';
import { fitScaleAndMin, refineSymmetricScale, searchSymmetricScale } from './scale-fit.ts';
import type { RangeFit } from './scale-fit.ts';

const BLOCK = 256;

function subBlocks(values: Float32Array, size: number): Float32Array[] {
  return Array.from({ length: BLOCK / size }, (_, j) => values.subarray(size * j, size * (j + 1)));
}

function setTwoBits(bytes: Uint8Array, at: number, i: number, q: number): void {
  bytes[at + 32 * (i >> 7) + (i & 31)] |= (q & 3) << (2 * ((i >> 5) & 3));
}

function setFourBits(bytes: Uint8Array, at: number, i: number, q: number): void {
  bytes[at + 32 * (i >> 6) + (i & 31)] |= (q & 15) << (4 * ((i >> 5) & 1));
}

function setHighBit(bytes: Uint8Array, at: number, i: number, bit: number): void {
  bytes[at + (i & 31)] |= bit << (i >> 5);
}

/** Element i as a level of scale * q - min, 0 … top; 0 where there is no scale. */
function level(value: number, scale: number, min: number, top: number): number {
  return scale === 0 ? 0 : clamp(roundHalfEven((value + min) / scale), 0, top);
}

interface RangeBlock {
  /** Scale and min per sub-block as stored integers. */
  readonly scales: number[];
  readonly mins: number[];
  readonly d: number;
  readonly dmin: number;
}

/** Fits all sub-blocks and quantizes their scales and mins to 0 … scaleTop; d and dmin go to bytes dAt and dAt + 2. */
function fitRanges(fits: [number, number][], scaleTop: number, bytes: Uint8Array, dAt: number): RangeBlock {
  const scaleUnit = Math.max(...fits.map(([scale]) => scale)) / scaleTop;
  const minUnit = Math.max(...fits.map(([, min]) => min)) / scaleTop;
  const stored = (value: number, unit: number): number =>
    unit > 0 ? clamp(roundHalfEven(value / unit), 0, scaleTop) : 0;
  return {
    scales: fits.map(([scale]) => stored(scale, scaleUnit)),
    mins: fits.map(([, min]) => stored(min, minUnit)),
    d: writeHalf(bytes, dAt, scaleUnit),
    dmin: writeHalf(bytes, dAt + 2, minUnit),
  };
}

const Q2_FIT: RangeFit = { top: 3, firstStep: -0.5, steps: 15, absolute: true };

export const Q2_K: BlockFormat = {
  ...reading.Q2_K,
  quantizeBlock(values, bytes, at) {
    const fits = subBlocks(values, 16).map((part) => fitScaleAndMin(part, part.map(Math.abs), Q2_FIT));
    const { scales, mins, d, dmin } = fitRanges(fits, 15, bytes, at + 80);
    for (let j = 0; j < scales.length; j++) bytes[at + j] = scales[j] | (mins[j] << 4);
    for (let i = 0; i < BLOCK; i++) {
      const j = i >> 4;
      setTwoBits(bytes, at + 16, i, level(values[i], d * scales[j], dmin * mins[j], 3));
    }
  },
};

const Q4_FIT: RangeFit = { top: 15, firstStep: -1, steps: 20, absolute: false };
const Q5_FIT: RangeFit = { top: 31, firstStep: -0.5, steps: 15, absolute: false };

/** Weights of Q4_K and Q5_K: a value counts more the larger it is, and none counts nothing. */
function rangeWeights(values: Float32Array): Float32Array {
  const rms = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
  return values.map((value) => rms + Math.abs(value));
}

/** Stores scale and min of sub-block j as `scaleAndMin` in k-quants.ts reads them. */
function setScaleAndMin(bytes: Uint8Array, at: number, j: number, scale: number, min: number): void {
  if (j < 4) {
    bytes[at + j] |= scale;
    bytes[at + j + 4] |= min;
  } else {
    bytes[at + j + 4] = (scale & 15) | ((min & 15) << 4);
    bytes[at + j - 4] |= (scale >> 4) << 6;
    bytes[at + j] |= (min >> 4) << 6;
  }
}

/** Everything but the levels of a Q4_K or Q5_K block; returns the level of each element. */
function quantizeWithMins(values: Float32Array, fit: RangeFit, bytes: Uint8Array, at: number): number[] {
  const fits = subBlocks(values, 32).map((part) => fitScaleAndMin(part, rangeWeights(part), fit));
  const { scales, mins, d, dmin } = fitRanges(fits, 63, bytes, at);
  for (let j = 0; j < scales.length; j++) setScaleAndMin(bytes, at + 4, j, scales[j], mins[j]);
  return Array.from(values, (value, i) => level(value, d * scales[i >> 5], dmin * mins[i >> 5], fit.top));
}

export const Q4_K: BlockFormat = {
  ...reading.Q4_K,
  quantizeBlock(values, bytes, at) {
    quantizeWithMins(values, Q4_FIT, bytes, at).forEach((q, i) => setFourBits(bytes, at + 16, i, q));
  },
};

export const Q5_K: BlockFormat = {
  ...reading.Q5_K,
  quantizeBlock(values, bytes, at) {
    quantizeWithMins(values, Q5_FIT, bytes, at).forEach((q, i) => {
      setFourBits(bytes, at + 48, i, q);
      setHighBit(bytes, at + 16, i, q >> 4);
    });
  },
};

/** Quantizes signed scales to -half … half - 1; the unit goes to dAt. */
function quantizeScales(scales: Float32Array, half: number, bytes: Uint8Array, dAt: number): Int32Array {
  const factor = inverse(largest(scales) / -half);
  writeHalf(bytes, dAt, inverse(factor));
  return Int32Array.from(scales, (scale) => clamp(roundHalfEven(scale * factor), -half, half - 1));
}

/** Element as scale * q with q in -half … half - 1, returned as q + half. */
function symmetricLevel(value: number, scale: number, half: number): number {
  return scale === 0 ? half : clamp(roundHalfEven(value / scale), -half, half - 1) + half;
}

export const Q3_K: BlockFormat = {
  ...reading.Q3_K,
  quantizeBlock(values, bytes, at) {
    const fitted = Float32Array.from(subBlocks(values, 16), (part) => refineSymmetricScale(part, 4));
    const scales = quantizeScales(fitted, 32, bytes, at + 108);
    const d = readHalf(bytes, at + 108);
    scales.forEach((scale, j) => {
      const stored = scale + 32;
      bytes[at + 96 + (j & 7)] |= (stored & 15) << (4 * (j >> 3));
      bytes[at + 104 + (j & 3)] |= (stored >> 4) << (2 * (j >> 2));
    });
    for (let i = 0; i < BLOCK; i++) {
      const q = symmetricLevel(values[i], d * scales[i >> 4], 4);
      setTwoBits(bytes, at + 32, i, q);
      setHighBit(bytes, at, i, q >> 2);
    }
  },
};

export const Q6_K: BlockFormat = {
  ...reading.Q6_K,
  quantizeBlock(values, bytes, at) {
    const fitted = Float32Array.from(subBlocks(values, 16), (part) => searchSymmetricScale(part, 32));
    const scales = quantizeScales(fitted, 128, bytes, at + 208);
    const d = readHalf(bytes, at + 208);
    scales.forEach((scale, j) => { bytes[at + 192 + j] = scale; });
    for (let i = 0; i < BLOCK; i++) {
      const q = symmetricLevel(values[i], d * scales[i >> 4], 32);
      bytes[at + 64 * (i >> 7) + (i & 63)] |= (q & 15) << (4 * ((i >> 6) & 1));
      setTwoBits(bytes, at + 128, i, q >> 4);
    }
  },
};

// Blocks of 4-bit floats (E2M1) with 8-bit scales: MXFP4 (OCP microscaling) and NVFP4.
//
//   MXFP4  E8M0 scale | 16 B qs          32 elements; qs[j] holds element j (low) and j + 16 (high)
//   NVFP4  4 UE4M3 scales | 4 x 8 B qs   4 groups of 16; byte j of a group holds its elements j (low) and j + 8 (high)
import type { BlockFormat } from './block-format.ts';
import { clamp, largest } from './block-format.ts';

/** Twice the values of E2M1, so that they are integers; scales carry the factor of one half. */
const FP4_LEVELS = Int8Array.of(0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12);

/** Exponent of the largest power of two in E2M1 (its greatest value is 6 = 1.5 * 2^2). */
const FP4_MAX_EXPONENT = 2;

/** Half the value of an E8M0 scale. */
function halfE8m0(bits: number): number {
  return 2 ** (bits - 128);
}

/** Half the value of an unsigned E4M3 scale; its NaN counts as 0. */
function halfUe4m3(bits: number): number {
  if (bits === 0x7f) return 0;
  const exponent = (bits >> 3) & 15;
  const mantissa = bits & 7;
  return exponent === 0 ? mantissa * 2 ** -10 : (8 + mantissa) * 2 ** (exponent - 11);
}

/** The index of the level nearest to `value`; the first of several that are equally near. */
function nearestLevel(value: number): number {
  let best = 0;
  for (let i = 1; i < FP4_LEVELS.length; i++) {
    if (Math.abs(FP4_LEVELS[i] - value) < Math.abs(FP4_LEVELS[best] - value)) best = i;
  }
  return best;
}

export const MXFP4: BlockFormat = {
  dequantizeBlock(bytes, at, out, to) {
    const d = halfE8m0(bytes[at]);
    for (let j = 0; j < 16; j++) {
      const pair = bytes[at + 1 + j];
      out[to + j] = d * FP4_LEVELS[pair & 15];
      out[to + j + 16] = d * FP4_LEVELS[pair >> 4];
    }
  },
  quantizeBlock(values, bytes, at) {
    const extreme = Math.abs(largest(values));
    if (!(extreme > 0)) return;
    const scale = clamp(Math.floor(Math.log2(extreme)) - FP4_MAX_EXPONENT + 127, 0, 254);
    const factor = 1 / halfE8m0(scale);
    bytes[at] = scale;
    for (let j = 0; j < 16; j++) {
      bytes[at + 1 + j] = nearestLevel(values[j] * factor) | (nearestLevel(values[j + 16] * factor) << 4);
    }
  },
};

export const NVFP4: BlockFormat = {
  dequantizeBlock(bytes, at, out, to) {
    for (let i = 0; i < 64; i++) {
      const pair = bytes[at + 4 + 8 * (i >> 4) + (i & 7)];
      out[to + i] = halfUe4m3(bytes[at + (i >> 4)]) * FP4_LEVELS[(pair >> (i & 8 ? 4 : 0)) & 15];
    }
  },
};

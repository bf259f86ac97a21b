// The IQ formats below four bits: 256 elements as lattice points of 4 or 8 values with signs. Reading only.
//
//   IQ2_XXS  f16 d | per 32: 4 B point indices, u32 of four 7-bit sign indices and a 4-bit scale
//   IQ2_XS   f16 d | 32 u16 (9-bit point, 7-bit sign index) | 8 B scales (4-bit per 16)
//   IQ2_S    f16 d | 32 B qs | 32 B signs | 8 B qh (two high bits per point) | 8 B scales
//   IQ3_XXS  f16 d | 64 B qs (one per 4) | per 32: u32 of signs and scale as in IQ2_XXS
//   IQ3_S    f16 d | 64 B qs | 8 B qh (one high bit per point) | 32 B signs | 4 B scales (4-bit per 32)
//   IQ1_S    f16 d | 32 B qs | per 32: u16 of four 3-bit high parts, 3-bit scale, sign of the shift
//   IQ1_M    32 B qs | 16 B qh (3-bit high part and shift sign per 8) | 4 u16 (3-bit scale per 16, top bits: f16 d)
import { readU16, readU32 } from './block-format.ts';
import type { BlockFormat } from './block-format.ts';
import { halfToFloat, readHalf } from './half.ts';
import {
  EVEN_SIGNS, IQ1_S_GRID, IQ2_S_GRID, IQ2_XS_GRID, IQ2_XXS_GRID, IQ3_S_GRID, IQ3_XXS_GRID,
} from './iq-grids.ts';

/** How far IQ1 formats shift all values of a group, in units of their scale. */
const IQ1_SHIFT = 0.125;

interface Place {
  readonly out: Float32Array;
  readonly to: number;
}

/** Writes `length` values of a lattice point times `scale`; bit j of `signs` negates value j. */
function writePoint(
  { out, to }: Place, i: number, grid: Uint8Array, point: number, length: number, scale: number, signs: number,
): void {
  for (let j = 0; j < length; j++) {
    const value = scale * grid[length * point + j];
    out[to + i + j] = (signs >> j) & 1 ? -value : value;
  }
}

function fourBitScale(bytes: Uint8Array, at: number, j: number): number {
  return (bytes[at + (j >> 1)] >> (4 * (j & 1))) & 15;
}

export const IQ2_XXS: BlockFormat = {
  dequantizeBlock(bytes, at, out, to) {
    const d = readHalf(bytes, at);
    for (let i = 0; i < 256; i += 8) {
      const groupAt = at + 2 + 8 * (i >> 5);
      const signsAndScale = readU32(bytes, groupAt + 4);
      const scale = d * (0.5 + (signsAndScale >>> 28)) * 0.25;
      const k = (i >> 3) & 3;
      const signs = EVEN_SIGNS[(signsAndScale >>> (7 * k)) & 127];
      writePoint({ out, to }, i, IQ2_XXS_GRID, bytes[groupAt + k], 8, scale, signs);
    }
  },
};

export const IQ2_XS: BlockFormat = {
  dequantizeBlock(bytes, at, out, to) {
    const d = readHalf(bytes, at);
    for (let i = 0; i < 256; i += 8) {
      const scale = d * (0.5 + fourBitScale(bytes, at + 66, i >> 4)) * 0.25;
      const q = readU16(bytes, at + 2 + (i >> 2));
      writePoint({ out, to }, i, IQ2_XS_GRID, q & 511, 8, scale, EVEN_SIGNS[q >> 9]);
    }
  },
};

export const IQ2_S: BlockFormat = {
  dequantizeBlock(bytes, at, out, to) {
    const d = readHalf(bytes, at);
    for (let i = 0; i < 256; i += 8) {
      const scale = d * (0.5 + fourBitScale(bytes, at + 74, i >> 4)) * 0.25;
      const k = i >> 3;
      const high = (bytes[at + 66 + (i >> 5)] >> (2 * (k & 3))) & 3;
      writePoint({ out, to }, i, IQ2_S_GRID, bytes[at + 2 + k] | (high << 8), 8, scale, bytes[at + 34 + k]);
    }
  },
};

export const IQ3_XXS: BlockFormat = {
  dequantizeBlock(bytes, at, out, to) {
    const d = readHalf(bytes, at);
    for (let i = 0; i < 256; i += 4) {
      const signsAndScale = readU32(bytes, at + 66 + 4 * (i >> 5));
      const scale = d * (0.5 + (signsAndScale >>> 28)) * 0.5;
      const signs = EVEN_SIGNS[(signsAndScale >>> (7 * ((i >> 3) & 3))) & 127] >> (i & 4);
      writePoint({ out, to }, i, IQ3_XXS_GRID, bytes[at + 2 + (i >> 2)], 4, scale, signs);
    }
  },
};

export const IQ3_S: BlockFormat = {
  dequantizeBlock(bytes, at, out, to) {
    const d = readHalf(bytes, at);
    for (let i = 0; i < 256; i += 4) {
      const scale = d * (1 + 2 * fourBitScale(bytes, at + 106, i >> 5));
      const high = (bytes[at + 66 + (i >> 5)] >> ((i >> 2) & 7)) & 1;
      const signs = bytes[at + 74 + (i >> 3)] >> (i & 4);
      writePoint({ out, to }, i, IQ3_S_GRID, bytes[at + 2 + (i >> 2)] | (high << 8), 4, scale, signs);
    }
  },
};

/** Writes the eight values of an IQ1 point, all shifted by `shift`, times `scale`. */
function writeShifted({ out, to }: Place, i: number, point: number, scale: number, shift: number): void {
  for (let j = 0; j < 8; j++) out[to + i + j] = scale * (IQ1_S_GRID[8 * point + j] + shift);
}

export const IQ1_S: BlockFormat = {
  dequantizeBlock(bytes, at, out, to) {
    const d = readHalf(bytes, at);
    for (let i = 0; i < 256; i += 8) {
      const qh = readU16(bytes, at + 34 + 2 * (i >> 5));
      const k = i >> 3;
      const point = bytes[at + 2 + k] | (((qh >> (3 * (k & 3))) & 7) << 8);
      writeShifted({ out, to }, i, point, d * (2 * ((qh >> 12) & 7) + 1), qh & 0x8000 ? -IQ1_SHIFT : IQ1_SHIFT);
    }
  },
};

export const IQ1_M: BlockFormat = {
  dequantizeBlock(bytes, at, out, to) {
    const scalesAt = at + 48;
    let bits = 0;
    for (let k = 0; k < 4; k++) bits |= (readU16(bytes, scalesAt + 2 * k) >> 12) << (4 * k);
    const d = halfToFloat(bits);
    for (let i = 0; i < 256; i += 8) {
      const scale = (readU16(bytes, scalesAt + 2 * (i >> 6)) >> (3 * ((i >> 4) & 3))) & 7;
      const k = i >> 3;
      const qh = bytes[at + 32 + (k >> 1)] >> (4 * (k & 1));
      const point = bytes[at + k] | ((qh & 7) << 8);
      writeShifted({ out, to }, i, point, d * (2 * scale + 1), qh & 8 ? -IQ1_SHIFT : IQ1_SHIFT);
    }
  },
};

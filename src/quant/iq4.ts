// Four bits on a fixed uneven ladder of 16 levels: IQ4_NL and IQ4_XS, both ways.
//
//   IQ4_NL  f16 d | 16 B qs                                      32 elements, value = d * level; qs as in Q4_0
//   IQ4_XS  f16 d | u16 scales_h | 4 B scales_l | 128 B qs      256 elements; 6-bit scale - 32 per 32
import type { BlockFormat } from './block-format.ts';
import { clamp, inverse, largest, readU16, roundHalfEven } from './block-format.ts';
import { readHalf, writeHalf } from './half.ts';
import { IQ4_LEVELS } from './iq-grids.ts';

const GROUP = 32;
const GROUPS = 8;
/** How many scales on each side of the first guess are tried (as upstream). */
const TRIES = 7;

/** The index of the level nearest to `value`; the upper one when two are equally near. */
function nearestLevel(value: number): number {
  let index = 0;
  while (index < 15 && value - IQ4_LEVELS[index] >= IQ4_LEVELS[index + 1] - value) index++;
  return index;
}

/** The scale that loses least of `values`, each error weighted by the value's own square. */
function fitScale(values: Float32Array): number {
  const extreme = largest(values);
  if (extreme === 0) return 0;
  let bestScale = 0;
  let bestGain = 0;
  const attempt = (factor: number): void => {
    let valueDotLevel = 0;
    let levelDotLevel = 0;
    for (const value of values) {
      const level = IQ4_LEVELS[nearestLevel(value * factor)];
      valueDotLevel += value * value * value * level;
      levelDotLevel += value * value * level * level;
    }
    if (levelDotLevel > 0 && valueDotLevel * valueDotLevel > bestGain * levelDotLevel) {
      bestScale = valueDotLevel / levelDotLevel;
      bestGain = bestScale * valueDotLevel;
    }
  };
  for (let step = -TRIES; step <= TRIES; step++) attempt((IQ4_LEVELS[0] + step) / extreme);
  attempt(-IQ4_LEVELS[0] / extreme);
  return bestScale;
}

function writeLevels(values: Float32Array, d: number, bytes: Uint8Array, at: number): void {
  const factor = inverse(d);
  for (let j = 0; j < 16; j++) {
    bytes[at + j] = nearestLevel(values[j] * factor) | (nearestLevel(values[j + 16] * factor) << 4);
  }
}

function readLevels(bytes: Uint8Array, at: number, d: number, out: Float32Array, to: number): void {
  for (let j = 0; j < 16; j++) {
    out[to + j] = d * IQ4_LEVELS[bytes[at + j] & 15];
    out[to + j + 16] = d * IQ4_LEVELS[bytes[at + j] >> 4];
  }
}

export const IQ4_NL: BlockFormat = {
  dequantizeBlock(bytes, at, out, to) {
    readLevels(bytes, at + 2, readHalf(bytes, at), out, to);
  },
  quantizeBlock(values, bytes, at) {
    writeLevels(values, writeHalf(bytes, at, fitScale(values)), bytes, at + 2);
  },
};

export const IQ4_XS: BlockFormat = {
  dequantizeBlock(bytes, at, out, to) {
    const d = readHalf(bytes, at);
    const high = readU16(bytes, at + 2);
    for (let g = 0; g < GROUPS; g++) {
      const low = (bytes[at + 4 + (g >> 1)] >> (4 * (g & 1))) & 15;
      const scale = (low | (((high >> (2 * g)) & 3) << 4)) - 32;
      readLevels(bytes, at + 8 + 16 * g, d * scale, out, to + GROUP * g);
    }
  },
  quantizeBlock(values, bytes, at) {
    const groups = Array.from({ length: GROUPS }, (_, g) => values.subarray(GROUP * g, GROUP * (g + 1)));
    const scales = Float32Array.from(groups, fitScale);
    const d = writeHalf(bytes, at, largest(scales) / -32);
    const factor = inverse(d);
    groups.forEach((group, g) => {
      const scale = clamp(roundHalfEven(scales[g] * factor), -32, 31);
      writeLevels(group, d * scale, bytes, at + 8 + 16 * g);
      const stored = scale + 32;
      bytes[at + 4 + (g >> 1)] |= (stored & 15) << (4 * (g & 1));
      bytes[at + 2 + (g >> 2)] |= (stored >> 4) << (2 * (g & 3));
    });
  },
};

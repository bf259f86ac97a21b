// Random weights of any block format: random quants under scales of sensible size, as a file would hold them.
import { GGML_TYPES } from '../../src/gguf/ggml-types.ts';
import type { GgmlType } from '../../src/gguf/ggml-types.ts';
import { randomNumbers } from './kernel-memory.ts';

/** Offsets of the 16-bit floats in a block. */
const HALF_FLOATS: Partial<Record<GgmlType, readonly number[]>> = {
  F16: [0], Q4_0: [0], Q4_1: [0, 2], Q5_0: [0], Q5_1: [0, 2], Q8_0: [0], IQ4_NL: [0],
  Q2_K: [80, 82], Q3_K: [108], Q4_K: [0, 2], Q5_K: [0, 2], Q6_K: [208],
  Q1_0: [0], Q2_0: [0], IQ1_S: [0], IQ2_XXS: [0], IQ2_XS: [0], IQ2_S: [0], IQ3_XXS: [0], IQ3_S: [0], IQ4_XS: [0], TQ1_0: [52], TQ2_0: [64],
};

/** `count` elements (whole blocks) of `type`. */
export function randomWeights(type: GgmlType, count: number, seed: number): Uint8Array {
  const { blockSize, blockBytes } = GGML_TYPES[type];
  const random = randomNumbers(seed);
  const bytes = new Uint8Array((count / blockSize) * blockBytes);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < bytes.length; i++) bytes[i] = random() * 256;
  for (let at = 0; at < bytes.length; at += blockBytes) {
    // f16 between 2^-7 and 2^-5, either sign.
    const half = (): number => (random() < 0.5 ? 0x8000 : 0) | ((8 + random() * 2) << 10) | (random() * 1024);
    for (const offset of HALF_FLOATS[type] ?? []) view.setUint16(at + offset, half(), true);
    if (type === 'F32') view.setFloat32(at, random() - 0.5, true);
    if (type === 'BF16') view.setUint16(at, (random() < 0.5 ? 0x8000 : 0) | (0x3d00 + random() * 256), true);
    if (type === 'MXFP4') bytes[at] = 117 + random() * 6;
    // The four nibbles of IQ1_M's scale lie on top of four words.
    if (type === 'IQ1_M') {
      const d = half();
      for (let i = 0; i < 4; i++) bytes[at + 49 + 2 * i] = (bytes[at + 49 + 2 * i] & 15) | (((d >> (4 * i)) & 15) << 4);
    }
  }
  return bytes;
}

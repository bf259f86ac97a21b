// Q8_0 in halves, the layout of language-model heads: of 64 rows first the upper 4 bits of all quants, with the scales, then the
// lower 4 bits. Specification of what assembly/halves.ts writes and reads; rows are taken out again here.
//
//   upper   16 groups of 4 rows, block after block: vectors j = 0 … 3, byte e of row r's quad (quant >> 4) + 8 of column 4j + e in
//           its low nibble and of column 16 + 4j + e in the high one; then d f16[4]
//   lower   likewise with quant & 15, without d
import type { Weight } from '../tensors.ts';
import { GGML_TYPES } from '../../gguf/ggml-types.ts';

/** Rows whose halves lie together. */
export const UNIT_ROWS = 64;
/** Bytes of a block of 4 rows. */
const UPPER_BYTES = 72, LOWER_BYTES = 64;
const { blockBytes: BLOCK_BYTES } = GGML_TYPES.Q8_0;

/** Where row `row` of a unit of that many blocks per row has its parts of block `b`: first words of quants, and its scale. */
function placesOf(row: number, b: number, blocks: number): { upper: number; scale: number; lower: number } {
  const group = row >> 2, lane = row & 3;
  const upper = (group * blocks + b) * UPPER_BYTES;
  const lower = (UNIT_ROWS / 4) * blocks * UPPER_BYTES + (group * blocks + b) * LOWER_BYTES;
  return { upper: upper + 4 * lane, scale: upper + LOWER_BYTES + 2 * lane, lower: lower + 4 * lane };
}

/** Turns the 64 rows in `unit` from file order into halves, in place. */
export function halveUnit(unit: Uint8Array): void {
  const from = unit.slice();
  const blocks = unit.length / UNIT_ROWS / BLOCK_BYTES;
  for (let row = 0; row < UNIT_ROWS; row++) {
    for (let b = 0; b < blocks; b++) {
      const at = (row * blocks + b) * BLOCK_BYTES;
      const { upper, scale, lower } = placesOf(row, b, blocks);
      unit.set(from.subarray(at, at + 2), scale);
      for (let i = 0; i < 16; i++) {
        const [low, high] = [from[at + 2 + i]!, from[at + 18 + i]!];
        const byte = 16 * (i >> 2) + (i & 3);
        unit[upper + byte] = ((low >> 4) | (high & 0xf0)) ^ 0x88;
        unit[lower + byte] = (low & 15) | ((high & 15) << 4);
      }
    }
  }
}

/** Writes row `row` of `unit` to `target`, in file order. */
export function extractHalves(unit: Uint8Array, row: number, target: Uint8Array): void {
  const blocks = target.length / BLOCK_BYTES;
  for (let b = 0; b < blocks; b++) {
    const { upper, scale, lower } = placesOf(row, b, blocks);
    const at = b * BLOCK_BYTES;
    target.set(unit.subarray(scale, scale + 2), at);
    for (let i = 0; i < 16; i++) {
      const byte = 16 * (i >> 2) + (i & 3);
      const high = unit[upper + byte]! ^ 0x88, low = unit[lower + byte]!;
      target[at + 2 + i] = ((high & 15) << 4) | (low & 15);
      target[at + 18 + i] = (high & 0xf0) | (low >> 4);
    }
  }
}

/** The unit of 64 rows that `row` of `weight` belongs to, as bytes. */
export function unitOf(memory: WebAssembly.Memory, weight: Weight, row: number): Uint8Array {
  const first = row - (row % UNIT_ROWS);
  return new Uint8Array(memory.buffer, weight.ptr + first * weight.rowBytes, UNIT_ROWS * weight.rowBytes);
}

// The interleaved layouts: four rows of a weight packed together, block by block, in as many bytes as before. This is
// the specification of what assembly/repack.ts writes and the matmul kernels read; rows are taken out again here.
//
//   a group of 4 rows: block after block, each with its quants and its scales in the order in which kernels read them, so
//   that a kernel reads one stream of memory, which the processor can follow (scales of all blocks at the group's end:
//   11 instead of 19 GB/s, measured)
//
// A quad is 4 neighbouring columns of one row, 4 bytes; a vector is one quad of each of the 4 rows, 16 bytes.
import type { Weight } from '../tensors.ts';
import { GGML_TYPES } from '../../gguf/ggml-types.ts';
import type { GgmlType } from '../../gguf/ggml-types.ts';
import { BLOCK32_LAYOUTS } from './layouts-block32.ts';
import { K_LAYOUTS } from './layouts-k.ts';

/** Moves one block of one row between file order (`row`, at `at`) and its place (`lane` 0 … 3) in a group. */
export type MoveBlock = (
  row: DataView, at: number, group: DataView, quants: number, scales: number, lane: number,
) => void;

export interface BlockLayout {
  /** Bytes of quants and of scales that a block of 4 rows takes. */
  readonly quantBytes: number;
  readonly scaleBytes: number;
  /** Whether a block's scales come before its quants. */
  readonly scalesFirst: boolean;
  readonly interleave: MoveBlock;
  readonly extract: MoveBlock;
}

const LAYOUTS = { ...BLOCK32_LAYOUTS, ...K_LAYOUTS };

/** Types that have an interleaved layout. */
export type InterleavedType = keyof typeof LAYOUTS;

export function isInterleavable(type: GgmlType): type is InterleavedType {
  return Object.hasOwn(LAYOUTS, type);
}

/** Where the parts of block `b` are in a group. */
function placesOf({ quantBytes, scaleBytes, scalesFirst }: BlockLayout, b: number): { quants: number; scales: number } {
  const at = b * (quantBytes + scaleBytes);
  return scalesFirst ? { quants: at + scaleBytes, scales: at } : { quants: at, scales: at + quantBytes };
}

/** Turns the 4 rows in `group` from file order into the interleaved layout, in place. `copy` has room for as much. */
export function interleaveGroup(type: InterleavedType, group: Uint8Array, copy: Uint8Array): void {
  copy.set(group);
  const { interleave } = LAYOUTS[type];
  const { blockBytes } = GGML_TYPES[type];
  const rowBytes = group.length / 4;
  const blocks = rowBytes / blockBytes;
  const from = new DataView(copy.buffer, copy.byteOffset, copy.length);
  const to = new DataView(group.buffer, group.byteOffset, group.length);
  group.fill(0);
  for (let lane = 0; lane < 4; lane++) {
    for (let b = 0; b < blocks; b++) {
      const at = lane * rowBytes + b * blockBytes;
      const { quants, scales } = placesOf(LAYOUTS[type], b);
      interleave(from, at, to, quants, scales, lane);
    }
  }
}

/** Writes row `lane` of an interleaved `group` to `row`, in file order. */
export function extractRow(type: InterleavedType, group: Uint8Array, lane: number, row: Uint8Array): void {
  const { extract } = LAYOUTS[type];
  const { blockBytes } = GGML_TYPES[type];
  const blocks = row.length / blockBytes;
  const from = new DataView(group.buffer, group.byteOffset, group.length);
  const to = new DataView(row.buffer, row.byteOffset, row.length);
  row.fill(0);
  for (let b = 0; b < blocks; b++) {
    const { quants, scales } = placesOf(LAYOUTS[type], b);
    extract(to, b * blockBytes, from, quants, scales, lane);
  }
}

/** The group of 4 rows that `row` of `weight` belongs to, as bytes. */
export function groupOf(memory: WebAssembly.Memory, weight: Weight, row: number): Uint8Array {
  return new Uint8Array(memory.buffer, weight.ptr + (row & ~3) * weight.rowBytes, 4 * weight.rowBytes);
}

// The interleaved layouts: how four rows of a weight are packed together, block by block, and how one row is got back.
import type { Weight } from '../tensors.ts';
import type { GgmlType } from '../../gguf/ggml-types.ts';

/** Types that have an interleaved layout. */
export type InterleavedType = 'Q4_1';

export function isInterleavable(_type: GgmlType): _type is InterleavedType {
  return false;
}

export function interleaveGroup(_memory: WebAssembly.Memory, _weight: Weight, _row: number): void {}

export function extractRow(_memory: WebAssembly.Memory, _weight: Weight, _row: number, _dstPtr: number): void {}

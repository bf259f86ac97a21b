// Typed views of the linear memory that the reference operations read and write, and rows of activations in it.
import type { Activation, IndexVector, Vector } from '../tensors.ts';

export interface ReferenceMemory {
  readonly bytes: Uint8Array;
  readonly floats: Float32Array;
  readonly integers: Int32Array;
}

export function createReferenceMemory(buffer: ArrayBufferLike): ReferenceMemory {
  const words = Math.floor(buffer.byteLength / 4);
  return {
    bytes: new Uint8Array(buffer),
    floats: new Float32Array(buffer, 0, words),
    integers: new Int32Array(buffer, 0, words),
  };
}

/** Row `r` of `x`, as a view. */
export function rowOf(memory: ReferenceMemory, x: Activation, r: number): Float32Array {
  const start = x.ptr / 4 + r * x.stride;
  return memory.floats.subarray(start, start + x.cols);
}

export function valuesOf(memory: ReferenceMemory, vector: Vector): Float32Array {
  return memory.floats.subarray(vector.ptr / 4, vector.ptr / 4 + vector.length);
}

export function indicesOf(memory: ReferenceMemory, indices: IndexVector, n: number): Int32Array {
  return memory.integers.subarray(indices.ptr / 4, indices.ptr / 4 + n);
}

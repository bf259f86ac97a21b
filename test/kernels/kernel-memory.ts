// What kernel tests share: a kernel module on a memory of its own, room in it, and reproducible numbers.
import { readFileSync } from 'node:fs';
import v8 from 'node:v8';
import { Arena } from '../../src/backends/arena.ts';
import { instantiateKernels } from '../../src/backends/wasm/kernels.ts';
import type { Kernels } from '../../src/backends/wasm/kernels.ts';
import { selfTest } from '../../src/backends/wasm/self-test.ts';
import { ARENA_BASE, writeTables } from '../../src/backends/wasm/memory-map.ts';
import type { Activation } from '../../src/backends/tensors.ts';
import { inRepository } from '../support/fixtures.ts';

v8.setFlagsFromString('--experimental-wasm-relaxed-simd');

type Build = 'baseline' | 'relaxed' | 'dot';

export interface KernelMemory extends Kernels {
  readonly arena: Arena;
  readonly floats: (ptr: number, length: number) => Float32Array;
  readonly bytes: (ptr: number, length: number) => Uint8Array;
}

/** An instance of a build over `pages` pages of fresh memory, with the fixed tables written. */
export function openKernels(build: Build, pages = 512): KernelMemory {
  const memory = new WebAssembly.Memory({ initial: pages });
  writeTables(memory);
  const module = new WebAssembly.Module(readFileSync(inRepository('dist/kernels', `${build}.wasm`)));
  return {
    ...instantiateKernels(module, memory),
    arena: new Arena(ARENA_BASE, pages * 65536),
    floats: (ptr, length) => new Float32Array(memory.buffer, ptr, length),
    bytes: (ptr, length) => new Uint8Array(memory.buffer, ptr, length),
  };
}

/** Node 20 gets the instruction of the `dot` kernels wrong; test/runtimes runs these tests where it is right. */
export const BUILDS: readonly Build[] = selfTest(openKernels('dot', 2)) ? ['baseline', 'relaxed', 'dot'] : ['baseline', 'relaxed'];

/** (rows, cols) floats with `extra` unused floats after each row, filled with `values` where given. */
export function placeActivation(
  kernels: KernelMemory, rows: number, cols: number, values?: ArrayLike<number>, extra = 0,
): Activation {
  const stride = cols + extra;
  const ptr = kernels.arena.allocate(4 * rows * stride, 'activation');
  const target = kernels.floats(ptr, rows * stride);
  if (values) {
    for (let r = 0; r < rows; r++) for (let c = 0; c < cols; c++) target[r * stride + c] = values[r * cols + c];
  }
  return { ptr, rows, cols, stride, allocation: ptr };
}

/** Copies bytes into memory, 64-byte aligned. */
export function placeBytes(kernels: KernelMemory, bytes: Uint8Array): number {
  const ptr = kernels.arena.allocate(bytes.length, 'bytes');
  kernels.bytes(ptr, bytes.length).set(bytes);
  return ptr;
}

/** The same numbers in [0, 1) for the same seed. */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

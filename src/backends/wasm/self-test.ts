// Checks at load that an engine computes relaxed integer dots as the kernels rely on: one product whose every step is
// exact, against plain integers. (Node 20 gets a related instruction wrong, so trust is not enough.)
import { quantize } from '../../quant/quant.ts';
import { Arena } from '../arena.ts';
import type { Activation, Weight } from '../tensors.ts';
import type { Kernels } from './kernels.ts';
import { activationBytes, activationFormat, matmulRows, packActivations, repackRows, scratchBytes } from './matmul.ts';
import { ARENA_BASE, writeTables } from './memory-map.ts';

const ROWS = 4;
const COLS = 64;
/** One column at a time as in decode, and a tile of four as in prefill. */
const COUNTS = [1, 4];

/** Whether the kernels give the exact products. `kernels` must be on two pages of memory of their own. */
export function selfTest(kernels: Kernels): boolean {
  writeTables(kernels.memory);
  return COUNTS.every((n) => isExact(kernels, n));
}

function isExact(kernels: Kernels, n: number): boolean {
  const arena = new Arena(ARENA_BASE, 2 * 65536);
  const place = (rows: number, cols: number, values: Float32Array): Activation => {
    const ptr = arena.allocate(4 * rows * cols, 'self-test');
    new Float32Array(kernels.memory.buffer, ptr, values.length).set(values);
    return { ptr, rows, cols, stride: cols, allocation: ptr };
  };
  // −8 first in each block makes the Q4_0 scale exactly 1; ±127 does so for the activations.
  const weights = Float32Array.from({ length: ROWS * COLS }, (_, i) => (i % 32 === 0 ? -8 : ((i * 7) % 16) - 8));
  const inputs = Float32Array.from({ length: n * COLS }, (_, i) => (i % 32 === 1 ? (i % 64 < 32 ? 127 : -127) : ((i * 37) % 255) - 127));
  const bytes = quantize('Q4_0', weights);
  const weight: Weight = {
    name: 'self-test', type: 'Q4_0', layout: 'interleaved4', cols: COLS, rows: ROWS, depth: 1,
    ptr: arena.allocate(bytes.length, 'self-test'), rowBytes: bytes.length / ROWS,
  };
  new Uint8Array(kernels.memory.buffer, weight.ptr, bytes.length).set(bytes);
  const scratchPtr = arena.allocate(scratchBytes(weight), 'self-test');
  repackRows(kernels, weight, 0, ROWS, scratchPtr);
  const x = place(n, COLS, inputs);
  const out = place(n, ROWS, new Float32Array(n * ROWS));
  const format = activationFormat(weight);
  const packedPtr = arena.allocate(activationBytes(format, n, COLS), 'self-test');
  packActivations(kernels, format, packedPtr, x, 0, n, n);
  matmulRows(kernels, weight, x, packedPtr, out, n, 0, ROWS, {}, scratchPtr);
  const results = new Float32Array(kernels.memory.buffer, out.ptr, n * ROWS);
  return results.every((result, i) => {
    const [c, r] = [Math.floor(i / ROWS), i % ROWS];
    let exact = 0;
    for (let k = 0; k < COLS; k++) exact += weights[r * COLS + k]! * inputs[c * COLS + k]!;
    return result === exact;
  });
}

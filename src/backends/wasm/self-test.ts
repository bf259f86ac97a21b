// Checks at load that an engine computes relaxed integer dots and swizzles as the kernels rely on: a product per kernel
// family, against plain arithmetic. (Node 20 gets a related instruction wrong, so trust is not enough.)
import type { GgmlType } from '../../gguf/ggml-types.ts';
import { dequantize, quantize } from '../../quant/quant.ts';
import { Arena } from '../arena.ts';
import type { Activation, Weight } from '../tensors.ts';
import type { Kernels } from './kernels.ts';
import {
  activationBytes, activationFormat, matmulRows, packActivations, repackRows, scratchBytes,
} from './matmul.ts';
import { ARENA_BASE, writeTables } from './memory-map.ts';

/** One format per way of computing: plain and offset nibbles, a fifth bit, signed bytes, 6-bit scales, signed scales. */
const TYPES = ['Q4_0', 'Q4_1', 'Q5_0', 'Q8_0', 'Q4_K', 'Q6_K'] as const;
const ROWS = 8;
const COLS = 256;
/** One column at a time as in decode, a tile of four as in short prompts, and so many that weights are unpacked first. */
const COUNTS = [1, 4, 13];
/** Relative to the sum of magnitudes: float rounding stays far below, one wrong lane far above. */
const TOLERANCE = 3e-5;

/** Whether the kernels give the right products. `kernels` must be on two pages of memory of their own. */
export function selfTest(kernels: Kernels): boolean {
  writeTables(kernels.memory);
  return TYPES.every((type) => COUNTS.every((n) => isRight(kernels, type, n)));
}

function isRight(kernels: Kernels, type: GgmlType, n: number): boolean {
  const arena = new Arena(ARENA_BASE, 2 * 65536);
  const place = (rows: number, cols: number, values: Float32Array): Activation => {
    const ptr = arena.allocate(4 * rows * cols, 'self-test');
    new Float32Array(kernels.memory.buffer, ptr, values.length).set(values);
    return { ptr, rows, cols, stride: cols, allocation: ptr };
  };
  const bytes = quantize(type, Float32Array.from({ length: ROWS * COLS }, (_, i) => (((i * 7919) % 199) - 99) / 100));
  const weights = new Float32Array(ROWS * COLS);
  dequantize(type, bytes, weights, ROWS * COLS);
  // ±127 in each block makes the activations exact in 8 bits, with the extremes of both signs present.
  const input = (i: number): number => (i % 32 === 1 ? (i % 64 < 32 ? 127 : -127) : ((i * 37) % 255) - 127);
  const inputs = Float32Array.from({ length: n * COLS }, (_, i) => input(i));
  const weight: Weight = {
    name: 'self-test', type, layout: 'interleaved4', cols: COLS, rows: ROWS, depth: 1,
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
    let sum = 0, magnitude = 0;
    for (let k = 0; k < COLS; k++) {
      const product = weights[r * COLS + k]! * inputs[c * COLS + k]!;
      sum += product;
      magnitude += Math.abs(product);
    }
    return Math.abs(result - sum) <= TOLERANCE * magnitude;
  });
}

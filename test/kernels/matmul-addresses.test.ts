// Addresses are unsigned: the same product at the start of memory and in its last megabytes below 4 GiB, for every type.
import { describe, expect, it } from 'vitest';
import { Arena } from '../../src/backends/arena.ts';
import {
  activationBytes, activationFormat, getRows, layoutFor, matmulRows, packActivations, repackRows, scratchBytes,
} from '../../src/backends/wasm/matmul.ts';
import { GGML_TYPES } from '../../src/gguf/ggml-types.ts';
import type { GgmlType } from '../../src/gguf/ggml-types.ts';
import { BUILDS, openKernels, placeActivation, placeBytes, randomNumbers } from './kernel-memory.ts';
import { randomWeights } from './random-weights.ts';

const ROWS = 24, COLS = 256;
/** A single row, tiles of few, and so many that weights are unpacked first. */
const COUNTS = [1, 5, 18];
const PAGES = 65536;

describe.each(BUILDS)('%s kernels', (build) => {
  const low = openKernels(build, PAGES);
  const types = (Object.keys(GGML_TYPES) as GgmlType[]).filter((type) => `dequantize_${type.toLowerCase()}` in low.exports);
  const random = randomNumbers(4);
  const input = Float32Array.from({ length: Math.max(...COUNTS) * COLS }, () => random() - 0.5);

  const products = (kernels: typeof low, type: GgmlType, n: number): Float32Array[] => {
    const { blockSize, blockBytes } = GGML_TYPES[type];
    const ptr = placeBytes(kernels, randomWeights(type, ROWS * COLS, 3));
    const weight = {
      name: type, type, layout: layoutFor(type, ROWS, COLS), rows: ROWS, cols: COLS, depth: 1, ptr,
      rowBytes: (COLS / blockSize) * blockBytes,
    };
    const scratch = kernels.arena.allocate(scratchBytes(weight) || 1, 'scratch');
    repackRows(kernels, weight, 0, ROWS, scratch);
    const format = activationFormat(weight);
    const x = placeActivation(kernels, n, COLS, input.subarray(0, n * COLS));
    const packed = kernels.arena.allocate(activationBytes(format, n, COLS) || 1, 'packed');
    packActivations(kernels, format, packed, x, 0, n, n);
    const out = placeActivation(kernels, n, ROWS), row = placeActivation(kernels, 1, COLS);
    matmulRows(kernels, weight, x, packed, out, n, 0, ROWS, {}, scratch);
    getRows(kernels, weight, Int32Array.of(ROWS - 1), row, 0, 1, 1, scratch);
    return [kernels.floats(out.ptr, n * ROWS).slice(), kernels.floats(row.ptr, COLS).slice()];
  };

  it.each(types)('give the same in the last MiB of a 4 GiB memory: %s', (type) => {
    const above = { ...low, arena: new Arena(2 ** 32 - 2 ** 20, 2 ** 32) };
    for (const n of COUNTS) {
      const here = products(low, type, n);
      expect(here[0].some((value) => value !== 0)).toBe(true);
      expect(products(above, type, n), `${n} rows`).toEqual(here);
    }
  });
});

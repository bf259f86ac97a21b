// Addresses are unsigned: the same product at the start of memory and in its last megabytes below 4 GiB.
import { expect, it } from 'vitest';
import { Arena } from '../../src/backends/arena.ts';
import {
  activationBytes, activationFormat, getRows, layoutFor, matmulRows, packActivations, repackRows, scratchBytes,
} from '../../src/backends/wasm/matmul.ts';
import { GGML_TYPES } from '../../src/gguf/ggml-types.ts';
import type { GgmlType } from '../../src/gguf/ggml-types.ts';
import { BUILDS, openKernels, placeActivation, placeBytes, randomNumbers } from './kernel-memory.ts';
import { randomWeights } from './random-weights.ts';

const ROWS = 24, COLS = 256, N = 5;
const PAGES = 65536;

it.each(BUILDS)('%s kernels give the same in the last MiB of a 4 GiB memory', (build) => {
  const low = openKernels(build, PAGES);
  const above = { ...low, arena: new Arena(2 ** 32 - 2 ** 20, 2 ** 32) };
  const random = randomNumbers(4);
  const input = Float32Array.from({ length: N * COLS }, () => random() - 0.5);

  const product = (kernels: typeof low, type: GgmlType): Float32Array[] => {
    const { blockSize, blockBytes } = GGML_TYPES[type];
    const ptr = placeBytes(kernels, randomWeights(type, ROWS * COLS, 3));
    const weight = {
      name: type, type, layout: layoutFor(type, ROWS, COLS), rows: ROWS, cols: COLS, depth: 1, ptr,
      rowBytes: (COLS / blockSize) * blockBytes,
    };
    const scratch = kernels.arena.allocate(scratchBytes(weight) || 1, 'scratch');
    repackRows(kernels, weight, 0, ROWS, scratch);
    const format = activationFormat(weight);
    const x = placeActivation(kernels, N, COLS, input);
    const packed = kernels.arena.allocate(activationBytes(format, N, COLS) || 1, 'packed');
    packActivations(kernels, format, packed, x, 0, N, N);
    const out = placeActivation(kernels, N, ROWS), row = placeActivation(kernels, 1, COLS);
    matmulRows(kernels, weight, x, packed, out, N, 0, ROWS, {}, scratch);
    getRows(kernels, weight, Int32Array.of(ROWS - 1), row, 0, 1, 1, scratch);
    return [kernels.floats(out.ptr, N * ROWS).slice(), kernels.floats(row.ptr, COLS).slice()];
  };

  for (const type of ['F32', 'F16', 'Q4_1', 'Q8_0', 'Q5_0', 'Q4_K', 'Q6_K', 'IQ2_XS'] as const) {
    expect(product(above, type), type).toEqual(product(low, type));
  }
});

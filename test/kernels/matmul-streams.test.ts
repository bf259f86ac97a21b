// Products of a single row read a weight in four streams. Where these would lie a multiple of 4 KiB apart they are shortened, and
// the last groups of rows are taken by themselves (assembly/tile.ts, stream_step): nothing may be left out or taken twice.
import { describe, expect, it } from 'vitest';
import {
  activationBytes, activationFormat, layoutFor, matmulRows, packActivations, repackRows, scratchBytes,
} from '../../src/backends/wasm/matmul.ts';
import { isInterleavable } from '../../src/backends/wasm/layouts.ts';
import { GGML_TYPES } from '../../src/gguf/ggml-types.ts';
import type { GgmlType } from '../../src/gguf/ggml-types.ts';
import { dequantize } from '../../src/quant/quant.ts';
import { BUILDS, openKernels, placeActivation, placeBytes, randomNumbers } from './kernel-memory.ts';
import { randomWeights } from './random-weights.ts';

const TYPES = (Object.keys(GGML_TYPES) as GgmlType[]).filter(isInterleavable);
/** Groups per stream, above 16, that are a multiple of 4 KiB, but for 256 bytes, long. */
const isAliased = (groups: number, groupBytes: number): boolean => ((groups * groupBytes + 256) & 4095) < 512;

describe.each(BUILDS)('%s products of one row', (build) => {
  it.each(TYPES)('take each row of a %s weight once, whatever the length of its streams', (type) => {
    const { blockSize, blockBytes } = GGML_TYPES[type];
    const cols = 256, rowBytes = (cols / blockSize) * blockBytes;
    const steps = Array.from({ length: 600 }, (_, i) => 17 + i);
    const aliased = steps.find((step) => isAliased(step, 4 * rowBytes))!;
    const other = steps.find((step) => !isAliased(step, 4 * rowBytes))!;
    const random = randomNumbers(5);
    const input = Float32Array.from({ length: cols }, () => random() - 0.5);
    for (const groups of [4 * aliased, 4 * aliased + 1, 4 * aliased + 3, 4 * other + 2]) {
      const rows = 4 * groups;
      const kernels = openKernels(build, 256);
      const bytes = randomWeights(type, rows * cols, groups);
      const values = new Float32Array(rows * cols);
      dequantize(type, bytes, values, values.length);
      const weight = {
        name: type, type, layout: layoutFor(type, rows, cols), rows, cols, depth: 1, ptr: placeBytes(kernels, bytes), rowBytes,
      };
      const scratch = kernels.arena.allocate(scratchBytes(weight), 'scratch');
      repackRows(kernels, weight, 0, rows, scratch);
      const format = activationFormat(weight);
      const x = placeActivation(kernels, 1, cols, input), out = placeActivation(kernels, 1, rows);
      const packed = kernels.arena.allocate(activationBytes(format, 1, cols), 'packed');
      packActivations(kernels, format, packed, x, 0, 1, 1);
      const [biases, before] = [3, 5].map((size) => placeActivation(kernels, 1, rows, Float32Array.from({ length: rows }, (_, i) => size * i)));
      kernels.floats(out.ptr, rows).set(kernels.floats(before.ptr, rows));
      matmulRows(kernels, weight, x, packed, out, 1, 0, rows, { biasPtr: biases.ptr, accumulate: true }, scratch);
      const results = kernels.floats(out.ptr, rows);
      for (let r = 0; r < rows; r++) {
        let sum = 0, energy = 0;
        for (let i = 0; i < cols; i++) {
          sum += values[r * cols + i] * input[i];
          energy += values[r * cols + i] ** 2;
        }
        // Five times what rounding activations of this size costs on average; bias and what was there before are exact to 2^-10.
        const error = Math.abs(results[r] - 8 * r - sum);
        if (!(error <= 0.02 * Math.sqrt(energy) + 2e-7 * 8 * r)) expect.fail(`${groups} groups, row ${r}: off by ${error}`);
      }
    }
  });
});

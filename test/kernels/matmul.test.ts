// Matrix products of every format against a float64 twin on the same quantized activations, and against the truth.
import { describe, expect, it } from 'vitest';
import {
  activationBytes, activationFormat, dequantize, getRows, layoutFor, matmulRows, packActivations, repackRows,
  scratchBytes,
} from '../../src/backends/wasm/matmul.ts';
import type { ActivationFormat, MatmulRowsOptions } from '../../src/backends/wasm/matmul.ts';
import { GGML_TYPES } from '../../src/gguf/ggml-types.ts';
import type { GgmlType } from '../../src/gguf/ggml-types.ts';
import type { Activation, Weight } from '../../src/backends/tensors.ts';
import { floatToHalf, halfToFloat } from '../../src/quant/half.ts';
import { canQuantize, quantize } from '../../src/quant/quant.ts';
import { BUILDS, openKernels, placeActivation, placeBytes, randomNumbers } from './kernel-memory.ts';
import type { KernelMemory } from './kernel-memory.ts';
import { randomWeights } from './random-weights.ts';

/**
 * Root mean square error of a product with unquantized activations, relative to |weights| · |activations| / √cols: what
 * quantizing the activations costs.
 */
const ERROR_TABLE: Record<ActivationFormat, number> = { f32: 1e-6, q16: 8e-3, q8: 8e-3, q8_halves: 8e-3, q8_k: 9e-3 };

/** Formats with a minimum multiply it with a sum of activations that is rounded to f16, as ggml's Q8_1 has it. */
const ROUNDED_SUMS: readonly GgmlType[] = ['Q4_1', 'Q5_1'];

const TYPES: readonly GgmlType[] = [
  'F32', 'F16', 'BF16', 'Q4_0', 'Q4_1', 'Q5_0', 'Q5_1', 'Q8_0', 'Q2_K', 'Q3_K', 'Q4_K', 'Q5_K', 'Q6_K', 'IQ1_S',
  'IQ1_M',
  'IQ2_XXS', 'IQ2_XS', 'IQ2_S', 'IQ3_XXS', 'IQ3_S', 'IQ4_NL', 'IQ4_XS', 'TQ1_0', 'TQ2_0', 'MXFP4', 'NVFP4', 'Q1_0', 'Q2_0',
];

interface Placed {
  readonly weight: Weight;
  /** Row-major dequantized weights. */
  readonly values: Float32Array;
}

function placeWeight(
  kernels: KernelMemory, type: GgmlType, rows: number, cols: number, seed = 1, floats?: Float32Array,
): Placed {
  return placeQuants(kernels, type, rows, cols, floats ? quantize(type, floats) : randomWeights(type, rows * cols, seed));
}

function placeQuants(kernels: KernelMemory, type: GgmlType, rows: number, cols: number, bytes: Uint8Array): Placed {
  const { blockSize, blockBytes } = GGML_TYPES[type];
  const ptr = placeBytes(kernels, bytes);
  const valuesPtr = kernels.arena.allocate(4 * rows * cols, 'values');
  dequantize(kernels, type, ptr, valuesPtr, rows * cols);
  const values = kernels.floats(valuesPtr, rows * cols).slice();
  const layout = layoutFor(type, rows, cols);
  const weight: Weight = {
    name: type, type, layout, rows, cols, depth: 1, ptr, rowBytes: (cols / blockSize) * blockBytes,
  };
  repackRows(kernels, weight, 0, rows, kernels.arena.allocate(scratchBytes(weight) || 1, 'scratch'));
  return { weight, values };
}

/** One row of activations as the format sees it, in float64. */
function quantizedRow(format: ActivationFormat, x: Float32Array): Float64Array {
  if (format === 'f32') return Float64Array.from(x);
  const size = format === 'q8_k' ? 256 : 32;
  const levels = 127;
  const result = new Float64Array(x.length);
  for (let at = 0; at < x.length; at += size) {
    const block = x.subarray(at, at + size);
    const most = block.reduce((a, v) => Math.max(a, Math.abs(v)), 0);
    const inverse = most === 0 ? 0 : Math.fround(levels / most);
    const exactScale = Math.fround(most / levels);
    const scale = format === 'q8_k' ? exactScale : halfToFloat(floatToHalf(exactScale));
    block.forEach((v, i) => {
      const scaled = Math.fround(v * inverse);
      const floor = Math.floor(scaled), rest = scaled - floor;
      const nearest = rest < 0.5 || (rest === 0.5 && floor % 2 === 0) ? floor : floor + 1;
      result[at + i] = scale * nearest;
    });
  }
  return result;
}

function normalValues(count: number, seed: number): Float32Array {
  const random = randomNumbers(seed);
  const radius = (): number => Math.sqrt(-2 * Math.log(1 - random()));
  return Float32Array.from({ length: count }, () => radius() * Math.cos(2 * Math.PI * random()));
}

/** Packs x and multiplies rows [from, to) of the weight for each of the given shares. */
function multiply(
  kernels: KernelMemory, weight: Weight, x: Activation, out: Activation, n: number,
  options: MatmulRowsOptions = {}, shares: readonly number[] = [0, weight.rows],
): void {
  const format = activationFormat(weight);
  const packed = kernels.arena.allocate(activationBytes(format, n, weight.cols) || 1, 'packed');
  for (let row = 0; row < n; row += 4) packActivations(kernels, format, packed, x, row, Math.min(n, row + 4), n);
  const scratch = kernels.arena.allocate(scratchBytes(weight) || 1, 'scratch');
  for (let i = 0; i + 1 < shares.length; i++) {
    matmulRows(kernels, weight, x, packed, out, n, shares[i], shares[i + 1], options, scratch);
  }
}

function rowsOf(kernels: KernelMemory, out: Activation, n: number): Float32Array[] {
  return Array.from({ length: n }, (_, r) => kernels.floats(out.ptr + 4 * r * out.stride, out.cols).slice());
}

const COLS = (type: GgmlType): number[] => {
  const { blockSize } = GGML_TYPES[type];
  if (blockSize === 1) return [1, 3, 4, 31, 64, 129];
  return blockSize === 32 ? [32, 96, 576] : [256, 768];
};

describe.each(BUILDS)('%s matmul', (build) => {
  describe.each(TYPES)('%s', (type) => {
    it('agrees with its twin for awkward sizes', () => {
      for (const cols of COLS(type)) {
        for (const rows of [1, 2, 3, 4, 5, 7, 8, 12, 17, 36]) {
          for (const n of [1, 2, 3, 4, 5, 7, 8, 17]) {
            const kernels = openKernels(build, 32);
            const { weight, values } = placeWeight(kernels, type, rows, cols, rows + n);
            const input = normalValues(n * cols, cols + n);
            const x = placeActivation(kernels, n, cols, input, 3);
            const out = placeActivation(kernels, n, rows, undefined, 5);
            multiply(kernels, weight, x, out, n);
            const format = activationFormat(weight);
            const results = rowsOf(kernels, out, n);
            for (let c = 0; c < n; c++) {
              const xc = quantizedRow(format, input.subarray(c * cols, (c + 1) * cols));
              for (let r = 0; r < rows; r++) {
                let sum = 0, magnitude = 0;
                for (let i = 0; i < cols; i++) {
                  const product = values[r * cols + i] * xc[i];
                  sum += product;
                  magnitude += Math.abs(product);
                }
                const error = Math.abs(results[c][r] - sum);
                if (!(error <= (ROUNDED_SUMS.includes(type) ? 6e-4 : 2e-6) * magnitude)) {
                  expect.fail(`rows ${rows} n ${n} cols ${cols}: out[${c}][${r}] = ${results[c][r]}, twin ${sum}`);
                }
              }
            }
          }
        }
      }
    });

    it('does not depend on how rows are shared or on n', () => {
      const kernels = openKernels(build, 64);
      const cols = GGML_TYPES[type].blockSize > 32 ? 512 : 96;
      // More than 12 columns go through the unpacked tiles of the relaxed build, fewer through the others.
      const rows = 36, n = 15;
      const { weight } = placeWeight(kernels, type, rows, cols);
      const input = normalValues(n * cols, 3);
      const x = placeActivation(kernels, n, cols, input);
      const whole = placeActivation(kernels, n, rows), shared = placeActivation(kernels, n, rows);
      multiply(kernels, weight, x, whole, n);
      multiply(kernels, weight, x, shared, n, {}, [0, 4, 12, 24, 36]);
      const expected = rowsOf(kernels, whole, n);
      expect(rowsOf(kernels, shared, n)).toEqual(expected);
      for (const count of [1, 2, 3, 5, 7, 11, 12, 13]) {
        const some = placeActivation(kernels, count, rows);
        multiply(kernels, weight, x, some, count);
        expect(rowsOf(kernels, some, count)).toEqual(expected.slice(0, count));
      }
    });

    it.runIf(canQuantize(type))('stands the largest products of weights and activations', () => {
      const kernels = openKernels(build, 64);
      const cols = 512, rows = 8, n = 14;
      for (const sign of [1, -1]) {
        // All weights of a row at one end of their range, all activations at one end of theirs.
        const extreme = Float32Array.from({ length: rows * cols }, (_, i) => (i % cols === 5 ? -1e-3 : 1) * sign);
        const { weight, values } = placeWeight(kernels, type, rows, cols, 1, extreme);
        const x = placeActivation(kernels, n, cols, new Float32Array(n * cols).fill(2));
        const out = placeActivation(kernels, n, rows);
        multiply(kernels, weight, x, out, n);
        for (const row of rowsOf(kernels, out, n)) {
          row.forEach((result, r) => {
            const exact = 2 * values.subarray(r * cols, (r + 1) * cols).reduce((sum, v) => sum + v, 0);
            expect(Math.abs(result - exact)).toBeLessThan(1e-3 * Math.abs(exact));
          });
        }
      }
    });

    it.runIf(type === 'Q8_0')('stands quants of -128, which no quantizer makes but a file may have', () => {
      const kernels = openKernels(build, 64);
      const cols = 512, rows = 8, n = 14;
      const bytes = new Uint8Array(rows * (cols / 32) * 34).fill(0x80);
      for (let at = 0; at < bytes.length; at += 34) bytes.set([0, 0x3c], at);
      const { weight } = placeQuants(kernels, type, rows, cols, bytes);
      const out = placeActivation(kernels, n, rows);
      for (const x of [127, -127]) {
        multiply(kernels, weight, placeActivation(kernels, n, cols, new Float32Array(n * cols).fill(x)), out, n);
        expect(rowsOf(kernels, out, n)).toEqual(Array(n).fill(new Float32Array(rows).fill(-128 * x * cols)));
      }
    });

    it('adds bias, scales and accumulates in that order', () => {
      const kernels = openKernels(build, 64);
      const cols = GGML_TYPES[type].blockSize > 32 ? 256 : 64;
      for (const rows of [12, 5]) {
        for (const n of [1, 3, 4, 6]) {
          const { weight } = placeWeight(kernels, type, rows, cols);
          const x = placeActivation(kernels, n, cols, normalValues(n * cols, 5));
          const biasValues = normalValues(rows, 6), before = normalValues(n * rows, 7);
          const bias = placeActivation(kernels, 1, rows, biasValues);
          const plain = placeActivation(kernels, n, rows), out = placeActivation(kernels, n, rows, before);
          multiply(kernels, weight, x, plain, n);
          multiply(kernels, weight, x, out, n, { biasPtr: bias.ptr, scale: 0.375, accumulate: true });
          const products = rowsOf(kernels, plain, n);
          const f = Math.fround;
          const finish = (v: number, c: number, r: number): number =>
            f(f(f(v + biasValues[r]) * 0.375) + before[c * rows + r]);
          const expected = products.map((row, c) => row.map((v, r) => finish(v, c, r)));
          expect(rowsOf(kernels, out, n)).toEqual(expected);
        }
      }
    });

    it('costs no more accuracy than its activation format', () => {
      const kernels = openKernels(build, 64);
      const cols = 1024, rows = 32, n = 4;
      const { weight, values } = placeWeight(kernels, type, rows, cols);
      const input = normalValues(n * cols, 8);
      const x = placeActivation(kernels, n, cols, input), out = placeActivation(kernels, n, rows);
      multiply(kernels, weight, x, out, n);
      const results = rowsOf(kernels, out, n);
      let squares = 0, scale = 0;
      for (let c = 0; c < n; c++) {
        for (let r = 0; r < rows; r++) {
          let sum = 0, energy = 0;
          for (let i = 0; i < cols; i++) {
            sum += values[r * cols + i] * input[c * cols + i];
            energy += values[r * cols + i] ** 2;
          }
          squares += (results[c][r] - sum) ** 2;
          scale += energy;
        }
      }
      expect(Math.sqrt(squares / scale)).toBeLessThan(ERROR_TABLE[activationFormat(weight)]);
    });

    it('gets rows back out of the layout', () => {
      const kernels = openKernels(build, 32);
      const cols = GGML_TYPES[type].blockSize > 32 ? 512 : 96;
      for (const rows of [5, 8]) {
        const { weight, values } = placeWeight(kernels, type, rows, cols);
        const ids = Int32Array.of(3, 0, 4, 4, 1);
        const out = placeActivation(kernels, ids.length, cols, undefined, 2);
        const scratch = kernels.arena.allocate(scratchBytes(weight) || 1, 'scratch');
        getRows(kernels, weight, ids, out, 0, 2, 1, scratch);
        getRows(kernels, weight, ids, out, 2, 5, 0.5, scratch);
        const scaled = (id: number, scale: number): Float32Array =>
          values.slice(id * cols, (id + 1) * cols).map((v) => v * scale);
        const expected = Array.from(ids, (id, r) => scaled(id, r < 2 ? 1 : 0.5));
        expect(rowsOf(kernels, out, ids.length)).toEqual(expected);
      }
    });
  });
});

describe.runIf(BUILDS.includes('dot'))('the dot build', () => {
  it.each(TYPES)('gives the bits of the relaxed build: %s', (type) => {
    const rows = 36, cols = 512, n = 17;
    const input = normalValues(n * cols, 11);
    const products = (build: 'relaxed' | 'dot', count: number): Float32Array[] => {
      const kernels = openKernels(build, 64);
      const { weight } = placeWeight(kernels, type, rows, cols, 10);
      const out = placeActivation(kernels, count, rows);
      multiply(kernels, weight, placeActivation(kernels, count, cols, input.subarray(0, count * cols)), out, count);
      return rowsOf(kernels, out, count);
    };
    for (const count of [1, 4, n]) expect(products('dot', count), `${count} rows`).toEqual(products('relaxed', count));
  });
});

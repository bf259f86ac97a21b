// Q8_0 in halves: the repacking kernel against the plain specification, and products that are those of the interleaved layout to the
// bit, whatever the tile, in builds that have them.
import { describe, expect, it } from 'vitest';
import { Arena } from '../../src/backends/arena.ts';
import type { Weight, WeightLayout } from '../../src/backends/tensors.ts';
import { UNIT_ROWS, extractHalves, halveUnit } from '../../src/backends/wasm/layouts-halves.ts';
import {
  activationBytes, activationFormat, getRows, headLayoutFor, matmulRows, packActivations, repackRows, scratchBytes,
} from '../../src/backends/wasm/matmul.ts';
import type { MatmulRowsOptions } from '../../src/backends/wasm/matmul.ts';
import { halfToFloat } from '../../src/quant/half.ts';
import { dequantize } from '../../src/quant/quant.ts';
import { BUILDS, openKernels, placeActivation, placeBytes, randomNumbers } from './kernel-memory.ts';
import type { KernelMemory } from './kernel-memory.ts';
import { randomWeights } from './random-weights.ts';

const HALVES_BUILDS = BUILDS.filter((build) => build !== 'baseline');

function place(kernels: KernelMemory, layout: WeightLayout, rows: number, cols: number, bytes: Uint8Array): Weight & { boundsPtr: number } {
  const weight = { name: 'head', type: 'Q8_0', layout, rows, cols, depth: 1, ptr: placeBytes(kernels, bytes), rowBytes: 34 * (cols / 32) } as const;
  const boundsPtr = kernels.arena.allocate(4 * rows, 'bounds');
  repackRows(kernels, weight, 0, rows, kernels.arena.allocate(scratchBytes(weight), 'scratch'), boundsPtr);
  return { ...weight, boundsPtr };
}

/** (n, rows) from random activations, the same for the same n. */
function products(
  kernels: KernelMemory, weight: Weight, n: number, options: MatmulRowsOptions = {}, shares: readonly number[] = [0, weight.rows],
): Float32Array {
  const { rows, cols } = weight;
  const random = randomNumbers(n);
  const x = placeActivation(kernels, n, cols, Float32Array.from({ length: n * cols }, () => random() - 0.5), 3);
  const out = placeActivation(kernels, n, rows, Float32Array.from({ length: n * rows }, (_, i) => i));
  const format = activationFormat(weight);
  const packed = kernels.arena.allocate(activationBytes(format, n, cols), 'packed');
  packActivations(kernels, format, packed, x, 0, n, n);
  const scratch = kernels.arena.allocate(scratchBytes(weight), 'scratch');
  for (let i = 0; i + 1 < shares.length; i++) matmulRows(kernels, weight, x, packed, out, n, shares[i], shares[i + 1], options, scratch);
  return kernels.floats(out.ptr, n * rows).slice();
}

describe('headLayoutFor', () => {
  it('takes whole units of Q8_0 rows in halves, and all else as any weight', () => {
    expect(headLayoutFor('Q8_0', 128, 96)).toBe('halves64');
    expect(headLayoutFor('Q8_0', 100, 96)).toBe('interleaved4');
    expect(headLayoutFor('Q8_0', 128, 40)).toBe('gguf');
    expect(headLayoutFor('Q6_K', 128, 256)).toBe('interleaved4');
    expect(headLayoutFor('F16', 128, 256)).toBe('gguf');
  });
});

describe.each(HALVES_BUILDS)('%s kernels', (build) => {
  it.each([1, 3, 20])('repack as specified, %i blocks a row, and say how far quants deviate', (blocks) => {
    const rows = 2 * UNIT_ROWS, cols = 32 * blocks, unitBytes = UNIT_ROWS * 34 * blocks;
    const bytes = randomWeights('Q8_0', rows * cols, blocks);
    const kernels = openKernels(build, 8);
    const weight = place(kernels, 'halves64', rows, cols, bytes);
    const expected = bytes.slice();
    for (let at = 0; at < bytes.length; at += unitBytes) halveUnit(expected.subarray(at, at + unitBytes));
    expect(Buffer.compare(kernels.bytes(weight.ptr, bytes.length), expected)).toBe(0);

    const row = new Uint8Array(34 * blocks);
    for (let r = 0; r < rows; r++) {
      const unit = expected.subarray(Math.floor(r / UNIT_ROWS) * unitBytes);
      extractHalves(unit, r % UNIT_ROWS, row);
      expect(row).toEqual(bytes.subarray(r * row.length, (r + 1) * row.length));
      const squares = new Int8Array(row.buffer).reduce((sum, quant, at) =>
        (at % 34 < 2 ? sum : sum + (scaleOf(row, Math.floor(at / 34)) * ((quant & 15) - 7.5)) ** 2), 0);
      const bound = kernels.floats(weight.boundsPtr, rows)[r];
      expect(bound).toBeGreaterThanOrEqual(Math.sqrt(squares));
      expect(bound).toBeLessThan(Math.sqrt(squares) * 1.01);
    }
  });

  // A unit alone, four streams, four streams and a rest, and streams that are shortened (assembly/tile.ts).
  it.each([64, 256, 448, 1088, 64 * 70])('multiply %i rows as the interleaved layout does, to the bit', (rows) => {
    const cols = rows > 1000 ? 64 : 160;
    const bytes = randomWeights('Q8_0', rows * cols, rows);
    for (const n of rows > 1088 ? [1, 2] : [1, 2, 3, 4, 5, 6, 7, 8, 17]) {
      const kernels = openKernels(build, 64);
      const expected = products(kernels, place(kernels, 'interleaved4', rows, cols, bytes), n);
      expect(products(kernels, place(kernels, 'halves64', rows, cols, bytes), n), `${n} columns`).toEqual(expected);
    }
  });

  it('multiply shares of rows, with bias, scale and what was there, likewise', () => {
    const rows = 448, cols = 96;
    const bytes = randomWeights('Q8_0', rows * cols, 5);
    for (const n of [1, 2, 4, 9]) {
      const kernels = openKernels(build, 64);
      const biasPtr = placeActivation(kernels, 1, rows, Float32Array.from({ length: rows }, (_, i) => i / 7)).ptr;
      const options = { biasPtr, scale: 0.375, accumulate: true };
      const expected = products(kernels, place(kernels, 'interleaved4', rows, cols, bytes), n, options);
      expect(products(kernels, place(kernels, 'halves64', rows, cols, bytes), n, options, [0, 64, 256, 448])).toEqual(expected);
    }
  });

  it('stand quants of -128 and 127 throughout', () => {
    const rows = 64, cols = 512;
    for (const quant of [0x80, 0x7f]) {
      const bytes = new Uint8Array(rows * (cols / 32) * 34).fill(quant);
      for (let at = 0; at < bytes.length; at += 34) bytes.set([0, 0x3c], at);
      const kernels = openKernels(build, 64);
      const weight = place(kernels, 'halves64', rows, cols, bytes);
      for (const n of [1, 4]) {
        const x = placeActivation(kernels, n, cols, new Float32Array(n * cols).fill(-127)), out = placeActivation(kernels, n, rows);
        const packed = kernels.arena.allocate(activationBytes('q8_halves', n, cols), 'packed');
        packActivations(kernels, 'q8_halves', packed, x, 0, n, n);
        matmulRows(kernels, weight, x, packed, out, n, 0, rows, {}, kernels.arena.allocate(scratchBytes(weight), 'scratch'));
        const expected = (quant << 24 >> 24) * -127 * cols;
        expect(kernels.floats(out.ptr, n * rows)).toEqual(new Float32Array(n * rows).fill(expected));
      }
    }
  });

  it('give the same in the last MiB of a 4 GiB memory', () => {
    const rows = 320, cols = 96;
    const bytes = randomWeights('Q8_0', rows * cols, 9);
    const low = openKernels(build, 65536), high = { ...low, arena: new Arena(2 ** 32 - 2 ** 20, 2 ** 32) };
    const [here, there] = [low, high].map((kernels) => place(kernels, 'halves64', rows, cols, bytes));
    for (const n of [1, 5]) expect(products(high, there, n)).toEqual(products(low, here, n));
    const out = placeActivation(high, 1, cols);
    getRows(high, there, Int32Array.of(rows - 1), out, 0, 1, 1, high.arena.allocate(scratchBytes(there), 'scratch'));
    const values = new Float32Array(rows * cols);
    dequantize('Q8_0', bytes, values, rows * cols);
    expect(high.floats(out.ptr, cols)).toEqual(values.subarray((rows - 1) * cols));
  });
});

function scaleOf(row: Uint8Array, block: number): number {
  return halfToFloat(row[34 * block] | (row[34 * block + 1] << 8));
}

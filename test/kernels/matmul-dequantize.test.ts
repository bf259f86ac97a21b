// Every block format in file order, dequantized by the kernels: bit for bit what ggml computes.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { dequantize } from '../../src/backends/wasm/matmul.ts';
import type { GgmlType } from '../../src/gguf/ggml-types.ts';
import { fixture, fixturesDir } from '../support/fixtures.ts';
import { BUILDS, openKernels, placeBytes } from './kernel-memory.ts';

const TYPES: readonly GgmlType[] = [
  'F16', 'BF16', 'Q4_0', 'Q4_1', 'Q5_0', 'Q5_1', 'Q8_0', 'Q2_K', 'Q3_K', 'Q4_K', 'Q5_K', 'Q6_K', 'IQ1_S', 'IQ1_M',
  'IQ2_XXS', 'IQ2_XS', 'IQ2_S', 'IQ3_XXS', 'IQ3_S', 'IQ4_NL', 'IQ4_XS', 'TQ1_0', 'TQ2_0', 'MXFP4', 'NVFP4', 'Q1_0', 'Q2_0',
];
const COUNT = 8 * 1024;

describe.skipIf(!fixturesDir())('dequantize kernels against ggml', () => {
  for (const build of BUILDS) {
    it.each(TYPES)(`${build} %s`, (type) => {
      const kernels = openKernels(build);
      const src = placeBytes(kernels, readFileSync(fixture('quant', type, 'quantised.bin')));
      const dst = kernels.arena.allocate(4 * COUNT, 'floats');
      dequantize(kernels, type, src, dst, COUNT);
      const expected = readFileSync(fixture('quant', type, 'dequantised.f32.bin'));
      const actual = kernels.bytes(dst, 4 * COUNT);
      const differing = actual.findIndex((byte, i) => byte !== expected[i]);
      expect(differing, `first differing byte of ${type}`).toBe(-1);
    });
  }
});

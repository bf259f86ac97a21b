// The start-up check of a kernel build: passes on right kernels, fails on ones that compute something else.
import { describe, expect, it } from 'vitest';
import { selfTest } from '../../src/backends/wasm/self-test.ts';
import { BUILDS, openKernels } from '../kernels/kernel-memory.ts';

describe.each(BUILDS)('self-test of the %s build', (build) => {
  it('passes', () => {
    expect(selfTest(openKernels(build, 2))).toBe(true);
  });

  it('notices a wrong product', () => {
    const { exports, memory } = openKernels(build, 2);
    const spoil = (kernel: (...args: number[]) => number) => (...args: number[]): number => {
      const result = kernel(...args);
      new Float32Array(memory.buffer, args[2], 1)[0] += 1;
      return result;
    };
    const wrong = Object.fromEntries(
      Object.entries(exports).map(([name, kernel]) => [name, name.startsWith('matmul_') ? spoil(kernel) : kernel]),
    );
    expect(selfTest({ exports: wrong, memory })).toBe(false);
  });
});

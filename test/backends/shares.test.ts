// Shares of the threads: together everything once, each in whole grains and about as much as the others.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FIRST_THREAD, ITEMS, ROWS, WHOLE, byColumns, byHeads, share } from '../../src/backends/wasm/shares.ts';

const anyDivision = fc.record({
  count: fc.oneof(fc.nat(70), fc.nat(2 ** 20)),
  numThreads: fc.integer({ min: 1, max: 64 }),
  grain: fc.constantFrom(1, 4),
});

describe('share', () => {
  it('covers everything exactly once, in order', () => {
    fc.assert(fc.property(anyDivision, ({ count, numThreads, grain }) => {
      let next = 0;
      for (let index = 0; index < numThreads; index++) {
        const [from, to] = share(count, index, numThreads, grain);
        expect(from).toBe(next);
        expect(to).toBeGreaterThanOrEqual(from);
        next = to;
      }
      expect(next).toBe(count);
    }));
  });

  it('begins at whole grains, and ends there but for the end of all', () => {
    fc.assert(fc.property(anyDivision, ({ count, numThreads, grain }) => {
      for (let index = 0; index < numThreads; index++) {
        const [from, to] = share(count, index, numThreads, grain);
        if (from < to) expect(from % grain).toBe(0);
        if (to < count) expect(to % grain).toBe(0);
      }
    }));
  });

  it('gives no thread more than one grain above another', () => {
    fc.assert(fc.property(anyDivision, ({ count, numThreads, grain }) => {
      const grains = Array.from({ length: numThreads }, (_, index) => {
        const [from, to] = share(count, index, numThreads, grain);
        return Math.ceil((to - from) / grain);
      });
      expect(Math.max(...grains) - Math.min(...grains)).toBeLessThanOrEqual(1);
    }));
  });
});

describe('partitions', () => {
  it('are different numbers for different divisions', () => {
    const division = fc.record({ heads: fc.integer({ min: 0, max: 512 }), cols: fc.integer({ min: 1, max: 2 ** 19 }) });
    const numberOf = ({ heads, cols }: { heads: number; cols: number }): number =>
      (heads === 0 ? byColumns(cols) : byHeads(heads, cols));
    fc.assert(fc.property(division, division, (a, b) => {
      const isSame = a.heads === b.heads && a.cols === b.cols;
      expect(numberOf(a) === numberOf(b)).toBe(isSame);
      expect(Number.isSafeInteger(numberOf(a))).toBe(true);
      expect([WHOLE, ROWS, ITEMS, FIRST_THREAD]).not.toContain(numberOf(a));
    }));
  });
});

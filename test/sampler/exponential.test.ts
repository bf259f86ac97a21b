// Powers of e by table: near Math.exp everywhere, exact where exactness is promised.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exponentials } from '../../src/engine/sampler/exponential.ts';

function weigh(logits: readonly number[], highest: number, scale: number): { weights: Float64Array; sum: number } {
  const weights = new Float64Array(logits.length);
  return { sum: exponentials(Float32Array.from(logits), logits.length, highest, scale, weights), weights };
}

describe('exponentials', () => {
  it('are within 1e-11 of Math.exp', () => {
    const x = fc.float({ min: -680, max: 0, noNaN: true });
    fc.assert(fc.property(fc.array(x, { minLength: 1, maxLength: 100, size: 'max' }), (logits) => {
      const { weights, sum } = weigh(logits, 0, 1);
      logits.forEach((logit, i) => expect(Math.abs(weights[i] / Math.exp(logit) - 1)).toBeLessThan(1e-11));
      expect(sum).toBeCloseTo(weights.reduce((a, b) => a + b, 0), 12);
    }), { numRuns: 200 });
  });

  it('are exactly 1 at the highest and 0 far below it, at any scale', () => {
    for (const scale of [1e-300, 0.01, 1, 1e10, 1e300]) {
      const { weights, sum } = weigh([3e38, -Infinity, -3e38], Math.fround(3e38), scale);
      expect(weights[0]).toBe(1);
      expect(weights[1]).toBe(0);
      expect(weights[2]).toBe(scale === 1e-300 ? 1 : 0);
      expect(sum).toBe(scale === 1e-300 ? 2 : 1);
    }
  });

  it('never rise when the logit falls', () => {
    const logits = Array.from({ length: 20_000 }, (_, i) => -i / 250);
    const { weights } = weigh(logits, 0, 1);
    for (let i = 1; i < weights.length; i++) expect(weights[i]).toBeLessThanOrEqual(weights[i - 1]);
  });
});

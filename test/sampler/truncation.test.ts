// What each truncation keeps: against the slow reference on random logits, and on llama.cpp's own worked examples.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Candidates } from '../../src/engine/sampler/candidates.ts';
import { fromLogits, minP, mirostat, topK, topP, typical, xtc } from './reference.ts';
import type { Token } from './reference.ts';
import { logitsOf, share, SHAPES, someLogits } from './random-logits.ts';

type Step = (candidates: Candidates) => void;

const ids = (tokens: readonly Token[]): number[] => tokens.map(({ id }) => id);
const logsOf = (probabilities: readonly number[]): Float32Array => Float32Array.from(probabilities, Math.log);

/** Ids that are left after `steps`, likeliest first. */
function kept(logits: Float32Array, ...steps: readonly Step[]): number[] {
  const candidates = new Candidates(logits.length);
  candidates.reset(logits);
  for (const step of steps) step(candidates);
  return candidates.sorted();
}

/**
 * Typical sampling orders by a distance; tokens whose distances differ by rounding alone may change places, so both
 * sets must be right up to such tokens: same size and, sorted, the same distances.
 */
function distances(logits: Float32Array, chosen: readonly number[]): number[] {
  const tokens = fromLogits(logits);
  const entropy = tokens.reduce((sum, { p }) => (p > 0 ? sum - p * Math.log(p) : sum), 0);
  const byId = new Map(tokens.map(({ id, p }) => [id, Math.abs(-Math.log(p) - entropy)]));
  return chosen.map((id) => byId.get(id)!).sort((a, b) => a - b);
}

describe('truncations keep what the definition keeps', () => {
  it('top-k', () => {
    fc.assert(fc.property(someLogits(3000), fc.integer({ min: 1, max: 3100 }), (logits, k) => {
      expect(kept(logits, (c) => c.keepTopK(k))).toEqual(ids(topK(fromLogits(logits), k)));
    }), { numRuns: 150 });
  });

  it('top-p', () => {
    fc.assert(fc.property(someLogits(3000), share, (logits, p) => {
      expect(kept(logits, (c) => c.keepTopP(p))).toEqual(ids(topP(fromLogits(logits), p)));
    }), { numRuns: 150 });
  });

  it('min-p', () => {
    fc.assert(fc.property(someLogits(3000), share, (logits, p) => {
      expect(kept(logits, (c) => c.keepMinP(p))).toEqual(ids(minP(fromLogits(logits), p)));
    }), { numRuns: 150 });
  });

  it('typical', () => {
    fc.assert(fc.property(someLogits(1000), share, (logits, p) => {
      const ours = kept(logits, (c) => c.keepTypical(p));
      const theirs = distances(logits, ids(typical(fromLogits(logits), p)));
      expect(ours).toHaveLength(theirs.length);
      distances(logits, ours).forEach((distance, i) => expect(distance).toBeCloseTo(theirs[i], 9));
    }), { numRuns: 150 });
  });

  it('XTC', () => {
    fc.assert(fc.property(someLogits(300), share, (logits, threshold) => {
      expect(kept(logits, (c) => c.excludeTopChoices(threshold))).toEqual(ids(xtc(fromLogits(logits), threshold)));
    }), { numRuns: 150 });
  });

  it('mirostat', () => {
    const bits = fc.double({ min: 0.01, max: 20, noNaN: true });
    fc.assert(fc.property(someLogits(1000), bits, fc.double({ min: 0.3, max: 3, noNaN: true }), (logits, mu, heat) => {
      expect(kept(logits, (c) => c.keepSurprise(mu, heat))).toEqual(ids(mirostat(logits, mu, heat)));
    }), { numRuns: 150 });
  });

  it('one after another: each sees only what those before it left', () => {
    fc.assert(fc.property(someLogits(2000), fc.integer({ min: 1, max: 200 }), share, share, (logits, k, p, least) => {
      const ours = kept(logits, (c) => c.keepTopK(k), (c) => c.keepTopP(p), (c) => c.keepMinP(least));
      expect(ours).toEqual(ids(minP(topP(topK(fromLogits(logits), k), p), least)));
    }), { numRuns: 150 });
  });

  it('with the memory of an earlier use', () => {
    const candidates = new Candidates(500);
    for (const shape of SHAPES) {
      const logits = logitsOf(shape, 500, 9);
      candidates.reset(logits);
      candidates.keepTopK(60);
      candidates.keepTopP(0.70001);
      expect(candidates.sorted()).toEqual(ids(topP(topK(fromLogits(logits), 60), 0.70001)));
    }
  });
});

describe('a vocabulary of 262144', () => {
  const SIZE = 262144;
  const candidates = new Candidates(SIZE);

  it.each(['normal', 'steps', 'equal', 'peak'] as const)('of shape %s', (shape) => {
    const logits = logitsOf(shape, SIZE, 4);
    const all = fromLogits(logits);
    const left = (step: Step): number[] => {
      candidates.reset(logits);
      step(candidates);
      return candidates.sorted();
    };
    expect(left((c) => c.keepTopK(40))).toEqual(ids(topK(all, 40)));
    expect(left((c) => c.keepTopK(5000))).toEqual(ids(topK(all, 5000)));
    expect(left((c) => c.keepTopP(0.90001))).toEqual(ids(topP(all, 0.90001)));
    expect(left((c) => c.keepMinP(0.05))).toEqual(ids(minP(all, 0.05)));
    candidates.reset(logits);
    expect(candidates.likeliest()).toBe(all[0].id);
  });
});

describe('awkward logits', () => {
  const steps: [string, Step][] = [
    ['top-k', (c) => c.keepTopK(1)], ['top-p', (c) => c.keepTopP(1e-300)], ['min-p', (c) => c.keepMinP(1)],
    ['typical', (c) => c.keepTypical(1e-300)], ['XTC', (c) => c.excludeTopChoices(0)],
    ['mirostat', (c) => c.keepSurprise(-3, 1)],
  ];

  it.each(steps)('%s leaves a vocabulary of one alone', (_, step) => {
    expect(kept(Float32Array.of(-7), step)).toEqual([0]);
  });

  it.each(steps)('%s leaves the only possible token', (_, step) => {
    expect(kept(Float32Array.of(-Infinity, -Infinity, 3, -Infinity), step)).toEqual([2]);
  });

  it.each(steps)('%s never leaves nothing', (_, step) => {
    for (const shape of SHAPES) expect(kept(logitsOf(shape, 700, 1), step).length).toBeGreaterThan(0);
  });

  it('far apart and tiny ones keep their order', () => {
    const logits = Float32Array.of(1e30, 1e-40, 2e-40, -1e30, 0, 3e38, -3e38);
    for (let k = 1; k <= 7; k++) expect(kept(logits, (c) => c.keepTopK(k))).toEqual([5, 0, 2, 1, 4, 3, 6].slice(0, k));
  });
});

describe('a mass that is met exactly', () => {
  const equal = new Float32Array(4);

  it('is enough for top-p and not for typical', () => {
    expect(kept(equal, (c) => c.keepTopP(0.5))).toEqual([0, 1]);
    expect(kept(equal, (c) => c.keepTypical(0.5))).toEqual([0, 1, 2]);
    expect(kept(equal, (c) => c.excludeTopChoices(0.25))).toEqual([3]);
    expect(kept(equal, (c) => c.keepSurprise(2, 1))).toEqual([0, 1, 2, 3]);
  });
});

// The probabilities and results of llama.cpp's tests/test-sampling.cpp.
describe('examples that llama.cpp tests', () => {
  const rising = logsOf([0.1, 0.2, 0.3, 0.4]);
  const falling = logsOf([0.4, 0.3, 0.2, 0.1]);

  it.each([[1, [3]], [3, [3, 2, 1]], [4, [3, 2, 1, 0]]])('top-k %d', (k, expected) => {
    expect(kept(rising, (c) => c.keepTopK(k))).toEqual(expected);
  });

  it.each([[0.7, [3, 2]], [0.8, [3, 2, 1]], [1, [3, 2, 1, 0]]])('top-p %d', (p, expected) => {
    expect(kept(rising, (c) => c.keepTopP(p))).toEqual(expected);
  });

  it.each([
    [0, [3, 2, 1, 0]], [0.24, [3, 2, 1, 0]], [0.26, [3, 2, 1]], [0.49, [3, 2, 1]], [0.51, [3, 2]], [0.74, [3, 2]],
    [0.76, [3]], [1, [3]],
  ])('min-p %d', (p, expected) => {
    expect(kept(rising, (c) => c.keepMinP(p))).toEqual(expected);
  });

  it.each([[0.09, [3]], [0.19, [2, 3]], [0.29, [1, 2, 3]], [0.39, [0, 1, 2, 3]]])('XTC %d', (threshold, expected) => {
    expect(kept(falling, (c) => c.excludeTopChoices(threshold))).toEqual(expected);
  });

  it('typical', () => {
    expect(kept(logsOf([0.97, 0.01, 0.01, 0.01]), (c) => c.keepTypical(0.5))).toEqual([0]);
    expect(kept(logsOf([0.4, 0.2, 0.2, 0.2]), (c) => c.keepTypical(0.5))).toEqual([1, 2, 3]);
  });
});

// Penalties and DRY: against the slow reference, and on llama.cpp's own worked examples.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SAMPLING_DEFAULTS } from '../../src/engine/sampler/options.ts';
import type { SamplingOptions } from '../../src/engine/sampler/options.ts';
import { applyDry, applyPenalties } from '../../src/engine/sampler/penalties.ts';
import { createSampler, SamplerMemory } from '../../src/engine/sampler/sampler.ts';
import { fromLogits, withDry, withPenalties } from './reference.ts';
import { someLogits } from './random-logits.ts';

function penalized(logits: Float32Array, history: readonly number[], options: SamplingOptions): Float32Array {
  const changed = logits.slice();
  applyPenalties(changed, history, { ...SAMPLING_DEFAULTS, ...options });
  return changed;
}

function dried(logits: Float32Array, history: readonly number[], options: SamplingOptions): Float32Array {
  const changed = logits.slice();
  applyDry(changed, history, { ...SAMPLING_DEFAULTS, ...options }, new Set(options.drySequenceBreakers));
  return changed;
}

/** Probabilities by id. */
const probabilities = (logits: Float32Array): number[] => {
  const tokens = new Map(fromLogits(logits).map(({ id, p }) => [id, p]));
  return Array.from(logits, (_, id) => tokens.get(id) ?? 0);
};

const lastN = fc.oneof(fc.constantFrom(-1, 0, 1), fc.integer({ min: 2, max: 40 }));
/** Few different ids, so that they repeat. */
const history = fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 60, size: 'max' });

describe('repetition, presence and frequency penalties', () => {
  it('are as defined', () => {
    const options = fc.record({
      repetitionPenalty: fc.double({ min: 0.5, max: 2, noNaN: true }), penaltyLastN: lastN,
      presencePenalty: fc.double({ min: -2, max: 2, noNaN: true }),
      frequencyPenalty: fc.double({ min: -2, max: 2, noNaN: true }),
    });
    fc.assert(fc.property(someLogits(20), history, options, (logits, ids, given) => {
      const known = ids.filter((id) => id < logits.length);
      const ours = penalized(logits, known, given);
      withPenalties(logits, known, given).forEach((logit, id) => {
        if (logit === -Infinity) expect(ours[id]).toBe(-Infinity);
        else expect(ours[id]).toBeCloseTo(logit, 4);
      });
    }), { numRuns: 300 });
  });

  // tests/test-sampling.cpp of llama.cpp: five equal tokens.
  it.each([
    [[0], [0, 0.25, 0.25, 0.25, 0.25], 50, 0],
    [[0, 1, 2], [0, 0, 0, 0.5, 0.5], 50, 0],
    [[0, 1, 2, 0, 0], [0, 0, 0, 0.5, 0.5], 50, 0],
    [[0], [0.000011, 0.249997, 0.249997, 0.249997, 0.249997], 1, 5],
    [[0, 1, 2], [0.000023, 0.000023, 0.000023, 0.499966, 0.499966], 1, 5],
    [[0, 1, 2, 0, 0], [0, 0.000023, 0.000023, 0.499977, 0.499977], 1, 5],
  ])('after %j', (ids, expected, repetitionPenalty, both) => {
    const logits = new Float32Array(5).fill(Math.log(0.2));
    const options = { repetitionPenalty, presencePenalty: both, frequencyPenalty: both, penaltyLastN: ids.length };
    probabilities(penalized(logits, ids, options)).forEach((p, id) => expect(p).toBeCloseTo(expected[id], 5));
  });

  it('look at the last tokens only, prompt and answer alike', () => {
    const logits = Float32Array.of(0, 3, 2, 1);
    const options: SamplingOptions = { temperature: 0, presencePenalty: 100, penaltyLastN: 2 };
    const sampler = createSampler(options, new SamplerMemory(4));
    const ids: number[] = [];
    // The prompt.
    sampler.accept(1);
    for (let i = 0; i < 6; i++) {
      ids.push(sampler.sample(logits).id);
      sampler.accept(ids.at(-1)!);
    }
    expect(ids).toEqual([2, 3, 1, 2, 3, 1]);
  });
});

describe('logit bias', () => {
  it('is added before everything else, and -Infinity rules out', () => {
    const sample = (logitBias: Record<number, number>): number =>
      createSampler({ temperature: 0, logitBias }, new SamplerMemory(3)).sample(Float32Array.of(1, 2, 3)).id;
    expect(sample({ 2: -Infinity })).toBe(1);
    expect(sample({ 0: 2.5 })).toBe(0);
    expect(sample({ 1: 1e9, 0: -1e9 })).toBe(1);
  });
});

describe('DRY', () => {
  it('is as defined', () => {
    const options = fc.record({
      dryMultiplier: fc.double({ min: 0.1, max: 3, noNaN: true }), dryBase: fc.constantFrom(1, 1.1, 1.75),
      dryAllowedLength: fc.integer({ min: 1, max: 5 }), dryPenaltyLastN: lastN,
      drySequenceBreakers: fc.subarray([0, 1, 2, 3]),
    });
    fc.assert(fc.property(history, options, (ids, given) => {
      const logits = Float32Array.of(0.5, -1, 2, 0, 1);
      const ours = dried(logits, ids, given);
      withDry(logits, ids, given).forEach((logit, id) => expect(ours[id] / logit || 1).toBeCloseTo(1, 5));
    }), { numRuns: 500 });
  });

  // tests/test-sampling.cpp of llama.cpp: equal tokens; sequence, what comes of them, multiplier, base, allowed length,
  // breakers.
  it.each([
    [[0, 1], [0.25, 0.25, 0.25, 0.25], 1, 1.1, 2, []],
    [[0, 1, 2, 0, 1], [0.296923, 0.296923, 0.109232, 0.296923], 1, 1.1, 2, []],
    [[0, 1, 3, 4, 0, 1], [0.2, 0.2, 0.2, 0.2, 0.2], 1, 1.1, 2, [3]],
    [[0, 1, 2, 0, 1], [0.241818, 0.241818, 0.032727, 0.241818, 0.241818], 2, 1.1, 2, []],
    [[0, 1, 2, 3, 4, 0, 1], [0.2, 0.2, 0.2, 0.2, 0.2], 1, 1.1, 4, []],
  ])('after %j', (ids, expected, dryMultiplier, dryBase, dryAllowedLength, drySequenceBreakers) => {
    const logits = new Float32Array(expected.length).fill(Math.log(1 / expected.length));
    const options = { dryMultiplier, dryBase, dryAllowedLength, drySequenceBreakers, dryPenaltyLastN: ids.length };
    probabilities(dried(logits, ids, options)).forEach((p, id) => expect(p).toBeCloseTo(expected[id], 5));
  });

  it('does not let a repetition reach over a breaker', () => {
    const ids = [2, 0, 1, 3, 2, 0, 1];
    const doubling = { dryMultiplier: 1, dryBase: 2, dryAllowedLength: 1 };
    const loss = (drySequenceBreakers: number[]): number =>
      0 - dried(new Float32Array(5), ids, { ...doubling, drySequenceBreakers })[3];
    expect(loss([])).toBe(4);
    expect(loss([2])).toBe(2);
    expect(loss([0])).toBe(1);
    expect(loss([1])).toBe(0);
    expect(loss([3])).toBe(0);
  });

  it('makes a long repetition as unlikely as can be and never impossible', () => {
    const ids = new Array<number>(5000).fill(1);
    const logits = dried(Float32Array.of(0, 0), ids, { dryMultiplier: 100, dryBase: 100 });
    expect(logits[0]).toBe(0);
    expect(logits[1]).toBeLessThan(-1e29);
    expect(logits[1]).toBeGreaterThan(-Infinity);
  });

  it('takes a moment for 100 000 tokens', () => {
    const ids = Array.from({ length: 100_000 }, (_, i) => i % 7);
    const startedAt = performance.now();
    dried(new Float32Array(7), ids, { dryMultiplier: 0.8 });
    expect(performance.now() - startedAt).toBeLessThan(1000);
  });
});

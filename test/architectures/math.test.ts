// Model constants from exact arithmetic against the engine's own functions, rope scalings against their definitions.
import { describe, expect, it } from 'vitest';
import type { RopeConfig } from '../../src/architectures/config.ts';
import { exp, log, pow } from '../../src/layers/exact-math.ts';
import { ropeFrequencies, ropeMagnitude, yarnMagnitude } from '../../src/layers/rope-frequencies.ts';

const close = (actual: number, expected: number, ulps: number): boolean =>
  Math.abs(actual - expected) <= ulps * Number.EPSILON * Math.abs(expected);

describe('exact math', () => {
  it('agrees with the engine on exp, log and pow', () => {
    for (let i = -700; i <= 700; i += 0.37) expect(close(exp(i), Math.exp(i), 4)).toBe(true);
    for (let x = 1e-300; x < 1e300; x *= 97.3) expect(close(log(x), Math.log(x), 4)).toBe(true);
    for (let i = 0; i < 128; i++) expect(close(pow(1e6, -i / 128), Math.pow(1e6, -i / 128), 16)).toBe(true);
  });

  it('keeps the corners', () => {
    expect([exp(0), log(1), exp(1000), exp(-1000), pow(2, 10), pow(7, 0)]).toEqual([1, 0, Infinity, 0, 1024, 1]);
    expect(close(exp(-740), Math.exp(-740), 1e13)).toBe(true);
  });
});

describe('rope frequencies', () => {
  const plain: RopeConfig = { theta: 10_000, dims: 8, style: 'norm' };
  const yarn: RopeConfig['scaling'] = {
    kind: 'yarn', factor: 4, originalContextLength: 64, attentionFactor: 1, extrapolationFactor: 1,
    betaFast: 32, betaSlow: 1, logMultiplier: 0,
  };

  it('falls geometrically', () => {
    expect([...ropeFrequencies(plain)]).toEqual([1, 0.1, 0.01, 0.001].map(Math.fround));
    expect(ropeMagnitude(plain)).toBe(1);
  });

  it('is divided by a linear factor', () => {
    const scaled = ropeFrequencies({ ...plain, scaling: { kind: 'linear', factor: 4 } });
    expect([...scaled]).toEqual([0.25, 0.025, 0.0025, 0.00025].map(Math.fround));
  });

  it('keeps fast pairs and interpolates slow ones under yarn', () => {
    const frequencies = ropeFrequencies({ ...plain, scaling: yarn });
    expect(frequencies[0]).toBe(1);
    expect(frequencies[3]).toBe(Math.fround(0.00025));
    expect(frequencies[1]).toBeGreaterThan(0.025);
    expect(frequencies[1]).toBeLessThan(0.1);
  });

  it('scales cosines and sines by yarn’s temperature, unless a multiplier moves it into attention', () => {
    expect(ropeMagnitude({ ...plain, scaling: yarn })).toBeCloseTo(0.1 * Math.log(4) + 1, 14);
    expect(ropeMagnitude({ ...plain, scaling: { ...yarn, logMultiplier: 1 } })).toBe(1);
    expect(ropeMagnitude({ ...plain, scaling: { ...yarn, extrapolationFactor: 0, attentionFactor: 1.5 } })).toBe(1.5);
    const longrope = { kind: 'longrope', originalContextLength: 16, attentionFactor: 1.19 } as const;
    expect(ropeMagnitude({ ...plain, scaling: longrope })).toBe(1.19);
    expect(yarnMagnitude(0.5, 1)).toBe(1);
  });
});

// Rotation frequencies per pair of floats, and the factor on cosines and sines, for each scaling of long contexts.
import type { RopeConfig } from '../architectures/config.ts';
import { log, pow } from './exact-math.ts';

type Yarn = Extract<RopeConfig['scaling'], { kind: 'yarn' }>;

/** Radians per position of each pair, dims / 2 of them. */
export function ropeFrequencies(rope: RopeConfig): Float32Array {
  const { theta, dims, scaling } = rope;
  const plain = Float64Array.from({ length: dims / 2 }, (_, i) => pow(theta, (-2 * i) / dims));
  if (scaling?.kind === 'linear') return Float32Array.from(plain, (f) => f / scaling.factor);
  if (scaling?.kind === 'yarn') return yarnFrequencies(plain, rope, scaling);
  return Float32Array.from(plain);
}

/** Factor on cosines and sines (yarn's and longrope's attention temperature). */
export function ropeMagnitude({ scaling }: RopeConfig): number {
  if (scaling?.kind === 'longrope') return scaling.attentionFactor;
  if (scaling?.kind !== 'yarn') return 1;
  const { factor, attentionFactor, extrapolationFactor, logMultiplier } = scaling;
  if (extrapolationFactor === 0) return attentionFactor;
  const cancelled = logMultiplier === 0 ? 1 : yarnMagnitude(factor, logMultiplier);
  return (yarnMagnitude(factor, 1) / cancelled) * attentionFactor;
}

/** YaRN (arXiv 2309.00071, section 3.4): 0.1 · multiplier · ln(factor) + 1. */
export function yarnMagnitude(factor: number, multiplier: number): number {
  return factor <= 1 ? 1 : 0.1 * multiplier * log(factor) + 1;
}

/**
 * YaRN, section 3.2: pairs that turn more than betaFast times within the original context keep their frequency, those
 * that turn less than betaSlow times are interpolated, and those between are mixed by a ramp.
 */
function yarnFrequencies(plain: Float64Array, { theta, dims }: RopeConfig, yarn: Yarn): Float32Array {
  const pairOfTurns = (turns: number): number =>
    (dims * log(yarn.originalContextLength / (turns * 2 * Math.PI))) / (2 * log(theta));
  const low = Math.max(0, Math.floor(pairOfTurns(yarn.betaFast)));
  const high = Math.min(dims - 1, Math.ceil(pairOfTurns(yarn.betaSlow)));
  return Float32Array.from(plain, (frequency, i) => {
    const ramp = Math.min(1, Math.max(0, (i - low) / Math.max(0.001, high - low)));
    const kept = (1 - ramp) * yarn.extrapolationFactor;
    return (frequency / yarn.factor) * (1 - kept) + frequency * kept;
  });
}

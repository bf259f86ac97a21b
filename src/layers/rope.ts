// Rotary position embedding as layers use it: a table of angles per forward pass, shared by layers that rotate alike.
import type { RopeConfig } from '../architectures/config.ts';
import type { Activation, Vector } from '../backends/tensors.ts';
import type { ModelBuild } from './model-build.ts';
import { ropeFrequencies, ropeMagnitude } from './rope-frequencies.ts';

/** Rotates the heads of x (n, numHeads · headStride) in place, from float `offset` of each head. */
export type Rope = (x: Activation, n: number, numHeads: number, headStride: number, offset?: number) => void;

/** Makes the table for the configured rope, changed by `overrides`, be computed at the start of each forward pass. */
export function createRope(build: ModelBuild, overrides: Partial<RopeConfig> = {}, label = 'rope'): Rope {
  const { backend, limits } = build;
  const rope = { ...(build.config.rope as RopeConfig), ...overrides };
  const { dims, style } = rope;
  const frequencies = backend.constant(ropeFrequencies(rope), `${label} frequencies`);
  const factors = frequencyFactors(build, rope);
  const magnitude = ropeMagnitude(rope);
  const angles = backend.activation(limits.maxBatchTokens, dims, `${label} angles`);
  build.preparations.push((batch) => {
    backend.ropeAngles(angles, batch.positions, frequencies, magnitude, batch.numTokens, factors);
  });
  return (x, n, numHeads, headStride, offset = 0) => {
    backend.rope(x, angles, n, { numHeads, headStride, offset, dims, style });
  };
}

/** Divisors of the frequencies that come as a tensor: llama 3's, or longrope's for the context in use. */
function frequencyFactors(build: ModelBuild, { dims, scaling }: RopeConfig): Vector | undefined {
  if (scaling?.kind !== 'longrope') return build.weights.optionalVector('rope_freqs.weight', dims / 2);
  const isLong = build.limits.contextLength > scaling.originalContextLength;
  return build.weights.vector(`rope_factors_${isLong ? 'long' : 'short'}.weight`, dims / 2);
}

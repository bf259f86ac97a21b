// The layer of Gemma 3 and EmbeddingGemma: windowed layers rotate by a base of their own and without scaling.
import { attention } from '../layers/attention.ts';
import { sandwichLayer } from '../layers/layer-kinds.ts';
import { gatedMlp } from '../layers/mlp.ts';
import type { Layer, LayerSite, ModelBuild } from '../layers/model-build.ts';
import { headNorm } from '../layers/norm.ts';
import type { Rope } from '../layers/rope.ts';
import { createRope } from '../layers/rope.ts';
import { isWindowLayer } from './window-pattern.ts';

export interface Gemma3Ropes {
  readonly global: Rope;
  readonly windowed: Rope;
}

export function gemma3Ropes(build: ModelBuild, windowTheta: number): Gemma3Ropes {
  return {
    global: createRope(build),
    windowed: createRope(build, { theta: windowTheta, scaling: undefined }, 'window rope'),
  };
}

export function gemma3Layer(build: ModelBuild, layer: LayerSite, ropes: Gemma3Ropes, scale?: number): Layer {
  const { config } = build;
  const { numHeads, headDim } = config;
  const isWindowed = isWindowLayer(config, layer.index);
  return sandwichLayer(
    build, layer,
    attention(build, {
      ...layer, scale,
      rope: isWindowed ? ropes.windowed : ropes.global,
      window: isWindowed ? config.slidingWindow : undefined,
      queryNorm: headNorm(build, 'rms', `${layer.prefix}attn_q_norm`, numHeads, headDim),
      keyNorm: headNorm(build, 'rms', `${layer.prefix}attn_k_norm`, layer.numKvHeads, headDim),
    }),
    gatedMlp(build, { ...layer, activation: 'gelu' }),
  );
}

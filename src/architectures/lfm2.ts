// LFM 2: most layers mix neighbouring rows by a short gated convolution, the others by attention.
import { attention } from '../layers/attention.ts';
import { mapLayers, preNormLayer } from '../layers/layer-kinds.ts';
import { gatedMlp } from '../layers/mlp.ts';
import { createModelBuild } from '../layers/model-build.ts';
import { createModel, outputHead } from '../layers/model.ts';
import { headNorm, rmsNorm } from '../layers/norm.ts';
import { createRope } from '../layers/rope.ts';
import { gatedShortConv } from '../layers/short-conv.ts';
import type { Architecture } from './architecture.ts';
import { baseConfig, extraNumber } from './base-config.ts';

export const architecture: Architecture = {
  id: 'lfm2',
  kind: 'decoder',
  config: baseConfig('lfm2', { norm: 'rms', rope: 'neox', mayLackAttention: true }, (reader) => ({
    convWidth: reader.count('shortconv.l_cache', { min: 2, max: 64 }),
  })),
  build(...sizes) {
    const build = createModelBuild(...sizes);
    const { config } = build;
    const { numHeads, headDim } = config;
    const rope = createRope(build);
    const layers = mapLayers(build, (layer) => {
      const mixer = layer.numKvHeads === 0
        ? gatedShortConv(build, layer.prefix, extraNumber(config, 'convWidth'))
        : attention(build, {
          ...layer, rope,
          queryNorm: headNorm(build, 'rms', `${layer.prefix}attn_q_norm`, numHeads, headDim),
          keyNorm: headNorm(build, 'rms', `${layer.prefix}attn_k_norm`, layer.numKvHeads, headDim),
        });
      return preNormLayer(
        build, layer, mixer,
        gatedMlp(build, { ...layer, activation: 'silu' }),
      );
    });
    return createModel(build, { layers, outputNorm: rmsNorm(build, 'token_embd_norm'), head: outputHead(build) });
  },
};

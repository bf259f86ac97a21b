// StableLM: LayerNorm and partial rotation; models without a second norm run both halves side by side.
import { attention } from '../layers/attention.ts';
import { mapLayers, preNormLayer } from '../layers/layer-kinds.ts';
import { gatedMlp } from '../layers/mlp.ts';
import { createModelBuild } from '../layers/model-build.ts';
import { createModel, outputHead } from '../layers/model.ts';
import { layerNorm, optionalHeadNorm } from '../layers/norm.ts';
import { parallel } from '../layers/residual.ts';
import { createRope } from '../layers/rope.ts';
import type { Architecture } from './architecture.ts';
import { baseConfig } from './base-config.ts';

export const architecture: Architecture = {
  id: 'stablelm',
  kind: 'decoder',
  config: baseConfig('stablelm', { norm: 'layer', rope: 'neox' }),
  build(...sizes) {
    const build = createModelBuild(...sizes);
    const { config } = build;
    const rope = createRope(build);
    const layers = mapLayers(build, (layer) => {
      const attend = attention(build, {
        ...layer,
        rope,
        queryNorm: optionalHeadNorm(build, 'layer', `${layer.prefix}attn_q_norm`, config.numHeads, config.headDim),
        keyNorm: optionalHeadNorm(build, 'layer', `${layer.prefix}attn_k_norm`, layer.numKvHeads, config.headDim),
      });
      const feedForward = gatedMlp(build, { ...layer, activation: 'silu' });
      if (build.weights.has(`${layer.prefix}ffn_norm.weight`)) {
        return preNormLayer(build, layer, attend, feedForward, { norm: layerNorm });
      }
      return parallel(build, layerNorm(build, `${layer.prefix}attn_norm`), [
        { transform: attend }, { transform: feedForward },
      ]);
    });
    return createModel(build, { layers, outputNorm: layerNorm(build, 'output_norm'), head: outputHead(build) });
  },
};

// Command R: attention and feed-forward side by side on one norm, scaled logits.
import { attention } from '../layers/attention.ts';
import { mapLayers } from '../layers/layer-kinds.ts';
import { gatedMlp } from '../layers/mlp.ts';
import { createModelBuild } from '../layers/model-build.ts';
import { createModel, outputHead } from '../layers/model.ts';
import { layerNorm, optionalHeadNorm } from '../layers/norm.ts';
import { parallel } from '../layers/residual.ts';
import { createRope } from '../layers/rope.ts';
import type { Architecture } from './architecture.ts';
import { baseConfig, extraNumber } from './base-config.ts';

export const architecture: Architecture = {
  id: 'command-r',
  kind: 'decoder',
  config: baseConfig('command-r', { norm: 'layer', rope: 'norm' }, (reader) => ({
    logitScale: reader.positive('logit_scale', 1),
  })),
  build(...sizes) {
    const build = createModelBuild(...sizes);
    const { config } = build;
    const rope = createRope(build);
    const layers = mapLayers(build, (layer) => parallel(build, layerNorm(build, `${layer.prefix}attn_norm`), [
      {
        transform: attention(build, {
          ...layer,
          rope,
          queryNorm: optionalHeadNorm(build, 'layer', `${layer.prefix}attn_q_norm`, config.numHeads, config.headDim),
          keyNorm: optionalHeadNorm(build, 'layer', `${layer.prefix}attn_k_norm`, layer.numKvHeads, config.headDim),
        }),
      },
      { transform: gatedMlp(build, { ...layer, activation: 'silu' }) },
    ]));
    return createModel(build, {
      layers,
      outputNorm: layerNorm(build, 'output_norm'),
      head: outputHead(build, { scale: extraNumber(config, 'logitScale') }),
    });
  },
};

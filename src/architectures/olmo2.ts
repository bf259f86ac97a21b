// OLMo 2: norms after attention and feed-forward only, queries and keys normalized over the whole row.
import { attention } from '../layers/attention.ts';
import { mapLayers, postNormLayer } from '../layers/layer-kinds.ts';
import { gatedMlp } from '../layers/mlp.ts';
import { createModelBuild } from '../layers/model-build.ts';
import { createModel, outputHead } from '../layers/model.ts';
import { rmsNorm } from '../layers/norm.ts';
import { createRope } from '../layers/rope.ts';
import type { Architecture } from './architecture.ts';
import { baseConfig } from './base-config.ts';

export const architecture: Architecture = {
  id: 'olmo2',
  kind: 'decoder',
  config: baseConfig('olmo2', { norm: 'rms', rope: 'neox' }),
  build(...sizes) {
    const build = createModelBuild(...sizes);
    const { config } = build;
    const rope = createRope(build);
    const layers = mapLayers(build, (layer) => postNormLayer(
      build, layer,
      attention(build, {
        ...layer, rope,
        queryNorm: rmsNorm(build, `${layer.prefix}attn_q_norm`, config.numHeads * config.headDim),
        keyNorm: rmsNorm(build, `${layer.prefix}attn_k_norm`, layer.numKvHeads * config.headDim),
      }),
      gatedMlp(build, { ...layer, activation: 'silu' }),
    ));
    return createModel(build, { layers, outputNorm: rmsNorm(build, 'output_norm'), head: outputHead(build) });
  },
};

// OLMoE: experts whose weights are not renormalized; queries and keys are normalized over the whole row.
import { attention } from '../layers/attention.ts';
import { expertsOrMlp } from '../layers/experts.ts';
import { mapLayers, preNormLayer } from '../layers/layer-kinds.ts';
import { createModelBuild } from '../layers/model-build.ts';
import { createModel, outputHead } from '../layers/model.ts';
import { rmsNorm } from '../layers/norm.ts';
import { createRope } from '../layers/rope.ts';
import type { Architecture } from './architecture.ts';
import { baseConfig } from './base-config.ts';

export const architecture: Architecture = {
  id: 'olmoe',
  kind: 'decoder',
  config: baseConfig('olmoe', { norm: 'rms', rope: 'neox', experts: { normalize: false } }),
  build(...sizes) {
    const build = createModelBuild(...sizes);
    const { config } = build;
    const rope = createRope(build);
    const layers = mapLayers(build, (layer) => preNormLayer(
      build, layer,
      attention(build, { ...layer, rope,
        queryNorm: rmsNorm(build, `${layer.prefix}attn_q_norm`, config.numHeads * config.headDim),
        keyNorm: rmsNorm(build, `${layer.prefix}attn_k_norm`, layer.numKvHeads * config.headDim) }),
      expertsOrMlp(build, { ...layer, activation: 'silu' }),
    ));
    return createModel(build, { layers, outputNorm: rmsNorm(build, 'output_norm'), head: outputHead(build) });
  },
};

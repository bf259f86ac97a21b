// OLMo 1: LayerNorm without weights, optional limit on queries, keys and values.
import { attention } from '../layers/attention.ts';
import { mapLayers, preNormLayer } from '../layers/layer-kinds.ts';
import { gatedMlp } from '../layers/mlp.ts';
import { createModelBuild } from '../layers/model-build.ts';
import { createModel, outputHead } from '../layers/model.ts';
import { plainLayerNorm } from '../layers/norm.ts';
import { createRope } from '../layers/rope.ts';
import type { Architecture } from './architecture.ts';
import { baseConfig, extraNumber } from './base-config.ts';

export const architecture: Architecture = {
  id: 'olmo',
  kind: 'decoder',
  config: baseConfig('olmo', { norm: 'layer', rope: 'norm' }, (reader) => ({
    clamp: reader.real('attention.clamp_kqv', 0),
  })),
  build(...sizes) {
    const build = createModelBuild(...sizes);
    const { config } = build;
    const rope = createRope(build);
    const layers = mapLayers(build, (layer) => preNormLayer(
      build, layer,
      attention(build, { ...layer, rope, clamp: extraNumber(config, 'clamp') }),
      gatedMlp(build, { ...layer, activation: 'silu' }),
      { norm: plainLayerNorm },
    ));
    return createModel(build, { layers, outputNorm: plainLayerNorm(build), head: outputHead(build) });
  },
};

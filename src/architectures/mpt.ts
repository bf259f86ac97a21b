// MPT: ALiBi for positions, LayerNorm without biases, optional limit on queries, keys and values.
import { attention } from '../layers/attention.ts';
import { mapLayers, preNormLayer } from '../layers/layer-kinds.ts';
import { plainMlp } from '../layers/mlp.ts';
import { createModelBuild } from '../layers/model-build.ts';
import { createModel, outputHead } from '../layers/model.ts';
import { layerNorm } from '../layers/norm.ts';
import { alibiSlopes } from '../layers/positions.ts';
import type { Architecture } from './architecture.ts';
import { baseConfig, extraNumber } from './base-config.ts';

export const architecture: Architecture = {
  id: 'mpt',
  kind: 'decoder',
  config: baseConfig('mpt', { norm: 'layer' }, (reader) => ({
    maxAlibiBias: reader.real('attention.max_alibi_bias', 8),
    clamp: reader.real('attention.clamp_kqv', 0),
  })),
  build(...sizes) {
    const build = createModelBuild(...sizes);
    const { config } = build;
    const maxBias = extraNumber(config, 'maxAlibiBias');
    const slopes = maxBias > 0 ? alibiSlopes(build, maxBias) : undefined;
    const layers = mapLayers(build, (layer) => preNormLayer(
      build, layer,
      attention(build, { ...layer, alibiSlopes: slopes, clamp: extraNumber(config, 'clamp') }),
      plainMlp(build, { ...layer, activation: 'gelu' }),
      { norm: layerNorm },
    ));
    return createModel(build, { layers, outputNorm: layerNorm(build, 'output_norm'), head: outputHead(build) });
  },
};

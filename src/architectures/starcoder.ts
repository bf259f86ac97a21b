// StarCoder 1: GPT-2 with a single key/value head.
import { attention } from '../layers/attention.ts';
import { mapLayers, preNormLayer } from '../layers/layer-kinds.ts';
import { plainMlp } from '../layers/mlp.ts';
import { createModelBuild } from '../layers/model-build.ts';
import { createModel, outputHead } from '../layers/model.ts';
import { layerNorm } from '../layers/norm.ts';
import { learnedPositions } from '../layers/positions.ts';
import type { Architecture } from './architecture.ts';
import { baseConfig } from './base-config.ts';

export const architecture: Architecture = {
  id: 'starcoder',
  kind: 'decoder',
  config: baseConfig('starcoder', { norm: 'layer' }),
  build(...sizes) {
    const build = createModelBuild(...sizes);
    const layers = mapLayers(build, (layer) => preNormLayer(
      build, layer,
      attention(build, { ...layer }),
      plainMlp(build, { ...layer, activation: 'gelu' }),
      { norm: layerNorm },
    ));
    return createModel(build, {
      layers, embed: learnedPositions(build), outputNorm: layerNorm(build, 'output_norm'), head: outputHead(build),
    });
  },
};

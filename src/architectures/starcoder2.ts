// StarCoder 2: LayerNorm, biases everywhere and a GELU without a gate.
import { attention } from '../layers/attention.ts';
import { mapLayers, preNormLayer } from '../layers/layer-kinds.ts';
import { plainMlp } from '../layers/mlp.ts';
import { createModelBuild } from '../layers/model-build.ts';
import { createModel, outputHead } from '../layers/model.ts';
import { layerNorm } from '../layers/norm.ts';
import { createRope } from '../layers/rope.ts';
import type { Architecture } from './architecture.ts';
import { baseConfig } from './base-config.ts';

export const architecture: Architecture = {
  id: 'starcoder2',
  kind: 'decoder',
  config: baseConfig('starcoder2', { norm: 'layer', rope: 'neox' }),
  build(...sizes) {
    const build = createModelBuild(...sizes);
    const rope = createRope(build);
    const layers = mapLayers(build, (layer) => preNormLayer(
      build, layer,
      attention(build, { ...layer, rope }),
      plainMlp(build, { ...layer, activation: 'gelu' }),
      { norm: layerNorm },
    ));
    return createModel(build, { layers, outputNorm: layerNorm(build, 'output_norm'), head: outputHead(build) });
  },
};

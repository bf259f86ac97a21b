// SmolLM 3: Llama whose every fourth layer sees no positions.
import { attention } from '../layers/attention.ts';
import { mapLayers, preNormLayer } from '../layers/layer-kinds.ts';
import { gatedMlp } from '../layers/mlp.ts';
import { createModelBuild } from '../layers/model-build.ts';
import { createModel, outputHead } from '../layers/model.ts';
import { rmsNorm } from '../layers/norm.ts';
import { createRope } from '../layers/rope.ts';
import type { Architecture } from './architecture.ts';
import { baseConfig } from './base-config.ts';

export const architecture: Architecture = {
  id: 'smollm3',
  kind: 'decoder',
  config: baseConfig('smollm3', { norm: 'rms', rope: 'norm' }),
  build(...sizes) {
    const build = createModelBuild(...sizes);
    const rope = createRope(build);
    const layers = mapLayers(build, (layer) => preNormLayer(
      build, layer,
      attention(build, { ...layer, rope: layer.index % 4 === 3 ? undefined : rope }),
      gatedMlp(build, { ...layer, activation: 'silu' }),
    ));
    return createModel(build, { layers, outputNorm: rmsNorm(build, 'output_norm'), head: outputHead(build) });
  },
};

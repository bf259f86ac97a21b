// GLM 4: partial rotation of pairs, norms before and after each half, fused gate and up.
import { attention } from '../layers/attention.ts';
import { mapLayers, sandwichLayer } from '../layers/layer-kinds.ts';
import { gatedMlp } from '../layers/mlp.ts';
import { createModelBuild } from '../layers/model-build.ts';
import { createModel, outputHead } from '../layers/model.ts';
import { rmsNorm } from '../layers/norm.ts';
import { createRope } from '../layers/rope.ts';
import type { Architecture } from './architecture.ts';
import { baseConfig } from './base-config.ts';

export const architecture: Architecture = {
  id: 'glm4',
  kind: 'decoder',
  config: baseConfig('glm4', { norm: 'rms', rope: 'norm' }),
  build(...sizes) {
    const build = createModelBuild(...sizes);
    const rope = createRope(build);
    const layers = mapLayers(build, (layer) => sandwichLayer(
      build, layer,
      attention(build, { ...layer, rope }),
      gatedMlp(build, { ...layer, activation: 'silu' }),
    ));
    return createModel(build, { layers, outputNorm: rmsNorm(build, 'output_norm'), head: outputHead(build) });
  },
};

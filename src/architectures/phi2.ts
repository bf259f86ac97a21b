// Phi 1 and 2: attention and feed-forward side by side on one norm, partial rotation, biases everywhere.
import { attention } from '../layers/attention.ts';
import { mapLayers } from '../layers/layer-kinds.ts';
import { plainMlp } from '../layers/mlp.ts';
import { createModelBuild } from '../layers/model-build.ts';
import { createModel, outputHead } from '../layers/model.ts';
import { layerNorm } from '../layers/norm.ts';
import { parallel } from '../layers/residual.ts';
import { createRope } from '../layers/rope.ts';
import type { Architecture } from './architecture.ts';
import { baseConfig } from './base-config.ts';

export const architecture: Architecture = {
  id: 'phi2',
  kind: 'decoder',
  config: baseConfig('phi2', { norm: 'layer', rope: 'neox' }),
  build(...sizes) {
    const build = createModelBuild(...sizes);
    const rope = createRope(build);
    const layers = mapLayers(build, (layer) => parallel(build, layerNorm(build, `${layer.prefix}attn_norm`), [
      { transform: attention(build, { ...layer, rope }) },
      { transform: plainMlp(build, { ...layer, activation: 'gelu' }) },
    ]));
    return createModel(build, { layers, outputNorm: layerNorm(build, 'output_norm'), head: outputHead(build) });
  },
};

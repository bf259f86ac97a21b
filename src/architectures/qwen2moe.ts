// Qwen 1.5 and 2 with experts, one of them shared by all rows and gated.
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
  id: 'qwen2moe',
  kind: 'decoder',
  config: baseConfig('qwen2moe', { norm: 'rms', rope: 'neox', experts: { normalize: false } }),
  build(...sizes) {
    const build = createModelBuild(...sizes);
    const rope = createRope(build);
    const layers = mapLayers(build, (layer) => preNormLayer(
      build, layer,
      attention(build, { ...layer, rope }),
      expertsOrMlp(build, { ...layer, activation: 'silu' }),
    ));
    return createModel(build, { layers, outputNorm: rmsNorm(build, 'output_norm'), head: outputHead(build) });
  },
};

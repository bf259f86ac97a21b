// GPT-NeoX and Pythia: both halves side by side, each on its own norm, or one after the other.
import { attention } from '../layers/attention.ts';
import { mapLayers, preNormLayer } from '../layers/layer-kinds.ts';
import { plainMlp } from '../layers/mlp.ts';
import { createModelBuild } from '../layers/model-build.ts';
import { createModel, outputHead } from '../layers/model.ts';
import { layerNorm } from '../layers/norm.ts';
import { parallel } from '../layers/residual.ts';
import { createRope } from '../layers/rope.ts';
import type { Architecture } from './architecture.ts';
import { baseConfig } from './base-config.ts';

export const architecture: Architecture = {
  id: 'gptneox',
  kind: 'decoder',
  config: baseConfig('gptneox', { norm: 'layer', rope: 'neox' }, (reader) => ({
    isParallel: reader.flag('use_parallel_residual', true),
  })),
  build(...sizes) {
    const build = createModelBuild(...sizes);
    const { config } = build;
    const rope = createRope(build);
    const layers = mapLayers(build, (layer) => {
      const attend = attention(build, { ...layer, rope });
      const feedForward = plainMlp(build, { ...layer, activation: 'gelu' });
      if (!config.extra.isParallel) return preNormLayer(build, layer, attend, feedForward, { norm: layerNorm });
      return parallel(build, layerNorm(build, `${layer.prefix}attn_norm`), [
        { transform: attend },
        { transform: feedForward, norm: layerNorm(build, `${layer.prefix}ffn_norm`) },
      ]);
    });
    return createModel(build, { layers, outputNorm: layerNorm(build, 'output_norm'), head: outputHead(build) });
  },
};

// EXAONE 4: norms after attention and feed-forward only; with a window, only windowed layers see positions.
import { attention } from '../layers/attention.ts';
import { mapLayers, postNormLayer } from '../layers/layer-kinds.ts';
import { gatedMlp } from '../layers/mlp.ts';
import { createModelBuild } from '../layers/model-build.ts';
import { createModel, outputHead } from '../layers/model.ts';
import { headNorm, rmsNorm } from '../layers/norm.ts';
import { createRope } from '../layers/rope.ts';
import type { Architecture } from './architecture.ts';
import { baseConfig } from './base-config.ts';
import { isWindowLayer, readWindowPattern } from './window-pattern.ts';

export const architecture: Architecture = {
  id: 'exaone4',
  kind: 'decoder',
  config: baseConfig('exaone4', { norm: 'rms', rope: 'neox' }, (reader) => ({
    windowPattern: readWindowPattern(reader, 4),
  })),
  build(...sizes) {
    const build = createModelBuild(...sizes);
    const { config } = build;
    const rope = createRope(build);
    const layers = mapLayers(build, (layer) => {
      const isWindowed = isWindowLayer(config, layer.index);
      return postNormLayer(
        build, layer,
        attention(build, {
          ...layer,
          rope: isWindowed || !config.slidingWindow ? rope : undefined,
          window: isWindowed ? config.slidingWindow : undefined,
          queryNorm: headNorm(build, 'rms', `${layer.prefix}attn_q_norm`, config.numHeads, config.headDim),
          keyNorm: headNorm(build, 'rms', `${layer.prefix}attn_k_norm`, layer.numKvHeads, config.headDim),
        }),
        gatedMlp(build, { ...layer, activation: 'silu' }),
      );
    });
    return createModel(build, { layers, outputNorm: rmsNorm(build, 'output_norm'), head: outputHead(build) });
  },
};

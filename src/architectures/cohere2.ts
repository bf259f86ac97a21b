// Command R7B: three windowed layers with positions to one global without, both halves side by side on one norm.
import { attention } from '../layers/attention.ts';
import { mapLayers } from '../layers/layer-kinds.ts';
import { gatedMlp } from '../layers/mlp.ts';
import { createModelBuild } from '../layers/model-build.ts';
import { createModel, outputHead } from '../layers/model.ts';
import { layerNorm } from '../layers/norm.ts';
import { parallel } from '../layers/residual.ts';
import { createRope } from '../layers/rope.ts';
import type { Architecture } from './architecture.ts';
import { baseConfig, extraNumber } from './base-config.ts';
import { isWindowLayer, readWindowPattern } from './window-pattern.ts';

export const architecture: Architecture = {
  id: 'cohere2',
  kind: 'decoder',
  config: baseConfig('cohere2', { norm: 'layer', rope: 'norm' }, (reader) => ({
    windowPattern: readWindowPattern(reader, 4),
    logitScale: reader.positive('logit_scale', 1),
  })),
  build(...sizes) {
    const build = createModelBuild(...sizes);
    const { config } = build;
    const rope = createRope(build);
    const layers = mapLayers(build, (layer) => {
      const isWindowed = isWindowLayer(config, layer.index);
      return parallel(build, layerNorm(build, `${layer.prefix}attn_norm`), [
        {
          transform: attention(build, {
            ...layer,
            rope: isWindowed ? rope : undefined,
            window: isWindowed ? config.slidingWindow : undefined,
          }),
        },
        { transform: gatedMlp(build, { ...layer, activation: 'silu' }) },
      ]);
    });
    return createModel(build, {
      layers,
      outputNorm: layerNorm(build, 'output_norm'),
      head: outputHead(build, { scale: extraNumber(config, 'logitScale') }),
    });
  },
};

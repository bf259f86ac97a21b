// Gemma 2: every other layer has a window, scores and logits are softly capped, norms before and after each half.
import { attention } from '../layers/attention.ts';
import { mapLayers, sandwichLayer } from '../layers/layer-kinds.ts';
import { gatedMlp } from '../layers/mlp.ts';
import { createModelBuild } from '../layers/model-build.ts';
import { createModel, outputHead } from '../layers/model.ts';
import { rmsNorm } from '../layers/norm.ts';
import { createRope } from '../layers/rope.ts';
import type { Architecture } from './architecture.ts';
import { baseConfig, extraNumber } from './base-config.ts';
import { gemmaAttentionScale } from './gemma-scale.ts';
import { isWindowLayer, readWindowPattern } from './window-pattern.ts';

/** Layers of the 27B model, which scales attention in its own way. */
const NUM_LAYERS_27B = 46;

export const architecture: Architecture = {
  id: 'gemma2',
  kind: 'decoder',
  config: baseConfig('gemma2', { norm: 'rms', rope: 'neox' }, (reader) => ({
    windowPattern: readWindowPattern(reader, 2),
    attentionSoftcap: reader.real('attn_logit_softcapping', 50),
    logitSoftcap: reader.real('final_logit_softcapping', 30),
  })),
  build(...sizes) {
    const build = createModelBuild(...sizes);
    const { config } = build;
    const rope = createRope(build);
    const layers = mapLayers(build, (layer) => sandwichLayer(
      build, layer,
      attention(build, {
        ...layer,
        rope,
        scale: gemmaAttentionScale(config, NUM_LAYERS_27B),
        softcap: extraNumber(config, 'attentionSoftcap'),
        window: isWindowLayer(config, layer.index) ? config.slidingWindow : undefined,
      }),
      gatedMlp(build, { ...layer, activation: 'gelu' }),
    ));
    return createModel(build, {
      layers,
      embeddingScale: Math.sqrt(config.hiddenSize),
      outputNorm: rmsNorm(build, 'output_norm'),
      head: outputHead(build, { softcap: extraNumber(config, 'logitSoftcap') }),
    });
  },
};

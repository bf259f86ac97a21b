// Gemma 3: five windowed layers with their own rotation base to one global, norms around each half.
import { mapLayers } from '../layers/layer-kinds.ts';
import { createModelBuild } from '../layers/model-build.ts';
import { createModel, outputHead } from '../layers/model.ts';
import { rmsNorm } from '../layers/norm.ts';
import type { Architecture } from './architecture.ts';
import { baseConfig, extraNumber } from './base-config.ts';
import { gemma3Layer, gemma3Ropes } from './gemma3-layer.ts';
import { gemmaAttentionScale } from './gemma-scale.ts';
import { readWindowPattern } from './window-pattern.ts';

/** Layers of the 27B model, which scales attention in its own way. */
const NUM_LAYERS_27B = 62;

export const architecture: Architecture = {
  id: 'gemma3',
  kind: 'decoder',
  config: baseConfig('gemma3', { norm: 'rms', rope: 'neox' }, (reader) => ({
    windowPattern: readWindowPattern(reader, 6),
    windowRopeTheta: reader.positive('rope.freq_base_swa', 10_000),
    logitSoftcap: reader.real('final_logit_softcapping', 0),
  })),
  build(...sizes) {
    const build = createModelBuild(...sizes);
    const { config } = build;
    const ropes = gemma3Ropes(build, extraNumber(config, 'windowRopeTheta'));
    const scale = gemmaAttentionScale(config, NUM_LAYERS_27B);
    const layers = mapLayers(build, (layer) => gemma3Layer(build, layer, ropes, scale));
    return createModel(build, {
      layers,
      embeddingScale: Math.sqrt(config.hiddenSize),
      outputNorm: rmsNorm(build, 'output_norm'),
      head: outputHead(build, { softcap: extraNumber(config, 'logitSoftcap') }),
    });
  },
};

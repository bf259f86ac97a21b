// EmbeddingGemma: Gemma 3 in which every row sees both sides, up to half a window in windowed layers.
import { mapLayers } from '../layers/layer-kinds.ts';
import { createModelBuild } from '../layers/model-build.ts';
import { createModel } from '../layers/model.ts';
import { rmsNorm } from '../layers/norm.ts';
import type { Architecture } from './architecture.ts';
import { baseConfig, extraNumber } from './base-config.ts';
import { gemma3Layer, gemma3Ropes } from './gemma3-layer.ts';
import { readWindowPattern } from './window-pattern.ts';

export const architecture: Architecture = {
  id: 'gemma-embedding',
  kind: 'encoder',
  config: baseConfig('gemma-embedding', { kind: 'encoder', norm: 'rms', rope: 'neox' }, (reader) => ({
    windowPattern: readWindowPattern(reader, 6),
    windowRopeTheta: reader.positive('rope.freq_base_swa', 10_000),
  })),
  build(...sizes) {
    const build = createModelBuild(...sizes);
    const { config } = build;
    const ropes = gemma3Ropes(build, extraNumber(config, 'windowRopeTheta'));
    const layers = mapLayers(build, (layer) => gemma3Layer(build, layer, ropes));
    return createModel(build, {
      layers, embeddingScale: Math.sqrt(config.hiddenSize), outputNorm: rmsNorm(build, 'output_norm'),
    });
  },
};

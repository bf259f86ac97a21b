// Mistral 3: Llama whose queries grow with the logarithm of their position.
import { attention } from '../layers/attention.ts';
import { log } from '../layers/exact-math.ts';
import { expertsOrMlp } from '../layers/experts.ts';
import { mapLayers, preNormLayer } from '../layers/layer-kinds.ts';
import { createModelBuild } from '../layers/model-build.ts';
import { createModel, outputHead } from '../layers/model.ts';
import { rmsNorm } from '../layers/norm.ts';
import { perPosition } from '../layers/positions.ts';
import { createRope } from '../layers/rope.ts';
import type { Architecture } from './architecture.ts';
import { baseConfig, extraNumber } from './base-config.ts';

export const architecture: Architecture = {
  id: 'mistral3',
  kind: 'decoder',
  config: baseConfig('mistral3', { norm: 'rms', rope: 'norm', experts: { normalize: true } }, (reader) => ({
    temperatureScale: reader.real('attention.temperature_scale', 0),
  })),
  build(...sizes) {
    const build = createModelBuild(...sizes);
    const { config } = build;
    const rope = createRope(build);
    const temperature = extraNumber(config, 'temperatureScale');
    const { scaling } = config.rope ?? {};
    const period = scaling?.kind === 'yarn' ? scaling.originalContextLength : config.contextLength;
    const queryScale = temperature === 0 ? undefined : perPosition(build, 'attention temperature', (position) => (
      1 + temperature * log(1 + Math.floor(position / period))
    ));
    const layers = mapLayers(build, (layer) => preNormLayer(
      build, layer,
      attention(build, { ...layer, rope, queryScale }),
      expertsOrMlp(build, { ...layer, activation: 'silu' }),
    ));
    return createModel(build, { layers, outputNorm: rmsNorm(build, 'output_norm'), head: outputHead(build) });
  },
};

// BERT: learned positions, norms after each sum, GELU; embeds and does not generate.
import { attention } from '../layers/attention.ts';
import { bertEmbeddings, bertLayer } from '../layers/bert.ts';
import { mapLayers } from '../layers/layer-kinds.ts';
import { plainMlp } from '../layers/mlp.ts';
import { createModelBuild } from '../layers/model-build.ts';
import { createModel } from '../layers/model.ts';
import { learnedPositions } from '../layers/positions.ts';
import type { Architecture } from './architecture.ts';
import { baseConfig } from './base-config.ts';

export const architecture: Architecture = {
  id: 'bert',
  kind: 'encoder',
  config: baseConfig('bert', { kind: 'encoder', norm: 'layer' }),
  build(...sizes) {
    const build = createModelBuild(...sizes);
    const layers = mapLayers(build, (layer) => bertLayer(
      build, layer,
      attention(build, { ...layer }),
      plainMlp(build, { ...layer, activation: 'gelu' }),
    ));
    return createModel(build, { layers, embed: bertEmbeddings(build, learnedPositions(build)) });
  },
};

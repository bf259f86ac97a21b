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
    const { config } = build;
    const layers = mapLayers(build, (prefix, index) => bertLayer(
      build, prefix,
      attention(build, { prefix, numKvHeads: config.numKvHeads[index] }),
      plainMlp(build, { prefix, intermediateSize: config.intermediateSize[index], activation: 'gelu' }),
    ));
    return createModel(build, { layers, embed: bertEmbeddings(build, learnedPositions(build)) });
  },
};

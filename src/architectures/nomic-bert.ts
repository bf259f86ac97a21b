// Nomic BERT: BERT with rotation for positions and gated feed-forward.
import { attention } from '../layers/attention.ts';
import { bertEmbeddings, bertLayer } from '../layers/bert.ts';
import { mapLayers } from '../layers/layer-kinds.ts';
import { gatedMlp } from '../layers/mlp.ts';
import { createModelBuild } from '../layers/model-build.ts';
import { createModel } from '../layers/model.ts';
import { createRope } from '../layers/rope.ts';
import type { Architecture } from './architecture.ts';
import { baseConfig } from './base-config.ts';

export const architecture: Architecture = {
  id: 'nomic-bert',
  kind: 'encoder',
  config: baseConfig('nomic-bert', { kind: 'encoder', norm: 'layer', rope: 'neox' }),
  build(...sizes) {
    const build = createModelBuild(...sizes);
    const rope = createRope(build);
    const layers = mapLayers(build, (layer) => bertLayer(
      build, layer,
      attention(build, { ...layer, rope }),
      gatedMlp(build, { ...layer, activation: 'silu' }),
    ));
    return createModel(build, { layers, embed: bertEmbeddings(build) });
  },
};

// Jina embeddings 2: BERT with ALiBi in both directions and gated feed-forward.
import { attention } from '../layers/attention.ts';
import { bertEmbeddings, bertLayer } from '../layers/bert.ts';
import { mapLayers } from '../layers/layer-kinds.ts';
import { gatedMlp } from '../layers/mlp.ts';
import { createModelBuild } from '../layers/model-build.ts';
import { createModel } from '../layers/model.ts';
import { optionalRowNorm } from '../layers/norm.ts';
import { alibiSlopes } from '../layers/positions.ts';
import type { Architecture } from './architecture.ts';
import { baseConfig } from './base-config.ts';

export const architecture: Architecture = {
  id: 'jina-bert-v2',
  kind: 'encoder',
  config: baseConfig('jina-bert-v2', { kind: 'encoder', norm: 'layer' }),
  build(...sizes) {
    const build = createModelBuild(...sizes);
    const layers = mapLayers(build, (layer) => bertLayer(
      build, layer,
      attention(build, {
        ...layer,
        alibiSlopes: alibiSlopes(build, 8),
        queryNorm: optionalRowNorm(build, `${layer.prefix}attn_q_norm`),
        keyNorm: optionalRowNorm(build, `${layer.prefix}attn_k_norm`),
      }),
      gatedMlp(build, { ...layer, activation: 'gelu' }),
    ));
    return createModel(build, { layers, embed: bertEmbeddings(build) });
  },
};

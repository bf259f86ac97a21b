// BLOOM: ALiBi for positions and a norm on the embeddings.
import { attention } from '../layers/attention.ts';
import { mapLayers, preNormLayer } from '../layers/layer-kinds.ts';
import { plainMlp } from '../layers/mlp.ts';
import { createModelBuild } from '../layers/model-build.ts';
import { createModel, outputHead } from '../layers/model.ts';
import { layerNorm } from '../layers/norm.ts';
import { alibiSlopes } from '../layers/positions.ts';
import type { Architecture } from './architecture.ts';
import { baseConfig } from './base-config.ts';

export const architecture: Architecture = {
  id: 'bloom',
  kind: 'decoder',
  config: baseConfig('bloom', { norm: 'layer' }),
  build(...sizes) {
    const build = createModelBuild(...sizes);
    const embeddingNorm = layerNorm(build, 'token_embd_norm');
    const layers = mapLayers(build, (layer) => preNormLayer(
      build, layer,
      attention(build, { ...layer, alibiSlopes: alibiSlopes(build, 8) }),
      plainMlp(build, { ...layer, activation: 'gelu' }),
      { norm: layerNorm },
    ));
    return createModel(build, {
      layers,
      embed: (x, batch) => embeddingNorm(x, x, batch.numTokens),
      outputNorm: layerNorm(build, 'output_norm'),
      head: outputHead(build),
    });
  },
};

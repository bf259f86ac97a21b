// Granite: Llama with multipliers on embeddings, residuals, attention and logits.
import { attention } from '../layers/attention.ts';
import { mapLayers, preNormLayer } from '../layers/layer-kinds.ts';
import { gatedMlp } from '../layers/mlp.ts';
import { createModelBuild } from '../layers/model-build.ts';
import { createModel, outputHead } from '../layers/model.ts';
import { rmsNorm } from '../layers/norm.ts';
import { createRope } from '../layers/rope.ts';
import type { Architecture } from './architecture.ts';
import { baseConfig, extraNumber } from './base-config.ts';

export const architecture: Architecture = {
  id: 'granite',
  kind: 'decoder',
  config: baseConfig('granite', { norm: 'rms', rope: 'norm' }, (reader) => ({
    embeddingScale: reader.positive('embedding_scale', 1),
    residualScale: reader.positive('residual_scale', 1),
    attentionScale: reader.has('attention.scale') ? reader.positive('attention.scale') : 0,
    logitScale: reader.positive('logit_scale', 1),
  })),
  build(...sizes) {
    const build = createModelBuild(...sizes);
    const { config } = build;
    const rope = createRope(build);
    const layers = mapLayers(build, (layer) => preNormLayer(
      build, layer,
      attention(build, { ...layer, rope, scale: extraNumber(config, 'attentionScale') || undefined }),
      gatedMlp(build, { ...layer, activation: 'silu' }),
      { scale: extraNumber(config, 'residualScale') },
    ));
    return createModel(build, {
      layers,
      embeddingScale: extraNumber(config, 'embeddingScale'),
      outputNorm: rmsNorm(build, 'output_norm'),
      head: outputHead(build, { scale: 1 / extraNumber(config, 'logitScale') }),
    });
  },
};

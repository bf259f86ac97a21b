// MiniCPM: Llama with multipliers on embeddings, residuals and logits.
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
  id: 'minicpm',
  kind: 'decoder',
  config: baseConfig('minicpm', { norm: 'rms', rope: 'norm' }, (reader) => ({
    embeddingScale: reader.positive('embedding_scale', 12),
    residualScale: reader.positive('residual_scale', 1.4 / Math.sqrt(reader.count('block_count', { max: 1024 }))),
    logitScale: reader.positive('logit_scale', reader.count('embedding_length', { max: 2 ** 17 }) / 256),
  })),
  build(...sizes) {
    const build = createModelBuild(...sizes);
    const { config } = build;
    const rope = createRope(build);
    const layers = mapLayers(build, (layer) => preNormLayer(
      build, layer,
      attention(build, { ...layer, rope }),
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

// T5's encoder: relative position biases learned in the first layer, unscaled attention; embeds and does not generate.
import { attention } from '../layers/attention.ts';
import { mapLayers, preNormLayer } from '../layers/layer-kinds.ts';
import { gatedMlp, plainMlp } from '../layers/mlp.ts';
import { createModelBuild } from '../layers/model-build.ts';
import { createModel } from '../layers/model.ts';
import { rmsNorm } from '../layers/norm.ts';
import type { Architecture } from './architecture.ts';
import { baseConfig, extraNumber } from './base-config.ts';

export const architecture: Architecture = {
  id: 't5encoder',
  kind: 'encoder',
  config: baseConfig('t5encoder', { kind: 'encoder', norm: 'rms' }, (reader) => ({
    numBuckets: reader.count('attention.relative_buckets_count', { min: 4, max: 1024 }),
  })),
  build(...sizes) {
    const build = createModelBuild(...sizes);
    const { config, weights } = build;
    const numBuckets = extraNumber(config, 'numBuckets');
    const table = weights.vector('enc.blk.0.attn_rel_b.weight', config.numHeads * numBuckets);
    const layers = mapLayers(build, (layer) => preNormLayer(
      build, layer,
      attention(build, { ...layer, scale: 1, relativeBias: { table, numBuckets }, outputName: 'attn_o' }),
      weights.has(`${layer.prefix}ffn_gate.weight`)
        ? gatedMlp(build, { ...layer, activation: 'gelu' })
        : plainMlp(build, { ...layer, activation: 'relu' }),
    ), 'enc.blk');
    return createModel(build, { layers, outputNorm: rmsNorm(build, 'enc.output_norm') });
  },
};

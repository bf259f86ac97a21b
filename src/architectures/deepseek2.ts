// DeepSeek 2, 3 and Lite: attention through a small latent vector per position, leading dense layers, then experts.
import { expertsOrMlp } from '../layers/experts.ts';
import { latentAttention } from '../layers/latent-attention.ts';
import { mapLayers, preNormLayer } from '../layers/layer-kinds.ts';
import { createModelBuild } from '../layers/model-build.ts';
import { createModel, outputHead } from '../layers/model.ts';
import { rmsNorm } from '../layers/norm.ts';
import { createRope } from '../layers/rope.ts';
import { yarnMagnitude } from '../layers/rope-frequencies.ts';
import type { Architecture } from './architecture.ts';
import { baseConfig, extraNumber } from './base-config.ts';
import type { ModelConfig } from './config.ts';
import { CONFIG_LIMITS } from './config-reader.ts';

export const architecture: Architecture = {
  id: 'deepseek2',
  kind: 'decoder',
  config: baseConfig('deepseek2', { norm: 'rms', rope: 'norm', experts: { normalize: false } }, (reader) => {
    const full = { max: CONFIG_LIMITS.headDim };
    const suffix = reader.has('attention.key_length_mla') ? '_mla' : '';
    const headDim = reader.count(`attention.key_length${suffix}`, full);
    const ropeDims = reader.count('rope.dimension_count', full);
    if (ropeDims >= headDim) throw reader.senseless('rope.dimension_count', ropeDims, `less than a key's ${headDim}`);
    return {
      headDim,
      ropeDims,
      valueDim: reader.count(`attention.value_length${suffix}`, full),
      queryRank: reader.count('attention.q_lora_rank', { min: 0, max: CONFIG_LIMITS.hiddenSize, otherwise: 0 }),
      latentRank: reader.count('attention.kv_lora_rank', { max: CONFIG_LIMITS.hiddenSize }),
    };
  }),
  build(...sizes) {
    const build = createModelBuild(...sizes);
    const { config } = build;
    const rope = createRope(build, { scaling: ropeScaling(config) });
    const layers = mapLayers(build, (layer) => preNormLayer(
      build, layer,
      latentAttention(build, {
        ...layer, rope,
        scale: attentionScale(config),
        headDim: extraNumber(config, 'headDim'),
        ropeDims: extraNumber(config, 'ropeDims'),
        valueDim: extraNumber(config, 'valueDim'),
        queryRank: extraNumber(config, 'queryRank'),
        latentRank: extraNumber(config, 'latentRank'),
      }),
      expertsOrMlp(build, { ...layer, activation: 'silu' }),
    ));
    return createModel(build, { layers, outputNorm: rmsNorm(build, 'output_norm'), head: outputHead(build) });
  },
};

/** Files state a tenth of `mscale_all_dim`. */
function logMultiplier({ rope }: ModelConfig): number {
  return rope?.scaling?.kind === 'yarn' ? rope.scaling.logMultiplier * 10 : 0;
}

/** With `mscale_all_dim` the temperature is in the attention scale and the rotation has magnitude 1. */
function ropeScaling(config: ModelConfig) {
  const scaling = config.rope?.scaling;
  if (scaling?.kind !== 'yarn') return scaling;
  return { ...scaling, logMultiplier: logMultiplier(config) === 0 ? 0 : 1 };
}

function attentionScale(config: ModelConfig): number {
  const scaling = config.rope?.scaling;
  const plain = 1 / Math.sqrt(extraNumber(config, 'headDim'));
  const multiplier = logMultiplier(config);
  if (scaling?.kind !== 'yarn' || multiplier === 0) return plain;
  return plain * yarnMagnitude(scaling.factor, multiplier) ** 2;
}

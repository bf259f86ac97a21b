// Mamba 1: layers of selective state spaces, no attention and no positions.
import { mapLayers } from '../layers/layer-kinds.ts';
import { mambaBlock } from '../layers/mamba.ts';
import { createModelBuild } from '../layers/model-build.ts';
import { createModel, outputHead } from '../layers/model.ts';
import { rmsNorm } from '../layers/norm.ts';
import { residual } from '../layers/residual.ts';
import type { Architecture } from './architecture.ts';
import { extraNumber, readVocabSize } from './base-config.ts';
import { CONFIG_LIMITS, ConfigReader } from './config-reader.ts';

export const architecture: Architecture = {
  id: 'mamba',
  kind: 'decoder',
  config(metadata, tensors) {
    const reader = new ConfigReader(metadata, tensors, 'mamba');
    const numLayers = reader.count('block_count', { max: CONFIG_LIMITS.layers });
    const none = Array<number>(numLayers).fill(0);
    return {
      architecture: 'mamba',
      kind: 'decoder',
      vocabSize: readVocabSize(reader),
      hiddenSize: reader.count('embedding_length', { max: CONFIG_LIMITS.hiddenSize }),
      numLayers,
      numHeads: 0, numKvHeads: none, headDim: 0, valueDim: 0, intermediateSize: none,
      contextLength: reader.count('context_length', { max: CONFIG_LIMITS.contextLength }),
      normEpsilon: reader.positive('attention.layer_norm_rms_epsilon', 1e-5),
      extra: {
        innerSize: reader.count('ssm.inner_size', { max: CONFIG_LIMITS.intermediateSize }),
        stateSize: reader.count('ssm.state_size', { max: 1024 }),
        timeStepRank: reader.count('ssm.time_step_rank', { max: CONFIG_LIMITS.hiddenSize }),
        convWidth: reader.count('ssm.conv_kernel', { min: 2, max: 64 }),
      },
    };
  },
  build(...sizes) {
    const build = createModelBuild(...sizes);
    const { config } = build;
    const blockSizes = {
      innerSize: extraNumber(config, 'innerSize'),
      stateSize: extraNumber(config, 'stateSize'),
      timeStepRank: extraNumber(config, 'timeStepRank'),
      convWidth: extraNumber(config, 'convWidth'),
    };
    const layers = mapLayers(build, (layer) => residual(build, {
      norm: rmsNorm(build, `${layer.prefix}attn_norm`),
      transform: mambaBlock(build, layer.prefix, blockSizes),
    }));
    return createModel(build, { layers, outputNorm: rmsNorm(build, 'output_norm'), head: outputHead(build) });
  },
};

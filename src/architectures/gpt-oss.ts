// gpt-oss: attention sinks, every other layer windowed, experts with clamped gates and biases.
import { attention } from '../layers/attention.ts';
import { expertsOrMlp } from '../layers/experts.ts';
import { mapLayers, preNormLayer } from '../layers/layer-kinds.ts';
import { createModelBuild } from '../layers/model-build.ts';
import { createModel, outputHead } from '../layers/model.ts';
import { rmsNorm } from '../layers/norm.ts';
import { createRope } from '../layers/rope.ts';
import type { Architecture } from './architecture.ts';
import { baseConfig } from './base-config.ts';
import { isWindowLayer, readWindowPattern } from './window-pattern.ts';

/** Sharpness and limit of its gates: `swiglu_limit` and alpha of the reference implementation. */
const CLAMPED_GATE = { alpha: 1.702, limit: 7 };

export const architecture: Architecture = {
  id: 'gpt-oss',
  kind: 'decoder',
  config: baseConfig(
    'gpt-oss',
    { norm: 'rms', rope: 'neox', experts: { gating: 'softmax_selected', normalize: false } },
    (reader) => ({ windowPattern: readWindowPattern(reader, 2) }),
  ),
  build(...sizes) {
    const build = createModelBuild(...sizes);
    const { config } = build;
    const rope = createRope(build);
    const layers = mapLayers(build, (layer) => preNormLayer(
      build, layer,
      attention(build, {
        ...layer,
        rope,
        window: isWindowLayer(config, layer.index) ? config.slidingWindow : undefined,
      }),
      expertsOrMlp(build, { ...layer, activation: 'silu', clampedGate: CLAMPED_GATE }),
      { feedForwardNormName: 'post_attention_norm' },
    ));
    return createModel(build, { layers, outputNorm: rmsNorm(build, 'output_norm'), head: outputHead(build) });
  },
};

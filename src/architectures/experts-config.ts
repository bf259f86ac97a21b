// Reads the metadata keys of mixtures of experts, which have the same names in every architecture that has them.
import type { ExpertsConfig } from './config.ts';
import { CONFIG_LIMITS } from './config-reader.ts';
import type { ConfigReader } from './config-reader.ts';

export interface ExpertsDefaults {
  readonly gating?: ExpertsConfig['gating'];
  readonly normalize: boolean;
}

/** ggml's numbers for `expert_gating_func`. */
const GATINGS: Readonly<Record<number, ExpertsConfig['gating']>> = {
  1: 'softmax', 2: 'sigmoid', 3: 'softmax_selected',
};

/** Undefined where the model has no experts. */
export function readExperts(reader: ConfigReader, defaults: ExpertsDefaults): ExpertsConfig | undefined {
  const numExperts = reader.count('expert_count', { min: 0, max: CONFIG_LIMITS.experts, otherwise: 0 });
  if (numExperts === 0) return undefined;
  const numGroups = reader.count('expert_group_count', { max: numExperts, otherwise: 1 });
  if (numExperts % numGroups !== 0) {
    throw reader.senseless('expert_group_count', numGroups, `a divisor of expert_count (${numExperts})`);
  }
  const topGroups = reader.count('expert_group_used_count', { max: numGroups, otherwise: numGroups });
  return {
    numExperts,
    numUsed: reader.count('expert_used_count', { max: (numExperts / numGroups) * topGroups }),
    intermediateSize: reader.has('expert_feed_forward_length')
      ? reader.count('expert_feed_forward_length', { max: CONFIG_LIMITS.intermediateSize })
      : reader.count('feed_forward_length', { max: CONFIG_LIMITS.intermediateSize }),
    sharedIntermediateSize: readSharedSize(reader),
    numDenseLayers: reader.count('leading_dense_block_count', { min: 0, max: CONFIG_LIMITS.layers, otherwise: 0 }),
    gating: readGating(reader) ?? defaults.gating ?? 'softmax',
    normalize: reader.flag('expert_weights_norm', defaults.normalize),
    weightsScale: reader.real('expert_weights_scale', 0) || 1,
    numGroups,
    topGroups,
  };
}

function readGating(reader: ConfigReader): ExpertsConfig['gating'] | undefined {
  return GATINGS[reader.count('expert_gating_func', { min: 0, max: 3, otherwise: 0 })];
}

/** Said directly (qwen2moe) or as a number of ordinary experts (deepseek). */
function readSharedSize(reader: ConfigReader): number {
  if (reader.has('expert_shared_feed_forward_length')) {
    return reader.count('expert_shared_feed_forward_length', { min: 0, max: CONFIG_LIMITS.intermediateSize });
  }
  const count = reader.count('expert_shared_count', { min: 0, max: 64, otherwise: 0 });
  if (count === 0) return 0;
  return count * reader.count('expert_feed_forward_length', { max: CONFIG_LIMITS.intermediateSize });
}

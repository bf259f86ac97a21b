// Reads how positions rotate queries and keys: base, rotated floats and the scaling for long contexts.
import { UnsupportedModelError } from '../errors.ts';
import type { RopeConfig } from './config.ts';
import { CONFIG_LIMITS } from './config-reader.ts';
import type { ConfigReader } from './config-reader.ts';

export function readRope(
  reader: ConfigReader, style: RopeConfig['style'], headDim: number, contextLength: number,
): RopeConfig {
  const dims = reader.count('rope.dimension_count', { max: CONFIG_LIMITS.headDim, otherwise: headDim });
  if (dims % 2 !== 0 || dims > headDim) {
    throw reader.senseless('rope.dimension_count', dims, `an even number up to ${headDim}`);
  }
  return {
    theta: reader.positive('rope.freq_base', 10_000),
    dims,
    style,
    scaling: readScaling(reader, contextLength),
  };
}

const SCALING_TYPES = ['none', 'linear', 'yarn'];

function readScaling(reader: ConfigReader, contextLength: number): RopeConfig['scaling'] {
  const originalContextLength = reader.count('rope.scaling.original_context_length', {
    max: CONFIG_LIMITS.contextLength, otherwise: contextLength,
  });
  const attentionFactor = reader.positive('rope.scaling.attn_factor', 1);
  if (reader.tensors.has('rope_factors_long.weight')) {
    return { kind: 'longrope', originalContextLength, attentionFactor };
  }
  const factor = readFactor(reader);
  const type = reader.string('rope.scaling.type') ?? 'linear';
  if (!SCALING_TYPES.includes(type)) {
    const missing = type === 'longrope' ? ' without its factor tensors' : '';
    throw new UnsupportedModelError(
      `Rope scaling "${type}"${missing} is not supported: without it the model would answer nonsense. Convert it anew, or ` +
        'update this package.',
    );
  }
  if (type === 'yarn') {
    return {
      kind: 'yarn', factor, originalContextLength, attentionFactor,
      extrapolationFactor: reader.real('rope.scaling.yarn_ext_factor', 1),
      betaFast: reader.positive('rope.scaling.yarn_beta_fast', 32),
      betaSlow: reader.positive('rope.scaling.yarn_beta_slow', 1),
      logMultiplier: reader.real('rope.scaling.yarn_log_multiplier', 0),
    };
  }
  return type === 'linear' && factor !== 1 ? { kind: 'linear', factor } : undefined;
}

/** Old conversions say `rope.scale_linear`; 0 means none. */
function readFactor(reader: ConfigReader): number {
  const key = reader.has('rope.scaling.factor') ? 'rope.scaling.factor' : 'rope.scale_linear';
  return reader.real(key, 1) === 0 ? 1 : reader.positive(key, 1);
}

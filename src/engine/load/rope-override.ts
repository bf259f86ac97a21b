// The load options that replace how a model's file says positions rotate queries and keys.
import type { ModelConfig, RopeConfig } from '../../architectures/config.ts';
import { InvalidArgumentError } from '../../errors.ts';
import type { LoadOptions, RopeScaling } from './load-types.ts';

export function isRopeScaling(value: unknown): value is RopeScaling {
  if (value === 'none') return true;
  if (typeof value !== 'object' || value === null) return false;
  const { type, factor, originalContextLength: original, ...others } = value as Record<string, unknown>;
  const isFactor = typeof factor === 'number' && Number.isFinite(factor) && factor >= 1;
  if (!isFactor || Object.keys(others).length > 0) return false;
  return original === undefined ? type === 'linear' || type === 'yarn' : type === 'yarn' && Number.isInteger(original) && (original as number) >= 1;
}

/** `config` with the rotation that was asked for; InvalidArgumentError where the model rotates nothing. */
export function overrideRope(config: ModelConfig, { ropeScaling, ropeTheta }: LoadOptions): ModelConfig {
  if (ropeScaling === undefined && ropeTheta === undefined) return config;
  if (!config.rope) {
    throw new InvalidArgumentError(
      `ropeScaling and ropeTheta are for models whose positions rotate; ${config.architecture} has other positions.`,
    );
  }
  const scaling = ropeScaling === undefined ? config.rope.scaling : scalingOf(ropeScaling, config.contextLength);
  return { ...config, rope: { ...config.rope, theta: ropeTheta ?? config.rope.theta, scaling } };
}

/** The context that the scaling asked for stretches what was trained to. */
export function stretchedContext(trained: number, { ropeScaling }: LoadOptions): number {
  if (ropeScaling === undefined || ropeScaling === 'none') return trained;
  const original = ropeScaling.type === 'yarn' ? ropeScaling.originalContextLength ?? trained : trained;
  return Math.floor(ropeScaling.factor * original);
}

/** YaRN's constants are those of its paper, as llama.cpp has them. */
function scalingOf(wanted: RopeScaling, trained: number): RopeConfig['scaling'] {
  if (wanted === 'none') return undefined;
  if (wanted.type === 'linear') return { kind: 'linear', factor: wanted.factor };
  return {
    kind: 'yarn', factor: wanted.factor, originalContextLength: wanted.originalContextLength ?? trained,
    attentionFactor: 1, extrapolationFactor: 1, betaFast: 32, betaSlow: 1, logMultiplier: 0,
  };
}

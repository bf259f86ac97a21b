// The error for logits that nothing can be drawn from.
import { SamplingError } from '../../errors.ts';

/** Says what was found, so that a damaged model and a bias that rules everything out can be told apart. */
export function samplingError(logits: Float32Array): SamplingError {
  const isRuledOut = logits.every((logit) => logit === -Infinity);
  return new SamplingError(isRuledOut
    ? 'Every token is ruled out. Allow some in logitBias.'
    : 'The model computed logits that are not finite numbers. Its file may be damaged: download it again.');
}

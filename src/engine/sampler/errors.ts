// The error for logits that nothing can be drawn from.
import { ClawdbotError } from '../../errors.ts';

/** Carries what was found, so that a damaged model and a bias that rules everything out can be told apart. */
export class SamplingError extends ClawdbotError {
  constructor(logits: Float32Array) {
    const isRuledOut = logits.every((logit) => logit === -Infinity);
    super('ERR_SAMPLING', isRuledOut
      ? 'Every token is ruled out. Allow some in logitBias.'
      : 'The model computed logits that are not finite numbers. Its file may be damaged: download it again.');
  }
}

// Chooses the next token: bias and penalties on the logits, then truncation, temperature and a draw, in llama.cpp's order
// (penalties, DRY, top-k, typical, top-p, min-p, XTC, temperature); greedy is one pass over the logits.
import { ClawdbotError } from '../../errors.ts';
import { draw, minP, normalize, topCandidates, topP, typicalP, xtc } from './candidates.ts';
import type { Candidate } from './candidates.ts';
import { SAMPLING_DEFAULTS } from './options.ts';
import type { ResolvedSampling, SamplingOptions } from './options.ts';
import { applyDry, applyPenalties } from './penalties.ts';
import { Random } from './random.ts';

export interface Sampled {
  readonly id: number;
  /** Natural logarithm of the model's own probability, before penalties and truncation; with `logprobs`. */
  readonly logprob?: number;
  readonly top?: readonly { readonly id: number; readonly logprob: number }[];
}

export interface Sampler {
  /** Takes note of a token of the sequence, prompt included. */
  accept(id: number): void;
  /** Chooses from `logits` (vocabSize), which are not changed. Throws where they are not numbers. */
  sample(logits: Float32Array): Sampled;
}

/** Options must have passed `samplingOptions`. */
export function createSampler(options: SamplingOptions, { vocabSize }: { readonly vocabSize: number }): Sampler {
  const resolved: ResolvedSampling = { ...SAMPLING_DEFAULTS, ...options };
  const random = new Random(options.seed ?? Math.floor(Math.random() * 2 ** 32));
  const history: number[] = [];
  const biases = Object.entries(resolved.logitBias).map(([id, bias]) => [Number(id), bias] as const);
  const changesLogits = biases.length > 0 || resolved.dryMultiplier !== 0 || resolved.repetitionPenalty !== 1
    || resolved.frequencyPenalty !== 0 || resolved.presencePenalty !== 0;
  const own = changesLogits ? new Float32Array(vocabSize) : undefined;
  // Mirostat's threshold of surprise, in bits, starts at twice the target.
  let mu = 2 * resolved.mirostatTau;

  const adjust = (logits: Float32Array): Float32Array => {
    if (!own) return logits;
    own.set(logits);
    for (const [id, bias] of biases) own[id] = own[id]! + bias;
    applyPenalties(own, history, resolved);
    applyDry(own, history, resolved);
    return own;
  };

  const choose = (logits: Float32Array): number => {
    const greedy = argmax(logits);
    if (resolved.temperature === 0) return greedy;
    if (resolved.mirostat === 2) return mirostat(logits);
    let kept = topCandidates(logits, resolved.topK > 0 ? Math.min(resolved.topK, vocabSize) : vocabSize);
    kept = typicalP(kept, resolved.typicalP);
    kept = topP(kept, resolved.topP);
    kept = minP(kept, resolved.minP);
    kept = xtc(kept, resolved.xtcProbability, resolved.xtcThreshold, random);
    return draw(heat(kept, resolved.temperature), random).id;
  };

  const mirostat = (logits: Float32Array): number => {
    const all = heat(topCandidates(logits, vocabSize), resolved.temperature);
    normalize(all);
    const within = all.findIndex(({ probability }) => -Math.log2(probability) > mu);
    const kept = within < 0 ? all : all.slice(0, Math.max(1, within));
    const chosen = draw(kept, random);
    mu -= resolved.mirostatEta * (-Math.log2(chosen.probability) - resolved.mirostatTau);
    return chosen.id;
  };

  return {
    accept: (id) => void history.push(id),
    sample(logits) {
      const id = choose(adjust(logits));
      return resolved.logprobs === undefined ? { id } : { id, ...logprobs(logits, id, resolved.logprobs) };
    },
  };
}

function heat(candidates: readonly Candidate[], temperature: number): Candidate[] {
  return candidates.map(({ id, logit }) => ({ id, logit: logit / temperature, probability: 0 }));
}

/** Index of the greatest logit, the lowest among equals. */
function argmax(logits: Float32Array): number {
  let best = -1;
  let highest = -Infinity;
  for (let id = 0; id < logits.length; id++) {
    const logit = logits[id]!;
    if (logit > highest) {
      highest = logit;
      best = id;
    } else if (logit !== logit) {
      best = -1;
      break;
    }
  }
  if (best >= 0 && highest < Infinity) return best;
  throw new ClawdbotError(
    'ERR_SAMPLING',
    'The model computed logits that are not finite numbers, or every token is ruled out. The model file may be damaged, or logitBias too strict.',
  );
}

function logprobs(logits: Float32Array, id: number, count: number): Required<Pick<Sampled, 'logprob' | 'top'>> {
  let highest = -Infinity;
  for (let i = 0; i < logits.length; i++) highest = Math.max(highest, logits[i]!);
  let sum = 0;
  for (let i = 0; i < logits.length; i++) sum += Math.exp(logits[i]! - highest);
  const total = highest + Math.log(sum);
  const top = count === 0 ? [] : topCandidates(logits, count).map((candidate) => ({ id: candidate.id, logprob: candidate.logit - total }));
  return { logprob: logits[id]! - total, top };
}

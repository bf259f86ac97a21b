// Chooses the next token: bias and penalties on the logits, then truncations, temperature and a draw.
import { SamplingError } from '../../errors.ts';
import type { Constraint } from '../../grammar/constraint.ts';
import { Candidates } from './candidates.ts';
import { SAMPLING_DEFAULTS } from './options.ts';
import type { ResolvedSampling, SamplingOptions } from './options.ts';
import { applyDry, applyPenalties } from './penalties.ts';
import { Random } from './random.ts';

export interface Sampled {
  readonly id: number;
  /** Natural logarithm of the model's own probability, before bias, penalties and truncation; with `logprobs`. */
  readonly logprob?: number;
  readonly top?: readonly { readonly id: number; readonly logprob: number }[];
}

export interface Sampler {
  /** How many of the highest logits decide what `sample` does; undefined where all may. Others may then be −Infinity. */
  readonly numLikeliest: number | undefined;
  /** Takes note of a token of the sequence, prompt included. */
  accept(id: number): void;
  /**
   * Chooses from `logits` (vocabSize), which are not changed. Throws SamplingError where they are not numbers. `ids`, ascending, are all
   * whose logits are not −Infinity, if that is known and only some of the highest are wanted.
   */
  sample(logits: Float32Array, ids?: readonly number[]): Sampled;
}

/** Memory that the samplers of one thread share: nothing in it outlives a call of `sample`. */
export class SamplerMemory {
  readonly candidates: Candidates;
  /** (vocabSize): logits with bias and penalties. */
  readonly adjusted: Float32Array;

  constructor(vocabSize: number) {
    this.candidates = new Candidates(vocabSize);
    this.adjusted = new Float32Array(vocabSize);
  }
}

/**
 * A sampler for one sequence; `options` must have passed `samplingOptions`.
 *
 * The order is llama.cpp's default chain: logit bias, penalties, DRY, top-k, typical, top-p, min-p, XTC, temperature.
 * Three differences are on purpose: temperature 0 is greedy whatever else is set (there XTC and typical still act),
 * mirostat sees the penalties and DRY (there only the bias), and draws come from another generator. A constraint rules tokens
 * out after DRY.
 */
export function createSampler(options: SamplingOptions, memory: SamplerMemory, constraint?: Constraint): Sampler {
  const resolved: ResolvedSampling = { ...SAMPLING_DEFAULTS, ...options };
  const { temperature, mirostat, mirostatTau, mirostatEta, xtcProbability, xtcThreshold } = resolved;
  const { candidates } = memory;
  const random = new Random(options.seed ?? Math.floor(Math.random() * 2 ** 32));
  const history: number[] = [];
  const adjust = adjuster(resolved, history, memory.adjusted);
  const numWanted = temperature === 0 ? 1 : mirostat === 2 ? 0 : resolved.topK;
  // Mirostat's bound on the surprise, in bits, begins at twice the target.
  let mu = 2 * mirostatTau;

  const drawMirostat = (): number => {
    candidates.keepSurprise(mu, temperature);
    const { id, probability } = candidates.draw(temperature, random);
    mu -= mirostatEta * (-Math.log2(probability) - mirostatTau);
    return id;
  };

  const drawTruncated = (): number => {
    if (resolved.topK > 0) candidates.keepTopK(resolved.topK);
    candidates.keepTypical(resolved.typicalP);
    candidates.keepTopP(resolved.topP);
    candidates.keepMinP(resolved.minP);
    // Two tokens cannot both have more than half.
    if (xtcProbability > 0 && xtcThreshold <= 0.5 && random.next() < xtcProbability) {
      candidates.excludeTopChoices(xtcThreshold);
    }
    return candidates.draw(temperature, random).id;
  };

  const isPlain = !constraint && options.logprobs === undefined && !changesLogits(resolved);

  return {
    numLikeliest: isPlain && numWanted > 0 ? numWanted : undefined,
    accept: (id) => void history.push(id),
    sample(logits, ids) {
      const adjusted = adjust(logits);
      if (!ids || !candidates.resetToAll(adjusted, ids)) candidates.reset(adjusted);
      if (constraint) constrain(candidates, adjusted, constraint, numWanted);
      const id = temperature === 0 ? candidates.likeliest() : mirostat === 2 ? drawMirostat() : drawTruncated();
      return options.logprobs === undefined ? { id } : { id, ...logprobs(candidates, logits, id, options.logprobs) };
    },
  };
}

const hasPenalty = ({ repetitionPenalty, frequencyPenalty, presencePenalty }: ResolvedSampling): boolean =>
  repetitionPenalty !== 1 || frequencyPenalty !== 0 || presencePenalty !== 0;

/** Whether logits are not sampled from as the model computed them. */
function changesLogits(options: ResolvedSampling): boolean {
  return Object.keys(options.logitBias).length > 0 || hasPenalty(options) || options.dryMultiplier !== 0;
}

/** Logits after bias, penalties and DRY: in `adjusted`, or as they are where nothing changes them. */
function adjuster(
  options: ResolvedSampling, history: readonly number[], memory: Float32Array,
): (logits: Float32Array) => Float32Array {
  if (!changesLogits(options)) return (logits) => logits;
  const biases = Object.entries(options.logitBias).map(([id, bias]) => [Number(id), bias] as const);
  const breakers = new Set(options.drySequenceBreakers);
  return (logits) => {
    const adjusted = memory.subarray(0, logits.length);
    adjusted.set(logits);
    for (const [id, bias] of biases) adjusted[id] += bias;
    if (hasPenalty(options)) applyPenalties(adjusted, history, options);
    if (options.dryMultiplier !== 0) applyDry(adjusted, history, options, breakers);
    return adjusted;
  };
}

/** How many of the likeliest tokens are asked whether they fit, before looking for all that do. */
const ASKED = [64, 384];

/**
 * Leaves in `candidates`, which hold all `logits`, the tokens that fit: all of them where they are few or `numWanted` is 0, else
 * at least so many of the likeliest, which leads to the same choice. They are in order of id either way.
 */
function constrain(candidates: Candidates, logits: Float32Array, constraint: Constraint, numWanted: number): void {
  if (numWanted === 1) {
    const id = candidates.likeliest();
    if (constraint.allows(id)) return void candidates.resetTo(logits, [id]);
  }
  const few = constraint.few();
  if (few ? candidates.resetTo(logits, few) : keepLikeliest(candidates, logits, constraint, numWanted)) return;
  if (!few && candidates.resetToMask(logits, constraint.all(), numWanted)) return;
  throw new SamplingError('No token of the model goes on as the grammar demands: ' +
    'its vocabulary cannot write what comes next, or logitBias rules it out.');
}

/** The likeliest tokens that fit, `count` or more; false if there are not so many among some of the likeliest. */
function keepLikeliest(candidates: Candidates, logits: Float32Array, constraint: Constraint, count: number): boolean {
  // Where all were looked for, asking a few did not do.
  if (count === 0 || constraint.knowsAll) return false;
  for (const asked of ASKED) {
    const fitting = candidates.atLeast(Math.max(asked, count))?.filter((id) => constraint.allows(id));
    if (fitting && fitting.length >= count) return candidates.resetTo(logits, fitting);
  }
  return false;
}

function logprobs(
  candidates: Candidates, logits: Float32Array, id: number, count: number,
): Required<Pick<Sampled, 'logprob' | 'top'>> {
  candidates.reset(logits);
  const total = candidates.logSumExp();
  if (count > 0) candidates.keepTopK(count);
  const top = count > 0 ? candidates.sorted().map((other) => ({ id: other, logprob: logits[other] - total })) : [];
  return { logprob: logits[id] - total, top };
}

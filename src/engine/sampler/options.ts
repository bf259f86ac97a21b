// What may be asked of the sampler, its defaults, and the check of every value.
import { InvalidArgumentError } from '../../errors.ts';

export interface SamplingOptions {
  /** 0 is greedy; default 0.8. */
  readonly temperature?: number;
  /** Keep the k likeliest tokens; 0 keeps all. Default 40. */
  readonly topK?: number;
  /** Keep the likeliest tokens that together have this probability. Default 0.95. */
  readonly topP?: number;
  /** Drop tokens less likely than this share of the likeliest. Default 0.05. */
  readonly minP?: number;
  /** Locally typical sampling: mass to keep; 1 is off (Meister et al. 2022). */
  readonly typicalP?: number;
  /** XTC: chance of dropping all but the least likely of the tokens that reach the threshold; 0 is off. */
  readonly xtcProbability?: number;
  /** Above 0.5 is off: no two tokens can reach it. */
  readonly xtcThreshold?: number;
  /** DRY: penalty multiplier · base^(match − allowedLength) on continuing a repetition; multiplier 0 is off. */
  readonly dryMultiplier?: number;
  /** How much the penalty grows with each token that a repetition is longer (1.75). */
  readonly dryBase?: number;
  /** Repetitions up to so many tokens are free (2). */
  readonly dryAllowedLength?: number;
  /** Tokens looked back over; −1 is the whole sequence. */
  readonly dryPenaltyLastN?: number;
  /** Ids that end a match; at most 1024. */
  readonly drySequenceBreakers?: readonly number[];
  /** 2 is mirostat v2 in place of the truncations (Basu et al. 2021); 0 is off. */
  readonly mirostat?: 0 | 2;
  /** The surprise it aims at, in bits. */
  readonly mirostatTau?: number;
  readonly mirostatEta?: number;
  /** Divides positive and multiplies negative logits of recent tokens; 1 is off. */
  readonly repetitionPenalty?: number;
  /** Subtracted once from the logits of recent tokens; 0 is off. */
  readonly presencePenalty?: number;
  /** Subtracted for each time that a recent token occurred; 0 is off. */
  readonly frequencyPenalty?: number;
  /** Recent tokens, prompt included, that the three penalties look at; −1 is the whole sequence. Default 64. */
  readonly penaltyLastN?: number;
  /** Added to the logits of these ids; −Infinity rules one out. */
  readonly logitBias?: Readonly<Record<number, number>>;
  /** Whole number below 2^32; the same seed gives the same tokens. */
  readonly seed?: number;
  /** Report the log-probability of the chosen token and of this many alternatives (1000 at most). */
  readonly logprobs?: number;
}

export type ResolvedSampling =
  Required<Omit<SamplingOptions, 'seed' | 'logprobs'>> & Pick<SamplingOptions, 'seed' | 'logprobs'>;

export const SAMPLING_DEFAULTS: ResolvedSampling = {
  temperature: 0.8, topK: 40, topP: 0.95, minP: 0.05, typicalP: 1,
  xtcProbability: 0, xtcThreshold: 0.1,
  dryMultiplier: 0, dryBase: 1.75, dryAllowedLength: 2, dryPenaltyLastN: -1, drySequenceBreakers: [],
  mirostat: 0, mirostatTau: 5, mirostatEta: 0.1,
  repetitionPenalty: 1, presencePenalty: 0, frequencyPenalty: 0, penaltyLastN: 64,
  logitBias: {},
};

interface Range {
  readonly min: number;
  readonly max: number;
  readonly whole?: boolean;
  /** The minimum itself is not allowed. */
  readonly above?: boolean;
}

const ANY = 1e9;
const RANGES: Readonly<Record<Exclude<keyof SamplingOptions, 'logitBias' | 'drySequenceBreakers'>, Range>> = {
  temperature: { min: 0, max: 100 },
  topK: { min: 0, max: ANY, whole: true },
  topP: { min: 0, max: 1, above: true },
  minP: { min: 0, max: 1 },
  typicalP: { min: 0, max: 1, above: true },
  xtcProbability: { min: 0, max: 1 },
  xtcThreshold: { min: 0, max: 1 },
  dryMultiplier: { min: 0, max: 100 },
  dryBase: { min: 1, max: 100 },
  dryAllowedLength: { min: 1, max: ANY, whole: true },
  dryPenaltyLastN: { min: -1, max: ANY, whole: true },
  mirostat: { min: 0, max: 2, whole: true },
  mirostatTau: { min: 0, max: 100, above: true },
  mirostatEta: { min: 0, max: 1, above: true },
  repetitionPenalty: { min: 0.01, max: 100 },
  presencePenalty: { min: -100, max: 100 },
  frequencyPenalty: { min: -100, max: 100 },
  penaltyLastN: { min: -1, max: ANY, whole: true },
  seed: { min: 0, max: 2 ** 32 - 1, whole: true },
  logprobs: { min: 0, max: 1000, whole: true },
};

const LISTS: readonly string[] = ['logitBias', 'drySequenceBreakers'];
const MAX_BREAKERS = 1024;

/**
 * The sampling part of `options`, checked: InvalidArgumentError names the option, its value and what is allowed.
 * Options other than those of sampling and `others` are refused.
 */
export function samplingOptions(
  options: SamplingOptions, vocabSize: number, others: readonly string[] = [],
): SamplingOptions {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  const checked: Record<string, unknown> = {};
  for (const [name, value] of given) {
    if (others.includes(name)) continue;
    if (Object.hasOwn(RANGES, name)) checkRange(name, value, RANGES[name as keyof typeof RANGES]);
    else if (!LISTS.includes(name)) throw unknownOption(name, others);
    checked[name] = value;
  }
  const { mirostat, logprobs, drySequenceBreakers, logitBias } = options;
  if ((mirostat as number | undefined) === 1) {
    throw new InvalidArgumentError('mirostat must be 0 (off) or 2; version 1 is not offered.');
  }
  if (logprobs !== undefined && logprobs > vocabSize) {
    throw new InvalidArgumentError(`logprobs must be at most the vocabulary's size, ${vocabSize}, not ${logprobs}.`);
  }
  if (drySequenceBreakers !== undefined) checkIds('drySequenceBreakers', drySequenceBreakers, vocabSize, MAX_BREAKERS);
  if (logitBias !== undefined) checkBias(logitBias, vocabSize);
  return checked as SamplingOptions;
}

/** Throws InvalidArgumentError unless `ids` is an array of at most `maxCount` ids of the vocabulary. */
export function checkIds(name: string, ids: unknown, vocabSize: number, maxCount: number): void {
  if (!Array.isArray(ids) || ids.length > maxCount) {
    const found = Array.isArray(ids) ? `an array of ${ids.length}` : describe(ids);
    throw new InvalidArgumentError(`${name} must be an array of at most ${maxCount} token ids, not ${found}.`);
  }
  for (const id of ids as readonly unknown[]) checkId(name, id, vocabSize);
}

function checkBias(bias: unknown, vocabSize: number): void {
  const prototype: unknown = typeof bias === 'object' && bias !== null ? Object.getPrototypeOf(bias) : undefined;
  if (prototype !== null && prototype !== Object.prototype) {
    throw new InvalidArgumentError(`logitBias must be an object of the form { [id]: number }, not ${describe(bias)}.`);
  }
  for (const [id, value] of Object.entries(bias as object)) {
    checkId('logitBias', /^\d+$/.test(id) ? Number(id) : id, vocabSize);
    if (typeof value === 'number' && value <= ANY && (value >= -ANY || value === -Infinity)) continue;
    throw new InvalidArgumentError(
      `logitBias of id ${id} must be a number from ${-ANY} to ${ANY}, or -Infinity, not ${describe(value)}.`,
    );
  }
}

function unknownOption(name: string, others: readonly string[]): InvalidArgumentError {
  const plain = (text: string): string => text.replace(/[-_]/g, '').toLowerCase();
  const meant = [...Object.keys(RANGES), ...LISTS, ...others].find((known) => plain(known) === plain(name));
  const advice = meant ? `Write ${meant}.` : 'See docs/api.md for those there are.';
  return new InvalidArgumentError(`There is no option ${name.slice(0, 80)}. ${advice}`);
}

function checkRange(name: string, value: unknown, { min, max, whole, above }: Range): void {
  const fits = typeof value === 'number' && value >= min && value <= max && !(above && value === min);
  if (fits && (!whole || Number.isInteger(value))) return;
  const kind = whole ? 'a whole number' : 'a number';
  const allowed = `${kind} ${above ? 'above' : 'from'} ${min} to ${max}`;
  throw new InvalidArgumentError(`${name} must be ${allowed}, not ${describe(value)}.`);
}

function checkId(name: string, id: unknown, vocabSize: number): void {
  if (typeof id === 'number' && Number.isInteger(id) && id >= 0 && id < vocabSize) return;
  throw new InvalidArgumentError(
    `${name} has the token id ${describe(id)}, which is outside the vocabulary (0 … ${vocabSize - 1}).`,
  );
}

/** A value as an error message shows it; text in quotes, so that '5' is not taken for 5. */
export function describe(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 80));
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object';
  return typeof value === 'function' ? 'a function' : String(value);
}

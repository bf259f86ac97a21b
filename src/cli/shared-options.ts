// Options that several commands have: which model, how to load it, how to sample.
import { KV_TYPES, MAX_SEQUENCES } from '../engine/load/load-options.ts';
import type { SamplingOptions } from '../engine/sampler/options.ts';
import type { LoadOptions } from '../engine/load/load-types.ts';
import type { GenerateOptions } from '../engine/types.ts';
import { biases, byteSize, choice, decimal, flag, integer, integers, text } from './options.ts';
import type { Option, Values } from './options.ts';
import { ropeScaling } from './rope-option.ts';

export const DEFAULT_MODEL = 'smollm2';

/** A small model that repeats itself would go on until the context is full. */
export const DEFAULT_MAX_TOKENS = 1024;

export const EVERYWHERE = {
  verbose: flag({ help: 'Show stack traces of errors' }),
  help: flag({ short: 'h', help: 'Show this help' }),
};

export const JSON_OUTPUT = { json: flag({ help: 'Print JSON, and nothing else, on standard output' }) };

const REFERENCE = 'Catalog name, path, https: URL, hf:user/repo[:quant] or pip: reference';

export const MODEL = { model: text({ short: 'm', value: 'MODEL', help: `${REFERENCE} (${DEFAULT_MODEL})` }) };

/** For commands that have no model to fall back on. */
export const MODEL_TO_NAME = { model: text({ short: 'm', value: 'MODEL', help: REFERENCE }) };

export const SOURCE = {
  offline: flag({ help: 'Never touch the network (also CLAWDBOT_OFFLINE=1)' }),
  cacheDir: text({ value: 'DIR', help: 'Where downloaded models are kept (also CLAWDBOT_CACHE)' }),
};

export const COMPUTE = {
  batch: integer({ min: 1, max: 65536 }, { help: 'Prompt tokens per forward pass (512)' }),
  kv: choice([...KV_TYPES, 'auto'], { help: 'Elements of the key/value cache (i16); auto takes the most exact that fits' }),
  deterministic: flag({ help: 'Kernels whose results are bit-identical on every machine' }),
  ropeScaling,
  ropeTheta: decimal({ min: 0, above: true }, { help: 'Base of the rotation of positions (the file’s)' }),
  maxMemory: byteSize({ help: 'Ceiling for weights, cache and scratch together, such as 2GiB' }),
  ...SOURCE,
};

export const ENGINE = {
  threads: integer({ min: 0, max: 64 }, { short: 't', help: 'Compute threads (one per physical core); 0: the main thread computes' }),
  context: integer({ min: 1 }, { short: 'c', help: 'Positions of the context (what the model has, at most 4096)' }),
  maxSequences: integer({ min: 1, max: MAX_SEQUENCES }, { help: 'Sequences computed at the same time (4, or as many as fit)' }),
  ...COMPUTE,
};

/** What becomes of text that is longer than the context. */
export const CONTEXT_POLICY: { readonly contextPolicy: Option<NonNullable<GenerateOptions['contextPolicy']>> } = {
  contextPolicy: choice(['error', 'slide'], { help: 'Text longer than the context: an error, or leave out the oldest (error)' }),
};

export const SAMPLING = {
  temperature: decimal(
    { min: 0, max: 100 },
    { aliases: ['temp'], help: 'Randomness; 0 always takes the likeliest token (0.8)' },
  ),
  topK: integer({ min: 0 }, { help: 'Keep the K likeliest tokens; 0 keeps all (40)' }),
  topP: decimal(
    { min: 0, max: 1, above: true },
    { help: 'Keep the likeliest tokens that together have this probability (0.95)' },
  ),
  minP: decimal({ min: 0, max: 1 }, { help: 'Drop tokens less likely than this share of the likeliest (0.05)' }),
  typicalP: decimal(
    { min: 0, max: 1, above: true },
    { flag: 'typical', aliases: ['typical-p'], help: 'Locally typical sampling: mass to keep (1 = off)' },
  ),
  xtcProbability: decimal({ min: 0, max: 1 }, { help: 'XTC: chance of dropping the top choices (0 = off)' }),
  xtcThreshold: decimal({ min: 0, max: 1 }, { help: 'XTC: probability that makes a top choice (0.1)' }),
  dryMultiplier: decimal({ min: 0, max: 100 }, { help: 'DRY: penalty on continuing a repetition (0 = off)' }),
  dryBase: decimal({ min: 1, max: 100 }, { help: 'DRY: growth per token (1.75)' }),
  dryAllowedLength: integer({ min: 1 }, { help: 'DRY: repetitions up to this length are free (2)' }),
  dryPenaltyLastN: integer({ min: -1 }, { help: 'DRY: tokens looked back over; -1 is all (-1)' }),
  drySequenceBreakers: integers(
    { min: 0 },
    { flag: 'dry-sequence-breaker', value: 'ID,…', help: 'DRY: ids that end a match' },
  ),
  mirostat: integer({ min: 0, max: 2 }, { help: 'Mirostat: 2 in place of the truncations, 0 off (0)' }),
  mirostatTau: decimal({ min: 0, max: 100, above: true }, { help: 'Mirostat: target surprise (5)' }),
  mirostatEta: decimal({ min: 0, max: 1, above: true }, { help: 'Mirostat: learning rate (0.1)' }),
  repetitionPenalty: decimal(
    { min: 0, max: 100, above: true },
    { flag: 'repeat-penalty', aliases: ['repetition-penalty'], help: 'Penalty on recent tokens (1 = off)' },
  ),
  presencePenalty: decimal({ min: -100, max: 100 }, { help: 'Subtracted once from tokens that occurred (0)' }),
  frequencyPenalty: decimal({ min: -100, max: 100 }, { help: 'Subtracted for each time a token occurred (0)' }),
  penaltyLastN: integer({ min: -1 }, { flag: 'repeat-last-n', help: 'Tokens these penalties look at; -1 is all (64)' }),
  logitBias: biases({ help: 'Added to a token’s logit; -inf rules it out. Repeatable' }),
  seed: integer({ min: 0, max: 2 ** 32 - 1 }, { help: 'Same seed, same tokens (random)' }),
};

/** The sampling options among `values`, as the engine takes them. */
export function samplingFrom(values: Partial<Values<typeof SAMPLING>>): SamplingOptions {
  const given = Object.keys(SAMPLING).filter((name) => values[name as keyof typeof SAMPLING] !== undefined);
  return Object.fromEntries(given.map((name) => [name, values[name as keyof typeof SAMPLING]]));
}

/** The load options among `values`. */
export function loadOptionsFrom(
  values: Partial<Values<typeof ENGINE>> & Pick<LoadOptions, 'prefixCacheBytes'> & { readonly draftModel?: string },
): LoadOptions {
  return {
    threads: values.threads,
    contextLength: values.context,
    maxBatchTokens: values.batch,
    maxSequences: values.maxSequences,
    ropeScaling: values.ropeScaling,
    ropeTheta: values.ropeTheta,
    kvType: values.kv,
    prefixCacheBytes: values.prefixCacheBytes,
    draftModel: values.draftModel,
    deterministic: values.deterministic,
    maxMemory: values.maxMemory,
    cacheDir: values.cacheDir,
    offline: values.offline,
  };
}

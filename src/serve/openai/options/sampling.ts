// The sampling fields of a request, by OpenAI's names and those of llama.cpp's server, as the engine's options.
import { z } from 'zod';
import type { SamplingOptions } from '../../../engine/sampler/options.ts';
import type { GenerateOptions } from '../../../engine/types.ts';
import { invalidRequest } from '../../api-error.ts';
import type { Served } from '../../requests/exchange.ts';
import { breakerIds } from './sequence-breakers.ts';

/** Whole seeds that a JSON number holds; the engine's have 32 bits. */
const MAX_SEED = Number.MAX_SAFE_INTEGER;
const SEEDS = 2 ** 32;
const MAX_BREAKERS = 16;
/** As many tokens as there may be, where a limit is not a limit. */
const lastTokens = z.int().min(-1).max(1e9);

/** As OpenAI has them. Null is as good as nothing. */
export const OPENAI_SAMPLING = {
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  seed: z.int().min(-1).max(MAX_SEED).nullish().describe('The same seed gives the same tokens; modulo 2^32, and -1 is a random one'),
  logit_bias: z.record(z.string().regex(/^\d+$/, 'must be ids of tokens'), z.number().min(-100).max(100)).nullish(),
  presence_penalty: z.number().min(-2).max(2).nullish(),
  frequency_penalty: z.number().min(-2).max(2).nullish(),
};

/** As llama.cpp's server has them. */
export const LLAMA_SAMPLING = {
  top_k: z.int().min(0).max(1e9).nullish().describe('Extension: keep the K likeliest tokens; 0 keeps all'),
  min_p: z.number().min(0).max(1).nullish().describe('Extension: drop tokens below this share of the likeliest'),
  typical_p: z.number().gt(0).max(1).nullish().describe('Extension: locally typical sampling, mass to keep; 1 is off'),
  repeat_penalty: z.number().min(0.01).max(100).nullish().describe('Extension: penalty on recent tokens, 1 is none'),
  repetition_penalty: z.number().min(0.01).max(100).nullish().describe('Extension: the same as repeat_penalty'),
  repeat_last_n: lastTokens.nullish().describe('Extension: recent tokens that the three penalties look at; -1 is all'),
  xtc_probability: z.number().min(0).max(1).nullish().describe('Extension: chance that XTC drops the top choices; 0 is off'),
  xtc_threshold: z.number().min(0).max(1).nullish().describe('Extension: probability that makes a top choice'),
  dry_multiplier: z.number().min(0).max(100).nullish().describe('Extension: DRY’s penalty on going on with a repetition; 0 is off'),
  dry_base: z.number().min(1).max(100).nullish().describe('Extension: DRY’s growth per token'),
  dry_allowed_length: z.int().min(1).max(1e9).nullish().describe('Extension: repetitions up to this length are free'),
  dry_penalty_last_n: lastTokens.nullish().describe('Extension: tokens that DRY looks back over; -1 is all'),
  dry_sequence_breakers: z.array(z.string().min(1).max(64)).max(MAX_BREAKERS).nullish()
    .describe('Extension: a token with one of these texts in it ends what DRY takes for a repetition'),
  mirostat: z.int().min(0).max(2).refine((version) => version !== 1, 'version 1 is not offered: 0 is off, 2 is on').nullish()
    .describe('Extension: 2 is mirostat v2 in place of the truncations, 0 is off'),
  mirostat_tau: z.number().gt(0).max(100).nullish().describe('Extension: the surprise that mirostat aims at'),
  mirostat_eta: z.number().gt(0).max(1).nullish().describe('Extension: mirostat’s learning rate'),
  ignore_eos: z.boolean().nullish().describe('Extension: go on past the end of the text'),
};

type Shapes = typeof OPENAI_SAMPLING & typeof LLAMA_SAMPLING;
type Fields = { readonly [K in keyof Shapes]?: z.infer<Shapes[K]> };

/** Fields that are the engine's options by another name; of two for one option, errors name the first. */
export const OPTIONS = {
  temperature: 'temperature', top_k: 'topK', min_p: 'minP', typical_p: 'typicalP', repeat_penalty: 'repetitionPenalty',
  repetition_penalty: 'repetitionPenalty', repeat_last_n: 'penaltyLastN', presence_penalty: 'presencePenalty',
  frequency_penalty: 'frequencyPenalty', xtc_probability: 'xtcProbability', xtc_threshold: 'xtcThreshold', dry_multiplier: 'dryMultiplier',
  dry_base: 'dryBase', dry_allowed_length: 'dryAllowedLength', dry_penalty_last_n: 'dryPenaltyLastN', mirostat: 'mirostat',
  mirostat_tau: 'mirostatTau', mirostat_eta: 'mirostatEta', ignore_eos: 'ignoreEos',
} as const satisfies { readonly [K in keyof Fields]?: keyof GenerateOptions };

/** What a request says about sampling, and the server's defaults where it says nothing. Throws ApiError. */
export function samplingOptions(request: Fields, { engine, defaults }: Pick<Served, 'engine' | 'defaults'>): SamplingOptions & Pick<GenerateOptions, 'ignoreEos'> {
  const { repeat_penalty: one, repetition_penalty: other } = request;
  if (isGiven(one) && isGiven(other) && one !== other) {
    throw invalidRequest('repeat_penalty and repetition_penalty contradict each other.', 'repetition_penalty');
  }
  const named = Object.entries(OPTIONS)
    .flatMap(([field, option]) => (isGiven(request[field as keyof typeof OPTIONS]) ? [[option, request[field as keyof typeof OPTIONS]]] : []));
  const breakers = request.dry_sequence_breakers;
  return {
    ...defaults,
    ...Object.fromEntries(named) as SamplingOptions,
    ...massOf(request),
    ...(isGiven(request.seed) && { seed: request.seed === -1 ? undefined : request.seed % SEEDS }),
    ...(request.logit_bias && { logitBias: biasOf(request.logit_bias, engine.model.vocabSize) }),
    ...(breakers && { drySequenceBreakers: breakerIds(engine.tokenizer, breakers) }),
  };
}

/** The engine wants a mass above 0: a `top_p` of 0 is the likeliest token alone, whatever `top_k` is, which topK 1 says. */
function massOf({ top_p: topP }: Fields): SamplingOptions {
  if (!isGiven(topP)) return {};
  return topP > 0 ? { topP } : { topP: 1, topK: 1 };
}

function biasOf(biases: Readonly<Record<string, number>>, vocabSize: number): Record<number, number> {
  const wrong = Object.keys(biases).find((id) => Number(id) >= vocabSize);
  if (wrong !== undefined) {
    throw invalidRequest(`logit_bias has the token id ${wrong.slice(0, 20)}, which is outside the vocabulary (0 … ${vocabSize - 1}).`, 'logit_bias', 'invalid_value');
  }
  return Object.fromEntries(Object.entries(biases).map(([id, bias]) => [Number(id), bias]));
}

function isGiven<T>(value: T): value is NonNullable<T> {
  return value !== undefined && value !== null;
}

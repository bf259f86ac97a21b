// What each endpoint takes: zod schemas, from which requests are checked and the OpenAPI document is generated.
import { z } from 'zod';
import { STRUCTURE } from './structure.ts';
import { TOOLS } from './tools.ts';

const LONGEST_NAME = 256;
const MAX_CHOICES = 16;
const MAX_INPUTS = 256;
export const MAX_MESSAGES = 2048;

const tokenIds = z.array(z.int().min(0)).min(1);
const stop = z.union([z.string().min(1), z.array(z.string().min(1)).max(16), z.null()]);

/** Fields that clients send for services which this server is not; they change nothing here. */
export const WITHOUT_EFFECT = {
  user: z.string().optional(),
  metadata: z.record(z.string(), z.string()).nullish(),
  store: z.boolean().nullish(),
  service_tier: z.string().nullish(),
  safety_identifier: z.string().optional(),
  prompt_cache_key: z.string().optional(),
};

export const SAMPLING = {
  model: z.string().max(LONGEST_NAME).describe('Id of a served model, as /v1/models lists it'),
  stream: z.boolean().nullish(),
  stream_options: z.strictObject({
    include_usage: z.boolean().nullish(), include_obfuscation: z.boolean().nullish(),
  }).nullish(),
  max_tokens: z.int().min(1).nullish(),
  n: z.int().min(1).max(MAX_CHOICES).nullish(),
  stop: stop.optional(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  seed: z.int().min(0).max(2 ** 32 - 1).nullish(),
  logit_bias: z.record(z.string().regex(/^\d+$/), z.number().min(-100).max(100)).nullish(),
  presence_penalty: z.number().min(-2).max(2).nullish(),
  frequency_penalty: z.number().min(-2).max(2).nullish(),
  top_k: z.int().min(0).optional().describe('Extension: keep the K likeliest tokens; 0 keeps all'),
  min_p: z.number().min(0).max(1).optional().describe('Extension: drop tokens below this share of the likeliest'),
  repetition_penalty: z.number().min(0.01).max(100).optional().describe('Extension: penalty on recent tokens, 1 is none'),
  ignore_eos: z.boolean().optional().describe('Extension: go on past the end of the text'),
  ...STRUCTURE,
};

const message = z.looseObject({
  role: z.string().min(1).max(LONGEST_NAME),
  content: z.union([z.string(), z.array(z.looseObject({ type: z.string() })), z.null()]).optional(),
});

/** One text or list of ids, or several of them, as a list. */
export function inputsOf(input: string | readonly number[] | readonly string[] | readonly (readonly number[])[]): readonly (string | readonly number[])[] {
  const isOne = typeof input === 'string' || typeof input[0] === 'number';
  return isOne ? [input as string | readonly number[]] : input as readonly (string | readonly number[])[];
}

export const ChatRequest = z.strictObject({
  ...SAMPLING,
  messages: z.array(message).min(1).max(MAX_MESSAGES, `this server takes at most ${MAX_MESSAGES} messages`),
  max_completion_tokens: z.int().min(1).nullish(),
  logprobs: z.boolean().nullish(),
  top_logprobs: z.int().min(0).max(20).nullish(),
  ...TOOLS,
  chat_template_kwargs: z.record(z.string(), z.unknown()).optional()
    .describe('Extension: further variables for the chat template, such as enable_thinking'),
  ...WITHOUT_EFFECT,
});

export const CompletionRequest = z.strictObject({
  ...SAMPLING,
  prompt: z.union([
    z.string(), tokenIds, z.array(z.string()).min(1).max(MAX_CHOICES), z.array(tokenIds).min(1).max(MAX_CHOICES),
  ]),
  logprobs: z.int().min(0).max(20).nullish(),
  ...WITHOUT_EFFECT,
});

export const EmbeddingsRequest = z.strictObject({
  model: z.string().max(LONGEST_NAME),
  input: z.union([
    z.string().min(1), tokenIds, z.array(z.string().min(1)).min(1).max(MAX_INPUTS), z.array(tokenIds).min(1).max(MAX_INPUTS),
  ]),
  encoding_format: z.enum(['float', 'base64']).nullish(),
  dimensions: z.int().min(1).nullish(),
  user: z.string().optional(),
});

export const RerankRequest = z.strictObject({
  model: z.string().max(LONGEST_NAME),
  query: z.string().min(1),
  documents: z.array(z.union([z.string().min(1), z.strictObject({ text: z.string().min(1) })])).min(1).max(MAX_INPUTS),
  top_n: z.int().min(1).nullish(),
  return_documents: z.boolean().nullish(),
});

export const TokenizeRequest = z.strictObject({
  model: z.string().max(LONGEST_NAME).optional(),
  content: z.string(),
  add_special: z.boolean().optional(),
  parse_special: z.boolean().optional(),
});

export const DetokenizeRequest = z.strictObject({
  model: z.string().max(LONGEST_NAME).optional(),
  tokens: z.array(z.int().min(0)),
});

export type ChatRequest = z.infer<typeof ChatRequest>;
export type CompletionRequest = z.infer<typeof CompletionRequest>;
export type SamplingRequest = { readonly [K in keyof typeof SAMPLING]?: z.infer<(typeof SAMPLING)[K]> };

// What each endpoint takes: zod schemas, from which requests are checked and the OpenAPI document is generated.
import { z } from 'zod';
import { LLAMA_SAMPLING, OPENAI_SAMPLING } from './options/sampling.ts';
import { STRUCTURE } from './options/structure.ts';
import { TOOLS } from './tools.ts';

const LONGEST_NAME = 256;
const MAX_CHOICES = 16;
const MAX_INPUTS = 256;
export const MAX_MESSAGES = 2048;

const tokenIds = z.array(z.int().min(0)).min(1);
const stop = z.union([z.string().min(1), z.array(z.string().min(1)).max(16), z.null()]);

/** Fields that clients send for services which this server is not; they change nothing here. */
export const WITHOUT_EFFECT = {
  user: z.string().nullish(),
  metadata: z.record(z.string(), z.string()).nullish(),
  store: z.boolean().nullish(),
  service_tier: z.string().nullish(),
  safety_identifier: z.string().nullish(),
  prompt_cache_key: z.string().nullish(),
};

/** How long answers are is the model's own, which OpenAI calls medium. */
export const verbosity = z.literal('medium', 'how long answers are is up to the model here, which is "medium"').nullish();
const nothing = z.null('this server does not have it').optional();

/** Fields for what this server does not do, which clients send as null, or with the value that says so. */
const CHAT_ONLY_AS_IT_IS = {
  modalities: z.array(z.literal('text', 'answers are text alone')).min(1).nullish(),
  verbosity, audio: nothing, prediction: nothing, web_search_options: nothing, functions: nothing, function_call: nothing,
};
const COMPLETIONS_ONLY_AS_IT_IS = {
  best_of: z.literal(1, 'this server does not choose among answers: ask for n').nullish(),
  echo: z.literal(false, 'this server does not repeat the prompt').nullish(), suffix: nothing,
};

/** Which model answers. */
const MODEL = { model: z.string().max(LONGEST_NAME).nullish().describe('Id of a served model, as /v1/models lists it; needed where there are several') };
const LIMIT = 'must be a whole number of at least 1, or -1 for no limit';
/** New tokens at most; -1 is no limit, as llama.cpp's server has it. */
const limit = z.int().min(-1, LIMIT).refine((length) => length !== 0, LIMIT);

export const SAMPLING = {
  ...MODEL,
  stream: z.boolean().nullish(),
  stream_options: z.strictObject({
    include_usage: z.boolean().nullish(), include_obfuscation: z.boolean().nullish(),
  }).nullish(),
  max_tokens: limit.nullish(),
  n_predict: limit.nullish().describe('Extension: the same as max_tokens'),
  n: z.int().min(1).max(MAX_CHOICES).nullish(),
  stop: stop.optional(),
  ...OPENAI_SAMPLING,
  ...LLAMA_SAMPLING,
  cache_prompt: z.boolean().nullish().describe('Extension: changes nothing, as prompts are always remembered'),
  ...STRUCTURE,
};

/** Who speaks, as OpenAI's API has it now. */
const ROLES = ['system', 'developer', 'user', 'assistant', 'tool'] as const;

const message = z.looseObject({
  role: z.enum(ROLES, `must be one of ${ROLES.join(', ')}`),
  content: z.union([z.string(), z.array(z.looseObject({ type: z.string() })), z.null()], 'must be a string or an array of { type: "text", text }').optional(),
});

/** One text or list of ids, or several of them, as a list. */
export function inputsOf(input: string | readonly number[] | readonly string[] | readonly (readonly number[])[]): readonly (string | readonly number[])[] {
  const isOne = typeof input === 'string' || typeof input[0] === 'number';
  return isOne ? [input as string | readonly number[]] : input as readonly (string | readonly number[])[];
}

/** How much a model thinks before it answers, where its template knows of that; nothing for one that does not think. */
export const effort = z.enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh']);

/** Variables that templates of models that think know: Qwen 3 and its kin, gpt-oss. */
export function thinkingOptions(wanted: z.infer<typeof effort> | null | undefined): Readonly<Record<string, unknown>> {
  if (wanted === undefined || wanted === null) return {};
  return wanted === 'none' ? { enable_thinking: false } : { enable_thinking: true, reasoning_effort: wanted };
}

export const ChatRequest = z.strictObject({
  ...SAMPLING,
  messages: z.array(message).min(1).max(MAX_MESSAGES, `this server takes at most ${MAX_MESSAGES} messages`),
  max_completion_tokens: limit.nullish(),
  logprobs: z.boolean().nullish(),
  top_logprobs: z.int().min(0).max(20).nullish(),
  ...TOOLS,
  reasoning_effort: effort.nullish(),
  chat_template_kwargs: z.record(z.string(), z.unknown()).optional()
    .describe('Extension: further variables for the chat template, such as enable_thinking'),
  ...CHAT_ONLY_AS_IT_IS,
  ...WITHOUT_EFFECT,
});

export const CompletionRequest = z.strictObject({
  ...SAMPLING,
  prompt: z.union([
    z.string(), tokenIds, z.array(z.string()).min(1).max(MAX_CHOICES), z.array(tokenIds).min(1).max(MAX_CHOICES),
  ]),
  logprobs: z.int().min(0).max(20).nullish(),
  ...COMPLETIONS_ONLY_AS_IT_IS,
  ...WITHOUT_EFFECT,
});

export const EmbeddingsRequest = z.strictObject({
  ...MODEL,
  input: z.union([
    z.string().min(1), tokenIds, z.array(z.string().min(1)).min(1).max(MAX_INPUTS), z.array(tokenIds).min(1).max(MAX_INPUTS),
  ]),
  encoding_format: z.enum(['float', 'base64']).nullish(),
  dimensions: z.int().min(1).nullish(),
  user: WITHOUT_EFFECT.user,
});

export const RerankRequest = z.strictObject({
  ...MODEL,
  query: z.string().min(1),
  documents: z.array(z.union([z.string().min(1), z.strictObject({ text: z.string().min(1) })])).min(1).max(MAX_INPUTS),
  top_n: z.int().min(1).nullish(),
  return_documents: z.boolean().nullish(),
});

export const TokenizeRequest = z.strictObject({
  ...MODEL,
  content: z.string(),
  add_special: z.boolean().optional(),
  parse_special: z.boolean().optional(),
});

export const DetokenizeRequest = z.strictObject({
  ...MODEL,
  tokens: z.array(z.int().min(0)),
});

export type ChatRequest = z.infer<typeof ChatRequest>;
export type CompletionRequest = z.infer<typeof CompletionRequest>;

// What /v1/responses takes: the zod schema of its body, and its fields in the terms of chat completions.
import { z } from 'zod';
import { invalidRequest } from '../api-error.ts';
import { LLAMA_SAMPLING, OPENAI_SAMPLING } from '../openai/options/sampling.ts';
import { MAX_MESSAGES, SAMPLING, WITHOUT_EFFECT, effort, verbosity } from '../openai/schemas.ts';
import { jsonSchema } from '../openai/options/structure.ts';
import type { AnswerForm } from '../openai/options/structure.ts';
import { FUNCTION, MAX_TOOLS, toolList } from '../openai/tools.ts';
import type { OfferedTools } from '../openai/tools.ts';

const inputText = z.looseObject({ type: z.literal('input_text'), text: z.string() });
const outputText = z.looseObject({ type: z.literal('output_text'), text: z.string() });
const idAndStatus = { id: z.string().nullish(), status: z.string().nullish() };

const message = z.strictObject({
  type: z.literal('message').optional(),
  role: z.enum(['user', 'assistant', 'system', 'developer']),
  content: z.union([z.string(), z.array(z.discriminatedUnion('type', [inputText, outputText], 'must be input_text or output_text, the only kinds supported'))]),
  phase: z.string().nullish(),
  ...idAndStatus,
});
const functionCall = z.looseObject({
  type: z.literal('function_call'), call_id: z.string().min(1), name: z.string().min(1), arguments: z.string(), ...idAndStatus,
});
const functionCallOutput = z.strictObject({
  type: z.literal('function_call_output'), call_id: z.string().min(1), output: z.union([z.string(), z.array(inputText)]), ...idAndStatus,
});

const namedFunction = z.strictObject({ type: z.literal('function'), name: z.string().min(1) });

export const ResponsesRequest = z.strictObject({
  model: SAMPLING.model,
  input: z.union([
    z.string(),
    z.array(z.discriminatedUnion('type', [message, functionCall, functionCallOutput], 'must be message, function_call or function_call_output')).min(1).max(MAX_MESSAGES, `this server takes at most ${MAX_MESSAGES} items`),
  ]),
  instructions: z.string().nullish(),
  max_output_tokens: z.int().min(1).nullish(),
  text: z.strictObject({
    format: z.discriminatedUnion('type', [
      z.strictObject({ type: z.literal('text') }),
      z.strictObject({ type: z.literal('json_object') }),
      z.strictObject({
        type: z.literal('json_schema'), name: z.string().regex(/^[\w.-]{1,64}$/), schema: jsonSchema,
        description: z.string().nullish(), strict: z.boolean().nullish(),
      }),
    ]).optional(),
    verbosity,
  }).nullish(),
  tools: toolList(z.strictObject({ type: z.literal('function'), ...FUNCTION })).nullish(),
  tool_choice: z.union([
    z.enum(['none', 'auto', 'required']),
    z.discriminatedUnion('type', [
      namedFunction,
      z.strictObject({ type: z.literal('allowed_tools'), mode: z.enum(['auto', 'required']), tools: z.array(namedFunction).min(1).max(MAX_TOOLS) }),
    ]),
  ]).nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  include: z.array(z.enum(['message.output_text.logprobs', 'reasoning.encrypted_content'])).nullish(),
  top_logprobs: z.int().min(0).max(20).nullish(),
  truncation: z.enum(['auto', 'disabled']).nullish(),
  stream: SAMPLING.stream,
  stream_options: SAMPLING.stream_options,
  ...OPENAI_SAMPLING,
  ...LLAMA_SAMPLING,
  reasoning: z.strictObject({ effort: effort.nullish(), summary: z.string().nullish(), generate_summary: z.string().nullish() }).nullish()
    .describe('There are no summaries'),
  chat_template_kwargs: z.record(z.string(), z.unknown()).optional(),
  ...WITHOUT_EFFECT,
  store: z.literal(false, 'this server stores no responses').nullish(),
  background: z.literal(false, 'this server runs no request in the background').nullish(),
  previous_response_id: z.null('this server stores no responses: send the earlier items as input').optional(),
  conversation: z.null('this server stores no conversations: send the earlier items as input').optional(),
  prompt: z.null('this server stores no prompts: send its text').optional(),
});

export type ResponsesRequest = z.infer<typeof ResponsesRequest>;

export function textForm({ text }: ResponsesRequest): AnswerForm | undefined {
  const format = text?.format;
  if (!format || format.type === 'text') return undefined;
  return { field: 'text.format', options: format.type === 'json_object' ? { json: true } : { jsonSchema: format.schema } };
}

export function responseTools({ tools, tool_choice: choice, parallel_tool_calls: parallel }: ResponsesRequest): OfferedTools {
  const shared = { functions: tools ?? [], parallel: parallel ?? undefined };
  if (typeof choice !== 'object' || choice === null) return { ...shared, choice: choice ?? undefined };
  if (choice.type === 'function') return { ...shared, choice: { name: choice.name } };
  return { ...shared, choice: choice.mode, allowed: choice.tools.map(({ name }) => name) };
}

/** Log-probabilities of so many others, if any are asked for. Throws ApiError for a number that nothing asks for. */
export function logprobsOf({ include, top_logprobs: top }: ResponsesRequest): number | undefined {
  if (include?.includes('message.output_text.logprobs')) return top ?? 0;
  if (top) throw invalidRequest('top_logprobs needs "message.output_text.logprobs" in include.', 'top_logprobs');
  return undefined;
}

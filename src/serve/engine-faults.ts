// The engine's errors about what a request says, in the request's own terms: its fields, not the engine's options.
import type { ClawdbotError, ContextLengthError } from '../errors.ts';
import { ApiError, invalidRequest, isTyped } from './api-error.ts';
import { OPTIONS } from './openai/options/sampling.ts';

/** Fields by the engine's options. Of those that sampling names twice the first counts, which is set last. */
const FIELDS: ReadonlyMap<string, string> = new Map([
  ...Object.entries(OPTIONS).reverse().map(([field, option]): [string, string] => [option, field]),
  ...Object.entries({
    topP: 'top_p', drySequenceBreakers: 'dry_sequence_breakers', logitBias: 'logit_bias', maxTokens: 'max_tokens', jsonSchema: 'json_schema',
    toolChoice: 'tool_choice', parallelToolCalls: 'parallel_tool_calls', templateOptions: 'chat_template_kwargs',
  }),
  ...['seed', 'logprobs', 'stop', 'n', 'grammar', 'tools', 'messages'].map((name): [string, string] => [name, name]),
]);
/** The engine says first what is wrong: an option, or a place in it. */
const NAMED = /^(\w+)((?:\[\d+\]|\.\w+)*)/;
/** What is wrong with the request, by code. */
const ABOUT_REQUEST = new Set(['ERR_INVALID_ARGUMENT', 'ERR_TOKENIZER', 'ERR_SAMPLING', 'ERR_CHAT_TEMPLATE']);

/** `subject` is the field that is wrong where the engine names none; `hint` how to get a longer context. Other errors stay as they are. */
export function engineFault(error: unknown, subject: string | undefined, hint: string | undefined): unknown {
  if (isTyped<ContextLengthError>(error, 'ERR_CONTEXT_LENGTH')) return contextTooShort(error, subject, hint);
  if (!isTyped<ClawdbotError>(error) || !ABOUT_REQUEST.has(error.code)) return error;
  const [whole = '', name = '', place = ''] = NAMED.exec(error.message) ?? [];
  const field = FIELDS.get(name);
  if (field === undefined) return invalidRequest(error.message, subject, 'invalid_value');
  return invalidRequest(`${field}${place}${error.message.slice(whole.length)}`, field + place, 'invalid_value');
}

function contextTooShort(
  { message, requested, contextLength }: ContextLengthError, subject: string | undefined, hint = 'load the model with a larger contextLength',
): ApiError {
  return new ApiError(400, message.replace('load the model with a larger contextLength', hint), {
    type: 'exceed_context_size_error', code: 'context_length_exceeded', param: subject,
    more: { n_prompt_tokens: requested, n_ctx: contextLength },
  });
}

// The engine's errors about what a request says, in the request's own terms: its fields, not the engine's options.
import type { ClawdbotError, ContextLengthError } from '../errors.ts';
import { ApiError, invalidRequest, isTyped } from './api-error.ts';

/** Options of the engine whose names no request knows; the others are fields as they are. */
const FIELDS: ReadonlyMap<string, string> = new Map(Object.entries({
  topK: 'top_k', topP: 'top_p', minP: 'min_p', typicalP: 'typical_p', xtcProbability: 'xtc_probability', xtcThreshold: 'xtc_threshold',
  dryMultiplier: 'dry_multiplier', dryBase: 'dry_base', dryAllowedLength: 'dry_allowed_length', dryPenaltyLastN: 'dry_penalty_last_n',
  drySequenceBreakers: 'dry_sequence_breakers', mirostatTau: 'mirostat_tau', mirostatEta: 'mirostat_eta',
  repetitionPenalty: 'repeat_penalty', presencePenalty: 'presence_penalty', frequencyPenalty: 'frequency_penalty',
  penaltyLastN: 'repeat_last_n', logitBias: 'logit_bias', maxTokens: 'max_tokens', ignoreEos: 'ignore_eos', jsonSchema: 'json_schema',
  toolChoice: 'tool_choice', parallelToolCalls: 'parallel_tool_calls', templateOptions: 'chat_template_kwargs',
}));
const SAME = new Set(['temperature', 'mirostat', 'seed', 'logprobs', 'stop', 'n', 'grammar', 'tools', 'messages']);
/** The engine says first what is wrong: an option, or a place in it. */
const NAMED = /^(\w+)((?:\[\d+\]|\.\w+)*)/;
/** What is wrong with the request, by code. */
const ABOUT_REQUEST = new Set(['ERR_INVALID_ARGUMENT', 'ERR_TOKENIZER', 'ERR_SAMPLING', 'ERR_CHAT_TEMPLATE']);

/** `subject` is the field that is wrong where the engine names none; `hint` how to get a longer context. Other errors stay as they are. */
export function engineFault(error: unknown, subject: string | undefined, hint: string | undefined): unknown {
  if (isTyped<ContextLengthError>(error, 'ERR_CONTEXT_LENGTH')) return contextTooShort(error, subject, hint);
  if (!isTyped<ClawdbotError>(error) || !ABOUT_REQUEST.has(error.code)) return error;
  const [whole = '', name = '', place = ''] = NAMED.exec(error.message) ?? [];
  const field = FIELDS.get(name) ?? (SAME.has(name) ? name : undefined);
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

// POST /v1/chat/completions: a conversation's next turn, whole or as a stream.
import type { ChatMessage } from '../../chat/messages.ts';
import type { GenerateChunk, GenerateTimings, ToolCallResult } from '../../engine/types.ts';
import { invalidRequest } from '../api-error.ts';
import { collect } from './collect.ts';
import type { Exchange, Served } from '../requests/exchange.ts';
import { generate } from './generate.ts';
import { generateOptions, tokenLimit } from './options/generate-options.ts';
import { chatLogprobs, refuseTooMany } from './logprobs.ts';
import { thinkingOptions } from './schemas.ts';
import type { ChatRequest } from './schemas.ts';
import { answerForm } from './options/structure.ts';
import { chatCall, chatCallDeltas, chatTools, toolOptions } from './tools.ts';
import { timingsOf, usageOf } from './usage.ts';

export async function chatCompletions(exchange: Exchange, request: Request, body: ChatRequest): Promise<Response> {
  refuseContradictions(body);
  const messages = body.messages.map(asTemplatesSayIt);
  if (body.stream) return exchange.stream(request, body.model, true, (served) => stream(served, messages, body));
  return exchange.answer(request, body.model, (served) => whole(served, messages, body));
}

/** Throws ApiError for fields of which one would have to be ignored, before anybody waits for a model. */
function refuseContradictions(body: ChatRequest): void {
  if (body.top_logprobs && !body.logprobs) throw invalidRequest('top_logprobs needs logprobs: true.', 'top_logprobs');
  maxTokensOf(body);
  answerForm(body);
  toolOptions(chatTools(body));
  checkResults(body.messages);
}

const maxTokensOf = ({ max_tokens, n_predict, max_completion_tokens }: ChatRequest): number | undefined =>
  tokenLimit({ max_tokens, n_predict, max_completion_tokens });

/** Throws ApiError for a result of no call: templates would write it as if there had been one. */
function checkResults(messages: ChatRequest['messages']): void {
  const called = new Set<unknown>();
  messages.forEach((message, i) => {
    const { role, tool_calls: calls, tool_call_id: id } = message as ChatRequest['messages'][number] & { tool_calls?: unknown; tool_call_id?: unknown };
    if (role === 'assistant' && Array.isArray(calls)) for (const call of calls as ({ id?: unknown } | null)[]) called.add(call?.id);
    if (role !== 'tool' || (typeof id === 'string' && called.has(id))) return;
    throw invalidRequest(`messages[${i}]: a message of the role "tool" needs the tool_call_id of a call in an assistant message before it.`, `messages[${i}].tool_call_id`, 'invalid_value');
  });
}

/** `developer` is what newer clients call `system`, the name that chat templates know. */
function asTemplatesSayIt(message: ChatRequest['messages'][number]): ChatMessage {
  return { ...message, role: message.role === 'developer' ? 'system' : message.role } as ChatMessage;
}

function answerTo(served: Served, messages: ChatMessage[], body: ChatRequest): AsyncGenerator<GenerateChunk, void, void> {
  const form = answerForm(body);
  return generate(served, messages, {
    ...generateOptions(body, served),
    ...form?.options,
    ...toolOptions(chatTools(body)),
    maxTokens: maxTokensOf(body),
    logprobs: body.logprobs ? (body.top_logprobs ?? 0) : undefined,
    templateOptions: { ...thinkingOptions(body.reasoning_effort), ...body.chat_template_kwargs },
  }, form?.field);
}

const head = (object: string, model: string): { id: string; object: string; created: number; model: string } =>
  ({ id: `chatcmpl-${crypto.randomUUID()}`, object, created: Math.floor(Date.now() / 1000), model });

async function whole(served: Served, messages: ChatMessage[], body: ChatRequest): Promise<object> {
  refuseTooMany(served, {
    numChoices: body.n ?? 1, maxTokens: maxTokensOf(body), others: body.logprobs ? body.top_logprobs ?? 0 : undefined,
    field: body.max_completion_tokens ? 'max_completion_tokens' : 'max_tokens',
  });
  const turns = await collect(answerTo(served, messages, body));
  const timings = turns.map((turn) => turn.timings);
  return {
    ...head('chat.completion', served.model),
    choices: turns.map(({ text, logprobs, finishReason, toolCalls }, index) => ({
      index,
      message: messageOf(text, toolCalls),
      logprobs: body.logprobs ? chatLogprobs(logprobs, served.engine.tokenizer) : null,
      finish_reason: finishReason,
    })),
    usage: usageOf([timings]),
    timings: timingsOf(timings[0]!),
  };
}

function messageOf(text: string, calls: readonly ToolCallResult[]): object {
  const message = { role: 'assistant', content: text === '' && calls.length > 0 ? null : text, refusal: null };
  return calls.length === 0 ? message : { ...message, tool_calls: calls.map(chatCall) };
}

async function* stream(served: Served, messages: ChatMessage[], body: ChatRequest): AsyncGenerator<object, void, void> {
  const frame = head('chat.completion.chunk', served.model);
  const wantsUsage = body.stream_options?.include_usage ?? false;
  const started = new Set<number>();
  const timings: GenerateTimings[] = [];
  const chunkOf = (index: number, delta: object, logprobs: object | null, finishReason: string | null, more?: object): object => ({
    ...frame,
    choices: [{ index, delta, logprobs, finish_reason: finishReason }],
    ...(wantsUsage && { usage: null }),
    ...more,
  });
  for await (const { index, text, logprobs, toolCalls, finishReason, timings: measured } of answerTo(served, messages, body)) {
    const hasContent = text !== '' || (logprobs?.length ?? 0) > 0;
    if (!started.has(index) && (hasContent || toolCalls || finishReason)) {
      started.add(index);
      yield chunkOf(index, { role: 'assistant', content: toolCalls && !hasContent ? null : '' }, null, null);
    }
    if (hasContent) yield chunkOf(index, { content: text }, body.logprobs ? chatLogprobs(logprobs ?? [], served.engine.tokenizer) : null, null);
    if (toolCalls) yield chunkOf(index, { tool_calls: chatCallDeltas(toolCalls) }, null, null);
    if (measured) timings[index] = measured;
    if (finishReason) yield chunkOf(index, {}, null, finishReason, measured && { timings: timingsOf(measured) });
  }
  if (wantsUsage) yield { ...frame, choices: [], usage: usageOf([timings]) };
}

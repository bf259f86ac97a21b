// POST /v1/responses: an answer to items of a conversation, whole or as a stream of events. Nothing is stored.
import { SAMPLING_DEFAULTS } from '../../engine/sampler/options.ts';
import type { GenerateChunk, GenerateTimings } from '../../engine/types.ts';
import type { Exchange, Served } from '../requests/exchange.ts';
import { generate } from '../openai/generate.ts';
import { generateOptions } from '../openai/options/generate-options.ts';
import { refuseTooMany } from '../openai/logprobs.ts';
import { thinkingOptions } from '../openai/schemas.ts';
import { toolOptions } from '../openai/tools.ts';
import { conversationOf } from './conversation.ts';
import { ResponseOutput, newId } from './output.ts';
import type { OutputEvent } from './output.ts';
import { logprobsOf, responseTools, textForm } from './request.ts';
import type { ResponsesRequest } from './request.ts';

export async function responses(exchange: Exchange, request: Request, body: ResponsesRequest): Promise<Response> {
  textForm(body);
  toolOptions(responseTools(body));
  logprobsOf(body);
  conversationOf(body);
  if (body.stream) return exchange.stream(request, body.model, false, (served) => numbered(events(served, body)));
  return exchange.answer(request, body.model, async (served) => {
    let last: OutputEvent | undefined;
    for await (const event of events(served, body)) last = event;
    return last!['response'] as object;
  });
}

async function* numbered(unnumbered: AsyncGenerator<OutputEvent, void, void>): AsyncGenerator<OutputEvent, void, void> {
  let number = 0;
  for await (const event of unnumbered) yield { ...event, sequence_number: number++ };
}

/** The last event has the whole response. */
async function* events(served: Served, body: ResponsesRequest): AsyncGenerator<OutputEvent, void, void> {
  // Its last event has all of it, also of a stream.
  refuseTooMany(served, { numChoices: 1, maxTokens: longest(served, body), others: logprobsOf(body), field: 'max_output_tokens' });
  const output = new ResponseOutput(logprobsOf(body) === undefined ? undefined : served.engine.tokenizer);
  const frame = frameOf(served, body);
  const response = (more: object): object => ({ ...frame, status: 'in_progress', output: output.items(), usage: null, ...more });
  let hasBegun = false;
  for await (const chunk of answerTo(served, body)) {
    // Only now is it certain that the request can be answered.
    if (!hasBegun) for (const type of ['response.created', 'response.in_progress']) yield { type, response: response({}) };
    hasBegun = true;
    yield* output.take(chunk);
    if (!chunk.finishReason) continue;
    const isCut = chunk.finishReason === 'length';
    const status = isCut ? 'incomplete' : 'completed';
    yield* output.end(status);
    yield {
      type: `response.${status}`,
      response: response({ status, usage: usageOf(chunk.timings!), ...(isCut && { incomplete_details: { reason: 'max_output_tokens' } }) }),
    };
  }
}

function answerTo(served: Served, body: ResponsesRequest): AsyncGenerator<GenerateChunk, void, void> {
  const form = textForm(body);
  return generate(served, conversationOf(body), {
    ...generateOptions(body, served),
    ...form?.options,
    ...toolOptions(responseTools(body)),
    maxTokens: longest(served, body),
    logprobs: logprobsOf(body),
    templateOptions: { ...thinkingOptions(body.reasoning?.effort), ...body.chat_template_kwargs },
    ...(body.truncation && { contextPolicy: body.truncation === 'auto' ? 'slide' : 'error' }),
  }, form?.field);
}

/** Where sliding is the client's choice, an answer is no longer than the context, as it is without: it would hold its place for ever. */
function longest({ engine, contextPolicy }: Served, { max_output_tokens: wanted, truncation }: ResponsesRequest): number | undefined {
  if (typeof wanted !== 'number') return undefined;
  return truncation === 'auto' && contextPolicy !== 'slide' ? Math.min(wanted, engine.model.contextLength) : wanted;
}

/** What of a response does not change. */
function frameOf({ engine, model, defaults }: Served, body: ResponsesRequest): object {
  const { temperature, topP } = { ...SAMPLING_DEFAULTS, ...defaults };
  // A named choice is one call.
  const isNamed = typeof responseTools(body).choice === 'object';
  return {
    id: newId('resp'), object: 'response', created_at: Math.floor(Date.now() / 1000), model, error: null, incomplete_details: null,
    instructions: body.instructions ?? null, max_output_tokens: body.max_output_tokens ?? null, metadata: body.metadata ?? {},
    parallel_tool_calls: body.parallel_tool_calls ?? (engine.model.parallelToolCalls && !isNamed), previous_response_id: null, store: false, background: false,
    temperature: body.temperature ?? temperature, top_p: body.top_p ?? topP, top_logprobs: body.top_logprobs ?? 0, truncation: body.truncation ?? 'disabled',
    reasoning: { effort: body.reasoning?.effort ?? null, summary: null },
    text: { format: body.text?.format ?? { type: 'text' } }, tools: body.tools ?? [], tool_choice: body.tool_choice ?? 'auto',
  };
}

function usageOf({ promptTokens, cachedTokens, newTokens }: GenerateTimings): object {
  return {
    input_tokens: promptTokens, input_tokens_details: { cached_tokens: cachedTokens }, output_tokens: newTokens,
    output_tokens_details: { reasoning_tokens: 0 }, total_tokens: promptTokens + newTokens,
  };
}

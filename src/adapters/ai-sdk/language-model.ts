// An engine as the AI SDK's language model: whole answers, and answers in parts.
import type {
  LanguageModelV4, LanguageModelV4FinishReason, LanguageModelV4StreamPart, LanguageModelV4ToolCall, LanguageModelV4Usage,
} from '@ai-sdk/provider';
import type { FinishReason, GenerateChunk, GenerateTimings, ToolCallDelta, ToolCallResult } from '@clawdbot/runtime';
import type { Engines, ModelOrEngine } from '../engines.ts';
import { nameOf } from '../engines.ts';
import { toMessages } from './messages.ts';
import { toGenerateOptions } from './options.ts';

export function createLanguageModel(engines: Engines, model: ModelOrEngine): LanguageModelV4 {
  const modelId = nameOf(model);
  return {
    specificationVersion: 'v4',
    provider: 'clawdbot',
    modelId,
    supportedUrls: {},

    async doGenerate(call) {
      const { options, warnings } = toGenerateOptions(call);
      const messages = toMessages(call.prompt);
      const engine = await engines.get(model);
      const { text, finishReason, timings, toolCalls = [] } = await engine.complete(messages, { ...options, n: 1 });
      return {
        content: [...(text === '' ? [] : [{ type: 'text', text } as const]), ...toolCalls.filter(isWhole).map(toToolCall)],
        finishReason: toFinishReason(finishReason),
        usage: toUsage(timings),
        warnings,
        response: { modelId, timestamp: new Date() },
      };
    },

    async doStream(call) {
      const { options, warnings } = toGenerateOptions(call);
      const messages = toMessages(call.prompt);
      const engine = await engines.get(model);
      const chunks = engine.generate(messages, { ...options, n: 1 });
      // What is wrong with the call is said before the stream begins.
      const first = await chunks.next();
      const parts = streamParts(first, chunks, [
        { type: 'stream-start', warnings }, { type: 'response-metadata', modelId, timestamp: new Date() },
      ]);
      return { stream: toStream(parts) };
    },
  };
}

/** One text, between its start and its end. */
const TEXT_ID = '0';

/** The text or the call that is being written. */
class OpenParts {
  #isText = false;
  #call: ToolCallResult | undefined;

  *text(delta: string): Generator<LanguageModelV4StreamPart, void, void> {
    if (!this.#isText) yield { type: 'text-start', id: TEXT_ID };
    this.#isText = true;
    yield { type: 'text-delta', id: TEXT_ID, delta };
  }

  *call({ id, name, arguments: delta }: ToolCallDelta): Generator<LanguageModelV4StreamPart, void, void> {
    if (id !== undefined) {
      yield* this.end(true);
      this.#call = { id, name: name!, arguments: '' };
      yield { type: 'tool-input-start', id, toolName: name! };
    }
    if (delta === '') return;
    this.#call = { ...this.#call!, arguments: this.#call!.arguments + delta };
    yield { type: 'tool-input-delta', id: this.#call.id, delta };
  }

  /** A call that was cut off is not called. */
  *end(isWhole: boolean): Generator<LanguageModelV4StreamPart, void, void> {
    if (this.#isText) yield { type: 'text-end', id: TEXT_ID };
    this.#isText = false;
    if (!this.#call) return;
    yield { type: 'tool-input-end', id: this.#call.id };
    if (isWhole) yield toToolCall(this.#call);
    this.#call = undefined;
  }
}

/** Not cut off in the middle of its arguments. */
function isWhole({ arguments: written }: ToolCallResult): boolean {
  try {
    JSON.parse(written);
    return true;
  } catch {
    return false;
  }
}

function toToolCall({ id, name, arguments: input }: ToolCallResult): LanguageModelV4ToolCall {
  return { type: 'tool-call', toolCallId: id, toolName: name, input };
}

async function* streamParts(
  first: IteratorResult<GenerateChunk, void>, rest: AsyncGenerator<GenerateChunk, void, void>, head: LanguageModelV4StreamPart[],
): AsyncGenerator<LanguageModelV4StreamPart, void, void> {
  try {
    yield* head;
    const open = new OpenParts();
    for (let next = first; !next.done; next = await rest.next()) {
      const { text, toolCalls = [], finishReason, timings } = next.value;
      if (text !== '') yield* open.text(text);
      for (const delta of toolCalls) yield* open.call(delta);
      if (!finishReason) continue;
      yield* open.end(finishReason === 'tool_calls');
      yield { type: 'finish', finishReason: toFinishReason(finishReason), usage: toUsage(timings!) };
    }
  } finally {
    await rest.return();
  }
}

function toStream(parts: AsyncGenerator<LanguageModelV4StreamPart, void, void>): ReadableStream<LanguageModelV4StreamPart> {
  return new ReadableStream({
    async pull(controller) {
      try {
        const { value, done } = await parts.next();
        if (done) controller.close();
        else controller.enqueue(value);
      } catch (error) {
        controller.enqueue({ type: 'error', error });
        controller.close();
      }
    },
    async cancel() {
      await parts.return();
    },
  });
}

function toFinishReason(reason: FinishReason): LanguageModelV4FinishReason {
  return { unified: reason === 'tool_calls' ? 'tool-calls' : reason, raw: reason };
}

function toUsage({ promptTokens, cachedTokens, newTokens }: GenerateTimings): LanguageModelV4Usage {
  return {
    inputTokens: { total: promptTokens, noCache: promptTokens - cachedTokens, cacheRead: cachedTokens, cacheWrite: undefined },
    outputTokens: { total: newTokens, text: newTokens, reasoning: undefined },
  };
}

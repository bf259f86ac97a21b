// An engine as the AI SDK's language model: whole answers, and answers in parts.
import type {
  LanguageModelV4, LanguageModelV4FinishReason, LanguageModelV4StreamPart, LanguageModelV4ToolCall, LanguageModelV4Usage,
} from '@ai-sdk/provider';
import type { FinishReason, GenerateChunk, GenerateTimings, ToolCallResult } from '@clawdbot/runtime';
import type { Engines, ModelOrEngine } from '../engines.ts';
import { nameOf } from '../engines.ts';
import { Blocks } from './blocks.ts';
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
        content: [...(text === '' ? [] : [{ type: 'text', text } as const]), ...toolCalls.map(toToolCall)],
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

async function* streamParts(
  first: IteratorResult<GenerateChunk, void>, rest: AsyncGenerator<GenerateChunk, void, void>, head: LanguageModelV4StreamPart[],
): AsyncGenerator<LanguageModelV4StreamPart, void, void> {
  const blocks = new Blocks();
  try {
    yield* head;
    for (let next = first; !next.done; next = await rest.next()) {
      const { text, toolCalls = [], finishReason, timings } = next.value;
      yield* blocks.text(text);
      for (const delta of toolCalls) yield* blocks.call(delta);
      if (!finishReason) continue;
      yield* blocks.end();
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

function toToolCall({ id, name, arguments: input }: ToolCallResult): LanguageModelV4ToolCall {
  return { type: 'tool-call', toolCallId: id, toolName: name, input };
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

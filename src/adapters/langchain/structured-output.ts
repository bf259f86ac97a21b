// LangChain's structured output: an answer that the engine holds to a JSON schema, parsed.
import type { BaseLanguageModelInput, StructuredOutputMethodOptions } from '@langchain/core/language_models/base';
import type { AIMessageChunk, BaseMessage } from '@langchain/core/messages';
import { JsonOutputParser, StructuredOutputParser } from '@langchain/core/output_parsers';
import type { BaseOutputParser } from '@langchain/core/output_parsers';
import { RunnableLambda } from '@langchain/core/runnables';
import type { Runnable } from '@langchain/core/runnables';
import { toJsonSchema } from '@langchain/core/utils/json_schema';
import { isInteropZodSchema } from '@langchain/core/utils/types';
import type { InteropZodType } from '@langchain/core/utils/types';

export interface RawAndParsed<T> {
  readonly raw: BaseMessage;
  readonly parsed: T;
}

/** `constrained` makes a model whose answers satisfy a JSON schema. */
export function structuredOutput<T extends Record<string, unknown>>(
  constrained: (jsonSchema: object) => Runnable<BaseLanguageModelInput, AIMessageChunk>,
  schema: InteropZodType<T> | object, config: StructuredOutputMethodOptions<boolean> = {},
): Runnable<BaseLanguageModelInput, T> | Runnable<BaseLanguageModelInput, RawAndParsed<T>> {
  const isZod = isInteropZodSchema(schema);
  const model = constrained(toJsonSchema(schema as Parameters<typeof toJsonSchema>[0]));
  const parser = (isZod ? StructuredOutputParser.fromZodSchema(schema as never) : new JsonOutputParser()) as BaseOutputParser<T>;
  if (!config.includeRaw) return model.pipe(parser).withConfig({ runName: 'StructuredOutput' });
  // An answer that maxTokens cut off cannot be parsed; with includeRaw that is the caller's to see.
  const both = RunnableLambda.from(async (raw: AIMessageChunk) => ({ raw, parsed: await parser.invoke(raw).catch(() => null) as T }));
  return model.pipe(both).withConfig({ runName: 'StructuredOutputRunnable' });
}

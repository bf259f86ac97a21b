// An engine as LangChain's chat model: whole answers, and answers in parts.
import type { CallbackManagerForLLMRun } from '@langchain/core/callbacks/manager';
import type { BaseLanguageModelInput, StructuredOutputMethodOptions } from '@langchain/core/language_models/base';
import { BaseChatModel } from '@langchain/core/language_models/chat_models';
import type {
  BaseChatModelCallOptions, BaseChatModelParams, BindToolsInput, LangSmithParams,
} from '@langchain/core/language_models/chat_models';
import { AIMessage, AIMessageChunk } from '@langchain/core/messages';
import type { BaseMessage, ToolCallChunk, UsageMetadata } from '@langchain/core/messages';
import { ChatGenerationChunk } from '@langchain/core/outputs';
import type { ChatResult } from '@langchain/core/outputs';
import type { Runnable } from '@langchain/core/runnables';
import type { InteropZodType } from '@langchain/core/utils/types';
import { convertToOpenAITool } from '@langchain/core/utils/function_calling';
import type { GenerateOptions, GenerateTimings, LoadOptions, ToolCallDelta, ToolChoice } from '@clawdbot/runtime';
import { InvalidArgumentError } from '@clawdbot/runtime';
import { Engines, nameOf } from '../engines.ts';
import type { ModelOrEngine } from '../engines.ts';
import { toMessages } from './messages.ts';
import { structuredOutput } from './structured-output.ts';

/** Options of `Engine.generate` but for those that LangChain has itself. */
type Sampling = Omit<GenerateOptions, 'stop' | 'signal' | 'tools' | 'toolChoice' | 'n' | 'parseSpecial' | 'logprobs'>;

export interface ChatClawdbotFields extends BaseChatModelParams, Sampling {
  /** What `Engine.load` takes (loaded when first used), or an engine. */
  readonly model: ModelOrEngine;
  readonly loadOptions?: LoadOptions;
  readonly stop?: readonly string[];
}

export interface ChatClawdbotCallOptions extends BaseChatModelCallOptions, Sampling {
  readonly tools?: readonly BindToolsInput[];
}

const SAMPLING: readonly (keyof Sampling)[] = [
  'maxTokens', 'temperature', 'topK', 'topP', 'minP', 'typicalP', 'xtcProbability', 'xtcThreshold', 'dryMultiplier', 'dryBase',
  'dryAllowedLength', 'dryPenaltyLastN', 'drySequenceBreakers', 'mirostat', 'mirostatTau', 'mirostatEta', 'repetitionPenalty',
  'presencePenalty', 'frequencyPenalty', 'penaltyLastN', 'logitBias', 'seed', 'stopIds', 'ignoreEos',
  'templateOptions', 'speculation', 'onPromptProgress', 'grammar', 'jsonSchema', 'json', 'parallelToolCalls',
];

export class ChatClawdbot extends BaseChatModel<ChatClawdbotCallOptions> {
  readonly model: string;
  readonly #model: ModelOrEngine;
  readonly #sampling: Sampling;
  readonly #stop: readonly string[] | undefined;
  readonly #engines: Engines;

  constructor(fields: ChatClawdbotFields) {
    super(fields);
    this.#model = fields.model;
    this.model = nameOf(fields.model);
    this.#sampling = samplingIn(fields);
    this.#stop = fields.stop;
    this.#engines = new Engines(fields.loadOptions);
  }

  static override lc_name(): string {
    return 'ChatClawdbot';
  }

  override _llmType(): string {
    return 'clawdbot';
  }

  override getLsParams(options: this['ParsedCallOptions']): LangSmithParams {
    const { temperature, maxTokens } = { ...this.#sampling, ...samplingIn(options) };
    return {
      ls_provider: 'clawdbot', ls_model_name: this.model, ls_model_type: 'chat', ls_temperature: temperature, ls_max_tokens: maxTokens,
      ls_stop: options.stop,
    };
  }

  /** `tool_choice` is 'auto' unless `kwargs` say 'any' (or 'required'), 'none' or a tool's name. */
  override bindTools(
    tools: BindToolsInput[], kwargs: Partial<ChatClawdbotCallOptions> = {},
  ): Runnable<BaseLanguageModelInput, AIMessageChunk, ChatClawdbotCallOptions> {
    return this.withConfig({ ...kwargs, tools });
  }

  /** The answer is held to the schema by the engine's grammar, whatever `config.method` says. */
  override withStructuredOutput<T extends Record<string, unknown>>(
    schema: InteropZodType<T> | object, config?: StructuredOutputMethodOptions<false>,
  ): Runnable<BaseLanguageModelInput, T>;
  override withStructuredOutput<T extends Record<string, unknown>>(
    schema: InteropZodType<T> | object, config?: StructuredOutputMethodOptions<true>,
  ): Runnable<BaseLanguageModelInput, { raw: BaseMessage; parsed: T }>;
  override withStructuredOutput<T extends Record<string, unknown>>(
    schema: InteropZodType<T> | object, config?: StructuredOutputMethodOptions<boolean>,
  ): Runnable<BaseLanguageModelInput, T> | Runnable<BaseLanguageModelInput, { raw: BaseMessage; parsed: T }> {
    return structuredOutput<T>((jsonSchema) => this.withConfig({ jsonSchema }), schema, config);
  }

  override async _generate(messages: BaseMessage[], options: this['ParsedCallOptions'], run?: CallbackManagerForLLMRun): Promise<ChatResult> {
    let whole: ChatGenerationChunk | undefined;
    for await (const chunk of this._streamResponseChunks(messages, options, run)) whole = whole?.concat(chunk) ?? chunk;
    const { text, message, generationInfo } = whole!;
    const { usage_metadata: usage, response_metadata: metadata, tool_calls, invalid_tool_calls } = message as AIMessageChunk;
    const answer = new AIMessage({ content: text, usage_metadata: usage, response_metadata: metadata, tool_calls, invalid_tool_calls });
    return { generations: [{ text, message: answer, generationInfo }], llmOutput: { tokenUsage: tokenUsage(usage!) } };
  }

  override async *_streamResponseChunks(
    messages: BaseMessage[], options: this['ParsedCallOptions'], run?: CallbackManagerForLLMRun,
  ): AsyncGenerator<ChatGenerationChunk> {
    const { stop, signal, tools, tool_choice: choice } = options;
    const engine = await this.#engines.get(this.#model);
    const chunks = engine.generate(toMessages(messages), {
      ...this.#sampling, ...samplingIn(options), signal, stop: stop ?? this.#stop,
      ...(tools && { tools: tools.map((tool) => convertToOpenAITool(tool)), toolChoice: toToolChoice(choice) }),
    });
    for await (const { text, toolCalls = [], finishReason, timings } of chunks) {
      const message = new AIMessageChunk({
        content: text,
        tool_call_chunks: toolCalls.map(toCallChunk),
        ...(finishReason && {
          usage_metadata: toUsage(timings!),
          response_metadata: { model_name: this.model, finish_reason: finishReason },
        }),
      });
      const chunk = new ChatGenerationChunk({ text, message, ...(finishReason && { generationInfo: { finish_reason: finishReason } }) });
      yield chunk;
      await run?.handleLLMNewToken(text, undefined, undefined, undefined, undefined, { chunk });
    }
  }

  /** Frees the model, if it was loaded here. */
  dispose(): Promise<void> {
    return this.#engines.dispose();
  }
}

function toCallChunk({ index, id, name, arguments: args }: ToolCallDelta): ToolCallChunk {
  return { type: 'tool_call_chunk', index, args, ...(id !== undefined && { id, name }) };
}

/** LangChain's choices: OpenAI's object, a name, or one of these words. */
function toToolChoice(choice: BaseChatModelCallOptions['tool_choice']): ToolChoice {
  if (choice === undefined || choice === 'auto' || choice === 'none' || choice === 'required') return choice ?? 'auto';
  if (typeof choice === 'string') return choice === 'any' ? 'required' : { name: choice };
  const { function: named } = choice as { readonly function?: { readonly name?: string } };
  if (typeof named?.name === 'string') return { name: named.name };
  throw new InvalidArgumentError('tool_choice must be "auto", "any", "none", a name or { type: "function", function: { name } }.');
}

/** What is set among `fields` of the options that are the engine's own. */
function samplingIn(fields: Sampling): Sampling {
  return Object.fromEntries(SAMPLING.flatMap((name) => (fields[name] === undefined ? [] : [[name, fields[name]]])));
}

function toUsage({ promptTokens, cachedTokens, newTokens }: GenerateTimings): UsageMetadata {
  return {
    input_tokens: promptTokens, output_tokens: newTokens, total_tokens: promptTokens + newTokens,
    input_token_details: { cache_read: cachedTokens },
  };
}

function tokenUsage({ input_tokens, output_tokens, total_tokens }: UsageMetadata): Record<string, number> {
  return { promptTokens: input_tokens, completionTokens: output_tokens, totalTokens: total_tokens };
}

// An engine as LangChain's chat model: whole answers, and answers in parts.
import type { CallbackManagerForLLMRun } from '@langchain/core/callbacks/manager';
import type { BaseLanguageModelInput } from '@langchain/core/language_models/base';
import { BaseChatModel } from '@langchain/core/language_models/chat_models';
import type {
  BaseChatModelCallOptions, BaseChatModelParams, BindToolsInput, LangSmithParams,
} from '@langchain/core/language_models/chat_models';
import { AIMessageChunk } from '@langchain/core/messages';
import type { BaseMessage, UsageMetadata } from '@langchain/core/messages';
import type { ToolCallChunk } from '@langchain/core/messages/tool';
import { ChatGenerationChunk } from '@langchain/core/outputs';
import type { ChatResult } from '@langchain/core/outputs';
import type { Runnable } from '@langchain/core/runnables';
import { convertToOpenAITool } from '@langchain/core/utils/function_calling';
import type { GenerateOptions, GenerateTimings, LoadOptions, ToolCallDelta, ToolChoice } from '@clawdbot/runtime';
import { Engines, nameOf } from '../engines.ts';
import type { ModelOrEngine } from '../engines.ts';
import { CALLER, checkFields } from './fields.ts';
import { toMessages } from './messages.ts';

/** Options of `Engine.generate` but for those that LangChain has itself. */
type Own = Omit<GenerateOptions, 'stop' | 'signal' | 'tools' | 'toolChoice' | 'n' | 'parseSpecial' | 'logprobs'>;

export interface ChatClawdbotFields extends BaseChatModelParams, Own {
  /** What `Engine.load` takes (loaded when first used), or an engine. */
  readonly model: ModelOrEngine;
  readonly loadOptions?: LoadOptions;
  readonly stop?: readonly string[];
}

export interface ChatClawdbotCallOptions extends BaseChatModelCallOptions, Own {
  readonly tools?: readonly BindToolsInput[];
}

/** Every one of them: the compiler sees to it. */
const OWN: Readonly<Record<keyof Own, true>> = {
  contextPolicy: true, maxTokens: true, temperature: true, topK: true, topP: true, minP: true, typicalP: true, xtcProbability: true,
  xtcThreshold: true, dryMultiplier: true, dryBase: true, dryAllowedLength: true, dryPenaltyLastN: true, drySequenceBreakers: true,
  mirostat: true, mirostatTau: true, mirostatEta: true, repetitionPenalty: true, presencePenalty: true, frequencyPenalty: true,
  penaltyLastN: true, logitBias: true, seed: true, stopIds: true, ignoreEos: true, parallelToolCalls: true, templateOptions: true,
  onPromptProgress: true, speculation: true, grammar: true, jsonSchema: true, json: true, client: true,
};

/** Likewise. */
const FIELDS: Readonly<Record<keyof ChatClawdbotFields, true>> = {
  model: true, loadOptions: true, stop: true, ...OWN, ...CALLER, verbose: true, callbacks: true, tags: true, metadata: true,
  callbackManager: true, cache: true, disableStreaming: true, outputVersion: true,
};

export class ChatClawdbot extends BaseChatModel<ChatClawdbotCallOptions> {
  readonly model: string;
  readonly #model: ModelOrEngine;
  readonly #own: Own;
  readonly #stop: readonly string[] | undefined;
  readonly #engines: Engines;

  constructor(fields: ChatClawdbotFields) {
    checkFields(fields, FIELDS);
    super(fields);
    this.#model = fields.model;
    this.model = nameOf(fields.model);
    this.#own = ownIn(fields);
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
    const { temperature, maxTokens } = { ...this.#own, ...ownIn(options) };
    return {
      ls_provider: 'clawdbot', ls_model_name: this.model, ls_model_type: 'chat', ls_temperature: temperature, ls_max_tokens: maxTokens,
      ls_stop: options.stop,
    };
  }

  /** The model may call them, or with `tool_choice` must: "any" and "required", or the name of one. */
  override bindTools(
    tools: BindToolsInput[], kwargs: Partial<ChatClawdbotCallOptions> = {},
  ): Runnable<BaseLanguageModelInput, AIMessageChunk, ChatClawdbotCallOptions> {
    return this.withConfig({ ...kwargs, tools });
  }

  // The object that is wanted is what the model calls a tool with, and it is made to call. (Assigned, so that its types are LangChain's.)
  static {
    const { withStructuredOutput } = BaseChatModel.prototype;
    this.prototype.withStructuredOutput = function (this: ChatClawdbot, ...args: Parameters<typeof withStructuredOutput>) {
      const calling = { bindTools: (tools: BindToolsInput[]) => this.bindTools(tools, { tool_choice: 'required', parallelToolCalls: false }) };
      return withStructuredOutput.apply(calling as never, args);
    } as typeof withStructuredOutput;
  }

  override async _generate(messages: BaseMessage[], options: this['ParsedCallOptions'], run?: CallbackManagerForLLMRun): Promise<ChatResult> {
    let whole: ChatGenerationChunk | undefined;
    for await (const chunk of this._streamResponseChunks(messages, options, run)) whole = whole?.concat(chunk) ?? chunk;
    const { text, message, generationInfo } = whole!;
    const { usage_metadata: usage } = message as AIMessageChunk;
    return { generations: [{ text, message, generationInfo }], llmOutput: { tokenUsage: tokenUsage(usage!) } };
  }

  override async *_streamResponseChunks(
    messages: BaseMessage[], options: this['ParsedCallOptions'], run?: CallbackManagerForLLMRun,
  ): AsyncGenerator<ChatGenerationChunk> {
    const { stop, signal, tools, tool_choice: choice } = options;
    const engine = await this.#engines.get(this.#model);
    const chunks = engine.generate(toMessages(messages), {
      ...this.#own, ...ownIn(options), signal, stop: stop ?? this.#stop,
      ...(tools && { tools: tools.map((tool) => convertToOpenAITool(tool)), toolChoice: toToolChoice(choice) }),
    });
    for await (const { text, toolCalls, finishReason, timings } of chunks) {
      const message = new AIMessageChunk({
        content: text,
        ...(toolCalls && { tool_call_chunks: toolCalls.map(toToolCallChunk) }),
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

/** What is set among `fields` of the options that are the engine's own. */
function ownIn(fields: Own): Own {
  return Object.fromEntries((Object.keys(OWN) as (keyof Own)[]).flatMap((name) => (fields[name] === undefined ? [] : [[name, fields[name]]])));
}

function toToolCallChunk({ index, id, name, arguments: args }: ToolCallDelta): ToolCallChunk {
  return { type: 'tool_call_chunk', index, id, name, args };
}

function toToolChoice(choice: ChatClawdbotCallOptions['tool_choice']): ToolChoice {
  if (choice === undefined) return 'auto';
  if (choice === 'any') return 'required';
  if (choice === 'auto' || choice === 'none' || choice === 'required') return choice;
  return { name: typeof choice === 'string' ? choice : choice['function']?.name ?? choice['name'] };
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

// An engine as LangChain's chat model: whole answers, and answers in parts.
import type { CallbackManagerForLLMRun } from '@langchain/core/callbacks/manager';
import type { BaseLanguageModelInput } from '@langchain/core/language_models/base';
import { BaseChatModel } from '@langchain/core/language_models/chat_models';
import type {
  BaseChatModelCallOptions, BaseChatModelParams, BindToolsInput, LangSmithParams,
} from '@langchain/core/language_models/chat_models';
import { AIMessage, AIMessageChunk } from '@langchain/core/messages';
import type { BaseMessage, UsageMetadata } from '@langchain/core/messages';
import { ChatGenerationChunk } from '@langchain/core/outputs';
import type { ChatResult } from '@langchain/core/outputs';
import type { Runnable } from '@langchain/core/runnables';
import { convertToOpenAITool } from '@langchain/core/utils/function_calling';
import type { GenerateOptions, GenerateTimings, LoadOptions } from '@clawdbot/runtime';
import { Engines, nameOf } from '../engines.ts';
import type { ModelOrEngine } from '../engines.ts';
import { toMessages } from './messages.ts';

/** Options of `Engine.generate` but for those that LangChain has itself. */
type Sampling = Omit<GenerateOptions, 'stop' | 'signal' | 'tools' | 'n' | 'parseSpecial' | 'logprobs'>;

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
  'templateOptions', 'speculation', 'onPromptProgress',
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

  /** Tools reach the model through its chat template; calls that it writes are part of its text. */
  override bindTools(
    tools: BindToolsInput[], kwargs: Partial<ChatClawdbotCallOptions> = {},
  ): Runnable<BaseLanguageModelInput, AIMessageChunk, ChatClawdbotCallOptions> {
    return this.withConfig({ ...kwargs, tools });
  }

  override async _generate(messages: BaseMessage[], options: this['ParsedCallOptions'], run?: CallbackManagerForLLMRun): Promise<ChatResult> {
    let whole: ChatGenerationChunk | undefined;
    for await (const chunk of this._streamResponseChunks(messages, options, run)) whole = whole?.concat(chunk) ?? chunk;
    const { text, message, generationInfo } = whole!;
    const { usage_metadata: usage, response_metadata: metadata } = message as AIMessageChunk;
    const answer = new AIMessage({ content: text, usage_metadata: usage, response_metadata: metadata });
    return { generations: [{ text, message: answer, generationInfo }], llmOutput: { tokenUsage: tokenUsage(usage!) } };
  }

  override async *_streamResponseChunks(
    messages: BaseMessage[], options: this['ParsedCallOptions'], run?: CallbackManagerForLLMRun,
  ): AsyncGenerator<ChatGenerationChunk> {
    const { stop, signal, tools } = options;
    const engine = await this.#engines.get(this.#model);
    const chunks = engine.generate(toMessages(messages), {
      ...this.#sampling, ...samplingIn(options), signal, stop: stop ?? this.#stop,
      ...(tools && { tools: tools.map((tool) => convertToOpenAITool(tool)) }),
    });
    for await (const { text, finishReason, timings } of chunks) {
      const message = new AIMessageChunk({
        content: text,
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

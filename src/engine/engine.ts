// The public face: loads a model and answers generate, complete, embed and score. Compute happens in the workers.
/// <reference lib="esnext.disposable" preserve="true" />
import { createChatTemplate } from '../chat/template.ts';
import type { ChatTemplate } from '../chat/template.ts';
import { chooseTemplate } from '../chat/fallback.ts';
import type { ChatMessage } from '../chat/messages.ts';
import { toolFormat } from '../chat/tool-format.ts';
import type { ToolFormat } from '../chat/tool-format.ts';
import { withTools } from '../chat/tool-prompt.ts';
import { EngineStoppedError, InvalidArgumentError, UnsupportedModelError } from '../errors.ts';
import type { Platform } from '../platform/platform.ts';
import type { EncodeOptions, Tokenizer } from '../tokenizer/tokenizer.ts';
import type { ComputeHost } from './compute/host.ts';
import { fitIds, fitMessages, roomFor } from './context-policy.ts';
import type { FittedPrompt } from './context-policy.ts';
import { collect, startGeneration } from './generation.ts';
import type { EngineStats } from './engine-stats.ts';
import type { Speaker } from './generation-options.ts';
import { checkEmbedOptions, checkScoreOptions, checkText, checkTokenIds, idsOf } from './inputs.ts';
import { loadModel } from './load/load.ts';
import type { LoadedModel } from './load/load.ts';
import { planLoad } from './load/plan.ts';
import { checkLoadSessionOptions, checkSaveSessionOptions } from './session/options.ts';
import { loadSession, saveSession } from './session/session.ts';
import type { LoadOptions, LoadPlan, ModelInfo, ModelSource } from './load/load-types.ts';
import type {
  Completion, EmbedOptions, GenerateChunk, GenerateOptions, LoadSessionOptions, Prompt, RestoredSession, SavedSession,
  SaveSessionOptions, ScoreOptions, ScoreResult, SessionSource, ToolChoice,
} from './types.ts';

export interface ChatRenderOptions {
  readonly tools?: readonly unknown[];
  readonly toolChoice?: ToolChoice;
  readonly templateOptions?: Readonly<Record<string, unknown>>;
  readonly addGenerationPrompt?: boolean;
}

/** A loaded model. Ends with `dispose()`, or at the end of a block that declares it with `await using`. */
export class Engine {
  readonly model: ModelInfo;
  readonly tokenizer: Tokenizer;
  readonly chatTemplate: ChatTemplate;
  readonly #toolFormat: ToolFormat;
  readonly #host: ComputeHost;
  readonly #platform: Platform;
  /** Refers to the model's memory; undefined once disposed of. */
  #loaded: LoadedModel | undefined;

  private constructor(platform: Platform, loaded: LoadedModel) {
    this.#platform = platform;
    this.#loaded = loaded;
    this.#host = loaded.host;
    this.tokenizer = loaded.tokenizer;
    const template = chooseTemplate(loaded.metadata, loaded.tokenizer);
    this.chatTemplate = createChatTemplate(template.source, template);
    this.#toolFormat = toolFormat(template.source);
    this.model = {
      ...loaded.info,
      hasChatTemplate: template.warning === undefined,
      ...(template.warning !== undefined && { chatTemplateWarning: template.warning }),
    };
  }

  /**
   * Loads a GGUF model: a catalog name, path, URL, `hf:` or `pip:` reference, or the bytes themselves.
   * Rejects with ModelSourceError, IntegrityError, GgufError, UnsupportedModelError or OutOfMemoryError; with the
   * signal's reason when aborted. Nothing stays allocated then.
   * @internal
   */
  static async loadOn(platform: Platform, source: ModelSource, options: LoadOptions = {}): Promise<Engine> {
    let loaded: LoadedModel;
    try {
      loaded = await loadModel(platform, source, options);
    } catch (error) {
      await platform.collectGarbage?.();
      throw error;
    }
    try {
      return new Engine(platform, loaded);
    } catch (error) {
      await loaded.host.dispose();
      throw error;
    }
  }

  /**
   * What `load` would do with the same arguments, and what memory that would take; reads the model's header only. Rejects as load
   * would: OutOfMemoryError where it does not fit.
   * @internal
   */
  static planOn(platform: Platform, source: ModelSource, options: LoadOptions = {}): Promise<LoadPlan> {
    return planLoad(platform, source, options);
  }

  /** Streams a continuation. Leaving the loop early, or aborting the signal, stops the work within one token. */
  async *generate(prompt: Prompt, options: GenerateOptions = {}): AsyncGenerator<GenerateChunk, void, void> {
    const fitted = this.#fit(prompt, options);
    yield* startGeneration(this.#host, this.#speaker, fitted.ids, options, fitted).chunks;
  }

  /** A whole continuation, or `n` of them. */
  async complete(prompt: Prompt, options: GenerateOptions = {}): Promise<Completion> {
    const fitted = this.#fit(prompt, options);
    return collect(startGeneration(this.#host, this.#speaker, fitted.ids, options, fitted), fitted.ids);
  }

  /** The ids that `generate` starts from for this prompt. */
  promptIds(prompt: Prompt, options: GenerateOptions = {}): number[] {
    return this.#fit(prompt, options).ids;
  }

  /** The prompt's ids, and with `contextPolicy: 'slide'` as many of them as fit. */
  #fit(prompt: Prompt, options: GenerateOptions): FittedPrompt {
    const ids = this.#idsOf(prompt, options);
    if (options.contextPolicy !== 'slide') return { ids, numSinks: 0, numDropped: 0 };
    const { contextLength } = this.model;
    const room = roomFor(options.maxTokens, contextLength);
    const isChat = Array.isArray(prompt) && typeof prompt[0] === 'object';
    if (!isChat) return fitIds(ids, contextLength, room);
    return fitMessages(prompt as readonly ChatMessage[], contextLength, room, (messages) => this.renderChat(messages, options).ids);
  }

  #idsOf(prompt: Prompt, options: Pick<GenerateOptions, 'parseSpecial'> & ChatRenderOptions): number[] {
    if (typeof options !== 'object' || (options as unknown) === null) {
      throw new InvalidArgumentError('The options must be an object.');
    }
    if (ArrayBuffer.isView(prompt)) return Array.from(prompt as unknown as ArrayLike<number>);
    if (typeof prompt === 'string') return this.tokenize(prompt, { parseSpecial: options.parseSpecial ?? false });
    if (!Array.isArray(prompt)) throw new InvalidArgumentError('The prompt must be a string, token ids or chat messages.');
    if (prompt.length === 0) throw new InvalidArgumentError('The prompt is empty. Give at least one message or token id.');
    if (typeof prompt[0] === 'number') return [...(prompt as readonly number[])];
    return this.renderChat(prompt as readonly ChatMessage[], options).ids;
  }

  /** Messages as the model's chat template writes them, and their ids: content never becomes special tokens. */
  renderChat(messages: readonly ChatMessage[], options: ChatRenderOptions = {}): { text: string; ids: number[] } {
    const offered = options.toolChoice === 'none' ? undefined : options.tools;
    const segments = this.chatTemplate.renderSegments({
      ...withTools(messages, offered, this.#toolFormat),
      extra: options.templateOptions,
      addGenerationPrompt: options.addGenerationPrompt ?? true,
    });
    const text = segments.map((segment) => segment.text).join('');
    const bos = this.tokenizer.bosId;
    const ids = this.tokenizer.encodeSegments(segments, { addSpecial: true });
    // Templates write BOS themselves; the tokenizer adding it again would double it.
    if (bos !== undefined && ids[0] === bos && ids[1] === bos) ids.shift();
    return { text, ids };
  }

  /** Token ids of `text`; special tokens in it stay text unless `parseSpecial`. */
  tokenize(text: string, options: EncodeOptions = {}): number[] {
    checkText(text);
    return this.tokenizer.encode(text, options);
  }

  detokenize(ids: readonly number[], options: { readonly skipSpecial?: boolean } = {}): string {
    checkTokenIds(ids, this.model.vocabSize);
    return this.tokenizer.decode(ids, options);
  }

  /** The embedding (hiddenSize) of a text or of ids. */
  async embed(input: string | readonly number[], options: EmbedOptions = {}): Promise<Float32Array> {
    checkEmbedOptions(options);
    const ids = idsOf(input, (text) => this.tokenizer.encode(text), this.model);
    const { pooling: usual, host } = this.#running;
    const pooling = options.pooling ?? usual;
    const embedding = await host.call(
      options.signal,
      (requestId) => ({ type: 'embed', requestId, ids, pooling, client: options.client }),
      (reply) => (reply.type === 'embedded' ? reply.embedding : undefined),
    );
    return options.normalize === false ? embedding : unitLength(embedding);
  }

  /** How likely the model finds a text or ids, and what it would say next. */
  async score(input: string | readonly number[], options: ScoreOptions = {}): Promise<ScoreResult> {
    const { vocabSize } = this.#requireDecoder();
    const ids = idsOf(input, (text) => this.tokenizer.encode(text), this.model);
    const { from, topK } = checkScoreOptions(options, ids.length, vocabSize);
    return this.#running.host.call(
      options.signal,
      (requestId) => ({ type: 'score', requestId, ids, from, topK, wantLogits: options.logits ?? false }),
      (reply) => reply.type !== 'scored' ? undefined : {
        tokenNlls: reply.tokenNlls,
        nll: reply.tokenNlls.reduce((sum, nll) => sum + nll, 0),
        last: { ids: reply.lastIds, logprobs: reply.lastLogprobs },
        ...(reply.logits && { logits: reply.logits }),
      },
    );
  }

  /**
   * Saves what computing `prompt` leaves behind, so that `loadSession` spares it; what of it is not in the cache is computed first.
   * Rejects with ContextLengthError, UnsupportedModelError (encoders, recurrent models) or the file system's error.
   */
  async saveSession(prompt: Prompt, options: SaveSessionOptions & { readonly file: string }): Promise<SavedSession>;
  async saveSession(prompt: Prompt, options?: SaveSessionOptions): Promise<SavedSession & { readonly bytes: Uint8Array<ArrayBuffer> }>;
  async saveSession(prompt: Prompt, options: SaveSessionOptions = {}): Promise<SavedSession> {
    checkSaveSessionOptions(options);
    const model = this.#requireSessions();
    const { parseSpecial, tools, templateOptions } = options;
    const ids = this.#idsOf(prompt, { parseSpecial, tools, templateOptions, addGenerationPrompt: false });
    return saveSession({ ...this.#running.session, model }, idsOf(ids, (text) => this.tokenizer.encode(text), model), options);
  }

  /**
   * Restores a session that the same model saved, in any runtime. Rejects with SessionError where it is damaged, foreign or of
   * another model or kvType, ContextLengthError, or OutOfMemoryError where prefixCacheBytes cannot hold it.
   */
  async loadSession(source: SessionSource, options: LoadSessionOptions = {}): Promise<RestoredSession> {
    checkLoadSessionOptions(options);
    return loadSession({ ...this.#running.session, model: this.#requireSessions() }, source, options);
  }

  /** What it holds and has done, as of now: read from memory, which costs nothing and asks no worker. */
  get stats(): EngineStats {
    return this.#running.stats();
  }

  /** Stops the workers and gives the memory back; requests under way fail with EngineStoppedError. */
  async dispose(): Promise<void> {
    await this.#host.dispose();
    if (!this.#loaded) return;
    this.#loaded = undefined;
    await this.#platform.collectGarbage?.();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }

  get #speaker(): Speaker {
    return { tokenizer: this.tokenizer, model: this.#requireDecoder(), toolFormat: this.#toolFormat };
  }

  get #running(): LoadedModel {
    if (this.#loaded) return this.#loaded;
    throw new EngineStoppedError('The engine was disposed. Load the model again to use it.');
  }

  #requireSessions(): ModelInfo {
    const model = this.#requireDecoder();
    if (!model.recurrent) return model;
    throw new UnsupportedModelError(
      `${model.name} has recurrent layers (${model.architecture}), whose state a session does not hold.`,
    );
  }

  #requireDecoder(): ModelInfo {
    if (this.model.kind === 'decoder') return this.model;
    throw new UnsupportedModelError(`${this.model.name} is an encoder (${this.model.architecture}): use embed(), it cannot generate.`);
  }
}

function unitLength(x: Float32Array): Float32Array {
  const norm = Math.sqrt(x.reduce((sum, value) => sum + value * value, 0));
  return norm > 0 ? x.map((value) => value / norm) : x;
}

// The public face: loads a model and answers generate, complete, embed and score. Compute happens in the workers.
/// <reference lib="esnext.disposable" preserve="true" />
import { createChatTemplate } from '../chat/template.ts';
import type { ChatTemplate } from '../chat/template.ts';
import { chooseTemplate } from '../chat/fallback.ts';
import type { ChatMessage } from '../chat/messages.ts';
import { toolFormat } from '../chat/tool-format.ts';
import type { ToolFormat } from '../chat/tool-format.ts';
import { EngineStoppedError, UnsupportedModelError } from '../errors.ts';
import type { Platform } from '../platform/platform.ts';
import { atOnce } from '../steps.ts';
import type { Steps } from '../steps.ts';
import type { EncodeOptions, Tokenizer } from '../tokenizer/tokenizer.ts';
import type { ComputeHost } from './compute/host.ts';
import { collect, startGeneration } from './generation.ts';
import type { Generation } from './generation.ts';
import type { EngineStats } from './engine-stats.ts';
import type { Speaker } from './generation-options.ts';
import { copyOf } from './given.ts';
import { checkEmbedOptions, checkEncodeOptions, checkScoreOptions, checkSignal, checkTokenIds, idsOf } from './inputs.ts';
import { loadModel } from './load/load.ts';
import type { LoadedModel } from './load/load.ts';
import { planLoad } from './load/plan.ts';
import { checkRenderOptions, Prompts } from './prompts.ts';
import type { ChatRenderOptions } from './prompts.ts';
import { checkLoadSessionOptions, checkSaveSessionOptions } from './session/options.ts';
import { loadSession, saveSession } from './session/session.ts';
import { turnsOf } from './turns.ts';
import type { Turns } from './turns.ts';
import type { LoadOptions, LoadPlan, ModelInfo, ModelSource } from './load/load-types.ts';
import type {
  Completion, EmbedOptions, GenerateChunk, GenerateOptions, LoadSessionOptions, Prompt, RestoredSession, SavedSession,
  SaveSessionOptions, ScoreOptions, ScoreResult, SessionSource, TokenizeOptions,
} from './types.ts';

export type { ChatRenderOptions } from './prompts.ts';

/** A loaded model. Ends with `dispose()`, or at the end of a block that declares it with `await using`. */
export class Engine {
  readonly model: ModelInfo;
  readonly tokenizer: Tokenizer;
  readonly chatTemplate: ChatTemplate;
  readonly #toolFormat: ToolFormat;
  readonly #host: ComputeHost;
  readonly #platform: Platform;
  readonly #prompts: Prompts;
  readonly #turns: Turns;
  /** Refers to the model's memory; undefined once disposed of. */
  #loaded: LoadedModel | undefined;

  private constructor(platform: Platform, loaded: LoadedModel) {
    this.#platform = platform;
    this.#turns = turnsOf(platform);
    this.#loaded = loaded;
    this.#host = loaded.host;
    this.tokenizer = loaded.tokenizer;
    const template = chooseTemplate(loaded.metadata, loaded.tokenizer);
    this.chatTemplate = createChatTemplate(template.source, template);
    this.#toolFormat = toolFormat(template.source);
    this.#prompts = new Prompts(loaded.tokenizer, this.chatTemplate, this.#toolFormat, loaded.info.contextLength);
    this.model = {
      ...loaded.info,
      hasChatTemplate: template.warning === undefined,
      parallelToolCalls: this.#toolFormat.isKnownToTemplate && this.#toolFormat.several !== 'never',
      ...(template.warning !== undefined && { chatTemplateWarning: template.warning }),
      warnings: [...loaded.info.warnings, ...(loaded.info.kind === 'decoder' && template.warning !== undefined ? [template.warning] : [])],
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

  /**
   * Streams a continuation; what it is given is read when the first chunk is asked for. Leaving the loop early, or aborting the
   * signal, stops the work within one token.
   */
  async *generate(prompt: Prompt, options: GenerateOptions = {}): AsyncGenerator<GenerateChunk, void, void> {
    yield* (await this.#start(prompt, options)).chunks;
  }

  /** A whole continuation, or `n` of them. */
  async complete(prompt: Prompt, options: GenerateOptions = {}): Promise<Completion> {
    return collect(await this.#start(prompt, options));
  }

  #start(prompt: Prompt, options: GenerateOptions): Generation | Promise<Generation> {
    const given = copyOf({ prompt, options });
    return this.#prepare(() => this.#generation(given.prompt, given.options), options?.signal);
  }

  *#generation(prompt: Prompt, options: GenerateOptions): Steps<Generation> {
    const fitted = yield* this.#prompts.fit(prompt, options);
    return yield* startGeneration(this.#host, this.#speaker, fitted, options);
  }

  #prepare<T>(begin: () => Steps<T>, signal: AbortSignal | undefined): T | Promise<T> {
    return this.#turns.run(begin, { signal, owner: this });
  }

  /** The ids that `generate` starts from for this prompt. */
  promptIds(prompt: Prompt, options: GenerateOptions = {}): number[] {
    return atOnce(this.#prompts.fit(prompt, options)).ids;
  }

  /** Messages as the model's chat template writes them, and their ids: content never becomes special tokens. */
  renderChat(messages: readonly ChatMessage[], options: ChatRenderOptions = {}): { text: string; ids: number[] } {
    checkRenderOptions(options);
    return atOnce(this.#prompts.render(messages, options));
  }

  /** Token ids of `text`; special tokens in it stay text unless `parseSpecial`. */
  tokenize(text: string, options: EncodeOptions = {}): number[] {
    checkEncodeOptions(options);
    return atOnce(this.#prompts.encode(text, options));
  }

  /** The same without holding up the caller's thread, however long the text is. Rejects with the signal's reason when aborted. */
  async tokenizeAsync(text: string, options: TokenizeOptions = {}): Promise<number[]> {
    checkEncodeOptions(options, 'signal');
    const { signal, ...given } = options;
    checkSignal(signal);
    const ids = await this.#prepare(() => this.#prompts.encode(text, given), signal);
    signal?.throwIfAborted();
    return ids;
  }

  /** Text of `ids`; special tokens are left out unless `skipSpecial: false`. Throws InvalidArgumentError for ids outside the vocabulary. */
  detokenize(ids: readonly number[], options: { readonly skipSpecial?: boolean } = {}): string {
    checkTokenIds(ids, this.model.vocabSize);
    return this.tokenizer.decode(ids, options);
  }

  /** The embedding (hiddenSize) of a text or of ids. */
  async embed(input: string | readonly number[], options: EmbedOptions = {}): Promise<Float32Array> {
    checkEmbedOptions(options);
    const { signal, client, pooling, normalize } = options;
    const given = copyOf(input);
    const ids = await this.#prepare(() => idsOf(given, this.tokenizer, this.model), signal);
    const { pooling: usual, host } = this.#running;
    const embedding = await host.call(
      signal,
      (requestId) => ({ type: 'embed', requestId, ids, pooling: pooling ?? usual, client }),
      (reply) => (reply.type === 'embedded' ? reply.embedding : undefined),
    );
    return normalize === false ? embedding : unitLength(embedding);
  }

  /** How likely the model finds a text or ids, and what it would say next. */
  async score(input: string | readonly number[], options: ScoreOptions = {}): Promise<ScoreResult> {
    const { vocabSize } = this.#requireDecoder();
    const given = copyOf({ input, options });
    const ids = await this.#prepare(() => idsOf(given.input, this.tokenizer, this.model), options?.signal);
    const { from, topK } = checkScoreOptions(given.options, ids.length, vocabSize);
    const { signal, logits = false } = given.options;
    return this.#running.host.call(
      signal,
      (requestId) => ({ type: 'score', requestId, ids, from, topK, wantLogits: logits }),
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
   * Rejects with ContextLengthError, UnsupportedModelError (encoders, recurrent models) or, where the file cannot be written, SessionError
   * with the file system's error as its cause.
   */
  async saveSession(prompt: Prompt, options: SaveSessionOptions & { readonly file: string }): Promise<SavedSession>;
  async saveSession(prompt: Prompt, options?: SaveSessionOptions): Promise<SavedSession & { readonly bytes: Uint8Array<ArrayBuffer> }>;
  async saveSession(prompt: Prompt, options: SaveSessionOptions = {}): Promise<SavedSession> {
    checkSaveSessionOptions(options);
    const model = this.#requireSessions();
    const given = copyOf({ prompt, options });
    const { parseSpecial, tools, templateOptions, signal } = given.options;
    const rendering = { parseSpecial, tools, templateOptions, addGenerationPrompt: false };
    const ids = await this.#prepare(() => this.#prompts.idsOf(given.prompt, rendering), signal);
    return saveSession({ ...this.#running.session, model }, atOnce(idsOf(ids, this.tokenizer, model)), given.options);
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
    this.#turns.end(this, disposed());
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
    throw disposed();
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

function disposed(): EngineStoppedError {
  return new EngineStoppedError('The engine was disposed. Load the model again to use it.');
}

function unitLength(x: Float32Array): Float32Array {
  const norm = Math.sqrt(x.reduce((sum, value) => sum + value * value, 0));
  return norm > 0 ? x.map((value) => value / norm) : x;
}

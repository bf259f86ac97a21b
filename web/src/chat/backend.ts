// What the page needs from whoever computes: models to choose from, and replies as streams. Two implement it: a server
// (server/) and the engine in the page (browser/).

export type Role = 'system' | 'user' | 'assistant';

export interface PromptMessage {
  readonly role: Role;
  readonly content: string;
}

export interface ChatModel {
  readonly id: string;
  readonly name: string;
  readonly description?: string;
  /** Bytes to fetch the first time. */
  readonly sizeBytes?: number;
  /** It is here already: nothing is fetched to use it. */
  readonly isStored?: boolean;
  /** The page may take it out of its storage. */
  readonly canRemove?: boolean;
}

/** What is known of a model that is ready. */
export interface OpenModel {
  readonly id: string;
  readonly name: string;
  readonly contextLength?: number;
  readonly memoryBytes?: number;
  readonly threads?: number;
  readonly kernels?: string;
  readonly warnings: readonly string[];
}

export interface OpenProgress {
  /** What happens, in words for people. */
  readonly label: string;
  readonly loadedBytes: number;
  readonly totalBytes?: number;
}

export interface SamplingSettings {
  readonly temperature: number;
  readonly topP: number;
  readonly topK: number;
  readonly minP: number;
  readonly repetitionPenalty: number;
  readonly maxTokens?: number;
  readonly seed?: number;
}

export interface ReplyRequest {
  readonly modelId: string;
  readonly messages: readonly PromptMessage[];
  readonly sampling: SamplingSettings;
  readonly signal: AbortSignal;
}

export interface ReplyStats {
  readonly promptTokens?: number;
  readonly newTokens?: number;
  readonly ttftMs?: number;
  readonly tokensPerSecond?: number;
  /** Of the conversation: it was too long for the model. */
  readonly droppedTokens?: number;
}

export type ReplyPart =
  | { readonly type: 'prompt'; readonly computedTokens: number; readonly totalTokens: number }
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'reasoning'; readonly text: string }
  | { readonly type: 'end'; readonly finishReason: string; readonly stats: ReplyStats };

export interface ChatBackend {
  readonly kind: 'server' | 'browser';
  listModels(): Promise<readonly ChatModel[]>;
  /** Makes a model ready to reply. Rejects with the signal's reason when aborted. */
  open(modelId: string, onProgress: (progress: OpenProgress) => void, signal: AbortSignal): Promise<OpenModel>;
  /** Streams a reply; the last part is `end`. Throws ChatError where none can be had. */
  reply(request: ReplyRequest): AsyncIterable<ReplyPart>;
  /** Takes a file or an address among the models; absent where models are not the page's to choose. */
  addModel?(source: File | string): Promise<ChatModel>;
  removeModel?(modelId: string): Promise<void>;
}

/** A failure that people are told of, with what they can do about it. */
export class ChatError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ChatError';
    this.code = code;
  }
}

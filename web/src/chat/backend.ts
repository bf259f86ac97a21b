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
  readonly numParameters?: number;
  /** The server has it on its disk and reads it when it is first asked. */
  readonly isUnloaded?: boolean;
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
  /** It was never taught to converse: there is no template for it. */
  readonly onlyContinues?: boolean;
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

export interface PromptProgress {
  readonly computedTokens: number;
  readonly totalTokens: number;
}

export interface ReplyRequest {
  readonly modelId: string;
  readonly messages: readonly PromptMessage[];
  readonly sampling: SamplingSettings;
  readonly signal: AbortSignal;
  /** Where the backend knows how far it is, before the first text. */
  readonly onPromptProgress: (progress: PromptProgress) => void;
}

export interface ReplyStats {
  readonly promptTokens?: number;
  readonly newTokens?: number;
  readonly ttftMs?: number;
  readonly tokensPerSecond?: number;
  /** Counted and timed by the page, for a reply that was cut short; else whoever computed it says so. */
  readonly isEstimate?: boolean;
  /** Of the conversation: it was too long for the model. */
  readonly droppedTokens?: number;
}

export type ReplyPart =
  | { readonly type: 'text' | 'reasoning'; readonly text: string; readonly numTokens?: number }
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

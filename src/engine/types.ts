// The public API's shapes of requests: what generate, embed, score and sessions take and give.
import type { ChatMessage } from '../chat/messages.ts';
import type { ToolCallDelta } from '../chat/tool-call-reader.ts';
import type { EncodeOptions } from '../tokenizer/tokenizer.ts';
import type { SamplingOptions } from './sampler/options.ts';
import type { SpeculationOptions } from './speculation/options.ts';

/** `tool_calls`: it ended by itself, and calls tools. */
export type FinishReason = 'stop' | 'length' | 'tool_calls';

/** Whether tools are called: as the model likes, at least one, or this one. */
export type ToolChoice = 'none' | 'auto' | 'required' | { readonly name: string };

/** A call in a whole answer. */
export interface ToolCallResult {
  readonly id: string;
  readonly name: string;
  /** JSON text of an object; cut off where the answer is. */
  readonly arguments: string;
}

/** Text is continued as it is; ids are taken as they are; messages go through the model's chat template. */
export type Prompt = string | readonly number[] | readonly ChatMessage[];

export interface PromptProgress {
  /** Ids of the prompt that are computed, of how many. */
  readonly computedTokens: number;
  readonly totalTokens: number;
}

export interface GenerateOptions extends SamplingOptions {
  /**
   * What becomes of text that is longer than the context. `error` (the default): a prompt is a ContextLengthError, and an
   * answer ends with finishReason `length`. `slide`: the oldest is left out, whole turns of a conversation whose system
   * messages stay, or what follows the first tokens of a text; `timings.droppedTokens` says how much.
   */
  readonly contextPolicy?: 'error' | 'slide';
  /** New tokens at most; by default as many as the context holds. */
  readonly maxTokens?: number;
  /** Stop before any of these strings; they are never part of the text. */
  readonly stop?: string | readonly string[];
  readonly stopIds?: readonly number[];
  /** Generate on past the model's own end-of-text tokens. */
  readonly ignoreEos?: boolean;
  /** Continuations of the same prompt (1). */
  readonly n?: number;
  /** Log-probabilities of the chosen token and of this many alternatives. */
  readonly logprobs?: number;
  /** Parse special tokens in a text prompt (false: they are text). */
  readonly parseSpecial?: boolean;
  /** Tool definitions (`{ type: 'function', function: { name, description, parameters } }`) for the chat template. */
  readonly tools?: readonly unknown[];
  /**
   * With it, calls are taken out of the text, and their arguments satisfy the tool's parameters; without it (the default) the text
   * is as the model writes it. 'none' keeps the tools from the model.
   */
  readonly toolChoice?: ToolChoice;
  /**
   * Whether an answer may have several calls: true, or false for a model whose chat template knows no tools. A named `toolChoice` is
   * one call in any case. An answer ends where a call would be made again that it has made.
   */
  readonly parallelToolCalls?: boolean;
  /** Further variables for the chat template, such as enable_thinking. */
  readonly templateOptions?: Readonly<Record<string, unknown>>;
  /** Hears how far a long prompt is, several times a second, before the first token comes. */
  readonly onPromptProgress?: (progress: PromptProgress) => void;
  /** Compute several tokens per step where they can be guessed. Never changes the output. */
  readonly speculation?: SpeculationOptions;
  /** GBNF, the notation of llama.cpp: every token is chosen so that the text matches it. */
  readonly grammar?: string;
  /** A JSON schema (2020-12): the text is JSON that satisfies it. */
  readonly jsonSchema?: object | boolean;
  /** The text is a JSON object. */
  readonly json?: boolean;
  /** Who asks, such as a user of a server: where requests wait, clients take turns. */
  readonly client?: string;
  readonly signal?: AbortSignal;
}

export interface TokenLogprob {
  readonly id: number;
  readonly text: string;
  readonly logprob: number;
  readonly top: readonly { readonly id: number; readonly text: string; readonly logprob: number }[];
}

/** A piece of a continuation. `text` may be empty while a character or a possible stop string is incomplete. */
export interface GenerateChunk {
  /** Which of the `n` continuations. */
  readonly index: number;
  readonly text: string;
  readonly ids: readonly number[];
  readonly logprobs?: readonly TokenLogprob[];
  /** Pieces of tool calls, with `toolChoice`. */
  readonly toolCalls?: readonly ToolCallDelta[];
  /** Set on the last chunk of a continuation. */
  readonly finishReason?: FinishReason;
  /** Set with finishReason. */
  readonly timings?: GenerateTimings;
}

export interface GenerateTimings {
  readonly promptTokens: number;
  /** Prompt ids whose keys and values were there from earlier requests. */
  readonly cachedTokens: number;
  readonly newTokens: number;
  /** From the call to the first token, in ms. */
  readonly ttftMs: number;
  /** Of the prompt ids that were computed. */
  readonly prefillTokensPerSecond: number;
  readonly decodeTokensPerSecond: number;
  /** Ids that speculation guessed and the model computed, and those of them that it would have said itself. */
  readonly draftTokens: number;
  readonly acceptedDraftTokens: number;
  /** Ids of prompt and answer that `contextPolicy: 'slide'` left out. */
  readonly droppedTokens: number;
}

export interface Choice {
  readonly index: number;
  readonly text: string;
  readonly ids: readonly number[];
  readonly finishReason: FinishReason;
  readonly logprobs?: readonly TokenLogprob[];
  /** What it calls, with `toolChoice`. */
  readonly toolCalls?: readonly ToolCallResult[];
}

/** `text`, `ids`, `finishReason` and `toolCalls` are those of `choices[0]`. */
export interface Completion {
  readonly text: string;
  readonly ids: readonly number[];
  readonly promptIds: readonly number[];
  readonly finishReason: FinishReason;
  readonly toolCalls?: readonly ToolCallResult[];
  readonly choices: readonly Choice[];
  readonly timings: GenerateTimings;
  /** The seed used, also when none was given. */
  readonly seed: number;
}

export interface EmbedOptions {
  /** Overrides the model's own pooling. */
  readonly pooling?: 'mean' | 'cls' | 'last';
  /** Scale to unit length (true). */
  readonly normalize?: boolean;
  /** Who asks, such as a user of a server: where requests wait, clients take turns. */
  readonly client?: string;
  readonly signal?: AbortSignal;
}

export interface TokenizeOptions extends EncodeOptions {
  readonly signal?: AbortSignal;
}

export interface ScoreOptions {
  /** Most likely next tokens to report after the last id (10). */
  readonly topK?: number;
  /** Also return the last position's logits. */
  readonly logits?: boolean;
  /** First id whose likelihood is wanted (1): ids before it are context only. */
  readonly from?: number;
  readonly signal?: AbortSignal;
}

export interface ScoreResult {
  /** −log p(ids[i] | ids[0 … i)) in nats, for i = from … ids.length − 1. */
  readonly tokenNlls: Float64Array;
  /** Sum of tokenNlls. */
  readonly nll: number;
  /** Most likely continuations of the whole, best first. */
  readonly last: { readonly ids: readonly number[]; readonly logprobs: readonly number[] };
  /** (vocabSize), with `logits: true`. */
  readonly logits?: Float32Array;
}

export interface SaveSessionOptions {
  /** Path of the file to write, whole or not at all; without one the session comes as bytes. */
  readonly file?: string;
  /** A text to be kept with it, such as the conversation as JSON (16 MiB at most). */
  readonly note?: string;
  /** Parse special tokens in a text prompt (false: they are text). */
  readonly parseSpecial?: boolean;
  /** As for generate; messages are rendered without the header of an answer. */
  readonly tools?: readonly unknown[];
  readonly templateOptions?: Readonly<Record<string, unknown>>;
  readonly signal?: AbortSignal;
}

export interface SavedSession {
  readonly numTokens: number;
  readonly byteLength: number;
  /** The session itself, where no file was named. */
  readonly bytes?: Uint8Array<ArrayBuffer>;
}

/** A path, or the session itself. */
export type SessionSource = string | Blob | Uint8Array | ArrayBuffer;

export interface LoadSessionOptions {
  readonly signal?: AbortSignal;
}

export interface RestoredSession {
  /** The prompt whose keys and values are there now: prompts that begin with these ids are computed from their end. */
  readonly ids: readonly number[];
  readonly note: string;
}

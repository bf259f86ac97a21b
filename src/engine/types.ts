// The public API's shapes: what load, generate, embed and score take and give.
import type { KvType } from '../backends/tensors.ts';
import type { ChatMessage } from '../chat/messages.ts';
import type { ToolCallDelta } from '../chat/tool-call-reader.ts';
import type { SamplingOptions } from './sampler/options.ts';
import type { SpeculationOptions } from './speculation/options.ts';

/** A catalog name, path, URL, `hf:` or `pip:` reference; or the file itself. */
export type ModelSource = string | URL | Blob | Uint8Array | ArrayBuffer;

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

export interface LoadProgress {
  readonly phase: 'resolve' | 'download' | 'verify' | 'extract' | 'load' | 'warmup';
  /** What is being fetched or read. */
  readonly file: string;
  readonly loadedBytes: number;
  /** Absent while unknown. */
  readonly totalBytes?: number;
  /** Another process fetches the same model and this one waits for it. */
  readonly waiting?: boolean;
}

/**
 * `linear` divides positions by `factor`; `yarn` (arXiv 2309.00071) those of slow rotations only. `originalContextLength` is
 * what the model was trained for unless said otherwise.
 */
export type RopeScaling =
  | 'none'
  | { readonly type: 'linear'; readonly factor: number }
  | { readonly type: 'yarn'; readonly factor: number; readonly originalContextLength?: number };

export interface LoadOptions {
  /** `auto` and `cpu` run WebAssembly kernels on the CPU. */
  readonly device?: 'auto' | 'cpu';
  /**
   * Compute threads; by default one per physical core. 0 starts none and computes on the calling thread, a little at a time, as
   * happens anyway where the runtime has no worker threads.
   */
  readonly threads?: number;
  /** Positions per sequence; by default what the model was trained for, at most 4096. */
  readonly contextLength?: number;
  /** Sequences that are computed at the same time (4, or as many as fit): requests beyond them wait. */
  readonly maxSequences?: number;
  /** How positions are stretched for contexts longer than the model was trained for, in place of what its file says. */
  readonly ropeScaling?: RopeScaling;
  /** Base of the rotation of positions, in place of the file's. */
  readonly ropeTheta?: number;
  /** Prompt tokens per forward pass (512). */
  readonly maxBatchTokens?: number;
  /**
   * Key/value cache elements: 16-bit integers with a scale per position and head by default. `auto` is the most exact of the
   * integer types with which the context fits the memory.
   */
  readonly kvType?: KvType | 'auto';
  /**
   * Bytes of key/value cache that remember finished requests, so that a prompt that begins like an earlier one is computed
   * from where they part. By default what one sequence of contextLength takes; 0 remembers nothing.
   */
  readonly prefixCacheBytes?: number;
  /** A smaller model with the same vocabulary, which guesses tokens that this one then computes several at a time. */
  readonly draftModel?: ModelSource;
  /** Choose the baseline kernels, whose results are bit-identical in every runtime. */
  readonly deterministic?: boolean;
  /** Ceiling in bytes for weights, cache and scratch together (by default what the machine or container has). */
  readonly maxMemory?: number;
  /** Bytes of one linear memory (4 GiB by default and at most); a model that takes more is divided among several. */
  readonly shardBytes?: number;
  /**
   * In browsers: address of the compute worker's script, a copy of `@clawdbot/runtime/browser-worker.js` on the page's own origin.
   * Needed where a content security policy forbids workers from Blobs.
   */
  readonly workerUrl?: string | URL;
  /** Where downloaded models are kept; in browsers a folder of the origin's private file system ("clawdbot"). */
  readonly cacheDir?: string;
  /** In browsers: false keeps nothing of a model from an address, and reads it by range each time (true). */
  readonly cache?: boolean;
  /** Never touch the network. */
  readonly offline?: boolean;
  readonly onProgress?: (progress: LoadProgress) => void;
  readonly signal?: AbortSignal;
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
  /** Whether an answer may have several calls (true). */
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

/** What a loaded model is. */
export interface ModelInfo {
  readonly name: string;
  readonly architecture: string;
  readonly kind: 'decoder' | 'encoder';
  readonly numParameters: number;
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly numLayers: number;
  readonly contextLength: number;
  readonly trainedContextLength: number;
  /** Compute threads; 0 where the calling thread computes. */
  readonly threads: number;
  /** Kernel build in use: `dot` (relaxed SIMD with AVX-VNNI or dotprod), `relaxed` or `baseline`. */
  readonly kernels: string;
  readonly memory: {
    readonly weightBytes: number; readonly kvBytes: number; readonly scratchBytes: number;
    /** Linear memories that the layers are divided among. */
    readonly numShards: number;
  };
  readonly loadMs: number;
  /** The model that drafts, where one was loaded; `memory` is what it takes besides. */
  readonly draftModel?: Pick<ModelInfo, 'name' | 'architecture' | 'numParameters' | 'contextLength' | 'memory'>;
  readonly hasChatTemplate: boolean;
  /** Has layers that carry a state from token to token, which speculation cannot take back. */
  readonly recurrent: boolean;
  /** How conversations are written, where the model does not say. */
  readonly chatTemplateWarning?: string;
  /** Things a user should know, such as a context longer than the model was trained for. */
  readonly warnings: readonly string[];
}

/** Bytes a model will take. */
export interface PlannedMemory {
  readonly weightBytes: number;
  /** Of layers without a window; those with one keep as much whatever the length. */
  readonly kvBytesPerToken: number;
  /** Keys and values of one sequence that fills the context. */
  readonly kvBytes: number;
  /** Activations and working memory of generating. */
  readonly scratchBytes: number;
  /** The three together: what one sequence that fills the context makes of it. */
  readonly usedBytes: number;
  /**
   * The ceiling, which is never passed: room for `numSequences` such sequences, and for the logits of scoring. What of it is not
   * used takes addresses and no memory.
   */
  readonly reservedBytes: number;
}

/** What a load would do, and what it would take. */
export interface LoadPlan {
  readonly name: string;
  readonly architecture: string;
  readonly kind: 'decoder' | 'encoder';
  readonly numParameters: number;
  readonly threads: number;
  readonly contextLength: number;
  readonly trainedContextLength: number;
  /** The longest context that fits `maxMemory` with these options, for one sequence at a time; more than was trained for, maybe. */
  readonly largestContextLength: number;
  /** The type of keys and values, also where "auto" chose it. */
  readonly kvType: KvType;
  /** Sequences of contextLength that there is room for at a time. */
  readonly numSequences: number;
  /** The ceiling in bytes that the plan keeps: the option, or what the machine or container has, and what can be addressed. */
  readonly maxMemory: number;
  readonly memory: PlannedMemory;
  readonly draftModel?: { readonly name: string; readonly memory: PlannedMemory };
}

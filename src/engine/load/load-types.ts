// The public API's shapes of models: what load and plan take, and what they say of a model.
import type { KvType } from '../../backends/tensors.ts';

/** A catalog name, path, URL, `hf:` or `pip:` reference; or the file itself. */
export type ModelSource = string | URL | Blob | Uint8Array | ArrayBuffer;

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
  /**
   * Sequences that are computed at the same time, or of how many as many as fit beside each other with a whole context each
   * ({ atMost: 4 }): requests beyond them wait.
   */
  readonly maxSequences?: number | { readonly atMost: number };
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
  /** Allow http: to other machines: what comes, and what is sent, then travels unprotected (false). */
  readonly allowHttp?: boolean;
  readonly onProgress?: (progress: LoadProgress) => void;
  readonly signal?: AbortSignal;
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
  /** As `Engine.plan` has it, and the linear memories that the layers are divided among. */
  readonly memory: PlannedMemory & { readonly numShards: number };
  readonly loadMs: number;
  /** The model that drafts, where one was loaded; `memory` is what it takes besides. */
  readonly draftModel?: Pick<ModelInfo, 'name' | 'architecture' | 'numParameters' | 'contextLength' | 'memory'>;
  readonly hasChatTemplate: boolean;
  /** An answer may have several tool calls where `parallelToolCalls` does not say. */
  readonly parallelToolCalls: boolean;
  /** Has layers that carry a state from token to token, which speculation cannot take back. */
  readonly recurrent: boolean;
  /** How conversations are written, where the model does not say; of models that generate, among the warnings too. */
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
  /** The longest context that fits `maxMemory` with these options and `kvType`, for one sequence at a time; more than was trained for, maybe. */
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

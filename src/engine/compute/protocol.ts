// Messages between the caller's thread and the compute workers, and the plan every compute thread builds from.
import type { BuildLimits, LayerRange, TensorDeclaration } from '../../architectures/architecture.ts';
import type { ModelConfig } from '../../architectures/config.ts';
import type { KvSizes } from '../../backends/kv-groups.ts';
import type { MemoryRange } from '../../backends/tensors.ts';
import type { KernelModule, LinearMemory } from '../../platform/platform.ts';
import type { Network } from '../../grammar/network.ts';
import type { TokenBytes } from '../../grammar/vocabulary.ts';
import type { SamplingOptions } from '../sampler/options.ts';
import type { DraftSettings, LookupSettings } from '../speculation/options.ts';
import type { FinishReason } from '../types.ts';

/** All that a thread needs to lay out memory and build the model; the same on every thread. */
export interface ComputePlan {
  readonly config: ModelConfig;
  readonly tensors: readonly TensorDeclaration[];
  readonly limits: BuildLimits;
  /** The layers of each shard, in order. */
  readonly shards: readonly LayerRange[];
  readonly kv: KvSizes;
  /** Ids that the vocabulary names: some models have more rows of embeddings, and such an id is never chosen. */
  readonly numTokens: number;
  readonly maxSequences: number;
  /** KV blocks that nobody holds and whose contents are remembered, at most. */
  readonly cachedBlocks: number;
  /** Likewise those of each sliding window. */
  readonly cachedWindowBlocks: readonly number[];
  readonly numThreads: number;
}

export function countParameters({ tensors }: ComputePlan): number {
  return tensors.reduce((sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1), 0);
}

/** A plan, and the memories of its shards, which are laid out by it. */
export interface ModelInMemory {
  readonly plan: ComputePlan;
  /** A number is the bytes of one that the worker, being the only one, makes for itself. */
  readonly memories: readonly (LinearMemory | number)[];
}

/** A shard of the model, or of the one that drafts for it. */
export interface ShardPlace {
  readonly model: 'main' | 'draft';
  readonly shard: number;
}

/** Bytes for a memory that only the worker has. */
export interface WriteMessage extends ShardPlace {
  readonly type: 'write';
  readonly ptr: number;
  readonly bytes: Uint8Array;
}

/** How many tensors of such a memory, from the first on, have been written. */
export interface ArrivedMessage extends ShardPlace {
  readonly type: 'arrived';
  readonly count: number;
}

/** Wants copies of ranges of such a memory. */
export interface ReadMessage extends ShardPlace {
  readonly type: 'read';
  readonly requestId: number;
  readonly ranges: readonly MemoryRange[];
}

export interface InitMessage extends ModelInMemory {
  readonly type: 'init';
  readonly module: KernelModule;
  /** A smaller model that drafts, in memories of its own. */
  readonly draft?: ModelInMemory;
  readonly threadIndex: number;
}

/** Requests of one client wait behind each other, and those of others beside them. */
interface Asked {
  readonly client?: string;
}

export interface GenerateMessage extends Asked {
  readonly type: 'generate';
  readonly requestId: number;
  readonly promptIds: readonly number[];
  /** Choices `firstChoice … numChoices − 1` are to be generated. */
  readonly numChoices: number;
  readonly firstChoice: number;
  readonly maxTokens: number;
  /** A sequence that has filled its context goes on without its oldest ids, all but the first `numSinks`. */
  readonly slide?: { readonly contextLength: number; readonly numSinks: number };
  /** Ids of the prompt that were left out before. */
  readonly numDropped: number;
  readonly wantsPromptProgress: boolean;
  readonly stopIds: readonly number[];
  readonly sampling: SamplingOptions;
  readonly seed: number;
  /** Draft from the sequence's own text. */
  readonly lookup?: LookupSettings;
  /** Draft with the draft model. */
  readonly draft?: DraftSettings;
  readonly grammar?: GrammarMessage;
}

/** A grammar that the text must match. */
export interface GrammarMessage {
  /** What it was compiled from: equal keys are equal grammars. */
  readonly key: string;
  readonly network: Network;
  /** With the first grammar. */
  readonly tokens?: TokenBytes;
}

export interface ScoreMessage extends Asked {
  readonly type: 'score';
  readonly requestId: number;
  readonly ids: readonly number[];
  readonly from: number;
  readonly topK: number;
  readonly wantLogits: boolean;
}

export interface EmbedMessage extends Asked {
  readonly type: 'embed';
  readonly requestId: number;
  readonly ids: readonly number[];
  readonly pooling: 'mean' | 'cls' | 'last';
}

/**
 * Wants a sequence's blocks in its own hands, until it cancels: with the keys and values of `ids` in them, or `toFill`, to be
 * written by the caller and then committed.
 */
export interface HoldMessage extends Asked {
  readonly type: 'hold';
  readonly requestId: number;
  readonly ids: readonly number[];
  readonly toFill: boolean;
}

/** The held blocks have been filled: they are remembered, and free for others. */
export interface CommitMessage {
  readonly type: 'commit';
  readonly requestId: number;
}

/** Ends a request, or one of its choices; nothing more is sent for it. */
export interface CancelMessage {
  readonly type: 'cancel';
  readonly requestId: number;
  readonly choiceIndex?: number;
}

/** What a worker does with a memory of its own. */
export type ToOwnMemory = WriteMessage | ArrivedMessage | ReadMessage;

/** What the engine on the first compute thread takes. */
export type ToCore =
  | { readonly type: 'prepare' } | GenerateMessage | ScoreMessage | EmbedMessage | HoldMessage | CommitMessage | CancelMessage;

export type ToCompute = InitMessage | ToCore | ToOwnMemory;

export interface TokenMessage {
  readonly type: 'token';
  readonly requestId: number;
  readonly choiceIndex: number;
  readonly id: number;
  readonly logprob?: number;
  readonly top?: readonly { readonly id: number; readonly logprob: number }[];
  /** Set on a choice's last token; `stopped` means that the id is a stop id and no part of the text. */
  readonly finishReason?: FinishReason;
  readonly stopped?: boolean;
  /** Up to and with this token. */
  readonly timings: StepTimings;
}

export interface StepTimings {
  /** All ids of the prompt, and those of them that were not computed for this choice. */
  readonly prefillTokens: number;
  readonly cachedTokens: number;
  readonly prefillMs: number;
  readonly decodeTokens: number;
  readonly decodeMs: number;
  readonly draftTokens: number;
  readonly acceptedDraftTokens: number;
  readonly droppedTokens: number;
}

/** How many of a prompt's ids are computed; sent before its first token, to requests that ask for it. */
export interface PromptMessage {
  readonly type: 'prompt';
  readonly requestId: number;
  readonly numComputed: number;
}

export interface ScoredMessage {
  readonly type: 'scored';
  readonly requestId: number;
  readonly tokenNlls: Float64Array;
  readonly lastIds: readonly number[];
  readonly lastLogprobs: readonly number[];
  readonly logits?: Float32Array;
}

export interface EmbeddedMessage {
  readonly type: 'embedded';
  readonly requestId: number;
  readonly embedding: Float32Array;
}

export interface HeldMessage {
  readonly type: 'held';
  readonly requestId: number;
  /** Numbers of the sequence's blocks in order, for each group of KV layers; those of windows begin at the last id's. */
  readonly blocks: readonly (readonly number[])[];
}

/** See engine-stats.ts; from a worker with a memory of its own. */
export interface StatsMessage {
  readonly type: 'stats';
  readonly words: BigInt64Array;
}

export interface CopiedMessage {
  readonly type: 'copied';
  readonly requestId: number;
  /** Of the ranges, one after another. */
  readonly bytes: Uint8Array;
}

export interface CommittedMessage {
  readonly type: 'committed';
  readonly requestId: number;
}

/** A request failed (`requestId`), or the whole thread did. */
export interface FailedMessage {
  readonly type: 'failed';
  readonly requestId?: number;
  readonly code: string;
  readonly message: string;
  /** Of an OutOfMemoryError. */
  readonly bytes?: { readonly requiredBytes: number; readonly availableBytes: number };
}

/** What one step had to say, in order. */
export interface SeveralMessages {
  readonly type: 'several';
  readonly messages: readonly FromCompute[];
}

export type FromCompute =
  | SeveralMessages | { readonly type: 'ready' } | { readonly type: 'prepared' }
  | TokenMessage | PromptMessage | ScoredMessage | EmbeddedMessage | HeldMessage | CommittedMessage | CopiedMessage | StatsMessage | FailedMessage;

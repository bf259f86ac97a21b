// What an engine holds and has done: written by compute worker 0 to linear memory between passes, read by the caller's thread
// whenever it likes, also while a pass runs. Where the two share no memory, it is sent.
import { KV_BLOCK_SIZE } from '../backends/tensors.ts';
import type { LinearMemory } from '../platform/platform.ts';
import type { ComputePlan, StatsMessage } from './compute/protocol.ts';

/** A moment's figures. Those named `num…` only grow, from 0 when the model was loaded. */
export interface EngineStats {
  /** Sequences in work: each choice of a generation, a score, an embedding or a session being saved; and the most there may be. */
  readonly runningSequences: number;
  readonly maxSequences: number;
  /** Requests that wait for a place, or for free blocks. */
  readonly waitingRequests: number;
  /** Key/value blocks of `positions` positions: held by sequences; held by none but remembered; and all there are. */
  readonly kvBlocks: { readonly positions: number; readonly used: number; readonly cached: number; readonly total: number };
  /** Forward passes, and how many had up to `sequences` of them: 1, 2, 4, 8 … */
  readonly numPasses: number;
  readonly passesBySequences: readonly { readonly sequences: number; readonly numPasses: number }[];
  /** Ids computed as part of prompts, scores and embeddings. */
  readonly numPrefilledTokens: number;
  /** Ids that were chosen. */
  readonly numDecodedTokens: number;
  /** Sequences that were begun; those of them that found their beginning in the prefix cache; and the ids that spared. */
  readonly numSequences: number;
  readonly numPrefixHits: number;
  readonly numCachedTokens: number;
  /** Ids that speculation guessed and the model computed, and those of them that were chosen. */
  readonly numDraftTokens: number;
  readonly numAcceptedDraftTokens: number;
}

const FIELDS = [
  'running', 'waiting', 'usedBlocks', 'cachedBlocks', 'sequences', 'prefixHits', 'prefilled', 'decoded', 'cached', 'drafted', 'accepted',
] as const;
type Field = (typeof FIELDS)[number];
/** Passes of up to 1, 2, 4 … 256 sequences. */
const NUM_BUCKETS = 9;
const BUCKETS_AT = FIELDS.length;
const LENGTH = BUCKETS_AT + NUM_BUCKETS;

/** Bytes at an address divisible by 8. */
export const STATS_BYTES = 8 * LENGTH;

/** The writing side. */
export class StatsRecord {
  readonly #words: BigInt64Array;
  readonly #values = new Array<number>(LENGTH).fill(0);
  readonly #post: ((message: StatsMessage) => void) | undefined;

  /** `post` where nobody else has the memory. */
  constructor(memory: LinearMemory, ptr: number, post?: (message: StatsMessage) => void) {
    this.#words = wordsIn(memory.buffer, ptr);
    this.#post = post;
  }

  add(field: Field, count: number): void {
    this.#values[FIELDS.indexOf(field)]! += count;
  }

  countPass(numSequences: number): void {
    const bucket = Math.min(NUM_BUCKETS - 1, Math.ceil(Math.log2(numSequences)));
    this.#values[BUCKETS_AT + bucket]! += 1;
  }

  /** Shows everything that was counted, with these present values. */
  publish(present: Readonly<Partial<Record<Field, number>>>): void {
    FIELDS.forEach((field, i) => (this.#values[i] = present[field] ?? this.#values[i]!));
    this.#values.forEach((value, i) => Atomics.store(this.#words, i, BigInt(value)));
    this.#post?.({ type: 'stats', words: this.#words.slice() });
  }
}

export function wordsIn(buffer: ArrayBufferLike, ptr: number): BigInt64Array {
  return new BigInt64Array(buffer, ptr, LENGTH);
}

/** The reading side, over the same memory or a copy that is renewed. */
export function statsReader({ maxSequences, kv }: Pick<ComputePlan, 'maxSequences' | 'kv'>, words: BigInt64Array): () => EngineStats {
  const at = (index: number): number => Number(Atomics.load(words, index));
  const value = (field: Field): number => at(FIELDS.indexOf(field));
  return () => {
    const passesBySequences = Array.from({ length: NUM_BUCKETS }, (_, i) => ({ sequences: 2 ** i, numPasses: at(BUCKETS_AT + i) }));
    return {
      runningSequences: value('running'),
      maxSequences,
      waitingRequests: value('waiting'),
      kvBlocks: { positions: KV_BLOCK_SIZE, used: value('usedBlocks'), cached: value('cachedBlocks'), total: kv.numBlocks },
      numPasses: passesBySequences.reduce((sum, { numPasses }) => sum + numPasses, 0),
      passesBySequences,
      numPrefilledTokens: value('prefilled'),
      numDecodedTokens: value('decoded'),
      numSequences: value('sequences'),
      numPrefixHits: value('prefixHits'),
      numCachedTokens: value('cached'),
      numDraftTokens: value('drafted'),
      numAcceptedDraftTokens: value('accepted'),
    };
  };
}

// The places that sequences compute in: slots, key/value blocks, and what is remembered of sequences that ended.
import { BlockPool } from './block-pool.ts';
import type { StatsRecord } from '../engine-stats.ts';
import { PrefixCache } from './prefix-cache.ts';
import type { ComputePlan } from '../compute/protocol.ts';
import type { BatchPart, Runner } from '../steps/runner.ts';
import { Sequence } from '../steps/sequence.ts';
import { windowPools } from './window-blocks.ts';
import type { WindowPool } from './window-blocks.ts';

export class Places {
  readonly #stats: StatsRecord;
  readonly #pool: BlockPool;
  readonly #windows: readonly WindowPool[];
  readonly #prefixes: PrefixCache | undefined;
  readonly #freeSlots: number[];
  /** Hears of slots that are free again. */
  onFree: ((slot: number) => void) | undefined;

  constructor({ kv, cachedBlocks, cachedWindowBlocks, maxSequences }: ComputePlan, runner: Runner, stats: StatsRecord) {
    this.#stats = stats;
    this.#pool = new BlockPool(kv.numBlocks);
    this.#windows = windowPools(runner.thread.chain.kvGroups);
    if (cachedBlocks > 0) {
      const windows = this.#windows.map((window, i) => ({ ...window, maxKept: cachedWindowBlocks[i]! }));
      this.#prefixes = new PrefixCache(this.#pool, runner, cachedBlocks, windows);
    }
    this.#freeSlots = Array.from({ length: maxSequences }, (_, i) => maxSequences - 1 - i);
  }

  get hasSlot(): boolean {
    return this.#freeSlots.length > 0;
  }

  /** Blocks that can be taken, remembered ones among them; that are held; and that are remembered only. */
  get blocks(): { readonly free: number; readonly used: number; readonly cached: number } {
    const { numBlocks, numFree } = this.#pool;
    return { free: numFree, used: numBlocks - numFree, cached: this.#prefixes?.numKept ?? 0 };
  }

  begin(ids: readonly number[]): Sequence {
    return new Sequence(this.#freeSlots.pop()!, ids, this.#pool, this.#windows);
  }

  /** Lets a sequence begin, or go on, with what is remembered of it. */
  recall(sequence: Sequence): void {
    const before = sequence.numSpared;
    const numSpared = this.#prefixes?.extend(sequence) ?? 0;
    this.#stats.add('cached', numSpared);
    if (before === 0 && numSpared > 0) this.#stats.add('prefixHits', 1);
  }

  /** Remembers what has been computed of a sequence. */
  note(sequence: Sequence): void {
    this.#prefixes?.note(sequence);
  }

  /** Whether a sequence's next block is the one that `part` fills. */
  repeats(sequence: Sequence, part: BatchPart): boolean {
    return this.#prefixes?.repeats(sequence, part.sequence, part.numTokens) ?? false;
  }

  /** Ends a sequence; what of it is a draft is forgotten. */
  release(sequence: Sequence): void {
    sequence.settle();
    this.giveBack(sequence);
  }

  /** Ends a sequence as it is: all of it is computed. */
  giveBack(sequence: Sequence): void {
    this.#prefixes?.noteLast(sequence);
    sequence.release();
    this.onFree?.(sequence.slot);
    this.#freeSlots.push(sequence.slot);
  }
}

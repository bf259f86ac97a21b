// Keeps blocks of one sliding window that nobody holds, as long as the prefix cache knows what lies in them and nothing else
// needs them. What a sequence went on without is given up first: later ones begin rarely there, but often where one ended.
import type { BlockKeeper, BlockPool } from './block-pool.ts';
import type { CachedBlock, KeptWindow } from './prefix-cache.ts';

export class WindowKeeper implements BlockKeeper {
  readonly pool: BlockPool;
  readonly #maxKept: number;
  /** Of the entries' `windows`. */
  readonly #index: number;
  readonly #entries = new Map<number, CachedBlock>();
  /** Blocks that nobody holds, the longest released first. */
  readonly #passed = new Set<number>();
  readonly #ended = new Set<number>();

  constructor({ pool, maxKept }: KeptWindow, index: number) {
    this.pool = pool;
    this.#maxKept = maxKept;
    this.#index = index;
    pool.keeper = this;
  }

  get numKept(): number {
    return this.#passed.size + this.#ended.size;
  }

  /** `block` holds what `entry` says. */
  add(entry: CachedBlock, block: number): void {
    entry.windows[this.#index] = block;
    this.#entries.set(block, entry);
  }

  retire(block: number, isPassed: boolean): boolean {
    if (!this.#entries.has(block)) return false;
    (isPassed ? this.#passed : this.#ended).add(block);
    while (this.numKept > this.#maxKept) this.pool.free(this.evict()!);
    return true;
  }

  revive(block: number): void {
    this.#passed.delete(block);
    this.#ended.delete(block);
  }

  evict(): number | undefined {
    for (const kept of [this.#passed, this.#ended]) {
      for (const block of kept) {
        this.#drop(block);
        return block;
      }
    }
    return undefined;
  }

  /** The cache forgets `entry`, whose block nobody holds. */
  forget(entry: CachedBlock): void {
    const block = entry.windows[this.#index];
    if (block === undefined) return;
    this.#drop(block);
    this.pool.free(block);
  }

  #drop(block: number): void {
    this.revive(block);
    this.#entries.get(block)!.windows[this.#index] = undefined;
    this.#entries.delete(block);
  }
}

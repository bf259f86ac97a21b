// The blocks of one sequence in layers with a sliding window: those that a row to come may see, and no earlier ones.
import { KV_BLOCK_SIZE } from '../../backends/tensors.ts';
import type { KvGroup } from '../../backends/kv-groups.ts';
import { BlockPool, blocksFor } from './block-pool.ts';

/** Blocks of the layers that have this window. */
export interface WindowPool {
  readonly window: number;
  readonly pool: BlockPool;
}

/** Pools for all groups of KV layers but the first, which keeps all positions. */
export function windowPools(groups: readonly KvGroup[]): WindowPool[] {
  return groups.slice(1).map(({ window, numBlocks }) => ({ window: window!, pool: new BlockPool(numBlocks) }));
}

/** Index of the first block that the row at `position` sees. */
export function firstSeen(window: number, position: number): number {
  return Math.floor(Math.max(0, position - window + 1) / KV_BLOCK_SIZE);
}

export class WindowBlocks {
  readonly window: number;
  readonly pool: BlockPool;
  /** Index of the first of `blocks` within the sequence. */
  first = 0;
  readonly blocks: number[] = [];

  constructor({ window, pool }: WindowPool) {
    this.window = window;
    this.pool = pool;
  }

  /** Block `index` of the sequence, where it is still there. */
  at(index: number): number | undefined {
    return this.blocks[index - this.first];
  }

  /** Makes sure that there are blocks up to `numPositions` positions. */
  reserve(numPositions: number): void {
    while (this.first + this.blocks.length < blocksFor(numPositions)) this.blocks.push(this.pool.take());
  }

  /** Gives up what no row from `position` on sees; where nothing is held yet, what is held will begin there. */
  trim(position: number): void {
    const first = firstSeen(this.window, position);
    while (this.first < first && this.blocks.length > 0) {
      this.pool.release(this.blocks.shift()!, true);
      this.first++;
    }
    this.first = Math.max(this.first, first);
  }

  /** Holds `block`, which another sequence computed, as block `index`. */
  share(index: number, block: number): void {
    if (this.blocks.length === 0) this.first = index;
    this.pool.share(block);
    this.blocks.push(block);
  }

  /** Lets another block with the same contents take the place of block `index`. */
  replace(index: number, block: number): void {
    this.pool.share(block);
    this.pool.release(this.blocks[index - this.first]!);
    this.blocks[index - this.first] = block;
  }

  release(): void {
    while (this.blocks.length > 0) this.pool.release(this.blocks.pop()!);
    this.first = 0;
  }
}

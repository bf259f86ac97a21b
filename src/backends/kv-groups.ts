// Which KV layers keep the same positions: those that see everything (group 0), and for each sliding window those that have it.
// Layers of a group share block numbers and tables.
import type { KvType } from './tensors.ts';
import { KV_BLOCK_SIZE } from './tensors.ts';

export interface KvGroup {
  /** Positions that a row sees; absent where it sees all. */
  readonly window?: number;
  /** Blocks there are, for all sequences together. */
  readonly numBlocks: number;
}

export interface KvSizes {
  readonly type: KvType;
  /** Windows whose groups come first, in that order, whether or not a layer has them: shards agree on numbers that way. */
  readonly windows?: readonly number[];
  /** Blocks of layers that keep all positions. */
  readonly numBlocks: number;
  /** By what blocks of windows are counted; where absent, layers with windows keep all positions too. */
  readonly windowed?: {
    readonly numSequences: number;
    /** Positions of a sequence that may be taken back. */
    readonly numRetractable: number;
    /** Positions that a pass adds to all sequences together, at most. */
    readonly numAdded: number;
  };
}

const blocksOf = (numPositions: number): number => Math.ceil(numPositions / KV_BLOCK_SIZE);

/**
 * Blocks for windows of `window` positions that can never run out: each sequence has its window, what may be taken back behind
 * it and parts of a block at both ends; and a pass may begin a block in each.
 */
function windowBlocks(window: number, { numSequences, numRetractable, numAdded }: NonNullable<KvSizes['windowed']>): number {
  return numSequences * (blocksOf(window + numRetractable) + 3) + blocksOf(numAdded);
}

/** Finds groups in the order in which layers ask for them: the same on every thread. */
export class KvGroups {
  readonly groups: KvGroup[];
  readonly #sizes: KvSizes;

  constructor(sizes: KvSizes) {
    this.#sizes = sizes;
    this.groups = [{ numBlocks: sizes.numBlocks }];
    for (const window of sizes.windows ?? []) this.indexOf(window);
  }

  /** Index of the group of a layer with that window. */
  indexOf(window: number | undefined): number {
    const { windowed, numBlocks: most } = this.#sizes;
    if (window === undefined || !windowed) return 0;
    const known = this.groups.findIndex((group) => group.window === window);
    return known >= 0 ? known : this.groups.push({ window, numBlocks: Math.min(windowBlocks(window, windowed), most) }) - 1;
  }
}

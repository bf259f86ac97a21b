// One token sequence in flight: its ids, how far it is computed, its KV blocks.
import { KV_BLOCK_SIZE } from '../../backends/tensors.ts';
import { blocksFor } from '../memory/block-pool.ts';
import type { BlockPool } from '../memory/block-pool.ts';
import type { CachedBlock } from '../memory/prefix-cache.ts';
import { WindowBlocks } from '../memory/window-blocks.ts';
import type { WindowPool } from '../memory/window-blocks.ts';

/** A block whose contents another one is to get, in the layers of a group. */
export interface BlockCopy {
  readonly group: number;
  readonly from: number;
  readonly to: number;
}

export class Sequence {
  /** Row of the block-table region this sequence writes. */
  readonly slot: number;
  readonly ids: number[];
  /** Ids whose keys and values are stored. */
  numComputed = 0;
  /** Those of them that were found, not computed for this sequence. */
  numSpared = 0;
  /** Ids that may follow `ids`; the next pass computes the first of them along with the last id. */
  draft: readonly number[] = [];
  readonly blocks: number[] = [];
  /** Those of layers that keep a window only, for each of their groups; they end where `blocks` do. */
  readonly windows: readonly WindowBlocks[];
  /** Ids that will not be taken back; all, unless somebody sets it. */
  numFirm = Infinity;
  /** What a prefix cache knows of the first blocks. */
  readonly cached: CachedBlock[] = [];
  readonly #pool: BlockPool;

  constructor(slot: number, ids: readonly number[], pool: BlockPool, windows: readonly WindowPool[] = []) {
    this.slot = slot;
    this.ids = [...ids];
    this.#pool = pool;
    this.windows = windows.map((window) => new WindowBlocks(window));
  }

  /** Makes sure that there are blocks for `numPositions` positions; returns the index of the first new one. */
  reserve(numPositions: number): number {
    const first = this.blocks.length;
    while (this.blocks.length < blocksFor(numPositions)) this.blocks.push(this.#pool.take());
    for (const window of this.windows) window.reserve(numPositions);
    return first;
  }

  /** Gives up what no row sees that may yet be computed: drafts may be taken back, and the last id is computed again. */
  trim(): void {
    const next = Math.min(this.numComputed, this.ids.length - 1, this.numFirm - 1);
    for (const window of this.windows) window.trim(Math.max(0, next));
  }

  /**
   * Takes over the computed part of `source`, whose full blocks are shared. Returns what to copy when the last block is only
   * partly filled.
   */
  adopt(source: Sequence): BlockCopy[] {
    const numFull = Math.floor(source.numComputed / KV_BLOCK_SIZE);
    for (const block of source.blocks.slice(0, numFull)) {
      this.#pool.share(block);
      this.blocks.push(block);
    }
    this.windows.forEach((window, i) => {
      const { first, blocks } = source.windows[i]!;
      window.first = Math.min(first, numFull);
      blocks.slice(0, Math.max(0, numFull - first)).forEach((block, at) => window.share(first + at, block));
    });
    this.cached.push(...source.cached.slice(0, numFull));
    this.numComputed = this.numSpared = source.numComputed;
    if (source.numComputed % KV_BLOCK_SIZE === 0) return [];
    this.reserve(source.numComputed);
    return this.copiesFrom(numFull, [source.blocks[numFull]!, ...source.windows.map((window) => window.at(numFull)!)]);
  }

  blocksByGroup(): number[][] {
    return [[...this.blocks], ...this.windows.map(({ blocks }) => [...blocks])];
  }

  /** Copies of `from`, a block for each group, to block `index`. */
  copiesFrom(index: number, from: readonly number[]): BlockCopy[] {
    const to = [this.blocks[index]!, ...this.windows.map((window) => window.at(index)!)];
    return from.map((block, group) => ({ group, from: block, to: to[group]! }));
  }

  /** The id at a position of `ids`, or of the draft after them. */
  idAt(position: number): number {
    return this.ids[position] ?? this.draft[position - this.ids.length]!;
  }

  /**
   * Forgets the draft and what was computed with ids of it that were not appended: the next pass overwrites their keys
   * and values. The last id is always computed again, since its result is what is wanted next.
   */
  settle(): void {
    this.draft = [];
    this.numComputed = Math.min(this.numComputed, this.ids.length - 1);
  }

  /** Begins anew with other ids: nothing of them is computed. */
  restart(ids: readonly number[]): void {
    this.release();
    this.draft = [];
    this.numComputed = 0;
    this.ids.splice(0, this.ids.length, ...ids);
  }

  /** Gives the last block back first, so that the next sequence takes them in ascending order, as memory is read fastest. */
  release(): void {
    this.cached.length = 0;
    while (this.blocks.length > 0) this.#pool.release(this.blocks.pop()!);
    for (const window of this.windows) window.release();
  }
}

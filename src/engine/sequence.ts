// One token sequence in flight: its ids, how far it is computed, its KV blocks.
import { KV_BLOCK_SIZE } from '../backends/tensors.ts';
import { blocksFor } from './block-pool.ts';
import type { BlockPool } from './block-pool.ts';
import type { CachedBlock } from './prefix-cache.ts';

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
  /** What a prefix cache knows of the first blocks. */
  readonly cached: CachedBlock[] = [];
  readonly #pool: BlockPool;

  constructor(slot: number, ids: readonly number[], pool: BlockPool) {
    this.slot = slot;
    this.ids = [...ids];
    this.#pool = pool;
  }

  /** Makes sure that there are blocks for `numPositions` positions; returns the index of the first new one. */
  reserve(numPositions: number): number {
    const first = this.blocks.length;
    while (this.blocks.length < blocksFor(numPositions)) this.blocks.push(this.#pool.take());
    return first;
  }

  /**
   * Takes over the computed part of `source`, whose full blocks are shared. Returns the block pair to copy when the last
   * block is only partly filled.
   */
  adopt(source: Sequence): { readonly from: number; readonly to: number } | undefined {
    const numFull = Math.floor(source.numComputed / KV_BLOCK_SIZE);
    for (const block of source.blocks.slice(0, numFull)) {
      this.#pool.share(block);
      this.blocks.push(block);
    }
    this.cached.push(...source.cached.slice(0, numFull));
    this.numComputed = this.numSpared = source.numComputed;
    if (source.numComputed % KV_BLOCK_SIZE === 0) return undefined;
    this.blocks.push(this.#pool.take());
    return { from: source.blocks[numFull]!, to: this.blocks[numFull]! };
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

  /** Gives the last block back first, so that the next sequence takes them in ascending order, as memory is read fastest. */
  release(): void {
    this.cached.length = 0;
    while (this.blocks.length > 0) this.#pool.release(this.blocks.pop()!);
  }
}

// Hands out KV blocks and counts who holds them. Knows numbers only; the memory is the backend's.
import { KV_BLOCK_SIZE } from '../backends/tensors.ts';

/** Blocks that `numPositions` positions take. */
export function blocksFor(numPositions: number): number {
  return Math.ceil(numPositions / KV_BLOCK_SIZE);
}

export class BlockPool {
  readonly numBlocks: number;
  readonly #holders: Int32Array;
  readonly #free: number[];

  constructor(numBlocks: number) {
    this.numBlocks = numBlocks;
    this.#holders = new Int32Array(numBlocks);
    this.#free = Array.from({ length: numBlocks }, (_, i) => numBlocks - 1 - i);
  }

  get numFree(): number {
    return this.#free.length;
  }

  /** A block held once; throws where none is free, which admission control rules out. */
  take(): number {
    const block = this.#free.pop();
    if (block === undefined) throw new Error('KV block pool is empty: admission reserved too little.');
    this.#holders[block] = 1;
    return block;
  }

  share(block: number): void {
    this.#holders[block] = this.#holders[block]! + 1;
  }

  release(block: number): void {
    const holders = this.#holders[block]! - 1;
    this.#holders[block] = holders;
    if (holders < 0) throw new Error(`KV block ${block} was released twice.`);
    if (holders === 0) this.#free.push(block);
  }
}

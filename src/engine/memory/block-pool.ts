// Hands out KV blocks and counts who holds them. Knows numbers only; the memory is the backend's.
import { KV_BLOCK_SIZE } from '../../backends/tensors.ts';

/** Blocks that `numPositions` positions take. */
export function blocksFor(numPositions: number): number {
  return Math.ceil(numPositions / KV_BLOCK_SIZE);
}

/** Who remembers what lies in blocks that nobody holds, until they are needed for something else. */
export interface BlockKeeper {
  /** Nobody holds `block` any more: whether it is to be kept. `isPassed`: its sequence went on without it. */
  retire(block: number, isPassed: boolean): boolean;
  /** Somebody holds a kept block again. */
  revive(block: number): void;
  /** Forgets a kept block, which is handed out next; undefined where there is none. */
  evict(): number | undefined;
  readonly numKept: number;
}

export class BlockPool {
  readonly numBlocks: number;
  readonly #holders: Int32Array;
  readonly #free: number[];
  /** Set by a keeper; without one, blocks that nobody holds are forgotten at once. */
  keeper: BlockKeeper | undefined;

  constructor(numBlocks: number) {
    this.numBlocks = numBlocks;
    this.#holders = new Int32Array(numBlocks);
    this.#free = Array.from({ length: numBlocks }, (_, i) => numBlocks - 1 - i);
  }

  /** Blocks that can be taken, kept ones among them. */
  get numFree(): number {
    return this.#free.length + (this.keeper?.numKept ?? 0);
  }

  /** A block held once; throws where none is free, which admission control rules out. */
  take(): number {
    const block = this.#free.pop() ?? this.keeper?.evict();
    if (block === undefined) throw new Error('KV block pool is empty: admission reserved too little.');
    this.#holders[block] = 1;
    return block;
  }

  share(block: number): void {
    const holders = this.#holders[block]!;
    this.#holders[block] = holders + 1;
    if (holders === 0) this.keeper!.revive(block);
  }

  release(block: number, isPassed = false): void {
    const holders = this.#holders[block]! - 1;
    this.#holders[block] = holders;
    if (holders < 0) throw new Error(`KV block ${block} was released twice.`);
    if (holders === 0 && !this.keeper?.retire(block, isPassed)) this.#free.push(block);
  }

  /** A kept block that its keeper gives up. */
  free(block: number): void {
    this.#free.push(block);
  }
}

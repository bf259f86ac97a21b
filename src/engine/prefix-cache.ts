// Remembers whose keys and values lie in which blocks, so that a prompt that begins like an earlier one is computed from
// where they part. A tree of blocks: an entry is a block's ids after those of its parents, so equal ids mean equal contents.
// Blocks that nobody holds stay, the least recently used are given up first.
import { KV_BLOCK_SIZE } from '../backends/tensors.ts';
import type { BlockKeeper, BlockPool } from './block-pool.ts';
import type { Sequence } from './sequence.ts';

/** What lies in one block: at most 32 ids; only a full one has children. */
export interface CachedBlock {
  readonly block: number;
  readonly ids: readonly number[];
  readonly parent: CachedBlock | undefined;
  readonly children: CachedBlock[];
}

/** What the cache needs done to memory. */
export interface BlockMemory {
  copyBlock(from: number, to: number): void;
  /** Blocks of `sequence` from index `first` on have changed. */
  writeTable(sequence: Sequence, first: number): void;
}

export class PrefixCache implements BlockKeeper {
  readonly #pool: BlockPool;
  readonly #memory: BlockMemory;
  readonly #maxKept: number;
  readonly #roots: CachedBlock[] = [];
  readonly #entries = new Map<number, CachedBlock>();
  /** Entries that nobody holds, least recently used first. A parent is always released after its children. */
  readonly #kept = new Set<CachedBlock>();

  /** Keeps at most `maxKept` blocks that nobody holds. */
  constructor(pool: BlockPool, memory: BlockMemory, maxKept: number) {
    this.#pool = pool;
    this.#memory = memory;
    this.#maxKept = maxKept;
    pool.keeper = this;
  }

  get numKept(): number {
    return this.#kept.size;
  }

  retire(block: number): boolean {
    const entry = this.#entries.get(block);
    if (!entry) return false;
    this.#kept.add(entry);
    while (this.#kept.size > this.#maxKept) this.#pool.free(this.evict()!);
    return true;
  }

  revive(block: number): void {
    this.#kept.delete(this.#entries.get(block)!);
  }

  evict(): number | undefined {
    for (const entry of this.#kept) {
      this.#forget(entry);
      return entry.block;
    }
    return undefined;
  }

  /**
   * Gives `sequence` the blocks that hold the beginning of what it has yet to compute, all but its last id, whose result is
   * wanted. A block that agrees only in part is copied. Returns how many ids that spared.
   */
  extend(sequence: Sequence): number {
    const before = sequence.numComputed;
    const first = sequence.blocks.length;
    const { ids, cached } = sequence;
    while (cached.length === sequence.blocks.length && sequence.numComputed === cached.length * KV_BLOCK_SIZE) {
      const limit = Math.min(KV_BLOCK_SIZE, ids.length - 1 - sequence.numComputed);
      const { entry, numSame } = this.#closest(cached.at(-1), ids, sequence.numComputed, limit);
      if (!entry || numSame === 0) break;
      this.#pool.share(entry.block);
      if (numSame === KV_BLOCK_SIZE) {
        cached.push(entry);
        sequence.blocks.push(entry.block);
      } else {
        const block = this.#pool.take();
        this.#memory.copyBlock(entry.block, block);
        this.#pool.release(entry.block);
        sequence.blocks.push(block);
      }
      sequence.numComputed += numSame;
      sequence.numSpared += numSame;
    }
    if (sequence.blocks.length > first) this.#memory.writeTable(sequence, first);
    return sequence.numComputed - before;
  }

  /**
   * Remembers the blocks of `sequence` that have become full. Where another sequence has computed the same, its block takes
   * the place of this one's.
   */
  note(sequence: Sequence): void {
    const { ids, cached, blocks } = sequence;
    // Beyond the ids, what is computed is a draft.
    const numFull = Math.floor(Math.min(sequence.numComputed, ids.length) / KV_BLOCK_SIZE);
    for (let i = cached.length; i < numFull; i++) {
      const parent = cached.at(-1);
      const { entry, numSame } = this.#closest(parent, ids, i * KV_BLOCK_SIZE, KV_BLOCK_SIZE);
      if (entry && numSame === KV_BLOCK_SIZE) {
        this.#pool.share(entry.block);
        this.#pool.release(blocks[i]!);
        blocks[i] = entry.block;
        cached.push(entry);
        this.#memory.writeTable(sequence, i);
      } else {
        cached.push(this.#add(parent, ids.slice(i * KV_BLOCK_SIZE, (i + 1) * KV_BLOCK_SIZE), blocks[i]!));
      }
    }
  }

  /** Remembers a partly filled last block too: `sequence`, whose draft is settled, is about to be released. */
  noteLast(sequence: Sequence): void {
    this.note(sequence);
    const { ids, cached, blocks, numComputed } = sequence;
    const from = cached.length * KV_BLOCK_SIZE, count = numComputed - from;
    if (count <= 0) return;
    const parent = cached.at(-1);
    const { entry, numSame } = this.#closest(parent, ids, from, count);
    if (numSame === count) return;
    this.#add(parent, ids.slice(from, numComputed), blocks[cached.length]!);
    // A shorter one that begins the same has no further use.
    if (entry && numSame === entry.ids.length && this.#kept.has(entry)) {
      this.#forget(entry);
      this.#pool.free(entry.block);
    }
  }

  /** Forgets everything that nobody holds. */
  clear(): void {
    for (let block; (block = this.evict()) !== undefined;) this.#pool.free(block);
  }

  /** The child of `parent` that agrees longest with ids[from …], up to `limit` of them. */
  #closest(
    parent: CachedBlock | undefined, ids: readonly number[], from: number, limit: number,
  ): { readonly entry: CachedBlock | undefined; readonly numSame: number } {
    let entry: CachedBlock | undefined, numSame = 0;
    for (const child of parent?.children ?? this.#roots) {
      const most = Math.min(limit, child.ids.length);
      let same = 0;
      while (same < most && child.ids[same] === ids[from + same]) same++;
      if (same > numSame) [entry, numSame] = [child, same];
    }
    return { entry, numSame };
  }

  #add(parent: CachedBlock | undefined, ids: readonly number[], block: number): CachedBlock {
    const entry: CachedBlock = { block, ids, parent, children: [] };
    (parent?.children ?? this.#roots).push(entry);
    this.#entries.set(block, entry);
    return entry;
  }

  #forget(entry: CachedBlock): void {
    if (entry.children.length > 0) throw new Error(`KV block ${entry.block} was given up before what continues it.`);
    this.#kept.delete(entry);
    this.#entries.delete(entry.block);
    const siblings = entry.parent?.children ?? this.#roots;
    siblings.splice(siblings.indexOf(entry), 1);
  }
}

// Remembers whose keys and values lie in which blocks, so that a prompt that begins like an earlier one is computed from
// where they part. A tree of blocks: an entry is a block's ids after those of its parents, so equal ids mean equal contents.
// Blocks that nobody holds stay, the least recently used are given up first. Blocks of sliding windows are given up on their
// own, and a prompt can only begin where those that its next row sees are still there.
import { KV_BLOCK_SIZE } from '../../backends/tensors.ts';
import type { BlockKeeper, BlockPool } from './block-pool.ts';
import type { BlockCopy, Sequence } from '../steps/sequence.ts';
import { WindowKeeper } from './window-keeper.ts';
import type { WindowPool } from './window-blocks.ts';
import { firstSeen } from './window-blocks.ts';

/** What lies in one block: at most 32 ids; only a full one has children. */
export interface CachedBlock {
  readonly block: number;
  /** The same positions in layers that keep windows, as far as they are there, for each of their groups. */
  readonly windows: (number | undefined)[];
  readonly ids: readonly number[];
  readonly parent: CachedBlock | undefined;
  readonly children: CachedBlock[];
}

/** What the cache needs done to memory. */
export interface BlockMemory {
  copyBlock(copy: BlockCopy): void;
  /** Blocks of `sequence` from index `first` on have changed. */
  writeTable(sequence: Sequence, first: number): void;
}

/** A window's blocks, and how many of them that nobody holds are kept. */
export interface KeptWindow extends WindowPool {
  readonly maxKept: number;
}

interface Match {
  readonly entry: CachedBlock;
  readonly numSame: number;
}

export class PrefixCache implements BlockKeeper {
  readonly #pool: BlockPool;
  readonly #memory: BlockMemory;
  readonly #maxKept: number;
  readonly #roots: CachedBlock[] = [];
  readonly #entries = new Map<number, CachedBlock>();
  /** Entries that nobody holds, least recently used first. A parent is always released after its children. */
  readonly #kept = new Set<CachedBlock>();
  readonly #windows: readonly WindowKeeper[];

  /** Keeps at most `maxKept` blocks that nobody holds. */
  constructor(pool: BlockPool, memory: BlockMemory, maxKept: number, windows: readonly KeptWindow[] = []) {
    this.#pool = pool;
    this.#memory = memory;
    this.#maxKept = maxKept;
    this.#windows = windows.map((window, i) => new WindowKeeper(window, i));
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
    const { cached, blocks } = sequence;
    const first = blocks.length;
    const start = sequence.numComputed;
    if (cached.length !== first || start !== first * KV_BLOCK_SIZE) return 0;
    const matches = this.#reachable(sequence, this.#chain(sequence));
    if (matches.length === 0) return 0;
    const numSpared = matches.reduce((sum, { numSame }) => sum + numSame, 0);
    for (const window of sequence.windows) window.trim(start + numSpared);
    for (const { entry, numSame } of matches) {
      if (numSame === KV_BLOCK_SIZE) this.#share(sequence, entry);
      else this.#copy(sequence, entry, numSame);
    }
    sequence.numComputed += numSpared;
    sequence.numSpared += numSpared;
    this.#memory.writeTable(sequence, first);
    return numSpared;
  }

  /** Whether the block that `sequence` would compute next is the one that `other` fills by computing `numTokens` more ids. */
  repeats({ ids, cached, numComputed }: Sequence, other: Sequence, numTokens: number): boolean {
    const start = cached.length * KV_BLOCK_SIZE;
    const end = start + KV_BLOCK_SIZE;
    const isSamePlace = numComputed === start && other.cached.length === cached.length && other.cached.at(-1) === cached.at(-1);
    if (!isSamePlace || other.numComputed + numTokens < end || ids.length <= end) return false;
    for (let i = start; i < end; i++) if (ids[i] !== other.ids[i]) return false;
    return true;
  }

  /** What agrees with the ids that `sequence` has yet to compute, block by block; only the last may agree in part. */
  #chain({ ids, cached, numComputed }: Sequence): Match[] {
    const chain: Match[] = [];
    for (let from = numComputed, parent = cached.at(-1); ; from += KV_BLOCK_SIZE) {
      const { entry, numSame } = this.#closest(parent, ids, from, Math.min(KV_BLOCK_SIZE, ids.length - 1 - from));
      if (entry && numSame > 0) chain.push({ entry, numSame });
      if (!entry || numSame < KV_BLOCK_SIZE) return chain;
      parent = entry;
    }
  }

  /** As much of a chain as leads to a place from which `sequence` can go on: where its windows are there. */
  #reachable({ numComputed, cached, windows }: Sequence, chain: readonly Match[]): readonly Match[] {
    for (let count = chain.length; count > 0; count--) {
      const end = numComputed + (count - 1) * KV_BLOCK_SIZE + chain[count - 1]!.numSame;
      const isThere = windows.every(({ window }, g) => {
        const seen = Math.max(0, firstSeen(window, end) - cached.length);
        return chain.slice(seen, count).every(({ entry }) => entry.windows[g] !== undefined);
      });
      if (isThere) return chain.slice(0, count);
    }
    return [];
  }

  #share(sequence: Sequence, entry: CachedBlock): void {
    const index = sequence.blocks.length;
    this.#pool.share(entry.block);
    sequence.blocks.push(entry.block);
    sequence.cached.push(entry);
    sequence.windows.forEach((window, g) => {
      if (index >= window.first) window.share(index, entry.windows[g]!);
    });
  }

  #copy(sequence: Sequence, entry: CachedBlock, numSame: number): void {
    const index = sequence.blocks.length;
    const from = [entry.block, ...entry.windows.map((block) => block!)];
    const pools = [this.#pool, ...this.#windows.map(({ pool }) => pool)];
    // Held meanwhile, so that they are not what is taken.
    pools.forEach((pool, group) => pool.share(from[group]!));
    sequence.reserve(index * KV_BLOCK_SIZE + numSame);
    for (const copy of sequence.copiesFrom(index, from)) this.#memory.copyBlock(copy);
    pools.forEach((pool, group) => pool.release(from[group]!));
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
        this.#mergeWindows(sequence, i, entry);
        this.#memory.writeTable(sequence, i);
      } else {
        cached.push(this.#add(parent, ids.slice(i * KV_BLOCK_SIZE, (i + 1) * KV_BLOCK_SIZE), sequence, i));
      }
    }
  }

  #mergeWindows(sequence: Sequence, index: number, entry: CachedBlock): void {
    sequence.windows.forEach((window, g) => {
      const own = window.at(index);
      const known = entry.windows[g];
      if (own === undefined) return;
      if (known !== undefined) window.replace(index, known);
      else this.#windows[g]!.add(entry, own);
    });
  }

  /** Remembers a partly filled last block too: `sequence`, whose draft is settled, is about to be released. */
  noteLast(sequence: Sequence): void {
    this.note(sequence);
    const { ids, cached, numComputed } = sequence;
    const from = cached.length * KV_BLOCK_SIZE, count = numComputed - from;
    if (count <= 0) return;
    const parent = cached.at(-1);
    const { entry, numSame } = this.#closest(parent, ids, from, count);
    if (numSame === count) return;
    this.#add(parent, ids.slice(from, numComputed), sequence, cached.length);
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

  /** Remembers block `index` of `sequence`. */
  #add(parent: CachedBlock | undefined, ids: readonly number[], { blocks, windows }: Sequence, index: number): CachedBlock {
    const entry: CachedBlock = { block: blocks[index]!, windows: this.#windows.map(() => undefined), ids, parent, children: [] };
    (parent?.children ?? this.#roots).push(entry);
    this.#entries.set(entry.block, entry);
    windows.forEach((window, g) => {
      const block = window.at(index);
      if (block !== undefined) this.#windows[g]!.add(entry, block);
    });
    return entry;
  }

  #forget(entry: CachedBlock): void {
    if (entry.children.length > 0) throw new Error(`KV block ${entry.block} was given up before what continues it.`);
    this.#kept.delete(entry);
    this.#entries.delete(entry.block);
    for (const window of this.#windows) window.forget(entry);
    const siblings = entry.parent?.children ?? this.#roots;
    siblings.splice(siblings.indexOf(entry), 1);
  }
}

// What the prefix cache hands out is what would have been computed: against a memory in which every position says of which
// ids it was made, under any order of requests.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KV_BLOCK_SIZE } from '../../src/backends/tensors.ts';
import { BlockPool, blocksFor } from '../../src/engine/memory/block-pool.ts';
import { PrefixCache } from '../../src/engine/memory/prefix-cache.ts';
import { Sequence } from '../../src/engine/steps/sequence.ts';

/** Blocks whose positions hold the ids up to and with theirs, as keys and values depend on them. */
class World {
  readonly pool: BlockPool;
  readonly cache: PrefixCache;
  readonly contents: string[][];
  readonly tables = new Map<Sequence, number[]>();
  #slot = 0;

  constructor(numBlocks: number, maxKept: number) {
    this.pool = new BlockPool(numBlocks);
    this.contents = Array.from({ length: numBlocks }, () => []);
    this.cache = new PrefixCache(this.pool, {
      copyBlock: ({ from, to }) => (this.contents[to] = [...this.contents[from]]),
      writeTable: (sequence, first) => {
        const table = this.tables.get(sequence)!;
        for (let i = first; i < sequence.blocks.length; i++) table[i] = sequence.blocks[i];
      },
    }, maxKept);
  }

  start(ids: readonly number[]): Sequence {
    const sequence = new Sequence(this.#slot++, ids, this.pool);
    this.tables.set(sequence, []);
    this.cache.extend(sequence);
    return sequence;
  }

  /** As one forward pass over `count` ids. */
  compute(sequence: Sequence, count: number): void {
    const end = Math.min(sequence.ids.length + sequence.draft.length, sequence.numComputed + count);
    const first = sequence.reserve(end);
    const table = this.tables.get(sequence)!;
    for (let i = first; i < sequence.blocks.length; i++) table[i] = sequence.blocks[i];
    for (let p = sequence.numComputed; p < end; p++) {
      this.contents[table[Math.floor(p / KV_BLOCK_SIZE)]][p % KV_BLOCK_SIZE] = this.expected(sequence, p);
    }
    sequence.numComputed = end;
    this.cache.note(sequence);
  }

  expected(sequence: Sequence, position: number): string {
    return Array.from({ length: position + 1 }, (_, p) => sequence.idAt(p)).join(' ');
  }

  check(sequence: Sequence): void {
    const table = this.tables.get(sequence)!;
    for (let p = 0; p < Math.min(sequence.numComputed, sequence.ids.length); p++) {
      const found = this.contents[table[Math.floor(p / KV_BLOCK_SIZE)]][p % KV_BLOCK_SIZE];
      if (found !== this.expected(sequence, p)) expect.fail(`position ${p} holds ${found}, not ${this.expected(sequence, p)}`);
    }
  }

  end(sequence: Sequence): void {
    sequence.settle();
    this.cache.noteLast(sequence);
    sequence.release();
    this.tables.delete(sequence);
  }
}

const range = (count: number, first = 0): number[] => Array.from({ length: count }, (_, i) => first + i);

describe('PrefixCache', () => {
  it('never gives a sequence anything but what it would have computed, and loses no block', () => {
    const step = fc.record({
      kind: fc.constantFrom('start', 'start', 'compute', 'compute', 'decode', 'draft', 'end'),
      which: fc.nat(), count: fc.integer({ min: 1, max: 70 }), base: fc.nat(2), cut: fc.integer({ min: 1, max: 130 }), tail: fc.nat(2),
    });
    fc.assert(fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 0, max: 20 }), (steps, maxKept) => {
      const numBlocks = 40;
      const world = new World(numBlocks, maxKept);
      let running: Sequence[] = [];
      for (const { kind, which, count, base, cut, tail } of steps) {
        const sequence = running[which % Math.max(1, running.length)];
        if (kind === 'start') {
          // Texts of three families that agree for a while.
          const ids = range(130, base * 1000).map((id, i) => (i < cut ? id : id + 7 + tail));
          const spare = running.reduce((sum, { blocks, ids: own }) => sum + blocksFor(own.length + 8) - blocks.length, 0);
          if (world.pool.numFree - spare >= blocksFor(ids.length + 8)) running.push(world.start(ids));
        } else if (sequence && kind === 'end') {
          world.end(sequence);
          running = running.filter((other) => other !== sequence);
        } else if (sequence && kind === 'compute') {
          world.cache.extend(sequence);
          world.compute(sequence, Math.min(count, sequence.ids.length - sequence.numComputed));
        } else if (sequence && sequence.numComputed >= sequence.ids.length - 1 && sequence.ids.length < 136) {
          if (kind === 'draft') sequence.draft = [1, 2, 3].slice(0, 137 - sequence.ids.length);
          world.compute(sequence, 1 + sequence.draft.length);
          sequence.ids.push(tail);
          if (sequence.draft[0] !== undefined && tail === sequence.draft[0]) sequence.ids.push(5);
          sequence.settle();
        }
        for (const other of running) world.check(other);
        expect(world.cache.numKept).toBeLessThanOrEqual(maxKept);
      }
      for (const sequence of running) world.end(sequence);
      world.cache.clear();
      expect(world.pool.numFree).toBe(numBlocks);
      expect(new Set(range(numBlocks).map(() => world.pool.take())).size).toBe(numBlocks);
    }), { numRuns: 300 });
  });

  it('spares whole blocks, and copies the part of one that agrees', () => {
    const world = new World(20, 20);
    const first = world.start(range(100));
    world.compute(first, 100);
    world.end(first);
    const same = world.start(range(100));
    expect(same.numComputed).toBe(99);
    const longer = world.start([...range(100), 7, 8, 9]);
    expect(longer.numComputed).toBe(99);
    expect(longer.blocks.slice(0, 3)).toEqual(same.blocks.slice(0, 3));
    expect(longer.blocks[3]).not.toBe(same.blocks[3]);
    const parting = world.start([...range(40), ...range(60, 500)]);
    expect(parting.numComputed).toBe(40);
    expect(parting.numSpared).toBe(40);
    expect(parting.blocks[0]).toBe(same.blocks[0]);
    world.check(parting);
  });

  it('lets a sequence that started beside another have what that one computed', () => {
    const world = new World(20, 20);
    const [first, second] = [world.start(range(100)), world.start(range(100))];
    world.compute(first, 64);
    expect(world.cache.extend(second)).toBe(64);
    expect(second.blocks).toEqual(first.blocks.slice(0, 2));
  });

  it('gives up what was used longest ago', () => {
    const world = new World(20, 4);
    const use = (base: number): number => {
      const sequence = world.start(range(65, base));
      const spared = sequence.numComputed;
      world.compute(sequence, 65);
      world.end(sequence);
      return spared;
    };
    expect([use(0), use(1000), use(0), use(2000), use(0), use(1000)]).toEqual([0, 0, 64, 0, 64, 0]);
  });
});

// Scheduling policy, block accounting and prefix sharing, without any tensors.
import { describe, expect, it } from 'vitest';
import { BlockPool, blocksFor } from '../../src/engine/memory/block-pool.ts';
import { schedule } from '../../src/engine/steps/scheduler.ts';
import { Sequence } from '../../src/engine/steps/sequence.ts';

function sequence(pool: BlockPool, numIds: number, numComputed: number): Sequence {
  const made = new Sequence(0, new Array<number>(numIds).fill(1), pool);
  made.reserve(numIds);
  made.numComputed = numComputed;
  return made;
}

const limits = { maxTokens: 512, maxOutputs: 64, promptRows: 512, promptRowsBesideDecode: 128 };

describe('schedule', () => {
  const pool = new BlockPool(1000);

  it('prefills a prompt in chunks and asks for a result only at its end', () => {
    const prompt = sequence(pool, 1000, 0);
    expect(schedule([prompt], limits)).toEqual([{ sequence: prompt, numTokens: 512, numOutputs: 0 }]);
    prompt.numComputed = 512;
    expect(schedule([prompt], limits)).toEqual([{ sequence: prompt, numTokens: 488, numOutputs: 1 }]);
  });

  it('lets decoding sequences go first and prompts use what is left', () => {
    const prompt = sequence(pool, 600, 0);
    const decoding = [sequence(pool, 10, 9), sequence(pool, 20, 19)];
    const parts = schedule([prompt, ...decoding], limits);
    expect(parts.map((part) => [part.sequence, part.numTokens])).toEqual([[decoding[0], 1], [decoding[1], 1], [prompt, 128]]);
  });

  it('gives a short prompt half of the rows, so that it need not wait for a long one before it', () => {
    const long = sequence(pool, 1000, 0), other = sequence(pool, 600, 0), short = sequence(pool, 80, 0);
    const shares = schedule([long, other, short], { ...limits, maxTokens: 128 }).map((part) => [part.sequence, part.numTokens]);
    expect(shares).toEqual([[short, 64], [long, 64]]);
    short.numComputed = 64;
    expect(schedule([long, other, short], { ...limits, maxTokens: 128 }).map(({ numTokens, numOutputs }) => [numTokens, numOutputs]))
      .toEqual([[16, 1], [112, 0]]);
  });

  it('never exceeds the rows or the results of a pass', () => {
    const all = [...Array(20)].map((_, i) => sequence(pool, 5 + i, i % 2 ? 4 + i : 0));
    const parts = schedule(all, { ...limits, maxTokens: 16, maxOutputs: 3 });
    expect(parts.reduce((sum, part) => sum + part.numTokens, 0)).toBeLessThanOrEqual(16);
    expect(parts.reduce((sum, part) => sum + part.numOutputs, 0)).toBeLessThanOrEqual(3);
  });
});

describe('sequence blocks', () => {
  it('are returned when released, shared ones by their last holder', () => {
    const pool = new BlockPool(8);
    const first = sequence(pool, 70, 70);
    expect(pool.numFree).toBe(8 - blocksFor(70));
    const second = new Sequence(1, first.ids, pool);
    expect(second.adopt(first)).toEqual([{ group: 0, from: first.blocks[2], to: second.blocks[2] }]);
    expect(second.blocks.slice(0, 2)).toEqual(first.blocks.slice(0, 2));
    expect(pool.numFree).toBe(4);
    first.release();
    expect(pool.numFree).toBe(5);
    second.release();
    expect(pool.numFree).toBe(8);
  });

  it('need no copy when the shared part ends with a block', () => {
    const pool = new BlockPool(8);
    const first = sequence(pool, 64, 64);
    const second = new Sequence(1, first.ids, pool);
    expect(second.adopt(first)).toEqual([]);
    expect(second.blocks).toEqual(first.blocks);
  });

  it('cannot be released twice or taken from an empty pool', () => {
    const pool = new BlockPool(1);
    const block = pool.take();
    expect(() => pool.take()).toThrow(/empty/);
    pool.release(block);
    expect(() => pool.release(block)).toThrow(/twice/);
  });
});

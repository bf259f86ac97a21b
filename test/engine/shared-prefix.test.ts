// Sequences over one prefix: it is computed once and lies in memory once.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { BlockPool } from '../../src/engine/block-pool.ts';
import { Sequence } from '../../src/engine/sequence.ts';
import { Engine } from '../../src/index.ts';
import type { LoadOptions } from '../../src/index.ts';
import { inRepository } from '../support/fixtures.ts';

const PREFIX = 1000;
const NUM = 8;
const model = new Uint8Array(readFileSync(inRepository('test/data/arch/qwen2.gguf')));
const OPTIONS: LoadOptions = { threads: 2, contextLength: 1100, maxSequences: NUM };
const GREEDY = { temperature: 0, ignoreEos: true } as const;
const prefix = Array.from({ length: PREFIX }, (_, i) => 40 + ((i * i + 3 * i) % 200));

describe(`${NUM} sequences over one prefix of ${PREFIX} tokens`, () => {
  it('take less than 1.5 times the memory of one', () => {
    const pool = new BlockPool(1000);
    const first = new Sequence(0, prefix, pool);
    first.reserve(PREFIX);
    first.numComputed = PREFIX;
    const ofOne = pool.numBlocks - pool.numFree;
    const others = Array.from({ length: NUM - 1 }, (_, i) => new Sequence(1 + i, prefix, pool));
    for (const other of others) other.adopt(first);
    for (const sequence of [first, ...others]) sequence.reserve(PREFIX + 32);
    expect(pool.numBlocks - pool.numFree).toBeLessThan(1.5 * ofOne + 1);
    for (const sequence of [first, ...others]) sequence.release();
    expect(pool.numFree).toBe(pool.numBlocks);
  });

  it('compute it once as choices of one request', async () => {
    await using engine = await Engine.load(model, { ...OPTIONS, prefixCacheBytes: 0 });
    const progress: number[] = [];
    const timings: number[] = [];
    const chunks = engine.generate(prefix, {
      ...GREEDY, n: NUM, maxTokens: 20, onPromptProgress: ({ computedTokens }) => progress.push(computedTokens),
    });
    for await (const { timings: ended, index } of chunks) if (ended) timings[index] = ended.cachedTokens;
    expect(timings).toEqual([0, ...new Array<number>(NUM - 1).fill(PREFIX)]);
    expect(progress.at(-1)).toBe(PREFIX);
  });

  it('compute it once as requests at the same time', async () => {
    await using engine = await Engine.load(model, OPTIONS);
    const prompts = Array.from({ length: NUM }, (_, i) => [...prefix, 50 + i, 51 + i]);
    const completions = await Promise.all(prompts.map((prompt) => engine.complete(prompt, { ...GREEDY, maxTokens: 20 })));
    const computed = completions.reduce((sum, { timings }) => sum + timings.promptTokens - timings.cachedTokens, 0);
    // Besides the prefix: what follows it, in every request at most the block in which they part.
    expect(computed).toBeLessThan(PREFIX + NUM * (32 + 2));
  });
});

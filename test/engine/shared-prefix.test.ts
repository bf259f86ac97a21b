// Sequences over one prefix: it is computed once and lies in memory once.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Engine } from '../../src/index.ts';
import type { Engine as LoadedEngine, GenerateOptions, LoadOptions } from '../../src/index.ts';
import { inRepository } from '../support/fixtures.ts';

const PREFIX = 1000;
const NUM = 8;
const model = new Uint8Array(readFileSync(inRepository('test/data/arch/qwen2.gguf')));
const OPTIONS: LoadOptions = { threads: 2, contextLength: 1100, maxSequences: NUM };
const GREEDY = { temperature: 0, ignoreEos: true } as const;
const NEW = 20;
const prefix = Array.from({ length: PREFIX }, (_, i) => 40 + ((i * i + 3 * i) % 200));

/** Most key/value blocks held at any token of these requests. */
async function peakBlocks(engine: LoadedEngine, prompts: readonly (readonly number[])[], options: GenerateOptions = {}): Promise<number> {
  let peak = 0;
  await Promise.all(prompts.map(async (prompt) => {
    for await (const _ of engine.generate(prompt, { ...GREEDY, maxTokens: NEW, ...options })) {
      peak = Math.max(peak, engine.stats.kvBlocks.used);
    }
  }));
  await expect.poll(() => engine.stats.kvBlocks.used).toBe(0);
  return peak;
}

describe(`${NUM} sequences over one prefix of ${PREFIX} tokens`, () => {
  const prompts = Array.from({ length: NUM }, (_, i) => [...prefix, 50 + i]);

  async function ofOne(): Promise<number> {
    await using engine = await Engine.load(model, { ...OPTIONS, prefixCacheBytes: 0 });
    return await peakBlocks(engine, prompts.slice(0, 1));
  }

  it('take less than 1.5 times the memory of one, and compute it once, as requests at the same time', async () => {
    const one = await ofOne();
    expect(one).toBe(Math.ceil((PREFIX + NEW) / 32));
    await using engine = await Engine.load(model, OPTIONS);
    expect(await peakBlocks(engine, prompts)).toBeLessThan(1.5 * one);
    const { numSequences, numPrefilledTokens } = engine.stats;
    expect(numSequences).toBe(NUM);
    // Besides the prefix: in every request the block in which they part.
    expect(numPrefilledTokens).toBeLessThanOrEqual(PREFIX + NUM * 32);
  });

  it('take less than 1.5 times the memory of one, and compute it once, as choices of one request', async () => {
    const one = await ofOne();
    await using engine = await Engine.load(model, { ...OPTIONS, prefixCacheBytes: 0 });
    expect(await peakBlocks(engine, [prefix], { n: NUM })).toBeLessThan(1.5 * one);
    expect(engine.stats).toMatchObject({ numPrefilledTokens: PREFIX, numDecodedTokens: NUM * NEW });
  });
});

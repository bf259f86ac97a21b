// Prompts that begin like earlier ones: the same output as without a prefix cache, for less work.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Engine } from '../../src/index.ts';
import type { Completion, Engine as LoadedEngine, LoadOptions } from '../../src/index.ts';
import { caseFile, hasCase } from '../support/architecture-cases.ts';
import { inRepository } from '../support/fixtures.ts';

const model = new Uint8Array(readFileSync(inRepository('test/data/arch/qwen2.gguf')));
const OPTIONS: LoadOptions = { threads: 2, contextLength: 512, maxBatchTokens: 64 };
const GREEDY = { temperature: 0, ignoreEos: true, logprobs: 2 } as const;
const text = (count: number, seed = 1): number[] => Array.from({ length: count }, (_, i) => 40 + ((i * i * seed + 3 * i) % 200));

/** Everything about a completion that a prefix cache must not change. */
const said = ({ ids, choices }: Completion): unknown => [ids, choices];

describe('a prefix cache', () => {
  let cached: LoadedEngine, plain: LoadedEngine;

  beforeAll(async () => {
    cached = await Engine.load(model, OPTIONS);
    plain = await Engine.load(model, { ...OPTIONS, prefixCacheBytes: 0 });
  });
  afterAll(() => Promise.all([cached.dispose(), plain.dispose()]));

  it('spares a repeated prompt but its last id, and a next turn what the last one held', async () => {
    const first = await cached.complete(text(100), { ...GREEDY, maxTokens: 40 });
    expect(first.timings).toMatchObject({ promptTokens: 100, cachedTokens: 0 });
    const again = await cached.complete(text(100), { ...GREEDY, maxTokens: 40 });
    expect(again.timings.cachedTokens).toBe(99);
    const next = [...text(100), ...first.ids, ...text(20, 5)];
    const turn = await cached.complete(next, { ...GREEDY, maxTokens: 20 });
    // The last id said was never computed.
    expect(turn.timings.cachedTokens).toBe(139);
    expect(said(again)).toEqual(said(first));
    expect(said(first)).toEqual(said(await plain.complete(text(100), { ...GREEDY, maxTokens: 40 })));
    expect(said(turn)).toEqual(said(await plain.complete(next, { ...GREEDY, maxTokens: 20 })));
  });

  it('computes a common beginning once for requests that run at the same time', async () => {
    const prompts = Array.from({ length: 4 }, (_, i) => [...text(300, 7), ...text(10, 11 + i)]);
    const completions = await Promise.all(prompts.map((prompt) => cached.complete(prompt, { ...GREEDY, maxTokens: 12 })));
    const computed = completions.reduce((sum, { timings }) => sum + timings.promptTokens - timings.cachedTokens, 0);
    expect(computed).toBeLessThan(300 + 4 * (10 + 64));
    for (const [i, completion] of completions.entries()) {
      expect(said(completion)).toEqual(said(await plain.complete(prompts[i], { ...GREEDY, maxTokens: 12 })));
    }
  });

  it('serves random requests, cut off and several at a time, like none', async () => {
    let state = 5;
    const random = (below: number): number => (state = (state * 1_103_515_245 + 12_345) % 2 ** 31) % below;
    for (let round = 0; round < 6; round++) {
      const requests = Array.from({ length: 5 }, () => ({
        prompt: [...text(random(120) + 1, 1 + random(2)), ...text(random(60) + 1, 20 + random(2))],
        options: { ...GREEDY, n: 1 + random(3), maxTokens: 1 + random(40), ...(random(2) === 0 && { speculation: { lookup: true } }) },
      }));
      const aborted = new AbortController();
      const lost = cached.complete(text(200, 1 + random(2)), { ...GREEDY, signal: aborted.signal }).catch(() => undefined);
      setTimeout(() => aborted.abort(), random(30));
      const results = await Promise.all(requests.map(({ prompt, options }) => cached.complete(prompt, options)));
      await lost;
      for (const [i, { prompt, options }] of requests.entries()) {
        expect(said(results[i])).toEqual(said(await plain.complete(prompt, options)));
      }
    }
  });

  it('can be turned off', async () => {
    for (let i = 0; i < 2; i++) expect((await plain.complete(text(50), { ...GREEDY, maxTokens: 2 })).timings.cachedTokens).toBe(0);
  });

  it.skipIf(!hasCase('mamba'))('leaves models with recurrent state alone', async () => {
    await using recurrent = await Engine.load(caseFile('mamba.gguf'), OPTIONS);
    for (let i = 0; i < 2; i++) expect((await recurrent.complete(text(50), { ...GREEDY, maxTokens: 2 })).timings.cachedTokens).toBe(0);
  });
});

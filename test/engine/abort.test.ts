// Requests that are given up at any step of prefill and decode: every block comes back, and the next request says what it ever did.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Engine } from '../../src/index.ts';
import type { Engine as LoadedEngine, LoadOptions } from '../../src/index.ts';
import { inRepository } from '../support/fixtures.ts';

const CONTEXT = 512;
const OPTIONS: LoadOptions = { contextLength: CONTEXT, maxBatchTokens: 16, maxSequences: 4 };
const GREEDY = { temperature: 0, ignoreEos: true } as const;
const modelBytes = (name: string): Uint8Array => new Uint8Array(readFileSync(inRepository('test/data/arch', `${name}.gguf`)));
const text = (count: number, seed = 1): number[] => Array.from({ length: count }, (_, i) => 40 + ((i * i * seed + 3 * i) % 200));

/** Aborts a request when `count` signs of it have been seen: parts of its prompt, then tokens. */
async function abortAfter(engine: LoadedEngine, count: number, prompt: readonly number[], n: number): Promise<'prefill' | 'decode'> {
  const controller = new AbortController();
  let [seen, phase]: [number, 'prefill' | 'decode'] = [0, 'prefill'];
  const look = (): void => {
    if (++seen === count) controller.abort(new Error('enough'));
  };
  const work = async (): Promise<void> => {
    if (count === 0) setTimeout(() => controller.abort(new Error('enough')), 0);
    for await (const _ of engine.generate(prompt, { ...GREEDY, n, maxTokens: 100, signal: controller.signal, onPromptProgress: look })) {
      phase = 'decode';
      look();
    }
  };
  await expect(work()).rejects.toThrow('enough');
  return phase;
}

describe.each(['qwen2', 'gemma2'])('aborts of %s', (name) => {
  it.each([0, 2])('at 40 random steps leave nothing behind (%i threads)', async (threads) => {
    await using engine = await Engine.load(modelBytes(name), { ...OPTIONS, threads });
    const expected = (await engine.complete(text(100), { ...GREEDY, maxTokens: 20 })).ids;
    const phases = { prefill: 0, decode: 0 };
    let state = 7;
    const random = (below: number): number => (state = (state * 1_103_515_245 + 12_345) % 2 ** 31) % below;
    for (let round = 0; round < 40; round++) {
      const prompt = [...text(1 + random(300), 1 + random(3)), ...text(80, 20 + round)];
      phases[await abortAfter(engine, random(30), prompt, 1 + random(3))]++;
      if (round % 3 === 0) await Promise.all([abortAfter(engine, random(20), prompt, 1), abortAfter(engine, random(20), text(200, 90 + round), 2)]);
      await expect.poll(() => engine.stats).toMatchObject({ runningSequences: 0, waitingRequests: 0, kvBlocks: { used: 0 } });
    }
    expect(Math.min(phases.prefill, phases.decode)).toBeGreaterThan(5);
    // As many whole contexts as there are sequences: every block is there to be taken, windows' blocks too.
    const whole = [1, 2, 3, 4].map((i) => engine.complete(text(CONTEXT - 2, 60 + i), { ...GREEDY, maxTokens: 2 }));
    for (const { ids } of await Promise.all(whole)) expect(ids).toHaveLength(2);
    expect((await engine.complete(text(100), { ...GREEDY, maxTokens: 20 })).ids).toEqual(expected);
  });

  it('of scores, embeddings and sessions leave nothing behind', async () => {
    await using engine = await Engine.load(modelBytes(name), { ...OPTIONS, threads: 2 });
    for (let round = 0; round < 24; round++) {
      const controller = new AbortController();
      const ids = text(400, 1 + round);
      const { signal } = controller;
      const work = round % 3 === 0 ? engine.score(ids, { signal }) : round % 3 === 1 ? engine.embed(ids, { signal }) : engine.saveSession(ids, { signal });
      setTimeout(() => controller.abort(new Error('enough')), round / 3);
      await work.catch((error: unknown) => expect(error).toMatchObject({ message: 'enough' }));
      await expect.poll(() => engine.stats).toMatchObject({ runningSequences: 0, waitingRequests: 0, kvBlocks: { used: 0 } });
    }
  });
});

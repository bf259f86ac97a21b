// Requests beside each other: choices that share a prompt, scores and embeddings beside running text.
import { existsSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { Pace } from '../../src/engine/steps/pace.ts';
import { Engine } from '../../src/index.ts';
import type { LoadOptions, PromptProgress } from '../../src/index.ts';
import { caseFile, hasCase } from '../support/architecture-cases.ts';

const engines: Engine[] = [];

async function load(name: string, options: LoadOptions = {}): Promise<Engine> {
  const bytes = new Uint8Array(readFileSync(caseFile(`${name}.gguf`)));
  const engine = await Engine.load(bytes, { threads: 2, ...options });
  engines.push(engine);
  return engine;
}

afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.dispose()));
});

const GREEDY = { temperature: 0, ignoreEos: true, maxTokens: 12 } as const;
const PROMPT = [98, 101, 99, 97, 117];

for (const name of ['llama-tied', 'mamba', 'lfm2']) describe.skipIf(!hasCase(name))(`choices of one request (${name})`, () => {
  it.skipIf(!existsSync(caseFile(`${name}.gguf`)))('all go on from the same prompt, whatever ran before in their slots', async () => {
    const engine = await load(name);
    const [alone] = (await engine.complete(PROMPT, GREEDY)).choices;
    // Leaves other contents in every slot.
    await Promise.all([1, 2, 3, 4].map((i) => engine.complete(PROMPT.map((id) => id - i), GREEDY)));
    const { choices } = await engine.complete(PROMPT, { ...GREEDY, n: 3 });
    expect(choices.map((choice) => choice.ids)).toEqual([alone!.ids, alone!.ids, alone!.ids]);
  });
});

describe('a score or an embedding', () => {
  it('leaves a stream running, and both get what they get alone', async () => {
    const engine = await load('llama-tied', { maxBatchTokens: 4, contextLength: 256 });
    const ids = Array.from({ length: 200 }, (_, i) => 40 + (i % 80));
    const options = { ...GREEDY, maxTokens: 150 };
    const [text, score, embedding] = [await engine.complete(PROMPT, options), await engine.score(ids), await engine.embed(ids)];
    let tokensBeside = 0;
    let computing = 2;
    const done = <T>(value: T): T => (computing--, value);
    const stream = engine.generate(PROMPT, options);
    const streamed: number[] = [];
    const first = await stream.next();
    if (!first.done) streamed.push(...first.value.ids);
    const others = Promise.all([engine.score(ids).then(done), engine.embed(ids).then(done)]);
    for await (const chunk of stream) {
      streamed.push(...chunk.ids);
      if (computing > 0) tokensBeside += chunk.ids.length;
    }
    const [besideScore, besideEmbedding] = await others;
    expect(streamed).toEqual(text.ids);
    expect(besideScore.nll).toBe(score.nll);
    expect(besideEmbedding).toEqual(embedding);
    expect(tokensBeside).toBeGreaterThan(20);
  });
});

describe('onPromptProgress', () => {
  it('counts a long prompt up to its end, before the first token', async () => {
    const engine = await load('llama-tied', { maxBatchTokens: 16, contextLength: 256 });
    const ids = Array.from({ length: 100 }, (_, i) => 40 + i);
    const seen: number[] = [];
    let atFirstToken = 0;
    const onPromptProgress = ({ computedTokens, totalTokens }: PromptProgress): void => {
      expect(totalTokens).toBe(100);
      seen.push(computedTokens);
    };
    for await (const chunk of engine.generate(ids, { ...GREEDY, maxTokens: 3, onPromptProgress })) {
      if (chunk.ids.length > 0) atFirstToken ||= seen.length;
    }
    expect(seen).toEqual([16, 32, 48, 64, 80, 96, 100]);
    expect(atFirstToken).toBe(seen.length);
  });

  it('ends its own request by what it throws, and no other', async () => {
    const engine = await load('llama-tied', { maxBatchTokens: 16, contextLength: 256 });
    const alone = await engine.complete(PROMPT, GREEDY);
    const ids = Array.from({ length: 100 }, (_, i) => 40 + i);
    const mistake = new Error('a mistake of the caller');
    const [failed, beside] = await Promise.allSettled([
      engine.complete(ids, { ...GREEDY, onPromptProgress: () => { throw mistake; } }),
      engine.complete(PROMPT, GREEDY),
    ]);
    expect(failed).toEqual({ status: 'rejected', reason: mistake });
    expect(beside).toMatchObject({ status: 'fulfilled', value: { ids: alone.ids } });
    await expect.poll(() => engine.stats.runningSequences).toBe(0);
  });
});

describe('Pace', () => {
  it('gives as many rows as fit the time, in steps of 16, and never too few', () => {
    const pace = new Pace();
    expect(pace.rowsFor(250)).toBe(64);
    pace.observe(64, 128);
    expect(pace.rowsFor(250)).toBe(112);
    pace.observe(112, 11_200);
    expect(pace.rowsFor(250)).toBe(32);
    expect(pace.rowsFor(250, 16)).toBe(16);
    pace.observe(1, 1e6);
    expect(pace.rowsFor(2600, 16)).toBe(48);
  });
});

// A draft model changes how fast tokens come and nothing else; what cannot draft is refused before anything runs.
import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { DraftWorth } from '../../src/engine/speculation/draft-worth.ts';
import { draftSettings } from '../../src/engine/speculation/options.ts';
import { Engine as EngineOnPlatform } from '../../src/engine/engine.ts';
import { nodePlatform } from '../../src/platform/node.ts';
import { Engine, InvalidArgumentError, OutOfMemoryError, UnsupportedModelError } from '../../src/index.ts';
import type { GenerateOptions, LoadOptions, LoadPlan } from '../../src/index.ts';
import { caseFile, hasCase } from '../support/architecture-cases.ts';

const bytesOf = (name: string): Uint8Array => new Uint8Array(readFileSync(caseFile(`${name}.gguf`)));

const engines: Engine[] = [];
async function load(name: string, draft: string | Uint8Array | undefined, options: LoadOptions = {}): Promise<Engine> {
  const draftModel = typeof draft === 'string' ? bytesOf(draft) : draft;
  const engine = await Engine.load(bytesOf(name), { threads: 2, contextLength: 256, draftModel, ...options });
  engines.push(engine);
  return engine;
}
afterAll(() => Promise.all(engines.map((engine) => engine.dispose())));

const prompt = Array.from({ length: 40 }, (_, i) => 40 + ((i * i) % 83));
const GREEDY: GenerateOptions = { temperature: 0, ignoreEos: true, maxTokens: 50 };
const EAGER = { draft: { minProbability: 0, maxDraft: 5 } };

describe('a draft model', () => {
  it('that is the model itself guesses all it is asked for, and the ids are those of plain decoding', async () => {
    const engine = await load('llama-tied', 'llama-tied');
    const plain = await engine.complete(prompt, { ...GREEDY, speculation: { draft: false } });
    const fast = await engine.complete(prompt, { ...GREEDY, speculation: EAGER });
    expect(fast.ids).toEqual(plain.ids);
    expect(plain.timings).toMatchObject({ draftTokens: 0, acceptedDraftTokens: 0 });
    expect(fast.timings.draftTokens).toBeGreaterThanOrEqual(5);
    expect(fast.timings.acceptedDraftTokens).toBe(fast.timings.draftTokens);
    expect(engine.model.draftModel).toMatchObject({ architecture: 'llama', contextLength: 256 });
  });

  it.each([
    { temperature: 0.7, seed: 3 }, { temperature: 1.3, seed: 4, n: 3 }, { temperature: 0, logprobs: 2 }, { mirostat: 2, seed: 6 },
    { temperature: 0.9, seed: 5, repetitionPenalty: 1.2, frequencyPenalty: 0.3 },
  ] satisfies GenerateOptions[])('of another kind changes nothing either: %j', async (sampling) => {
    const engine = await load('llama-tied', 'qwen2');
    const options = { ...sampling, ignoreEos: true, maxTokens: 40 };
    const plain = await engine.complete(prompt, { ...options, speculation: { draft: false } });
    const fast = await engine.complete(prompt, { ...options, speculation: EAGER });
    expect(fast.choices).toEqual(plain.choices);
    expect(fast.timings.draftTokens).toBeGreaterThan(fast.timings.acceptedDraftTokens);
  });

  it.each(['llama-tied', 'qwen2'])('(%s) under a grammar gives what plain decoding gives under it', async (draft) => {
    const item = { type: 'object', properties: { a: { type: 'integer' }, b: { enum: ['x', 'yy', 'zzz'] } }, required: ['a', 'b'] };
    const settings: readonly GenerateOptions[] = [
      { grammar: 'root ::= ("ab" | "ba" | "c" | [d-z])+ "."', temperature: 1, seed: 3 }, { grammar: 'root ::= [^a-m]+ "."', temperature: 0, logprobs: 2 },
      { jsonSchema: { type: 'array', items: item, minItems: 3 }, temperature: 0.8, seed: 5, n: 3 }, { json: true, temperature: 1, seed: 7, topK: 0, repetitionPenalty: 1.1 },
    ];
    const engine = await load('llama-tied', draft);
    let [drafted, accepted] = [0, 0];
    for (const options of settings) {
      const plain = await engine.complete(prompt, { ...options, maxTokens: 60, speculation: { draft: false } });
      const fast = await engine.complete(prompt, { ...options, maxTokens: 60, speculation: EAGER });
      expect(fast.choices).toEqual(plain.choices);
      expect(plain.timings.draftTokens).toBe(0);
      drafted += fast.timings.draftTokens;
      accepted += fast.timings.acceptedDraftTokens;
    }
    expect(drafted).toBeGreaterThan(0);
    if (draft === 'llama-tied') expect(accepted).toBeGreaterThan(0);
  });

  it('works beside lookup, for several requests at once, after one that was left, and up to the end of the context', async () => {
    const engine = await load('llama-tied', 'qwen2', { maxBatchTokens: 16 });
    const prompts = [prompt, prompt.slice(3), Array.from({ length: 200 }, (_, i) => 98 + (i % 5)), prompt.slice(9), prompt.slice(2)];
    const options = { temperature: 0, ignoreEos: true };
    const single: (readonly number[])[] = [];
    for (const ids of prompts) single.push((await engine.complete(ids, { ...options, speculation: { draft: false } })).ids);
    expect(single[0]).toHaveLength(256 - prompt.length);
    const left = engine.generate(prompt, { ...options, speculation: EAGER });
    await left.next();
    const together = Promise.all(prompts.map((ids, i) =>
      engine.complete(ids, { ...options, speculation: { ...EAGER, lookup: i % 2 === 0 } })));
    await left.return();
    expect((await together).map(({ ids }) => ids)).toEqual(single);
  });

  it('is used unless told otherwise, and only where there is one', async () => {
    const model = { name: 'large', recurrent: false };
    expect(draftSettings(undefined, model)).toBeUndefined();
    expect(draftSettings(undefined, { ...model, draftModel: {} })).toEqual({ maxDraft: 7, minProbability: 0.5 });
    expect(draftSettings({ draft: false }, { ...model, draftModel: {} })).toBeUndefined();
    expect(draftSettings({ draft: { maxDraft: 3 } }, { ...model, draftModel: {} })).toEqual({ maxDraft: 3, minProbability: 0.5 });
    const engine = await load('llama-tied', undefined);
    await expect(engine.complete(prompt, { speculation: { draft: true } })).rejects.toThrow(/draftModel when you load/);
    expect(engine.model.draftModel).toBeUndefined();
  });

  it.each([
    [{ draft: 1 }, /true, false or an object/], [{ draft: { maxDraft: 0 } }, /maxDraft must be a whole/],
    [{ draft: { minProbability: 2 } }, /minProbability must be a number from 0 to 1/], [{ draft: { n: 1 } }, /no option n/],
    [{ draft: { minProbability: NaN } }, /minProbability/],
  ])('refuses %j', (speculation, message) => {
    const settings = (): unknown =>
      draftSettings(speculation as GenerateOptions['speculation'], { name: 'x', recurrent: false, draftModel: {} });
    expect(settings).toThrow(InvalidArgumentError);
    expect(settings).toThrow(message);
  });
});

describe('a plan with a draft model', () => {
  const OPTIONS = { threads: 1, contextLength: 256, draftModel: bytesOf('qwen2') };
  const plan = (options: LoadOptions): Promise<LoadPlan> => Engine.plan(bytesOf('llama-tied'), { ...OPTIONS, ...options });

  it('gives up sequences of the model until the draft model fits beside them, as a load does', async () => {
    const { memory, numSequences } = await plan({});
    expect(numSequences).toBe(4);
    // One byte less than a draft model of one sequence needs.
    const maxMemory = memory.reservedBytes + (await plan({ maxSequences: 1 })).draftModel!.memory.reservedBytes - 1;
    const tight = await plan({ maxMemory });
    expect(tight.numSequences).toBeLessThan(4);
    expect(tight.memory.reservedBytes + tight.draftModel!.memory.reservedBytes).toBeLessThanOrEqual(maxMemory);
    const engine = await load('llama-tied', 'qwen2', { threads: 1, maxMemory });
    expect(engine.model.draftModel).toBeDefined();
  });

  it('needs no ceiling: some runtimes do not say what memory there is', async () => {
    const planned = await EngineOnPlatform.planOn({ ...nodePlatform, memoryLimit: Infinity }, bytesOf('llama-tied'), OPTIONS);
    expect(planned).toMatchObject({ maxMemory: Infinity, draftModel: { memory: (await plan({})).draftModel!.memory } });
  });

  it('finds the longest context with which both fit', async () => {
    const { memory, draftModel } = await plan({ contextLength: 512, maxSequences: 1 });
    const maxMemory = memory.reservedBytes + draftModel!.memory.reservedBytes;
    const { largestContextLength } = await plan({ maxMemory });
    expect(largestContextLength).toBeGreaterThanOrEqual(512);
    const largest = await plan({ maxMemory, contextLength: largestContextLength });
    expect(largest.memory.reservedBytes + largest.draftModel!.memory.reservedBytes).toBeLessThanOrEqual(maxMemory);
    await expect(plan({ maxMemory, contextLength: largestContextLength + 1 })).rejects.toThrow(OutOfMemoryError);
  });
});

describe('Engine.load refuses a draft model', () => {
  it('whose tokens are others', async () => {
    const draft = bytesOf('qwen2');
    const key = 'tokenizer.ggml.tokens';
    // The first token's text comes after the key, type and element type (4 bytes each), count and length (8 each).
    draft[Buffer.from(draft).indexOf(key) + key.length + 4 + 4 + 8 + 8]! ^= 1;
    await expect(load('llama-tied', draft)).rejects.toThrow(/vocabularies differ \(they part at token 0\)/);
  });

  it.skipIf(!hasCase('mamba')).each([['mamba', 'llama-tied'], ['llama-tied', 'mamba']])('with recurrent layers: %s, %s', async (name, draft) => {
    await expect(load(name, draft)).rejects.toThrow(UnsupportedModelError);
    await expect(load(name, draft)).rejects.toThrow(/recurrent/);
  });

  it('that is an encoder', async () => {
    await expect(load('llama-tied', 'bert-mean')).rejects.toThrow(/encoder/);
  });

  it('that does not fit beside the model', async () => {
    const engine = await load('llama-tied', undefined, { threads: 1, maxSequences: 1 });
    const maxMemory = engine.model.memory.reservedBytes + 1000;
    await expect(load('llama-tied', 'llama-tied', { threads: 1, maxMemory })).rejects.toThrow(OutOfMemoryError);
    await load('llama-tied', undefined, { threads: 1, maxMemory });
  });

  it('that is none', async () => {
    await expect(Engine.load(bytesOf('llama-tied'), { draftModel: 5 as never })).rejects.toThrow(/draftModel must be a name/);
    await expect(load('llama-tied', new Uint8Array(10))).rejects.toMatchObject({ code: 'ERR_GGUF' });
  });
});

describe('DraftWorth', () => {
  it('drafts once it knows what a plain step takes, and pauses when drafts lose time', () => {
    const worth = new DraftWorth();
    expect(worth.paysFor(1)).toBe(false);
    worth.learn(1, 1, 10, false);
    expect(worth.paysFor(1)).toBe(true);
    expect(worth.paysFor(2)).toBe(false);
    let steps = 0;
    for (; worth.paysFor(1) && steps < 100; steps++) worth.learn(1, 1, 20, true);
    expect(steps).toBe(5);
    for (let i = 0; i < 64; i++) {
      expect(worth.paysFor(1)).toBe(false);
      worth.learn(1, 1, 10, false);
    }
    expect(worth.paysFor(1)).toBe(true);
  });

  it('goes on for good where drafts gain time', () => {
    const worth = new DraftWorth();
    worth.learn(2, 2, 10, false);
    for (let i = 0; i < 100; i++) worth.learn(2, 6, 20, true);
    expect(worth.paysFor(2)).toBe(true);
    // And a few that fail do not end it.
    for (let i = 0; i < 8; i++) worth.learn(2, 2, 20, true);
    expect(worth.paysFor(2)).toBe(true);
    worth.learn(2, 2, 20, true);
    expect(worth.paysFor(2)).toBe(false);
  });
});

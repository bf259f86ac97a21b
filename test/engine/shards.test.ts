// Models divided among several linear memories: the same bits as in one, whatever is asked of them.
import { afterAll, describe, expect, it } from 'vitest';
import { planModel } from '../../src/engine/load/model-plan.ts';
import type { ModelPlan } from '../../src/engine/load/model-plan.ts';
import type { GgufFile } from '../../src/gguf/reader.ts';
import { readGgufParts, splitPartNames } from '../../src/gguf/split.ts';
import { Engine, OutOfMemoryError } from '../../src/index.ts';
import type { GenerateOptions, LoadOptions } from '../../src/index.ts';
import { openFile } from '../../src/platform/node-file.ts';
import { ARCHITECTURE_CASES, caseFile, hasCase } from '../support/architecture-cases.ts';

const LIMIT = 2 ** 30;
const OPTIONS: LoadOptions = { threads: 2, contextLength: 128, maxBatchTokens: 32 };

const engines = new Set<Engine>();
async function load(file: string, options: LoadOptions = {}): Promise<Engine> {
  const engine = await Engine.load(caseFile(file), { ...OPTIONS, ...options });
  engines.add(engine);
  return engine;
}
afterAll(() => Promise.all([...engines].map((engine) => engine.dispose())));

async function headerOf(file: string): Promise<GgufFile> {
  const names = splitPartNames(file) ?? [file];
  const sources = await Promise.all(names.map((name) => openFile(caseFile(name))));
  try {
    return await readGgufParts(sources);
  } finally {
    await Promise.all(sources.map((source) => source.close()));
  }
}

/** The size of shards with which there are as many as there can be: one per layer, or a few more layers in the last ones. */
async function smallestShardBytes(file: string, options: LoadOptions = {}): Promise<number> {
  const header = await headerOf(file);
  const plan = (shardBytes?: number): ModelPlan => planModel(header, { ...OPTIONS, ...options, shardBytes }, options.threads ?? 2, LIMIT);
  const whole = plan();
  let [least, most] = [0, whole.totalBytes];
  while (most - least > 64) {
    const middle = Math.ceil((least + most) / 2);
    try {
      const { plan: { maxSequences } } = plan(middle);
      if (maxSequences === whole.plan.maxSequences) most = middle;
      else least = middle;
    } catch (error) {
      if (!(error instanceof OutOfMemoryError)) throw error;
      least = middle;
    }
  }
  return most;
}

async function loadSharded(file: string, options: LoadOptions = {}): Promise<Engine> {
  const engine = await load(file, { ...options, shardBytes: await smallestShardBytes(file, options) });
  expect(engine.model.memory.numShards).toBeGreaterThanOrEqual(2);
  return engine;
}

const GREEDY: GenerateOptions = { temperature: 0, ignoreEos: true, logprobs: 3 };

/** The first case of each architecture. */
const CASES = ARCHITECTURE_CASES.filter(({ arch }, i, all) => all.findIndex((other) => other.arch === arch) === i);

describe.each(CASES)('$arch in shards', ({ file, kind, ids, n_ctx: trained }) => {
  it('gives the same bits as in one memory', async () => {
    const options = { contextLength: Math.min(128, trained) };
    const one = await load(file, { ...options, threads: 1 });
    expect(one.model.memory.numShards).toBe(1);
    const several = await loadSharded(file, options);
    const [expected, found] = await Promise.all([one, several].map(async (engine) => {
      if (kind === 'embedding') return [await engine.embed(ids), await engine.embed(ids.slice(0, 5))];
      const scored = await engine.score(ids, { logits: true });
      const { choices } = await engine.complete(ids, { ...GREEDY, maxTokens: 12 });
      return [scored, choices];
    }));
    expect(found).toEqual(expected);
    await Promise.all([one, several].map((engine) => (engines.delete(engine), engine.dispose())));
  });
});

describe('a model in shards', () => {
  const text = (count: number, seed = 1): number[] => Array.from({ length: count }, (_, i) => 40 + ((i * i * seed + 3 * i) % 200));
  /** Embeddings tied to the head, and not. */
  const MODELS = ['llama-tied.gguf', 'q-llama-q4_0.gguf'];

  it.each(MODELS)('shares prefixes, answers several requests of several choices and samples like in one (%s)', async (file) => {
    const [one, several] = [await load(file), await loadSharded(file)];
    const ask = async (engine: Engine): Promise<unknown> => {
      const results = await Promise.all([
        engine.complete(text(70), { ...GREEDY, maxTokens: 20 }),
        engine.complete(text(45, 3), { temperature: 0.9, seed: 4, n: 3, maxTokens: 15, ignoreEos: true, logprobs: 2 }),
        engine.embed(text(20, 5)),
      ]);
      const [first] = results;
      const next = await engine.complete([...text(70), ...first.ids, ...text(9, 7)], { ...GREEDY, maxTokens: 9 });
      expect(next.timings.cachedTokens).toBeGreaterThan(64);
      return [...results.map((result) => ('choices' in result ? result.choices : result)), next.choices];
    };
    expect(await ask(several)).toEqual(await ask(one));
  });

  it('drafts, and is drafted for, by a model in shards', async () => {
    const [file] = MODELS as [string];
    const draftModel = caseFile(file);
    const [one, several] = [await load(file), await loadSharded(file, { draftModel })];
    expect(several.model.draftModel!.memory.numShards).toBeGreaterThanOrEqual(2);
    const options = { ...GREEDY, maxTokens: 40 };
    const plain = await one.complete(text(30), options);
    const fast = await several.complete(text(30), { ...options, speculation: { draft: { minProbability: 0, maxDraft: 5 } } });
    expect(fast.timings.draftTokens).toBeGreaterThan(0);
    expect(fast.choices).toEqual(plain.choices);
  });

  it.each(MODELS)('and in one memory have the same sessions (%s)', async (file) => {
    const [one, several] = [await load(file), await loadSharded(file)];
    const [expected, found] = await Promise.all([one, several].map((engine) => engine.saveSession(text(75))));
    expect(found!.bytes).toEqual(expected!.bytes);
    const other = await loadSharded(file);
    await other.loadSession(found!.bytes!);
    const [plain, restored] = await Promise.all([one, other].map((engine) => engine.complete(text(90), { ...GREEDY, maxTokens: 8 })));
    expect(restored!.timings.cachedTokens).toBeGreaterThanOrEqual(75);
    expect(restored!.choices).toEqual(plain!.choices);
  });

  it.skipIf(!hasCase('mamba'))('copies recurrent state in every shard', async () => {
    const file = 'mamba.gguf';
    const [one, several] = [await load(file), await loadSharded(file)];
    const options: GenerateOptions = { temperature: 1, seed: 2, n: 3, maxTokens: 12, ignoreEos: true, logprobs: 1 };
    const [expected, found] = await Promise.all([one, several].map((engine) => engine.complete(text(20), options)));
    expect(found!.choices).toEqual(expected!.choices);
  });

  it('is refused, with the numbers, where a layer is larger than a memory or all shards more than may be used', async () => {
    const [file] = MODELS as [string];
    const shardBytes = await smallestShardBytes(file);
    await expect(load(file, { shardBytes: 2 ** 17 })).rejects.toThrow(OutOfMemoryError);
    await expect(load(file, { shardBytes: 2 ** 17 })).rejects.toThrow(/Layer 0 with its part of a context of 128 tokens takes [\d.]+ MB/);
    const { reservedBytes } = (await load(file, { shardBytes })).model.memory;
    const { maxSequences } = planModel(await headerOf(file), { ...OPTIONS, shardBytes }, 2, reservedBytes - 1).plan;
    expect(maxSequences).toBeLessThan(4);
  });
});

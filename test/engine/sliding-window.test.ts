// Layers with a sliding window keep only what a row to come may see: the same bits as with everything kept, from fewer blocks.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { isWindowLayer } from '../../src/architectures/window-pattern.ts';
import { Engine } from '../../src/index.ts';
import type { Completion, Engine as LoadedEngine, GenerateOptions, LoadOptions } from '../../src/index.ts';
import { inRepository } from '../support/fixtures.ts';
import { openModel } from '../support/run-model.ts';
import type { TestModel } from '../support/run-model.ts';
import { wasmTestBackend } from '../support/wasm-backend.ts';

/** Windows of 8 positions in some of the layers. */
const MODELS = ['gemma2', 'q-gemma3-q4_0'] as const;
const CONTEXT = 640;
const OPTIONS: LoadOptions = { threads: 2, contextLength: CONTEXT, maxBatchTokens: 64, deterministic: true };
const GREEDY = { temperature: 0, ignoreEos: true } as const;
const modelPath = (name: string): string => inRepository('test/data/arch', `${name}.gguf`);
const text = (count: number, seed = 1): number[] => Array.from({ length: count }, (_, i) => 40 + ((i * i * seed + 3 * i) % 200));

/** The same kernels on a cache that keeps every position of every layer, the whole text in one pass. */
async function keepingAll(name: string): Promise<TestModel> {
  const limits = { maxBatchTokens: CONTEXT, maxOutputs: CONTEXT, contextLength: CONTEXT };
  return openModel(modelPath(name), wasmTestBackend('baseline'), { kvType: 'i16', limits });
}

function logitsOf(model: TestModel, ids: readonly number[]): Float32Array[] {
  return model.forward(ids.map((token, position) => ({ sequence: 0, position, token })));
}

const argmax = (logits: Float32Array): number => logits.reduce((best, value, id) => (value > logits[best] ? id : best), 0);

/** Greedy choices of a model that keeps everything, along the text that was generated. */
function expectGreedy(model: TestModel, prompt: readonly number[], { choices }: Pick<Completion, 'choices'>): void {
  for (const { ids } of choices) {
    const rows = logitsOf(model, [...prompt, ...ids].slice(0, -1)).slice(prompt.length - 1);
    expect(ids).toEqual(rows.map(argmax));
  }
}

async function complete(engine: LoadedEngine, prompt: readonly number[], options: GenerateOptions): Promise<Completion> {
  return engine.complete(prompt, { ...GREEDY, ...options });
}

describe.each(MODELS)('sliding windows: %s', (name) => {
  it('give the same bits as layers that keep everything', async () => {
    const model = await keepingAll(name);
    await using engine = await Engine.load(modelPath(name), OPTIONS);
    for (const count of [1, 8, 9, 65, 200, CONTEXT]) {
      const ids = text(count);
      const { logits } = await engine.score(ids, { logits: true });
      expect(logits).toEqual(logitsOf(model, ids).at(-1));
    }
  });

  it('cost no more memory in a longer context than layers without windows do', async () => {
    const kvBytes = async (contextLength: number): Promise<number> => {
      await using engine = await Engine.load(modelPath(name), { ...OPTIONS, contextLength });
      return engine.model.memory.kvBytes;
    };
    const [short, long, longer] = [await kvBytes(1024), await kvBytes(2048), await kvBytes(4096)];
    const all = (await keepingAll(name)).config;
    // 16-bit codes and a scale for keys and values of each position.
    const perPosition = 2 * all.numKvHeads[0] * (2 * all.headDim + 4);
    const numGlobal = Array.from({ length: all.numLayers }, (_, i) => isWindowLayer(all, i)).filter((has) => !has).length;
    expect(numGlobal).toBeLessThan(all.numLayers);
    expect(long - short).toBe(1024 * numGlobal * perPosition);
    expect(longer - long).toBe(2048 * numGlobal * perPosition);
  });

  it('let a prompt begin like an earlier one where what its next row sees is still there', async () => {
    const model = await keepingAll(name);
    await using engine = await Engine.load(modelPath(name), OPTIONS);
    const first = await complete(engine, text(300), { maxTokens: 50 });
    expectGreedy(model, text(300), first);
    const turn = [...text(300), ...first.ids, ...text(20, 5)];
    const next = await complete(engine, turn, { maxTokens: 20 });
    expect(next.timings.cachedTokens).toBe(349);
    expectGreedy(model, turn, next);
    // Parts from the others early on: what was passed there is kept as long as there is room for it.
    const other = [...text(290), ...text(30, 9)];
    const parted = await complete(engine, other, { maxTokens: 20 });
    expect(parted.timings.cachedTokens).toBeGreaterThan(0);
    expectGreedy(model, other, parted);
  });

  it('let a prompt begin like a text that was scored, anywhere in it', async () => {
    const model = await keepingAll(name);
    await using engine = await Engine.load(modelPath(name), OPTIONS);
    await engine.score(text(300));
    const prompt = [...text(200), ...text(20, 9)];
    const completion = await complete(engine, prompt, { maxTokens: 10 });
    expect(completion.timings.cachedTokens).toBeGreaterThanOrEqual(192);
    expectGreedy(model, prompt, completion);
  });

  it('go back to where nothing is missing when what was passed is gone', async () => {
    const model = await keepingAll(name);
    await using engine = await Engine.load(modelPath(name), OPTIONS);
    await complete(engine, text(500), { maxTokens: 2 });
    // As many others as the pool has room for, so that blocks in the middle of the first are used again.
    for (let i = 0; i < 4; i++) await complete(engine, text(500, 20 + i), { maxTokens: 2 });
    const prompt = [...text(250), ...text(30, 7)];
    expectGreedy(model, prompt, await complete(engine, prompt, { maxTokens: 10 }));
  });

  it('serve random requests, cut off, several at a time and with drafts', async () => {
    const model = await keepingAll(name);
    await using engine = await Engine.load(modelPath(name), OPTIONS);
    let state = 11;
    const random = (below: number): number => (state = (state * 1_103_515_245 + 12_345) % 2 ** 31) % below;
    for (let round = 0; round < 3; round++) {
      const requests = Array.from({ length: 6 }, () => ({
        prompt: [...text(random(200) + 1, 1 + random(2)), ...text(random(90) + 1, 20 + random(2))],
        options: { n: 1 + random(3), maxTokens: 1 + random(60), ...(random(2) === 0 && { speculation: { lookup: { maxDraft: 64 } } }) },
      }));
      const aborted = new AbortController();
      const lost = complete(engine, text(400, 1 + random(2)), { signal: aborted.signal }).catch(() => undefined);
      setTimeout(() => aborted.abort(), random(30));
      const [results] = await Promise.all([
        Promise.all(requests.map(({ prompt, options }) => complete(engine, prompt, options))), engine.score(text(100, 3)), lost,
      ]);
      requests.forEach(({ prompt }, i) => expectGreedy(model, prompt, results[i]));
    }
  });

  it('are followed by a draft model that has them too, and takes its drafts back', async () => {
    const model = await keepingAll(name);
    await using engine = await Engine.load(modelPath(name), { ...OPTIONS, draftModel: new Uint8Array(readFileSync(modelPath(name))) });
    const prompt = text(120);
    const drafted = await complete(engine, prompt, { maxTokens: 200, speculation: { draft: { maxDraft: 24, minProbability: 0 } } });
    expect(drafted.timings.draftTokens).toBeGreaterThan(0);
    expectGreedy(model, prompt, drafted);
  });

  it('are saved and restored with a session', async () => {
    const model = await keepingAll(name);
    const prompt = [...text(333), ...text(20, 3)];
    const { bytes } = await Engine.load(modelPath(name), OPTIONS).then(async (engine) => {
      const saved = await engine.saveSession(text(333));
      await engine.dispose();
      return saved;
    });
    await using engine = await Engine.load(modelPath(name), { ...OPTIONS, contextLength: 1024 });
    await engine.loadSession(bytes);
    const completion = await complete(engine, prompt, { maxTokens: 30 });
    expect(completion.timings.cachedTokens).toBe(333);
    expectGreedy(model, prompt, completion);
  });
});

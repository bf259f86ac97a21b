// Where only the likeliest tokens decide, not all logits are computed: the same tokens come all the same. With `logprobs` all are.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Engine, bytesSource, dequantize, quantize, readGguf, writeGguf } from '../../src/index.ts';
import type { GenerateOptions } from '../../src/index.ts';
import { inRepository } from '../support/fixtures.ts';
import { realModel } from '../support/real-models.ts';

const path = await realModel('smollm2');
const STORY = 'Once upon a time in a village by the sea there lived a fisherman who';
const LIST = 'The numbers from one to twenty are: one, two, three,';

const OPTIONS: readonly (readonly [name: string, GenerateOptions])[] = [
  ['greedy', { temperature: 0 }],
  ['the defaults', { seed: 3 }],
  ['top-k 5', { seed: 4, topK: 5, topP: 1, minP: 0, temperature: 1.5 }],
  ['top-k 64, typical, XTC', { seed: 5, topK: 64, typicalP: 0.9, xtcProbability: 0.5, temperature: 1 }],
  ['all tokens', { seed: 6, topK: 0, topP: 1, minP: 0 }],
  ['a bias', { temperature: 0, logitBias: { 28: -5, 30: 4 } }],
  ['a penalty', { seed: 7, repetitionPenalty: 1.3 }],
];

describe.skipIf(path === undefined).each([1, 2, 3])('%i threads', (threads) => {
  let engine: Engine;

  beforeAll(async () => {
    engine = await Engine.load(path!, { threads, contextLength: 1024 });
  });
  afterAll(() => engine.dispose());

  it.each(OPTIONS)('chooses from the likeliest what it would choose from all: %s', async (_, options) => {
    for (const prompt of [STORY, LIST]) {
      const settings = { ...options, maxTokens: 64, ignoreEos: true };
      const { ids } = await engine.complete(prompt, settings);
      expect(ids).toEqual((await engine.complete(prompt, { ...settings, logprobs: 0 })).ids);
    }
  });

  it('does so for several choices and requests at a time, of which some end earlier', async () => {
    const requests = [{ maxTokens: 10, n: 3, seed: 1 }, { maxTokens: 30, temperature: 0 }, { maxTokens: 50, seed: 2 }];
    const together = await Promise.all(requests.map((options) => engine.complete(STORY, { ...options, ignoreEos: true })));
    const alone = [];
    for (const options of requests) alone.push(await engine.complete(STORY, { ...options, ignoreEos: true, logprobs: 0 }));
    expect(together.map(({ choices }) => choices.map(({ ids }) => ids))).toEqual(alone.map(({ choices }) => choices.map(({ ids }) => ids)));
  });
});

/** A tiny random model, its head in Q8_0. */
async function withHead(name: string): Promise<Uint8Array> {
  const bytes = new Uint8Array(readFileSync(inRepository(`test/data/arch/${name}.gguf`)));
  const { metadata, tensors } = await readGguf(bytesSource(bytes));
  const head = tensors.some((tensor) => tensor.name === 'output.weight') ? 'output.weight' : 'token_embd.weight';
  return writeGguf({
    metadata: metadata.entries as never,
    tensors: tensors.map(({ name, type, shape, offset, byteLength }) => {
      const own = bytes.slice(offset, offset + byteLength);
      if (name !== head) return { name, type, shape, bytes: own };
      const values = new Float32Array(shape[0] * shape[1]);
      dequantize(type, own, values, values.length);
      return { name, type: 'Q8_0' as const, shape, bytes: quantize('Q8_0', values) };
    }),
  });
}

// A plain head, one with a factor and one with a bias, of 320 rows each. Only the first is searched.
describe.each(['llama-tied', 'granite', 'phi2'])('%s with a head in Q8_0', (name) => {
  it.each([1, 2])('chooses from the likeliest what it would choose from all, %i threads', async (threads) => {
    await using engine = await Engine.load(await withHead(name), { threads, contextLength: 128 });
    for (let first = 10; first < 310; first += 15) {
      for (const sampling of [{ temperature: 0 }, { seed: first, topK: 5, temperature: 2 }]) {
        const settings = { ...sampling, maxTokens: 12, ignoreEos: true };
        const prompt = [first, first + 3, first + 7];
        const { ids } = await engine.complete(prompt, settings);
        expect(ids).toEqual((await engine.complete(prompt, { ...settings, logprobs: 0 })).ids);
      }
    }
  });
});

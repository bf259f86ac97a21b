// What load, embed, score and tokenize refuse, before anything runs; and loads that fail leave nothing behind.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  ContextLengthError, Engine, InvalidArgumentError, SamplingError, TokenizerError, UnsupportedModelError,
  bytesSource, createEngine,
} from '../../src/index.ts';
import type { LoadOptions, LoadProgress, ModelFiles, OpenModelOptions } from '../../src/index.ts';
import { nodePlatform } from '../../src/platform/node.ts';
import { inRepository } from '../support/fixtures.ts';

const bytes = new Uint8Array(readFileSync(inRepository('test/data/arch/llama-tied.gguf')));
const anything = (value: unknown): never => value as never;

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.load(bytes, { threads: 1, contextLength: 64 });
});
afterAll(() => engine.dispose());

describe('Engine.load refuses', () => {
  it.each([
    [{ thread: 1 }, /no load option "thread"/], [{ context_length: 99 }, /no load option "context_length"/],
    [{ threads: '2' }, /threads must be .* not "2"/], [{ threads: -1 }, /threads/], [{ threads: 65 }, /threads/],
    [{ kvType: 'q3' }, /kvType must be .* not "q3"/], [{ contextLength: 1.5 }, /contextLength/],
    [{ maxBatchTokens: 0 }, /maxBatchTokens/], [{ device: 'gpu' }, /device/], [{ maxMemory: NaN }, /maxMemory/],
    [{ onProgress: 'x' }, /onProgress must be a function/], [{ signal: {} }, /signal must be an AbortSignal/],
    [{ cacheDir: 5 }, /cacheDir/], [{ deterministic: 'yes' }, /deterministic/], [null, /options must be an object/],
    [[], /options must be an object/], [{ allowHttp: 1 }, /allowHttp must be true or false/],
  ])('%j', async (options, message) => {
    const load = Engine.load(bytes, anything(options));
    await expect(load).rejects.toThrow(InvalidArgumentError);
    await expect(load).rejects.toThrow(message);
  });

  it('a vocabulary that it cannot read, without leaving workers or rejections behind', async () => {
    const key = 'tokenizer.ggml.model';
    const changed = Uint8Array.from(bytes);
    // The value's text comes after the key, its type (4 bytes) and its length (8 bytes).
    changed[Buffer.from(bytes).indexOf(key) + key.length + 12] = 'x'.charCodeAt(0);
    const before = process.getActiveResourcesInfo().filter((kind) => kind === 'MessagePort').length;
    const load = Engine.load(changed, { threads: 2 });
    await expect(load).rejects.toThrow(/tokenizer/i);
    expect(process.getActiveResourcesInfo().filter((kind) => kind === 'MessagePort').length).toBe(before);
  });
});

describe('Engine.load over http:', () => {
  it('names an option that there is, and does as it says', async () => {
    const load = Engine.load('http://192.0.2.1/m.gguf', { cacheDir: '/nowhere' });
    await expect(load).rejects.toThrow(/not protected.*allowHttp: true/);
    const told: unknown[] = [];
    const openModel = async (_: unknown, { allowHttp }: OpenModelOptions): Promise<ModelFiles> => {
      told.push(allowHttp);
      return { name: 'm', sources: [bytesSource(bytes)] };
    };
    await (await createEngine({ ...nodePlatform, openModel }).load('http://192.0.2.1/m.gguf', { allowHttp: true, threads: 1 })).dispose();
    expect(told).toEqual([true]);
  });
});

describe('Engine.load reports', () => {
  it('each phase with its end, not every read', async () => {
    const seen: LoadProgress[] = [];
    const options: LoadOptions = { threads: 1, onProgress: (progress) => seen.push(progress) };
    await (await Engine.load(bytes, options)).dispose();
    expect(new Set(seen.map(({ phase }) => phase))).toEqual(new Set(['load', 'warmup']));
    expect(seen.filter(({ phase }) => phase === 'load').at(-1)).toMatchObject({ loadedBytes: seen[0]!.totalBytes });
    expect(seen.length).toBeLessThan(10);
  });
});

describe('a model without a chat template', () => {
  it('says among the warnings how conversations are written', () => {
    expect(engine.model).toMatchObject({ hasChatTemplate: false });
    expect(engine.model.warnings).toContain(engine.model.chatTemplateWarning);
    expect(engine.model.warnings.join()).toContain('no chat template');
  });
});

describe('embed and score refuse', () => {
  it.each([
    ['', /no tokens/], [[], /no token ids\. Give at least one/], [['a', 'b'], /several texts need a call each/], [undefined, /text or an array/],
    [[1, -1], /outside the vocabulary/], [[1e9], /outside the vocabulary/], [[0.5], /outside the vocabulary/], [5, /text or an array/],
  ])('%j', async (input, message) => {
    for (const call of [() => engine.embed(anything(input)), () => engine.score(anything(input))]) {
      await expect(call()).rejects.toThrow(InvalidArgumentError);
      await expect(call()).rejects.toThrow(message);
    }
  });

  it('options that do not exist or make no sense', async () => {
    await expect(engine.embed([1, 2], anything({ normalise: false }))).rejects.toThrow(/no option "normalise"/);
    await expect(engine.embed([1, 2], anything({ pooling: 'max' }))).rejects.toThrow(/pooling must be one of/);
    await expect(engine.score([1, 2], anything({ topk: 3 }))).rejects.toThrow(/no option "topk"/);
    await expect(engine.score([1, 2], { topK: 1001 })).rejects.toThrow(/topK must be between 0 and/);
    await expect(engine.score([1, 2], { from: 3 })).rejects.toThrow(/from must be between/);
  });

  it('more than the context holds, with both counts', async () => {
    const ids = new Array<number>(65).fill(1);
    await expect(engine.embed(ids)).rejects.toMatchObject({ requested: 65, contextLength: 64 });
    await expect(engine.score(ids)).rejects.toThrow(ContextLengthError);
  });
});

describe('tokenize and renderChat refuse', () => {
  const messages = [{ role: 'user', content: 'hello' }];

  it.each([{ special: true }, { addSpecial: 'no' }, null])('what is no option of encoding: %o', async (options) => {
    expect(() => engine.tokenize('hello', anything(options))).toThrow(InvalidArgumentError);
    await expect(engine.tokenizeAsync('hello', anything(options))).rejects.toThrow(InvalidArgumentError);
  });

  it.each([{ generationPrompt: 1 }, { addGenerationPrompt: 1 }, null])('what is no option of rendering: %o', (options) => {
    expect(() => engine.renderChat(messages, anything(options))).toThrow(InvalidArgumentError);
  });
});

describe('inputs of other kinds', () => {
  it('are taken where they make sense', async () => {
    const ids = engine.tokenize('hello');
    expect((await engine.score('hello')).nll).toBe((await engine.score(ids)).nll);
    expect((await engine.score(Uint32Array.from(ids) as never)).nll).toBe((await engine.score(ids)).nll);
    const options = { temperature: 0, maxTokens: 3, ignoreEos: true };
    expect((await engine.complete(Uint32Array.from(ids) as never, options)).ids).toEqual((await engine.complete(ids, options)).ids);
  });

  it('are refused by type where they do not', async () => {
    expect(() => engine.tokenize(anything(5))).toThrow(InvalidArgumentError);
    expect(() => engine.detokenize([1e9])).toThrow(InvalidArgumentError);
    await expect(engine.complete('x', anything(null))).rejects.toThrow(InvalidArgumentError);
  });
});

describe('errors of the compute workers', () => {
  it('keep their class', async () => {
    const everything = Object.fromEntries(Array.from({ length: engine.model.vocabSize }, (_, id) => [id, -Infinity]));
    await expect(engine.complete('x', { logitBias: everything })).rejects.toThrow(SamplingError);
    expect(new TokenizerError('x')).not.toBeInstanceOf(UnsupportedModelError);
  });
});

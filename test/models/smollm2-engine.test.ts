// The engine's promises on a real instruct model: threads, determinism, chat, stop strings, cancellation, n, errors.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ContextLengthError, Engine, EngineStoppedError, InvalidArgumentError } from '../../src/index.ts';
import type { Engine as LoadedEngine, GenerateChunk } from '../../src/index.ts';
import { realModel } from '../support/real-models.ts';

const path = await realModel('smollm2');
const GREETING = [{ role: 'user', content: 'Say hello.' }] as const;

describe.skipIf(path === undefined)('smollm2', () => {
  let engine: LoadedEngine;

  beforeAll(async () => {
    engine = await Engine.load(path!, { threads: 2, contextLength: 1024 });
  });
  afterAll(() => engine.dispose());

  it('knows the capital of France', async () => {
    const { text } = await engine.complete('The capital of France is', { temperature: 0, maxTokens: 4 });
    expect(text).toBe(' Paris.\n\n');
  });

  it('answers in a conversation and ends its turn', async () => {
    const { text, finishReason } = await engine.complete(GREETING, { temperature: 0, maxTokens: 60 });
    expect(text).toMatch(/^Hello/);
    expect(text).not.toContain('<|');
    expect(finishReason).toBe('stop');
  });

  it('streams what complete returns', async () => {
    const options = { temperature: 0.7, seed: 5, maxTokens: 24 };
    const chunks: GenerateChunk[] = [];
    for await (const chunk of engine.generate(GREETING, options)) chunks.push(chunk);
    const whole = await engine.complete(GREETING, options);
    expect(chunks.map((chunk) => chunk.text).join('')).toBe(whole.text);
    expect(chunks.flatMap((chunk) => chunk.ids)).toEqual(whole.ids);
    expect(chunks.at(-1)!.finishReason).toBe(whole.finishReason);
  });

  it('gives the same tokens for the same seed and others for another', async () => {
    const sample = async (seed: number): Promise<readonly number[]> =>
      (await engine.complete('Once upon a time', { temperature: 1.2, seed, maxTokens: 16 })).ids;
    expect(await sample(1)).toEqual(await sample(1));
    expect(await sample(1)).not.toEqual(await sample(2));
  });

  it('never lets a stop string through', async () => {
    const options = { temperature: 0, maxTokens: 8, stop: ['Paris.'] };
    const { text, finishReason } = await engine.complete('The capital of France is', options);
    expect(finishReason).toBe('stop');
    expect(text).toBe(' ');
  });

  it('gives n choices, the first as if it were alone, all from one prompt', async () => {
    const options = { temperature: 1, seed: 11, maxTokens: 12 };
    const alone = await engine.complete('The weather today is', options);
    const many = await engine.complete('The weather today is', { ...options, n: 6 });
    expect(many.choices).toHaveLength(6);
    expect(many.choices[0]!.ids).toEqual(alone.ids);
    expect(new Set(many.choices.map((choice) => choice.text)).size).toBeGreaterThan(1);
  });

  it('answers concurrent requests as it answers them one by one', async () => {
    const prompts = ['The sky is', 'Two plus two equals', 'My favourite book is'];
    const options = { temperature: 0, maxTokens: 12 };
    const single: (readonly number[])[] = [];
    for (const prompt of prompts) single.push((await engine.complete(prompt, options)).ids);
    const together = await Promise.all(prompts.map((prompt) => engine.complete(prompt, options)));
    expect(together.map(({ ids }) => ids)).toEqual(single);
  });

  it('reports log-probabilities that agree with score', async () => {
    const { promptIds, choices } = await engine.complete('The capital of France is', { temperature: 0, maxTokens: 3, logprobs: 2 });
    const { ids, logprobs } = choices[0]!;
    const { tokenNlls } = await engine.score([...promptIds, ...ids], { from: promptIds.length });
    logprobs!.forEach((token, i) => {
      expect(token.id).toBe(ids[i]);
      expect(token.top).toHaveLength(2);
      expect(token.top[0]!.id).toBe(token.id);
      expect(token.logprob).toBeCloseTo(-tokenNlls[i]!, 2);
    });
  });

  it('has bit-identical logits with 1, 2 and 3 threads, prefilled whole or in chunks', async () => {
    const ids = engine.tokenize('It was a bright cold day in April, and the clocks were striking thirteen. '.repeat(3));
    const logits: Float32Array[] = [];
    for (const [threads, maxBatchTokens] of [[1, 512], [2, 512], [3, 512], [2, 7]] as const) {
      const other = await Engine.load(path!, { threads, maxBatchTokens, contextLength: 512 });
      logits.push((await other.score(ids, { logits: true })).logits!);
      await other.dispose();
    }
    expect(logits[1]).toEqual(logits[0]);
    expect(logits[2]).toEqual(logits[0]);
    expect(logits[3]).toEqual(logits[0]);
  });

  it('stops within a token when aborted and is usable afterwards', async () => {
    const controller = new AbortController();
    let received = 0;
    const run = async (): Promise<void> => {
      for await (const _ of engine.generate('Count: one two three', { temperature: 0, signal: controller.signal })) {
        if (++received === 3) controller.abort(new Error('enough'));
      }
    };
    await expect(run()).rejects.toThrow('enough');
    expect(received).toBe(3);
    expect((await engine.complete(GREETING, { temperature: 0, maxTokens: 8 })).ids).toHaveLength(8);
  });

  it('frees everything when a consumer leaves the loop', async () => {
    for (let round = 0; round < 12; round++) {
      for await (const _ of engine.generate('Tell me a long story', { maxTokens: 900 })) break;
    }
    expect((await engine.complete('Hello', { maxTokens: 4, ignoreEos: true })).ids).toHaveLength(4);
  });

  it('says how long the prompt is when it does not fit', async () => {
    const ids = new Array<number>(1024).fill(5);
    await expect(engine.complete(ids)).rejects.toThrow(ContextLengthError);
    await expect(engine.complete(ids)).rejects.toThrow(/1025.*1024/);
  });

  it('ends with finishReason length at the end of the context', async () => {
    const { finishReason, ids } = await engine.complete(new Array<number>(1000).fill(5), { ignoreEos: true, temperature: 0 });
    expect(finishReason).toBe('length');
    expect(ids).toHaveLength(24);
  });

  it.each([
    [{ temperature: -1 }, /temperature/], [{ maxTokens: 0 }, /maxTokens/], [{ n: 0 }, /\bn\b/], [{ stop: [''] }, /stop/],
    [{ topP: 2 }, /topP/],
  ])('refuses %o', async (options, message) => {
    await expect(engine.complete('x', options)).rejects.toThrow(InvalidArgumentError);
    await expect(engine.complete('x', options)).rejects.toThrow(message);
  });

  it('refuses ids outside the vocabulary', async () => {
    await expect(engine.complete([1, 49152])).rejects.toThrow(/49152/);
    await expect(engine.score([1, -1])).rejects.toThrow(InvalidArgumentError);
  });

  it('keeps special tokens in user text as text', () => {
    const special = engine.tokenizer.encode('<|im_end|>', { parseSpecial: true });
    expect(special).toHaveLength(1);
    const { ids } = engine.renderChat([{ role: 'user', content: 'a<|im_end|>b' }]);
    const plain = engine.renderChat([{ role: 'user', content: 'ab' }]).ids;
    const count = (list: readonly number[]): number => list.filter((id) => id === special[0]).length;
    expect(count(ids)).toBe(count(plain));
  });

  it('aborts a load', async () => {
    await expect(Engine.load(path!, { signal: AbortSignal.timeout(30) })).rejects.toThrow(/timeout|aborted/i);
    const aborted = AbortSignal.abort(new Error('never'));
    await expect(Engine.load(path!, { signal: aborted })).rejects.toThrow('never');
  });

  it('refuses work after dispose', async () => {
    const other = await Engine.load(path!, { threads: 1, contextLength: 64 });
    const pending = other.complete('Hello', { maxTokens: 50, ignoreEos: true });
    const outcome = expect(pending).rejects.toThrow(EngineStoppedError);
    await other.dispose();
    await outcome;
    await expect(other.complete('Hello')).rejects.toThrow(EngineStoppedError);
  });

  it('embeds text too', async () => {
    const cat = await engine.embed('The cat sat on the mat.');
    expect(cat).toHaveLength(engine.model.hiddenSize);
    expect(Math.hypot(...cat)).toBeCloseTo(1, 4);
  });

  it('does not load what is not a model', async () => {
    await expect(Engine.load(new TextEncoder().encode('not a model'))).rejects.toThrow(/GGUF|magic/i);
    await expect(Engine.load(new Uint8Array())).rejects.toThrow();
  });
});

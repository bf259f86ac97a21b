// Plans of tiny models: what is predicted, what does not fit, what is refused.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { planModel } from '../../src/engine/load/model-plan.ts';
import type { ModelPlan } from '../../src/engine/load/model-plan.ts';
import type { LoadOptions } from '../../src/engine/load/load-types.ts';
import { InvalidArgumentError, OutOfMemoryError } from '../../src/errors.ts';
import { bytesSource } from '../../src/gguf/memory-source.ts';
import { readGguf } from '../../src/gguf/reader.ts';
import { inRepository } from '../support/fixtures.ts';

const MIB = 2 ** 20;

async function plan(name: string, options: LoadOptions = {}, memoryLimit = 1024 * MIB): Promise<ModelPlan> {
  const file = await readGguf(bytesSource(new Uint8Array(readFileSync(inRepository('test/data/arch', `${name}.gguf`)))));
  return planModel(file, options, 2, memoryLimit);
}

describe('planModel', () => {
  it('takes what the model was trained for as context, and room for four sequences', async () => {
    const { plan: made, kvBytes, totalBytes, weightBytes } = await plan('qwen2', { kvType: 'f16' });
    expect(made.limits.contextLength).toBe(256);
    expect(made.maxSequences).toBe(4);
    // 2 layers of 2 KV heads with 16 floats each for keys and for values, 4 sequences of 256 positions, 2 bytes.
    const { config } = made;
    const perPosition = config.numKvHeads.reduce((sum, heads) => sum + heads * (config.headDim + config.valueDim) * 2, 0);
    expect(kvBytes).toBe(perPosition * 256 * 4);
    expect(totalBytes).toBeGreaterThan(weightBytes + kvBytes);
  });

  it('doubles the cache for float32 keys and values', async () => {
    const [half, single] = [await plan('qwen2', { kvType: 'f16' }), await plan('qwen2', { kvType: 'f32' })];
    expect(single.kvBytes).toBe(2 * half.kvBytes);
  });

  it('adds a float per position and head for 16-bit integers, which are the default', async () => {
    const [half, integer] = [await plan('qwen2', { kvType: 'f16' }), await plan('qwen2')];
    // 2 layers of 2 KV heads, keys and values.
    expect(integer.kvBytes - half.kvBytes).toBe(2 * 2 * 2 * 4 * 256 * 4);
  });

  it('gives up sequences before it gives up context', async () => {
    const whole = await plan('qwen2');
    const tight = await plan('qwen2', {}, whole.totalBytes - 1);
    expect(tight.plan.limits.contextLength).toBe(256);
    expect(tight.plan.maxSequences).toBe(3);
    expect(tight.totalBytes).toBeLessThan(whole.totalBytes);
  });

  it('takes as many sequences as fit of those that are allowed, or exactly those that are asked for', async () => {
    const eight = await plan('qwen2', { maxSequences: { atMost: 8 } });
    expect(eight.plan.maxSequences).toBe(8);
    const tight = await plan('qwen2', { maxSequences: { atMost: 8 } }, eight.totalBytes - 1);
    expect([tight.plan.maxSequences, tight.plan.limits.contextLength]).toEqual([7, 256]);
    await expect(plan('qwen2', { maxSequences: 8 }, eight.totalBytes - 1)).rejects.toThrow(OutOfMemoryError);
  });

  it('says what is needed and what there is when it does not fit', async () => {
    const error = await plan('qwen2', { maxMemory: MIB }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(OutOfMemoryError);
    const { requiredBytes, availableBytes, message } = error as OutOfMemoryError;
    expect(availableBytes).toBe(MIB);
    expect(requiredBytes).toBeGreaterThan(MIB);
    expect(message).toMatch(/context of 256 tokens needs at least [\d.]+ MB, but 1\.0 MB may be used/);
  });

  it('never shortens a context that was asked for', async () => {
    await expect(plan('qwen2', { contextLength: 2 ** 18 }, 16 * MIB)).rejects.toThrow(/context of 262144 tokens/);
  });

  it('refuses more context than an encoder has positions for', async () => {
    await expect(plan('bert-mean', { contextLength: 65 })).rejects.toThrow(InvalidArgumentError);
    expect((await plan('bert-mean', { contextLength: 16 })).plan.limits.maxBatchTokens).toBe(16);
  });

  it.each([
    [{ contextLength: 0 }, /contextLength/], [{ contextLength: 1.5 }, /contextLength/], [{ maxBatchTokens: -1 }, /maxBatchTokens/],
    [{ maxMemory: 0 }, /maxMemory/], [{ maxMemory: Number.NaN }, /maxMemory/],
  ])('refuses %o', async (options, message) => {
    await expect(plan('qwen2', options)).rejects.toThrow(InvalidArgumentError);
    await expect(plan('qwen2', options)).rejects.toThrow(message);
  });
});

// Plans before loads: what is promised is what a load then takes, for no more than a header.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bytesSource, Engine, InvalidArgumentError, OutOfMemoryError, readGguf, writeGguf } from '../../src/index.ts';
import type { LoadOptions, LoadPlan } from '../../src/index.ts';
import { FileServer } from '../sources/file-server.ts';
import { temporaryDir } from '../sources/workbench.ts';
import { inRepository } from '../support/fixtures.ts';
import { realModel } from '../support/real-models.ts';

const model = new Uint8Array(readFileSync(inRepository('test/data/arch/qwen2.gguf')));
const plan = (options: LoadOptions = {}): Promise<LoadPlan> => Engine.plan(model, { threads: 2, ...options });

describe('Engine.plan', () => {
  it.each([{}, { contextLength: 100, maxBatchTokens: 32 }, { kvType: 'f16' }, { kvType: 'q8_0', threads: 1 }, { threads: 0 }] as const)(
    'says what a load with %o then has', async (options) => {
      const { memory, ...planned } = await plan(options);
      await using engine = await Engine.load(model, { threads: 2, ...options });
      expect(planned).toMatchObject({
        contextLength: engine.model.contextLength, threads: engine.model.threads, architecture: 'qwen2',
        numParameters: engine.model.numParameters, trainedContextLength: engine.model.trainedContextLength,
      });
      expect(engine.model.memory).toEqual({ ...memory, numShards: 1 });
      expect(memory.reservedBytes).toBeGreaterThanOrEqual(memory.usedBytes + (planned.numSequences - 1) * memory.kvBytes);
      expect(memory.usedBytes).toBe(memory.weightBytes + memory.kvBytes + memory.scratchBytes);
    });

  it('finds the longest context that fits, to the token', async () => {
    const maxMemory = 8 * 2 ** 20;
    const { largestContextLength } = await plan({ maxMemory, contextLength: 256 });
    const largest = await plan({ maxMemory, contextLength: largestContextLength });
    expect(largest.numSequences).toBe(1);
    expect(largest.memory.reservedBytes).toBeLessThanOrEqual(maxMemory);
    await expect(plan({ maxMemory, contextLength: largestContextLength + 1 })).rejects.toThrow(OutOfMemoryError);
  });

  it('means the type that it chose by the longest context', async () => {
    const maxMemory = 8 * 2 ** 20;
    const chosen = await plan({ kvType: 'auto', contextLength: 256, maxMemory });
    expect(chosen.kvType).toBe('i16');
    expect(chosen.largestContextLength).toBe((await plan({ contextLength: 256, maxMemory })).largestContextLength);
  });

  it('chooses the most exact keys and values that leave the context whole', async () => {
    const contextLength = 4096;
    const room = async (kvType: 'i16' | 'q8_0' | 'q4_0'): Promise<number> => {
      const { memory, numSequences } = await plan({ kvType, contextLength });
      return memory.reservedBytes - (numSequences - 1) * memory.kvBytes;
    };
    const [i16, q8, q4] = [await room('i16'), await room('q8_0'), await room('q4_0')];
    const chosen = async (maxMemory: number): Promise<string> => (await plan({ kvType: 'auto', contextLength, maxMemory })).kvType;
    expect([await chosen(2 * i16), await chosen(i16 - 200_000), await chosen(q8 - 100_000)]).toEqual(['i16', 'q8_0', 'q4_0']);
    await expect(chosen(q4 - 200_000)).rejects.toThrow(OutOfMemoryError);
    await using engine = await Engine.load(model, { kvType: 'auto', contextLength, maxMemory: i16 - 200_000, threads: 2 });
    expect((await engine.complete([40, 41], { maxTokens: 2, ignoreEos: true })).ids).toHaveLength(2);
  });

  it('has the longest context of the smallest keys and values where none leave the default one whole', async () => {
    const { metadata, tensors } = await readGguf(bytesSource(model));
    const long = writeGguf({
      metadata: [...metadata.entries].map(([key, value]) => [key, key === 'qwen2.context_length' ? 4096 : value]) as never,
      tensors: tensors.map((tensor) => ({ ...tensor, bytes: model.subarray(tensor.offset, tensor.offset + tensor.byteLength) })),
    });
    const planned = (options: LoadOptions): Promise<LoadPlan> => Engine.plan(long, { threads: 2, ...options });
    const { memory, numSequences, contextLength } = await planned({ kvType: 'q4_0' });
    const maxMemory = memory.reservedBytes - (numSequences - 1) * memory.kvBytes - 100_000;
    const chosen = await planned({ kvType: 'auto', maxMemory });
    expect(chosen).toMatchObject({ kvType: 'q4_0', numSequences: 1, contextLength: chosen.largestContextLength });
    expect(chosen.contextLength).toBeLessThan(contextLength);
    expect(chosen.contextLength).toBeGreaterThan(contextLength / 2);
    expect((await planned({ kvType: 'q4_0', maxMemory })).contextLength).toBe(contextLength / 2);
  });

  it('says what does not fit, and what would, before anything is allocated', async () => {
    const contextLength = 2 ** 20;
    const error = await plan({ contextLength, maxMemory: 2 ** 23 }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(OutOfMemoryError);
    const fits = Number(/A contextLength of (\d+) would fit/.exec((error as Error).message)?.[1]);
    expect((await plan({ contextLength: fits, maxMemory: 2 ** 23 })).contextLength).toBe(fits);
    const [, kvType] = /With kvType "(\w+)" it would fit\./.exec((await plan({ contextLength: fits + 1, maxMemory: 2 ** 23 }).catch(String)) as string)!;
    expect(await plan({ contextLength: fits + 1, maxMemory: 2 ** 23, kvType: kvType as 'q8_0' })).toMatchObject({ kvType: 'q8_0' });
    const before = process.memoryUsage.rss();
    await expect(Engine.load(model, { contextLength, maxMemory: 2 ** 23 })).rejects.toThrow(OutOfMemoryError);
    expect(process.memoryUsage.rss() - before).toBeLessThan(200e6);
  });

  it('refuses what load refuses', async () => {
    await expect(plan({ contextLength: 0 })).rejects.toThrow(InvalidArgumentError);
    await expect(plan({ kvType: 'q5' as never })).rejects.toThrow(/kvType must be .*"auto"/);
    await expect(Engine.plan(new Uint8Array(100))).rejects.toMatchObject({ code: 'ERR_GGUF' });
  });
});

describe('a plan over the network', () => {
  let server: FileServer;
  beforeAll(async () => void (server = await new FileServer().start()));
  afterAll(() => server.stop());

  it('reads the header by range and nothing else', async () => {
    const bytes = new Uint8Array(model.length + 8 * 2 ** 20);
    bytes.set(model);
    server.files.set('/model.gguf', { bytes });
    const { memory } = await Engine.plan(server.url('/model.gguf'), { threads: 2, cacheDir: temporaryDir() });
    expect(memory).toEqual((await plan()).memory);
    expect(server.gets('/model.gguf').reduce((sum, { bytesSent }) => sum + bytesSent, 0)).toBeLessThan(2 ** 20);
  });

  it('says so where a server gives no ranges, and where there is nothing', async () => {
    server.files.set('/whole.gguf', { bytes: model, ignoreRanges: true });
    const options = { cacheDir: temporaryDir() };
    await expect(Engine.plan(server.url('/whole.gguf'), options)).rejects.toThrow(/does not give ranges/);
    await expect(Engine.plan(server.url('/nothing.gguf'), options)).rejects.toMatchObject({ code: 'ERR_MODEL_SOURCE' });
  });
});

const smollm2 = process.platform === 'linux' ? await realModel('smollm2') : undefined;

describe.skipIf(smollm2 === undefined)('memory of smollm2 (Linux: /proc)', () => {
  /** Resident bytes of the mappings that hold a WebAssembly memory of this size. */
  function residentBytes(size: number): number {
    let resident = 0;
    for (const [, from, to, facts] of readFileSync('/proc/self/smaps', 'utf8').matchAll(/^([0-9a-f]+)-([0-9a-f]+) rw.*\n([^]*?)VmFlags/gm)) {
      if (parseInt(to!, 16) - parseInt(from!, 16) === size) resident += 1024 * Number(/^Rss:\s+(\d+) kB/m.exec(facts!)![1]);
    }
    return resident;
  }

  it('is what was planned, within 5 %, at any length', async () => {
    // What earlier prompts left in the cache would count too; and every machine fills a pass of 64 rows.
    const options: LoadOptions = { threads: 2, contextLength: 2048, prefixCacheBytes: 0, maxBatchTokens: 64 };
    const { memory } = await Engine.plan(smollm2!, options);
    await using engine = await Engine.load(smollm2!, options);
    const size = Math.ceil(memory.reservedBytes / 65536) * 65536;
    for (const count of [600, 2000]) {
      const ids = Array.from({ length: count }, (_, i) => 1000 + ((i * 37) % 5000));
      await engine.complete(ids, { temperature: 0, maxTokens: 4, ignoreEos: true });
      const planned = memory.weightBytes + memory.scratchBytes + memory.kvBytesPerToken * (count + 4);
      expect(Math.abs(residentBytes(size) / planned - 1)).toBeLessThan(0.05);
    }
  });
});

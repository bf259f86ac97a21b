// Compute threads as users meet them: the same bits for any number, and an end that is clean however it comes about.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import type { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { layOut } from '../../src/engine/memory/layout.ts';
import { Engine as EngineOnPlatform } from '../../src/engine/engine.ts';
import type { InitMessage } from '../../src/engine/compute/protocol.ts';
import { EngineStoppedError } from '../../src/errors.ts';
import { Engine } from '../../src/index.ts';
import type { Engine as LoadedEngine, LoadOptions } from '../../src/index.ts';
import { nodePlatform } from '../../src/platform/node.ts';
import type { ComputeWorker, Platform } from '../../src/platform/platform.ts';
import { inRepository } from '../support/fixtures.ts';

const modelPath = (name: string): string => inRepository('test/data/arch', `${name}.gguf`);
const modelBytes = (name: string): Uint8Array => new Uint8Array(readFileSync(modelPath(name)));

/** Room for a generation that takes much longer than anything a test does meanwhile. */
const LONG: LoadOptions = { threads: 3, contextLength: 8192 };
const ENDLESS = { ignoreEos: true, temperature: 0 } as const;
const PROMPT = [98, 101, 99, 97, 117];

interface WatchedPlatform {
  readonly platform: Platform;
  readonly workers: ComputeWorker[];
  readonly numAlive: () => number;
}

/** Node's platform, with its compute workers counted and in the test's hands. */
function watchedPlatform(): WatchedPlatform {
  const workers: ComputeWorker[] = [];
  const ended = new Set<ComputeWorker>();
  const platform: Platform = {
    ...nodePlatform,
    spawnWorker() {
      const worker = nodePlatform.spawnWorker!();
      const watched: ComputeWorker = {
        ...worker,
        async terminate() {
          await worker.terminate();
          ended.add(watched);
        },
      };
      workers.push(watched);
      return watched;
    },
  };
  return { platform, workers, numAlive: () => workers.length - ended.size };
}

/** Starts a generation that will not end by itself and waits for its first tokens. */
async function startEndless(engine: LoadedEngine, signal?: AbortSignal): Promise<{ readonly rest: Promise<void> }> {
  const chunks = engine.generate(PROMPT, { ...ENDLESS, signal });
  await chunks.next();
  await chunks.next();
  const drain = async (): Promise<void> => {
    for await (const chunk of chunks) if (chunk.finishReason) throw new Error(`ended by ${chunk.finishReason}`);
  };
  return { rest: drain() };
}

describe('numbers of threads', () => {
  const NUM_THREADS = [1, 2, 3, 5];

  it.each(['q-llama-q4_0', 'q-qwen3moe-q8_0', 'gemma2', 'deepseek2'])('give the same bits: %s', async (name) => {
    const results = [];
    for (const threads of NUM_THREADS) {
      await using engine = await Engine.load(modelBytes(name), { threads, maxBatchTokens: 16 });
      const ids = Array.from({ length: 45 }, (_, i) => (7 * i + 3) % 250);
      const { logits, tokenNlls } = await engine.score(ids, { logits: true });
      const short = await engine.score(ids.slice(0, 3), { logits: true });
      const options = { temperature: 0.9, seed: 4, maxTokens: 24, ignoreEos: true, n: 3 };
      const sampled = await engine.complete(PROMPT, options);
      results.push({ logits, tokenNlls, short: short.logits, ids: sampled.choices.map((choice) => choice.ids) });
    }
    for (const result of results.slice(1)) expect(result).toEqual(results[0]);
    expect(results[0].logits!.every(Number.isFinite)).toBe(true);
  });

  it.each(['bert-mean', 'nomic-bert', 'qwen2'])('give the same embedding of few and many tokens: %s', async (name) => {
    const results = [];
    for (const threads of NUM_THREADS) {
      await using engine = await Engine.load(modelBytes(name), { threads });
      const embeddings = [];
      for (const count of [1, 2, 4, 5, 30]) {
        embeddings.push(await engine.embed(Array.from({ length: count }, (_, i) => 5 + 3 * i)));
      }
      results.push(embeddings);
    }
    for (const result of results.slice(1)) expect(result).toEqual(results[0]);
    expect(new Set(results[0].map((embedding) => embedding.join())).size).toBe(5);
  });
});

describe('a compute worker that is killed', () => {
  it.each([0, 2])('(number %i) fails what is under way and all that follows; a new load works', async (index) => {
    const { platform, numAlive } = watchedPlatform();
    const threads: Worker[] = [];
    const remember = (worker: Worker): number => threads.push(worker);
    process.on('worker', remember);
    const engine = await EngineOnPlatform.loadOn(platform, modelBytes('qwen2'), LONG);
    process.off('worker', remember);
    expect(threads).toHaveLength(3);
    const { rest } = await startEndless(engine);
    const pending = [rest, engine.complete(PROMPT, ENDLESS), engine.score(PROMPT)];
    const outcomes = Promise.allSettled(pending);
    await threads[index].terminate();
    for (const outcome of await outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'ERR_ENGINE_STOPPED' } });
      expect((outcome as PromiseRejectedResult).reason).toBeInstanceOf(EngineStoppedError);
    }
    await expect(engine.complete(PROMPT)).rejects.toThrow(EngineStoppedError);
    await engine.dispose();
    expect(numAlive()).toBe(0);
    await using next = await Engine.load(modelBytes('qwen2'), LONG);
    expect((await next.complete(PROMPT, { ...ENDLESS, maxTokens: 3 })).ids).toHaveLength(3);
  });
});

describe('an aborted load', () => {
  it.each([0, 1, 5, 20, 60])('after %i ms leaves no worker behind', async (delay) => {
    const { platform, numAlive } = watchedPlatform();
    const controller = new AbortController();
    const loading = EngineOnPlatform.loadOn(platform, modelPath('qwen2'), { ...LONG, signal: controller.signal });
    const outcome = Promise.allSettled([loading]);
    await sleep(delay);
    controller.abort(new Error('changed my mind'));
    const [result] = await outcome;
    // A load may be quicker than the abort.
    if (result.status === 'fulfilled') await result.value.dispose();
    else expect(result.reason).toMatchObject({ message: 'changed my mind' });
    expect(numAlive()).toBe(0);
  });

  it.each(['load', 'warmup'] as const)('at its first sign of %s leaves no worker behind', async (phase) => {
    const { platform, workers, numAlive } = watchedPlatform();
    const controller = new AbortController();
    const watched: Platform = {
      ...platform,
      spawnWorker() {
        const worker = platform.spawnWorker!();
        const postMessage: ComputeWorker['postMessage'] = (message) => {
          worker.postMessage(message);
          const { type } = message as { readonly type: string };
          if (phase === 'warmup' && type === 'prepare') controller.abort(new Error('stop'));
        };
        return { ...worker, postMessage };
      },
    };
    const loading = EngineOnPlatform.loadOn(watched, modelBytes('qwen2'), {
      ...LONG, signal: controller.signal, onProgress: () => phase === 'load' && controller.abort(new Error('stop')),
    });
    await expect(loading).rejects.toThrow('stop');
    expect(workers).toHaveLength(3);
    expect(numAlive()).toBe(0);
  });
});

describe('a file that cannot be read to its end', () => {
  it.each([1, 2, 6])('fails the load at read %i, with that reason, and leaves no worker behind', async (failing) => {
    const { platform, workers, numAlive } = watchedPlatform();
    let numReads = 0;
    const closed: boolean[] = [];
    const broken: Platform = {
      ...platform,
      async openModel(...args) {
        const { sources, ...rest } = await platform.openModel(...args);
        return {
          ...rest,
          sources: sources.map((source) => ({
            name: source.name,
            size: source.size,
            async read(...range: Parameters<typeof source.read>) {
              if (++numReads >= failing) throw new Error('the disk is gone');
              await source.read(...range);
            },
            async close() {
              await source.close();
              closed.push(true);
            },
          })),
        };
      },
    };
    await expect(EngineOnPlatform.loadOn(broken, modelPath('qwen2'), LONG)).rejects.toThrow('the disk is gone');
    expect(numReads).toBeGreaterThanOrEqual(failing);
    expect(workers).toHaveLength(3);
    expect(numAlive()).toBe(0);
    expect(closed).toEqual([true]);
  });
});

describe('disposal', () => {
  it('may be asked for twice, at once and again', async () => {
    const { platform, numAlive } = watchedPlatform();
    const engine = await EngineOnPlatform.loadOn(platform, modelBytes('qwen2'), LONG);
    await Promise.all([engine.dispose(), engine.dispose()]);
    await engine.dispose();
    expect(numAlive()).toBe(0);
    await expect(engine.score(PROMPT)).rejects.toThrow(EngineStoppedError);
  });

  it('beside requests of every kind fails each of them', async () => {
    const engine = await Engine.load(modelBytes('qwen2'), LONG);
    const { rest } = await startEndless(engine);
    const requests = [
      rest, engine.complete(PROMPT, ENDLESS), engine.complete(PROMPT, { ...ENDLESS, n: 6 }), engine.score(PROMPT),
      engine.embed(PROMPT),
    ];
    const outcomes = Promise.allSettled(requests);
    await engine.dispose();
    for (const outcome of await outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'ERR_ENGINE_STOPPED' } });
    }
  });

  it('in the middle of an abort is no error', async () => {
    const engine = await Engine.load(modelBytes('qwen2'), LONG);
    const controller = new AbortController();
    const { rest } = await startEndless(engine, controller.signal);
    const outcome = expect(rest).rejects.toThrow('enough');
    controller.abort(new Error('enough'));
    await engine.dispose();
    await outcome;
  });
});

describe('idle threads', () => {
  let engine: LoadedEngine;
  beforeAll(async () => {
    engine = await Engine.load(modelBytes('qwen2'), LONG);
  });
  afterAll(() => engine.dispose());

  it.each([
    ['after a load', async () => undefined],
    ['between requests', () => engine.complete(PROMPT, { ...ENDLESS, maxTokens: 50 })],
    ['after an abort', async () => {
      const controller = new AbortController();
      const { rest } = await startEndless(engine, controller.signal);
      controller.abort(new Error('enough'));
      await expect(rest).rejects.toThrow('enough');
    }],
  ])('take no time of a core %s', async (_, before) => {
    await before();
    // Spinning ends within a millisecond; compilation in the background may take longer.
    let least = Infinity;
    for (let attempt = 0; attempt < 6 && least >= 0.05; attempt++) {
      const start = process.cpuUsage();
      await sleep(500);
      const { user, system } = process.cpuUsage(start);
      least = Math.min(least, (user + system) / 500_000);
    }
    expect(least).toBeLessThan(0.05);
  });
});

describe('a process', () => {
  const end = async (code: string): Promise<{ code: number | null; stdout: string; stderr: string }> => {
    const prelude = `
      import { Engine } from ${JSON.stringify(pathToFileURL(inRepository('dist/index.js')).href)};
      const load = (options) =>
        Engine.load(${JSON.stringify(modelPath('qwen2'))}, { threads: 3, contextLength: 8192, ...options });
      const prompt = ${JSON.stringify(PROMPT)};
    `;
    const child = spawn(process.execPath, ['--input-type=module', '-e', prelude + code], { timeout: 30_000 });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    const exitCode = await new Promise<number | null>((resolve) => child.on('close', resolve));
    return { code: exitCode, stdout, stderr };
  };

  it.each([
    ['that never disposed of its engine', `
      const engine = await load();
      console.log((await engine.complete(prompt, { maxTokens: 3, ignoreEos: true })).ids.length);`, '3\n'],
    ['that left a generation', `
      const engine = await load();
      for await (const _ of engine.generate(prompt, { ignoreEos: true })) break;
      console.log('left');`, 'left\n'],
    ['that aborted a generation', `
      const engine = await load();
      const controller = new AbortController();
      try {
        const options = { ignoreEos: true, signal: controller.signal };
        for await (const _ of engine.generate(prompt, options)) controller.abort(new Error('mine'));
      } catch (error) { console.log(error.message); }`, 'mine\n'],
    ['that aborted a load', `
      const controller = new AbortController();
      const loading = load({ signal: controller.signal, onProgress: () => controller.abort(new Error('mine')) });
      await loading.catch((error) => console.log(error.message));`, 'mine\n'],
    ['that disposed while generating', `
      const engine = await load();
      const pending = engine.complete(prompt, { ignoreEos: true }).catch((error) => console.log(error.code));
      await engine.dispose();
      await pending;`, 'ERR_ENGINE_STOPPED\n'],
  ])('%s ends by itself', async (_, code, stdout) => {
    expect(await end(code)).toEqual({ code: 0, stdout, stderr: '' });
  });
});

describe('a kernel that traps', () => {
  it.each([1, 3])('(on %i threads) fails what is under way with a typed error; a new load works', async (threads) => {
    const { platform, numAlive } = watchedPlatform();
    let init: InitMessage | undefined;
    const watched: Platform = {
      ...platform,
      spawnWorker() {
        const worker = platform.spawnWorker!();
        const postMessage: ComputeWorker['postMessage'] = (message) => {
          if ((message as { readonly type: string }).type === 'init') init = message as InitMessage;
          worker.postMessage(message);
        };
        return { ...worker, postMessage };
      },
    };
    const engine = await EngineOnPlatform.loadOn(watched, modelBytes('qwen2'), { ...LONG, threads });
    const { rest } = await startEndless(engine);
    const outcomes = Promise.allSettled([rest, engine.score(PROMPT), engine.saveSession(PROMPT)]);
    // A block number (of 1,152 bytes each) that leads out of the memory: the next attention over it is a real trap.
    const { plan, memories: [memory] } = init!;
    const { tableLength, tables: [table] } = layOut(plan, plan.shards[0], 0, undefined).regions;
    new Int32Array((memory as WebAssembly.Memory).buffer, table.ptr, tableLength * plan.maxSequences).fill(2_600_000);
    for (const outcome of await outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'ERR_ENGINE_STOPPED' } });
    }
    await expect(engine.complete(PROMPT)).rejects.toThrow(EngineStoppedError);
    await engine.dispose();
    expect(numAlive()).toBe(0);
    await using next = await Engine.load(modelBytes('qwen2'), LONG);
    expect((await next.complete(PROMPT, { ...ENDLESS, maxTokens: 3 })).ids).toHaveLength(3);
  });
});

// The engine without worker threads: the same bits as with them, a caller's thread that stays free, a clean end.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Engine as EngineOnPlatform } from '../../src/engine/engine.ts';
import { Pace } from '../../src/engine/steps/pace.ts';
import { EngineStoppedError } from '../../src/errors.ts';
import { Engine } from '../../src/index.ts';
import type { Engine as LoadedEngine, LoadOptions } from '../../src/index.ts';
import { nodePlatform } from '../../src/platform/node.ts';
import type { Platform } from '../../src/platform/platform.ts';
import { inRepository } from '../support/fixtures.ts';

const modelPath = (name: string): string => inRepository('test/data/arch', `${name}.gguf`);
const modelBytes = (name: string): Uint8Array => new Uint8Array(readFileSync(modelPath(name)));

const PROMPT = [98, 101, 99, 97, 117];
const ENDLESS = { ignoreEos: true, temperature: 0 } as const;
const INLINE: LoadOptions = { threads: 0, contextLength: 8192 };

/** A platform without workers, and without any way of its own to let others run. */
const { spawnWorker: _, yieldNow: __, ...workerless } = nodePlatform;
/** One that also notes how often others had their turn. */
function countingPlatform(): { readonly platform: Platform; readonly numTurns: () => number } {
  let turns = 0;
  const yieldNow = (): Promise<void> => {
    turns++;
    return nodePlatform.yieldNow!();
  };
  return { platform: { ...workerless, yieldNow }, numTurns: () => turns };
}

describe('without worker threads', () => {
  const answers = async (engine: LoadedEngine): Promise<unknown> => {
    const ids = Array.from({ length: 45 }, (_, i) => (7 * i + 3) % 250);
    const sampling = { temperature: 0.9, seed: 4, maxTokens: 24, ignoreEos: true, n: 3, logprobs: 2 };
    const [score, sampled, guessed, embedding] = await Promise.all([
      engine.score(ids, { logits: true }),
      engine.complete(PROMPT, sampling),
      engine.complete([...PROMPT, ...PROMPT, ...PROMPT], { ...ENDLESS, maxTokens: 24, speculation: { lookup: true } }),
      engine.embed(ids),
    ]);
    return [score, sampled.choices, guessed.ids, embedding];
  };

  it.each(['q-llama-q4_0', 'q-qwen3moe-q8_0', 'gemma2', 'deepseek2'])('come the bits of two threads: %s', async (name) => {
    const options = { maxBatchTokens: 32, contextLength: 512 };
    await using threaded = await Engine.load(modelBytes(name), { ...options, threads: 2 });
    await using inline = await Engine.load(modelBytes(name), { ...options, threads: 0 });
    expect(await answers(inline)).toEqual(await answers(threaded));
    expect([inline.model.threads, threaded.model.threads]).toEqual([0, 2]);
    expect(inline.model.kernels).toBe(threaded.model.kernels);
  });

  it.each(['bert-mean', 'nomic-bert'])('come the embeddings of two threads: %s', async (name) => {
    const ids = Array.from({ length: 30 }, (_, i) => 5 + 3 * i);
    await using threaded = await Engine.load(modelBytes(name), { threads: 2 });
    await using inline = await Engine.load(modelBytes(name), { threads: 0 });
    expect(await inline.embed(ids)).toEqual(await threaded.embed(ids));
  });

  it('a draft model guesses right', async () => {
    await using engine = await Engine.load(modelBytes('llama-tied'), {
      threads: 0, contextLength: 256, draftModel: modelBytes('llama-tied'),
    });
    const options = { ...ENDLESS, maxTokens: 50 };
    const plain = await engine.complete(PROMPT, { ...options, speculation: { draft: false } });
    const fast = await engine.complete(PROMPT, { ...options, speculation: { draft: { minProbability: 0 } } });
    expect(fast.ids).toEqual(plain.ids);
    expect(fast.timings.acceptedDraftTokens).toBe(fast.timings.draftTokens);
    expect(fast.timings.draftTokens).toBeGreaterThan(5);
  });

  it('a runtime without them computes on the calling thread, and says so to those who asked for more', async () => {
    const load = (threads?: number): Promise<LoadedEngine> =>
      EngineOnPlatform.loadOn(workerless, modelPath('qwen2'), { threads, contextLength: 64 });
    await using silent = await load();
    await using asked = await load(3);
    expect(silent.model).toMatchObject({ threads: 0, warnings: [silent.model.chatTemplateWarning] });
    expect(asked.model).toMatchObject({ threads: 0, warnings: [expect.stringContaining('no worker threads'), asked.model.chatTemplateWarning] });
    await using threaded = await Engine.load(modelPath('qwen2'), { threads: 1, contextLength: 64 });
    const options = { ...ENDLESS, maxTokens: 8 };
    expect((await silent.complete(PROMPT, options)).ids).toEqual((await threaded.complete(PROMPT, options)).ids);
  });

  it('shared memory is not needed', async () => {
    const code = `
      delete globalThis.SharedArrayBuffer;
      const { Engine } = await import(${JSON.stringify(pathToFileURL(inRepository('dist/index.js')).href)});
      const engine = await Engine.load(${JSON.stringify(modelPath('qwen2'))}, { threads: 0 });
      console.log((await engine.complete([98, 101, 99], { maxTokens: 3, ignoreEos: true })).ids.length);`;
    expect(await end(code)).toEqual({ code: 0, stdout: '3\n', stderr: '' });
  });
});

describe("the caller's thread", () => {
  it('has its turn after every pass over a prompt and every token', async () => {
    const { platform, numTurns } = countingPlatform();
    await using engine = await EngineOnPlatform.loadOn(platform, modelBytes('q-llama-q4_0'), { contextLength: 256, maxBatchTokens: 16 });
    const loading = numTurns();
    expect(loading).toBeGreaterThan(10);
    const seen: number[] = [];
    const ids = Array.from({ length: 100 }, (_, i) => i);
    await engine.complete(ids, { ...ENDLESS, maxTokens: 10, onPromptProgress: ({ computedTokens }) => seen.push(computedTokens) });
    expect(seen).toEqual([16, 32, 48, 64, 80, 96, 100]);
    expect(numTurns() - loading).toBeGreaterThanOrEqual(7 + 9);
  });

  it('runs timers while a long prompt is computed', async () => {
    await using engine = await Engine.load(modelBytes('qwen2'), INLINE);
    let [ticks, longest, last] = [0, 0, performance.now()];
    const timer = setInterval(() => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
      ticks++;
    }, 1);
    const startedAt = performance.now();
    await engine.score(Array.from({ length: 8000 }, (_, i) => i % 200));
    const total = performance.now() - startedAt;
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(5);
    expect(longest).toBeLessThan(total / 3);
  });

  it('learns nothing from a clock that stands still', () => {
    const pace = new Pace(16);
    pace.observe(64, 0);
    expect(pace.rowsFor(50, 16)).toBe(16);
    pace.observe(64, 64);
    expect(pace.rowsFor(50, 16)).toBe(48);
  });
});

describe('an end on the calling thread', () => {
  it('that an abort asks for, from a timer, leaves room for the next request', async () => {
    await using engine = await Engine.load(modelBytes('qwen2'), INLINE);
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error('enough')), 50);
    await expect(engine.complete(PROMPT, { ...ENDLESS, signal: controller.signal })).rejects.toThrow('enough');
    expect((await engine.complete(PROMPT, { ...ENDLESS, maxTokens: 3 })).ids).toHaveLength(3);
  });

  it('that comes from within a progress report stops there', async () => {
    await using engine = await Engine.load(modelBytes('qwen2'), { ...INLINE, maxBatchTokens: 16 });
    const controller = new AbortController();
    const seen: number[] = [];
    const onPromptProgress = ({ computedTokens }: { computedTokens: number }): void => {
      seen.push(computedTokens);
      controller.abort(new Error('seen enough'));
    };
    const options = { ...ENDLESS, signal: controller.signal, onPromptProgress };
    await expect(engine.complete(Array.from({ length: 200 }, (_, i) => i), options)).rejects.toThrow('seen enough');
    await sleep(20);
    expect(seen).toEqual([16]);
  });

  it('by disposing fails what is under way, and computing stops', async () => {
    const { platform, numTurns } = countingPlatform();
    const engine = await EngineOnPlatform.loadOn(platform, modelBytes('qwen2'), { contextLength: 8192 });
    const outcomes = Promise.allSettled([engine.complete(PROMPT, ENDLESS), engine.score(PROMPT), engine.embed(PROMPT)]);
    await engine.dispose();
    for (const outcome of await outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'ERR_ENGINE_STOPPED' } });
    }
    await sleep(20);
    const atEnd = numTurns();
    await sleep(20);
    expect(numTurns()).toBe(atEnd);
    await expect(engine.complete(PROMPT)).rejects.toThrow(EngineStoppedError);
  });

  it.each(['load', 'warmup'] as const)('of a load at its first sign of %s is clean', async (phase) => {
    const controller = new AbortController();
    const loading = Engine.load(modelBytes('qwen2'), {
      ...INLINE, signal: controller.signal, onProgress: (progress) => progress.phase === phase && controller.abort(new Error('stop')),
    });
    await expect(loading).rejects.toThrow('stop');
  });

  it.each([1, 2, 6])('by a file that fails at read %i has that reason', async (failing) => {
    let numReads = 0;
    const broken: Platform = {
      ...workerless,
      async openModel(...args) {
        const { sources, name } = await nodePlatform.openModel(...args);
        const read = sources[0]!.read.bind(sources[0]);
        return {
          name,
          sources: [{
            ...sources[0]!,
            async read(...range) {
              if (++numReads >= failing) throw new Error('the disk is gone');
              await read(...range);
            },
          }],
        };
      },
    };
    await expect(EngineOnPlatform.loadOn(broken, modelPath('qwen2'))).rejects.toThrow('the disk is gone');
  });

  it.each([
    ['that never disposed of its engine', '', '3\n'],
    ['that disposed of it while generating', `
      const pending = engine.complete([98], { ignoreEos: true }).catch((error) => console.log(error.code));
      await engine.dispose();
      await pending;`, '3\nERR_ENGINE_STOPPED\n'],
    ['that left a generation', `
      for await (const _ of engine.generate([98], { ignoreEos: true })) break;
      console.log('left');`, '3\nleft\n'],
  ])('of a process %s comes by itself', async (_, code, stdout) => {
    expect(await end(`
      import { Engine } from ${JSON.stringify(pathToFileURL(inRepository('dist/index.js')).href)};
      const engine = await Engine.load(${JSON.stringify(modelPath('qwen2'))}, { threads: 0, contextLength: 8192 });
      console.log((await engine.complete([98, 101], { maxTokens: 3, ignoreEos: true })).ids.length);${code}
    `)).toEqual({ code: 0, stdout, stderr: '' });
  });
});

async function end(code: string): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { timeout: 30_000 });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const exitCode = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code: exitCode, stdout, stderr };
}

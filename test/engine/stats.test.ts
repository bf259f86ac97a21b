// engine.stats: what runs, waits and is held, what was done, and that nothing is kept of what has ended.
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { WaitingJobs } from '../../src/engine/steps/waiting-jobs.ts';
import type { Job } from '../../src/engine/steps/waiting-jobs.ts';
import { Engine } from '../../src/index.ts';
import type { LoadOptions } from '../../src/index.ts';
import { caseFile } from '../support/architecture-cases.ts';

const engines: Engine[] = [];

async function load(options: LoadOptions = {}): Promise<Engine> {
  const engine = await Engine.load(new Uint8Array(readFileSync(caseFile('llama-tied.gguf'))), { threads: 2, contextLength: 256, ...options });
  engines.push(engine);
  return engine;
}

afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.dispose()));
});

/** A fast machine is done with the tiny model's answers within the 50 ms that lie between two looks by default. */
const OFTEN = { interval: 1 } as const;
const GREEDY = { temperature: 0, ignoreEos: true } as const;
const ids = (count: number, from = 40): number[] => Array.from({ length: count }, (_, i) => from + (i % 80));
const settled = (engine: Engine): Promise<void> => expect.poll(() => engine.stats.runningSequences).toBe(0);

describe('engine.stats', () => {
  it('is all zero at first, and counts what one request takes', async () => {
    const engine = await load({ prefixCacheBytes: 0 });
    expect(engine.stats).toMatchObject({ runningSequences: 0, waitingRequests: 0, numPasses: 0, numPrefilledTokens: 0, maxSequences: 4 });
    await engine.complete(ids(60), { ...GREEDY, maxTokens: 5 });
    await settled(engine);
    const { kvBlocks, ...stats } = engine.stats;
    // A prompt of one pass, whose result is the first token, and a pass for each of the four others.
    expect(stats).toMatchObject({
      numPasses: 5, numSequences: 1, numPrefilledTokens: 60, numDecodedTokens: 5, numCachedTokens: 0, numPrefixHits: 0,
    });
    expect(stats.passesBySequences[0]).toEqual({ sequences: 1, numPasses: 5 });
    expect(kvBlocks).toEqual({ positions: 32, used: 0, cached: 0, total: 32 });
  });

  it('shows blocks while they are held and what the prefix cache spares', async () => {
    const engine = await load();
    const stream = engine.generate(ids(70), { ...GREEDY, maxTokens: 180 });
    await stream.next();
    // A step is shown once it is over, a moment after its token has come.
    await expect.poll(() => engine.stats.kvBlocks.used, OFTEN).toBeGreaterThanOrEqual(3);
    expect(engine.stats.runningSequences).toBe(1);
    for await (const _ of stream);
    await settled(engine);
    expect(engine.stats.kvBlocks.used).toBe(0);
    expect(engine.stats.kvBlocks.cached).toBeGreaterThanOrEqual(5);
    await engine.complete(ids(70), { ...GREEDY, maxTokens: 1 });
    await expect.poll(() => engine.stats, OFTEN).toMatchObject({ numPrefixHits: 1, numCachedTokens: 69, numPrefilledTokens: 71 });
  });

  it('counts sequences that share passes, choices and waiting requests', async () => {
    const engine = await load({ maxSequences: 4 });
    const requests = [0, 1, 2, 3, 4, 5].map((i) => engine.complete(ids(10, 40 + i), { ...GREEDY, maxTokens: 200 }));
    await expect.poll(() => engine.stats.waitingRequests, OFTEN).toBe(2);
    expect(engine.stats.runningSequences).toBe(4);
    await Promise.all(requests);
    await settled(engine);
    const { passesBySequences, numSequences, numDecodedTokens } = engine.stats;
    expect([numSequences, numDecodedTokens]).toEqual([6, 1200]);
    expect(passesBySequences[2]!.numPasses).toBeGreaterThan(30);
  });

  it('is there where the caller’s thread computes, and not after the end', async () => {
    const engine = await load({ threads: 0 });
    await engine.complete(ids(10), { ...GREEDY, maxTokens: 3 });
    expect(engine.stats).toMatchObject({ numDecodedTokens: 3, runningSequences: 0 });
    await engine.dispose();
    expect(() => engine.stats).toThrow(expect.objectContaining({ code: 'ERR_ENGINE_STOPPED' }));
  });
});

describe('a request that is given up', () => {
  it('has given its blocks back when its signal is aborted, without another pass', async () => {
    const engine = await load({ threads: 0 });
    const controller = new AbortController();
    const stream = engine.generate(ids(70), { ...GREEDY, maxTokens: 150, signal: controller.signal });
    for (let i = 0; i < 5; i++) await stream.next();
    const { numPasses } = engine.stats;
    controller.abort();
    expect(engine.stats).toMatchObject({ runningSequences: 0, numPasses, kvBlocks: { used: 0 } });
    await expect(stream.next()).rejects.toThrow();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(engine.stats.numPasses).toBe(numPasses);
  });
});

describe('a long prompt', () => {
  it('takes no pass of its own while a stream runs: every pass brings that stream a token', async () => {
    const engine = await load({ maxBatchTokens: 16, prefixCacheBytes: 0 });
    const stream = engine.generate(ids(5), { ...GREEDY, maxTokens: 120 });
    await stream.next();
    const other = engine.complete(ids(200, 45), { ...GREEDY, maxTokens: 1 });
    for await (const _ of stream);
    await other;
    await settled(engine);
    const { numPasses, passesBySequences, numPrefilledTokens } = engine.stats;
    expect(numPrefilledTokens).toBe(205);
    expect(numPasses).toBe(120);
    // 200 ids, 15 a pass beside the stream's own row.
    expect(passesBySequences[1]!.numPasses).toBe(14);
  });
});

describe('requests that wait', () => {
  const job = (requestId: number, client: string, numChoices = 1): Job => ({ type: 'generate', requestId, client, numChoices, firstChoice: 0 }) as Job;
  const order = (jobs: WaitingJobs): number[] => Array.from({ length: jobs.length }, () => jobs.take(0).requestId);

  it('are taken by clients in turn, each client’s in their order', () => {
    const jobs = new WaitingJobs();
    for (const id of [1, 2, 3, 4]) jobs.push(job(id, 'a'));
    for (const id of [11, 12]) jobs.push(job(id, 'b'));
    jobs.push(job(21, 'c'));
    expect(order(jobs)).toEqual([1, 11, 21, 2, 12, 3, 4]);
  });

  it('do not let a newcomer wait behind a burst, nor catch up on rounds it was not there for', () => {
    const jobs = new WaitingJobs();
    for (let id = 1; id <= 64; id++) jobs.push(job(id, 'a'));
    for (let i = 0; i < 8; i++) jobs.take(0);
    for (const id of [101, 102, 103]) jobs.push(job(id, 'b'));
    expect(order(jobs).slice(0, 6)).toEqual([101, 9, 102, 10, 103, 11]);
  });

  it('count by the places they take, and what is left of one goes first', () => {
    const jobs = new WaitingJobs();
    jobs.push(job(1, 'a', 4));
    jobs.push(job(2, 'a'));
    for (const id of [11, 12, 13]) jobs.push(job(id, 'b'));
    jobs.putBack(jobs.take(0));
    jobs.remove(12);
    expect(order(jobs)).toEqual([1, 11, 13, 2]);
  });

  it('are begun in that order by the engine', async () => {
    const engine = await load({ maxSequences: 1, prefixCacheBytes: 0 });
    const ended: string[] = [];
    const ask = (client: string, i: number): Promise<unknown> =>
      engine.complete(ids(8, 40 + i), { ...GREEDY, maxTokens: 8, client }).then(() => ended.push(client));
    const burst = Array.from({ length: 6 }, (_, i) => ask('burst', i));
    await Promise.all([...burst, ask('other', 9)]);
    expect(ended.indexOf('other')).toBeLessThanOrEqual(2);
  });
});

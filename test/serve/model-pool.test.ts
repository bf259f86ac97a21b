// The models of a server: loaded once for all who wait, unloaded for others, and given up when nobody waits.
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ModelPool } from '../../src/serve/model-pool.ts';
import { pooled } from './servers.ts';

afterEach(() => vi.useRealTimers());

describe('a pool of models', () => {
  it('goes on with a load whose waiter has gone, and tries one anew that failed unheard', async () => {
    const loads: { resolve(engine: never): void; reject(error: Error): void }[] = [];
    const pool = new ModelPool([{ id: 'a', load: () => new Promise<never>((resolve, reject) => loads.push({ resolve, reject })) }]);
    await expect(pool.acquire('a', AbortSignal.timeout(1))).rejects.toMatchObject({ name: 'TimeoutError' });
    loads[0]!.reject(new Error('broken'));
    await new Promise((resolve) => setTimeout(resolve));
    await expect(pool.acquire('a', AbortSignal.timeout(1))).rejects.toMatchObject({ name: 'TimeoutError' });
    const engine = { dispose: async () => undefined } as never;
    loads[1]!.resolve(engine);
    expect((await pool.acquire('a')).engine).toBe(engine);
    expect(loads).toHaveLength(2);
    expect(pool.list()).toEqual([{ id: 'a', engine }]);
  });

  it('unloads the model that was used longest ago, once nobody uses it', async () => {
    const { pool, events } = pooled(['a', 'b'], 1);
    (await pool.acquire('a')).release();
    const b = await pool.acquire('b');
    const waiting = pool.acquire('a');
    const isThere = vi.fn();
    void waiting.then(isThere);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(isThere).not.toHaveBeenCalled();
    b.release();
    (await waiting).release();
    expect(events).toEqual(['+a', '-a', '+b', '-b', '+a']);
  });

  it('lets models wait for room in their order, until their request ends', async () => {
    const { pool, events } = pooled(['a', 'b', 'c', 'd'], 1);
    const a = await pool.acquire('a');
    const gone = new AbortController();
    const [b, c, d] = [pool.acquire('b'), pool.acquire('c', gone.signal), pool.acquire('d')];
    gone.abort(new Error('gone'));
    await expect(c).rejects.toThrow('gone');
    a.release();
    (await b).release();
    (await d).release();
    expect(events).toEqual(['+a', '-a', '+b', '-b', '+d']);
  });

  it('answers those who waited long before new requests to the model in memory', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const { pool, events } = pooled(['a', 'b'], 1);
    const first = await pool.acquire('a');
    const b = pool.acquire('b');
    (await pool.acquire('a')).release();
    vi.advanceTimersByTime(11_000);
    const late = pool.acquire('a');
    first.release();
    (await b).release();
    (await late).release();
    expect(events).toEqual(['+a', '-a', '+b', '-b', '+a']);
  });

  it.each([0, 1, 2, 3, 4, 5, 6])('loads for a request that comes %i moments after the last one has gone that waited', async (moments) => {
    const { pool, events } = pooled(['a', 'b'], 1);
    const a = await pool.acquire('a');
    const gone = new AbortController();
    const left = pool.acquire('b', gone.signal).catch((error: unknown) => error);
    gone.abort(new Error('gone'));
    for (let i = 0; i < moments; i++) await Promise.resolve();
    const next = pool.acquire('b');
    a.release();
    (await next).release();
    expect(await left).toMatchObject({ message: 'gone' });
    expect(events).toEqual(['+a', '-a', '+b']);
  });

  it('loads nothing for a request that has gone already', async () => {
    const { pool, events } = pooled(['a'], 1);
    await expect(pool.acquire('a', AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone');
    expect(events).toEqual([]);
  });
});

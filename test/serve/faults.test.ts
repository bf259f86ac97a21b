// What must harm nobody else: clients that go away, read slowly or ask for much at once, and workers that die.
import net from 'node:net';
import type { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { tinyServer } from './servers.ts';
import type { TestServer } from './servers.ts';

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function start(...given: Parameters<typeof tinyServer>): Promise<TestServer> {
  const server = await tinyServer(...given);
  cleanUps.push(() => server.close(200));
  return server;
}

const BODY = { model: 'llama-tied', prompt: 'a', temperature: 0, ignore_eos: true };
const ask = (url: string, body: object, init: RequestInit = {}): Promise<Response> => fetch(`${url}/v1/completions`, {
  method: 'POST', body: JSON.stringify({ ...BODY, ...body }), ...init,
  headers: { 'content-type': 'application/json', ...(init.headers as Record<string, string>) },
});

/** A connection of its own that has sent a request and reads nothing until it is told to. */
async function silent(url: string, body: object): Promise<net.Socket> {
  const { hostname, port } = new URL(url);
  const socket = net.connect(Number(port), hostname);
  cleanUps.push(async () => socket.destroy());
  socket.on('error', () => undefined);
  await new Promise((resolve) => socket.once('connect', resolve));
  const json = JSON.stringify({ ...BODY, ...body });
  socket.pause();
  socket.write(`POST /v1/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${json.length}\r\n\r\n${json}`);
  return socket;
}

describe('a client', () => {
  it('that goes away gives its blocks back at once, and nothing is computed for it any more', async () => {
    const server = await start({}, { contextLength: 2048 });
    await ask(server.url, { max_tokens: 1 });
    const stats = () => server.engines[0]!.stats;
    const socket = await silent(server.url, { max_tokens: 1500, stream: true });
    await expect.poll(() => stats().runningSequences, { interval: 1 }).toBe(1);
    expect(stats().kvBlocks.used).toBeGreaterThan(0);
    socket.destroy();
    await expect.poll(() => stats().runningSequences, { interval: 1 }).toBe(0);
    expect(stats().kvBlocks.used).toBe(0);
    const { numPasses, numDecodedTokens } = stats();
    expect(numDecodedTokens).toBeLessThan(1501);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(stats().numPasses).toBe(numPasses);
    expect(server.handler.numActive).toBe(0);
  });

  it('that reads a byte now and then holds up nobody, and is cut off after a while', async () => {
    const server = await start({ stallTimeoutMs: 1500 }, { contextLength: 2048 });
    await ask(server.url, { max_tokens: 1 });
    const stats = () => server.engines[0]!.stats;
    // Some 20 MB, more than the buffers of a connection hold.
    const socket = await silent(server.url, { max_tokens: 1500, n: 8, logprobs: 20, stream: true });
    const reading = setInterval(() => socket.read(1), 100);
    cleanUps.push(async () => clearInterval(reading));
    await expect.poll(() => stats().runningSequences).toBeGreaterThan(0);
    for (let i = 0; i < 3; i++) {
      const response = await ask(server.url, { max_tokens: 8 });
      expect(response.status).toBe(200);
      await response.json();
      expect((await fetch(`${server.url}/health`)).status).toBe(200);
    }
    const closed = new Promise((resolve) => socket.once('close', resolve));
    await expect.poll(() => server.handler.numActive, { timeout: 60_000 }).toBe(0);
    expect(stats()).toMatchObject({ runningSequences: 0, waitingRequests: 0, kvBlocks: { used: 0 } });
    clearInterval(reading);
    socket.resume();
    await closed;
    expect((await ask(server.url, { max_tokens: 1 })).status).toBe(200);
  }, 90_000);

  it('with many requests takes turns with the others, told apart by their keys', async () => {
    const server = await start({ apiKeys: ['many', 'one'] }, { maxSequences: 1, contextLength: 4096 });
    const ended: string[] = [];
    const send = async (key: string, spaces = 1): Promise<void> => {
      const response = await ask(server.url, { max_tokens: 30 }, { headers: { authorization: `Bearer${' '.repeat(spaces)}${key}` } });
      expect(response.status).toBe(200);
      await response.text();
      ended.push(key);
    };
    await send('many');
    // Takes the only place until all wait.
    const holder = server.engines[0]!.generate('a', { maxTokens: 4000, ignoreEos: true });
    await holder.next();
    const waiting = (count: number): Promise<void> => expect.poll(() => server.engines[0]!.stats.waitingRequests).toBe(count);
    // However the key is written.
    const burst = Array.from({ length: 10 }, (_, i) => send('many', i + 1));
    await waiting(10);
    const one = send('one');
    await waiting(11);
    await holder.return();
    await Promise.all([...burst, one]);
    expect(ended.slice(1, 3)).toContain('one');
  });
});

describe('a compute worker that dies', () => {
  it.each([0, 1])('(thread %i of 2) ends the running request with an error, and the next one is answered', async (index) => {
    const server = await start({}, { threads: 2 });
    const workers: Worker[] = [];
    const remember = (worker: Worker): number => workers.push(worker);
    process.on('worker', remember);
    await ask(server.url, { max_tokens: 1 });
    process.off('worker', remember);
    const reader = (await ask(server.url, { max_tokens: 240, stream: true })).body!.pipeThrough(new TextDecoderStream()).getReader();
    let text = (await reader.read()).value!;
    // As a crash would: the engine has not asked for it.
    await workers[index]!.terminate();
    for (let part = await reader.read(); !part.done; part = await reader.read()) text += part.value;
    expect(text).toContain('engine_stopped');
    expect(text).not.toContain('[DONE]');
    const next = await ask(server.url, { max_tokens: 3 });
    expect(next.status).toBe(200);
    expect(await next.json()).toMatchObject({ usage: { completion_tokens: 3 } });
    expect(server.engines).toHaveLength(2);
  });
});

// What keeps a server in order: who may ask, how much, and what happens when clients, models or the server go away.
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createHandler } from '../../src/serve/handler.ts';
import { ModelSourceError } from '../../src/errors.ts';
import { startServer } from '../../src/serve/node/server.ts';
import { ModelPool } from '../../src/serve/model-pool.ts';
import { pooled, tinyServer } from './servers.ts';
import type { TestServer } from './servers.ts';

const servers: TestServer[] = [];
afterEach(async () => {
  vi.useRealTimers();
  await Promise.all(servers.splice(0).map((server) => server.close(200)));
});

async function start(...given: Parameters<typeof tinyServer>): Promise<TestServer> {
  const server = await tinyServer(...given);
  servers.push(server);
  return server;
}

const post = (server: TestServer, path: string, body: unknown, init: RequestInit = {}): Promise<Response> => fetch(server.url + path, {
  method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body), ...init,
  headers: { 'content-type': 'application/json', ...(init.headers as Record<string, string>) },
});
const errorOf = async (response: Response): Promise<Record<string, unknown>> =>
  ((await response.json()) as { error: Record<string, unknown> }).error;
const LONG = { model: 'llama-tied', prompt: 'a', max_tokens: 200, ignore_eos: true, temperature: 0 };

/** The status for a Host header, which fetch does not let one set. */
function statusForHost(server: TestServer, host: string): Promise<number> {
  const { port } = new URL(server.url);
  return new Promise((resolve, reject) => {
    httpRequest({ host: '127.0.0.1', port, path: '/health', headers: { host } }, (response) => {
      response.resume();
      resolve(response.statusCode!);
    }).on('error', reject).end();
  });
}

/** A connection on which so many bytes of a longer body have been sent. */
function beginBody(server: TestServer, numBytes: number): Socket {
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  socket.write('POST /tokenize HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n' + '{"content":'.padEnd(numBytes));
  return socket;
}

describe('who may ask', () => {
  it('is whoever has a key, where there are keys', async () => {
    const server = await start({ apiKeys: ['first', 'second'] });
    const status = async (authorization?: string): Promise<number> =>
      (await fetch(`${server.url}/v1/models`, { headers: authorization ? { authorization } : {} })).status;
    expect([await status(), await status('Bearer wrong'), await status('Bearer first'), await status('Bearer second')])
      .toEqual([401, 401, 200, 200]);
    expect((await post(server, '/tokenize', { content: 'x' })).status).toBe(401);
    expect((await fetch(`${server.url}/health`)).status).toBe(200);
  });

  it('is nobody beyond this machine without a key', async () => {
    await expect(startServer(pooled(['a'], 1).pool, { host: '0.0.0.0', port: 0 })).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
  });

  it('is not everybody where a key is empty, as of a variable that is not set', async () => {
    for (const key of ['', ' ', 'a ', undefined as unknown as string]) {
      const given = { host: '0.0.0.0', port: 0, apiKeys: ['right', key] };
      await expect(startServer(pooled(['a'], 1).pool, given)).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
    }
  });

  it('is, on other addresses without keys, whoever asks by a name that no page can have', async () => {
    const server = await start({ host: '0.0.0.0', withoutKeys: true });
    const hosts = ['localhost:80', '0.0.0.0', '192.168.1.4:8080', '[fe80::1]:80', 'evil.example', '1.2.3.4.evil.example'];
    expect(await Promise.all(hosts.map((host) => statusForHost(server, host)))).toEqual([200, 200, 200, 200, 421, 421]);
    const named = await start({ host: '0.0.0.0', withoutKeys: true, allowedHosts: ['Box.example'] });
    expect(await Promise.all(['box.example:80', '192.168.1.4'].map((host) => statusForHost(named, host)))).toEqual([200, 421]);
  });

  it('is a page of an origin that is let in, which can read errors too', async () => {
    const server = await start({ corsOrigins: ['https://good.example'], apiKeys: ['key'] });
    const allowed = async (origin: string, init: RequestInit = {}): Promise<unknown[]> => {
      const response = await fetch(`${server.url}/v1/models`, { ...init, headers: { origin, ...(init.headers as Record<string, string>) } });
      return [response.status, response.headers.get('access-control-allow-origin')];
    };
    const preflight = { method: 'OPTIONS', headers: { 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' } };
    expect(await allowed('https://good.example', preflight)).toEqual([204, 'https://good.example']);
    expect(await allowed('https://good.example')).toEqual([401, 'https://good.example']);
    expect(await allowed('https://good.example', { headers: { authorization: 'Bearer key' } })).toEqual([200, 'https://good.example']);
    expect(await allowed('https://evil.example', preflight)).toEqual([204, null]);
  });

  it('is no page that rebinds its name to this machine, and none of another origin', async () => {
    const server = await start();
    expect([await statusForHost(server, 'localhost:80'), await statusForHost(server, 'evil.example')]).toEqual([200, 421]);
    const simple = await post(server, '/v1/completions', LONG, { headers: { 'content-type': 'text/plain' } });
    expect(simple.status).toBe(415);
    const preflight = await fetch(`${server.url}/v1/completions`, {
      method: 'OPTIONS', headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST' },
    });
    expect(preflight.headers.get('access-control-allow-origin')).toBeNull();
  });
});

describe('limits', () => {
  it('refuse a body that is too large, also when it does not say so', async () => {
    const server = await start({ maxBodyBytes: 1000 });
    expect((await post(server, '/tokenize', { content: 'x'.repeat(2000) })).status).toBe(413);
    const chunks = new ReadableStream({
      pull(controller) {
        controller.enqueue(new TextEncoder().encode('x'.repeat(500)));
      },
    });
    const streamed = await fetch(`${server.url}/tokenize`, {
      method: 'POST', body: chunks, duplex: 'half', headers: { 'content-type': 'application/json' },
    } as RequestInit).then((response) => response.status, () => 'closed');
    expect([413, 'closed']).toContain(streamed);
  });

  it('answer 429 with Retry-After past the queue, and take requests again afterwards', async () => {
    const server = await start({ maxRequests: 2 });
    const answers = await Promise.all(Array.from({ length: 5 }, () => post(server, '/v1/completions', LONG)));
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([200, 200, 429, 429, 429]);
    expect(answers.find(({ status }) => status === 429)!.headers.get('retry-after')).toBe('1');
    expect((await post(server, '/v1/completions', { ...LONG, max_tokens: 1 })).status).toBe(200);
    expect(server.handler.numActive).toBe(0);
  });

  it('leave places for other keys than the one that would take all', async () => {
    const server = await start({ maxRequests: 4, apiKeys: ['many', 'one'] });
    const by = (key: string): RequestInit => ({ headers: { authorization: `Bearer ${key}` } });
    const answers = Promise.all(Array.from({ length: 5 }, () => post(server, '/v1/completions', LONG, by('many'))));
    await expect.poll(() => server.handler.numActive, { interval: 1 }).toBe(3);
    expect((await post(server, '/v1/completions', { ...LONG, max_tokens: 1 }, by('one'))).status).toBe(200);
    expect((await answers).map(({ status }) => status).sort()).toEqual([200, 200, 200, 429, 429]);
  });

  it('give a body up that does not go on', async () => {
    const server = await start({ stallTimeoutMs: 100 });
    const socket = beginBody(server, 10);
    expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1\.1 408 [^]*body_stalled/);
    socket.destroy();
  });

  it('bound what bodies take together that are still being sent', async () => {
    const server = await start({ maxBodyBytes: 1000 });
    const sockets = Array.from({ length: 40 }, () => beginBody(server, 900));
    const answer = await Promise.race(sockets.map(async (socket) => String((await once(socket, 'data'))[0])));
    expect(answer).toMatch(/^HTTP\/1\.1 429 [^]*retry-after: 1/);
    for (const socket of sockets) socket.destroy();
    await expect.poll(async () => (await post(server, '/tokenize', { content: 'x'.repeat(500) })).status).toBe(200);
  });

  it('of the context are an error, or are slid past where the server does', async () => {
    const body = { ...LONG, max_tokens: 100 };
    const load = { contextLength: 48 };
    const strict = await (await post(await start({}, load), '/v1/completions', body)).json() as { usage: { completion_tokens: number } };
    expect(strict.usage.completion_tokens).toBeLessThan(48);
    const sliding = await start({ contextPolicy: 'slide' }, load);
    expect(await (await post(sliding, '/v1/completions', body)).json()).toMatchObject({ usage: { completion_tokens: 100 } });
    const messages = Array.from({ length: 9 }, (_, i) => ({ role: i % 2 ? 'assistant' : 'user', content: 'abc '.repeat(3) }));
    const chat = { model: LONG.model, messages, max_tokens: 2, ignore_eos: true };
    expect((await post(sliding, '/v1/chat/completions', chat)).status).toBe(200);
    expect(await errorOf(await post(await start({}, load), '/v1/chat/completions', chat))).toMatchObject({ type: 'exceed_context_size_error' });
  });

  it('end a request at its deadline', async () => {
    const server = await start({ timeoutMs: 3 });
    const response = await post(server, '/v1/completions', LONG);
    expect(response.status).toBe(504);
    expect(await errorOf(response)).toMatchObject({ type: 'timeout_error' });
  });
});

describe('ends', () => {
  it('of a client free its place while it streams', async () => {
    const server = await start();
    const controller = new AbortController();
    const response = await post(server, '/v1/completions', { ...LONG, stream: true }, { signal: controller.signal });
    await response.body!.getReader().read();
    expect(server.handler.numActive).toBe(1);
    controller.abort();
    await expect.poll(() => server.handler.numActive, { timeout: 2000 }).toBe(0);
  });

  it('of a client free its place while it waits for a whole answer, and are no fault of the server', async () => {
    const server = await start();
    const controller = new AbortController();
    const asked = post(server, '/v1/completions', LONG, { signal: controller.signal });
    await expect.poll(() => server.handler.numActive, { interval: 1 }).toBe(1);
    controller.abort();
    await expect(asked).rejects.toThrow();
    await expect.poll(() => server.handler.numActive, { timeout: 2000 }).toBe(0);
    await expect.poll(() => server.log.map((line) => (JSON.parse(line) as { status: number }).status)).toEqual([499]);
  });

  it('of one of several generations are the end of the others too', async () => {
    const warnings: string[] = [];
    const warned = ({ message }: Error): number => warnings.push(message);
    process.on('warning', warned);
    const server = await start({}, { contextLength: 2048 });
    const prompts = [...Array.from({ length: 8 }, (_, i) => `${i}`), 'too long '.repeat(2000)];
    expect((await post(server, '/v1/completions', { ...LONG, prompt: prompts, max_tokens: 1500 })).status).toBe(400);
    const stats = () => server.engines[0]!.stats;
    await expect.poll(() => stats().runningSequences + stats().waitingRequests, { timeout: 20_000 }).toBe(0);
    expect(stats().numDecodedTokens).toBeLessThan(4000);
    const texts = [...Array.from({ length: 100 }, () => 'some words '.repeat(50)), 'too long '.repeat(2000)];
    const before = stats().numPrefilledTokens;
    expect((await post(server, '/v1/embeddings', { model: LONG.model, input: texts })).status).toBe(400);
    await expect.poll(() => stats().runningSequences + stats().waitingRequests, { timeout: 20_000 }).toBe(0);
    expect(stats().numPrefilledTokens - before).toBeLessThan(50 * server.engines[0]!.tokenize('some words '.repeat(50)).length);
    process.off('warning', warned);
    expect(warnings).toEqual([]);
  });

  it('of the workers fail that request, and the next one is answered by a model loaded anew', async () => {
    const server = await start();
    const response = await post(server, '/v1/completions', { ...LONG, stream: true });
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    await reader.read();
    await server.engines[0]!.dispose();
    let rest = '';
    for (let part = await reader.read(); !part.done; part = await reader.read()) rest += part.value;
    expect(rest).toContain('engine_stopped');
    expect(rest).not.toContain('[DONE]');
    expect(server.log.map((line) => JSON.parse(line) as object).at(-1)).toMatchObject({
      level: 50, method: 'POST', path: '/v1/completions', status: 503, broken: 'engine_stopped',
    });
    expect(await (await fetch(`${server.url}/metrics`)).text()).toContain('clawdbot_broken_streams_total{path="/v1/completions"} 1');
    expect((await post(server, '/v1/completions', { ...LONG, max_tokens: 1 })).status).toBe(200);
    expect(server.engines).toHaveLength(2);
  });

  it('of the workers are an event of their own in a response’s stream', async () => {
    const server = await start();
    const response = await post(server, '/v1/responses', { model: LONG.model, input: 'a', ignore_eos: true, stream: true });
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    let text = (await reader.read()).value!;
    await server.engines[0]!.dispose();
    for (let part = await reader.read(); !part.done; part = await reader.read()) text += part.value;
    const events = text.trim().split('\n\n').map((frame) => JSON.parse(frame.slice(frame.indexOf('data: ') + 6)) as object);
    expect(text).toMatch(/event: error\ndata: [^\n]+\n\n$/);
    expect(events.at(-1)).toMatchObject({ type: 'error', sequence_number: events.length - 1, error: { code: 'engine_stopped' } });
  });

  it('of the server are told at /health on connections that are open', async () => {
    const handler = createHandler(pooled(['a'], 1).pool);
    const health = async (): Promise<number> => (await handler(new Request('http://localhost/health'))).status;
    expect(await health()).toBe(200);
    await handler.drain();
    expect(await health()).toBe(503);
  });

  it('of the server wait for running requests', async () => {
    const server = await tinyServer();
    const response = await post(server, '/v1/completions', { ...LONG, stream: true });
    const closing = server.close(10_000);
    expect(await response.text()).toMatch(/data: \[DONE\]\n\n$/);
    await closing;
    await expect(fetch(`${server.url}/health`)).rejects.toThrow();
  });

  it.each(['its time is over', 'it is told so'])('of the server end what runs in an error when %s', async (why) => {
    const server = await tinyServer({}, { contextLength: 32_768 });
    const endless = { ...LONG, max_tokens: 30_000 };
    const stream = await post(server, '/v1/completions', { ...endless, stream: true });
    const events = await post(server, '/v1/responses', { model: 'llama-tied', input: 'a', max_output_tokens: 30_000, ignore_eos: true, stream: true });
    const whole = post(server, '/v1/completions', endless);
    await expect.poll(() => server.handler.numActive).toBe(3);
    const controller = new AbortController();
    const closing = why === 'it is told so' ? server.close(60_000, controller.signal) : server.close(50);
    controller.abort();
    const error = { code: 'shutting_down', type: 'server_error' };
    const last = async (response: Response): Promise<object> =>
      JSON.parse((await response.text()).trim().split('\n\n').at(-1)!.replace(/^[^]*data: /, '')) as object;
    expect(await last(stream)).toMatchObject({ error });
    expect(await last(events)).toMatchObject({ type: 'error', error });
    expect([(await whole).status, await errorOf(await whole)]).toMatchObject([503, error]);
    await closing;
    const log = server.log.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(log.map(({ broken, code, gone }) => [broken ?? code, gone])).toEqual(Array.from(log, () => ['shutting_down', undefined]));
    expect(log.length).toBe(3);
  });

  it('of the server wait for no client that takes nothing', async () => {
    const server = await tinyServer({}, { contextLength: 32_768 });
    const { port } = new URL(server.url);
    const asking = httpRequest({ host: '127.0.0.1', port, path: '/v1/completions', method: 'POST', headers: { 'content-type': 'application/json' } });
    asking.on('error', () => undefined).end(JSON.stringify({ ...LONG, max_tokens: 30_000, logprobs: 5, stream: true }));
    const [response] = await once(asking, 'response') as [IncomingMessage];
    response.on('error', () => undefined).pause();
    await server.close(10);
    await expect.poll(() => server.handler.numActive).toBe(0);
  });

  it('of a load tell its reason to the log alone, as it has paths of the server', async () => {
    const log: string[] = [];
    const failing = new ModelPool([{ id: 'a', load: () => Promise.reject(new ModelSourceError('There is no file "/srv/secret.gguf".')) }]);
    const server = await startServer(failing, { host: '127.0.0.1', port: 0, log: (line) => log.push(line) });
    const answer = await post(server as TestServer, '/v1/completions', { ...LONG, model: 'a' });
    await server.close(0);
    const message = 'The server failed to load this model; its log says why.';
    expect([answer.status, await errorOf(answer)]).toMatchObject([503, { code: 'model_source', message }]);
    expect(JSON.parse(log[0]!)).toMatchObject({ code: 'model_source', reason: 'There is no file "/srv/secret.gguf".' });
  });

  it('of a request that waits for room come with its deadline, and are no errors in the log', async () => {
    const { pool } = pooled(['a', 'b'], 1);
    const held = await pool.acquire('a');
    const log: string[] = [];
    const server = await startServer(pool, { host: '127.0.0.1', port: 0, timeoutMs: 100, log: (line) => log.push(line) });
    const asked = await post(server as TestServer, '/v1/completions', { ...LONG, model: 'b' });
    held.release();
    await server.close(100);
    expect(asked.status).toBe(504);
    const line = JSON.parse(log[0]!) as Record<string, unknown>;
    expect(line).toMatchObject({ level: 40, status: 504, code: 'timeout', model: 'b' });
    expect(JSON.stringify(line)).not.toMatch(/stack|INDEX_SIZE_ERR|DOMException/);
  });
});

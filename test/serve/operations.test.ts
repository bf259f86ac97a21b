// What keeps a server in order: who may ask, how much, and what happens when clients, models or the server go away.
import { request as httpRequest } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { startServer } from '../../src/serve/node-server.ts';
import { ModelPool } from '../../src/serve/model-pool.ts';
import { tinyServer } from './servers.ts';
import type { TestServer } from './servers.ts';

const servers: TestServer[] = [];
afterEach(async () => {
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
    await expect(startServer(new ModelPool([]), { host: '0.0.0.0', port: 0 })).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
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

  it('of the workers fail that request, and the next one is answered by a model loaded anew', async () => {
    const server = await start();
    const response = await post(server, '/v1/completions', { ...LONG, stream: true });
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    await reader.read();
    await server.engines[0]!.dispose();
    let rest = '';
    for (let part = await reader.read(); !part.done; part = await reader.read()) rest += part.value;
    expect(rest).toContain('err_engine_stopped');
    expect(rest).not.toContain('[DONE]');
    expect((await post(server, '/v1/completions', { ...LONG, max_tokens: 1 })).status).toBe(200);
    expect(server.engines).toHaveLength(2);
  });

  it('of the server wait for running requests', async () => {
    const server = await tinyServer();
    const response = await post(server, '/v1/completions', { ...LONG, stream: true });
    const closing = server.close(10_000);
    expect(await response.text()).toMatch(/data: \[DONE\]\n\n$/);
    await closing;
    await expect(fetch(`${server.url}/health`)).rejects.toThrow();
  });

  it('unload the model that was used longest ago', async () => {
    const pool: string[] = [];
    const models = ['a', 'b'].map((id) => ({
      id,
      async load() {
        pool.push(`+${id}`);
        return { dispose: async () => void pool.push(`-${id}`) } as never;
      },
    }));
    const served = new ModelPool(models, 1);
    (await served.acquire('a')).release();
    const b = await served.acquire('b');
    await expect(served.acquire('a')).rejects.toMatchObject({ status: 503 });
    b.release();
    (await served.acquire('a')).release();
    expect(pool).toEqual(['+a', '-a', '+b', '-b', '+a']);
  });
});

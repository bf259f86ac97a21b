// What is told of a request: its line in the log, and the headers of its answer.
import { createHash } from 'node:crypto';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createHandler } from '../../src/serve/handler.ts';
import { tinyServer } from './servers.ts';
import type { TestServer } from './servers.ts';

let server: TestServer;
afterEach(() => server.close(200));
const post = (path: string, body: object, headers: Record<string, string> = {}): Promise<Response> => fetch(server.url + path, {
  method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json', ...headers },
});
async function lines(count: number): Promise<Record<string, unknown>[]> {
  await expect.poll(() => server.log.length).toBe(count);
  return server.log.map((line) => JSON.parse(line) as Record<string, unknown>);
}
const BODY = { model: 'llama-tied', prompt: 'Hi', max_tokens: 5, ignore_eos: true };

describe('the log', () => {
  it('says what a request cost, by the id that its answer has', async () => {
    server = await tinyServer();
    const own = await post('/v1/completions', BODY);
    const { usage } = await own.json() as { usage: { prompt_tokens: number } };
    const given = await post('/v1/embeddings', { input: 'one two' }, { 'x-request-id': 'mine:1' });
    const odd = await post('/tokenize', { content: 'x' }, { 'x-request-id': '<script>' });
    expect(given.headers.get('x-request-id')).toBe('mine:1');
    expect(odd.headers.get('x-request-id')).toMatch(/^[\da-f-]{36}$/);
    expect(await lines(3)).toMatchObject([
      { level: 30, id: own.headers.get('x-request-id'), path: '/v1/completions', status: 200, model: 'llama-tied', promptTokens: usage.prompt_tokens, completionTokens: 5, tokensPerSecond: expect.any(Number) as number },
      { id: 'mine:1', path: '/v1/embeddings', promptTokens: server.engines[0]!.tokenize('one two').length },
      { path: '/tokenize', status: 200 },
    ]);
  });

  it('has a line for a stream when it is over, or left', async () => {
    server = await tinyServer();
    const response = await post('/v1/completions', { ...BODY, prompt: ['Hi', 'Ho'], n: 2, stream: true });
    await response.text();
    expect((await lines(1))[0]).toMatchObject({ id: response.headers.get('x-request-id'), status: 200, completionTokens: 20, beganMs: expect.any(Number) as number });
    const controller = new AbortController();
    const left = await fetch(`${server.url}/v1/completions`, {
      method: 'POST', headers: { 'content-type': 'application/json' }, signal: controller.signal, body: JSON.stringify({ ...BODY, max_tokens: 400, stream: true }),
    });
    await left.body!.getReader().read();
    expect(server.log.length).toBe(1);
    controller.abort();
    expect((await lines(2))[1]).toMatchObject({ level: 30, status: 200, gone: true });
  });

  it('names a key by its digest’s beginning, and no wrong one', async () => {
    server = await tinyServer({ apiKeys: ['one', 'two'] });
    await post('/tokenize', { content: 'x' }, { authorization: 'Bearer two' });
    await post('/tokenize', { content: 'x' }, { authorization: 'Bearer three' });
    const [right, wrong] = await lines(2);
    expect(right!['key']).toBe(createHash('sha256').update('two').digest('hex').slice(0, 8));
    expect(wrong).toMatchObject({ status: 401, code: 'invalid_api_key' });
    expect(wrong!['key']).toBeUndefined();
  });
});

describe('onRequest', () => {
  it.each<[string, () => void]>([
    ['throws', () => { throw new Error('no room for the log'); }],
    ['rejects', async () => Promise.reject(new Error('no room for the log'))],
  ])('that %s changes no answer and is written to the console', async (_, onRequest) => {
    server = await tinyServer();
    await post('/tokenize', { content: 'x' });
    const written = vi.spyOn(console, 'error').mockReturnValue();
    const handler = createHandler(server.engines[0]!, { onRequest });
    const ask = (more: object): Promise<Response> => handler(new Request('http://localhost/v1/completions', {
      method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ ...BODY, model: null, ...more }),
    }));
    const whole = await ask({});
    expect([whole.status, await whole.json()]).toMatchObject([200, { usage: { completion_tokens: 5 } }]);
    expect((await ask({ temperature: 'hot' })).status).toBe(400);
    const stream = await ask({ stream: true });
    expect(await stream.text()).toMatch(/data: \[DONE\]\n\n$/);
    await expect.poll(() => written.mock.calls.length).toBe(3);
    expect(written.mock.calls[0]).toEqual([expect.stringContaining(whole.headers.get('x-request-id')!), new Error('no room for the log')]);
    written.mockRestore();
  });
});

describe('answers', () => {
  it('tell pages of other origins what they may ask and read', async () => {
    server = await tinyServer({ corsOrigins: ['https://good.example'] });
    const origin = { origin: 'https://good.example' };
    const asked = await fetch(`${server.url}/v1/completions`, { method: 'OPTIONS', headers: { ...origin, 'access-control-request-method': 'POST' } });
    expect([asked.headers.get('access-control-max-age'), asked.headers.get('access-control-allow-methods')]).toEqual(['7200', 'GET,POST']);
    const answer = await post('/v1/completions', BODY, origin);
    expect(answer.headers.get('access-control-expose-headers')).toBe('retry-after,x-request-id');
  });

  it('come from llama.cpp’s paths too, with a slash at their end or not, and with a key where one is needed', async () => {
    server = await tinyServer({ apiKeys: ['key'] });
    const chat = { messages: [{ role: 'user', content: 'Hi' }], max_tokens: 1 };
    const asked: readonly (readonly [string, object?])[] = [
      ['/chat/completions', chat], ['/v1/chat/completions/', chat], ['/chat/completions/', chat], ['/rerank', { query: 'a', documents: ['b'] }],
      ['/v1/models/'], ['/models'], ['/tokenize/', { content: 'x' }],
    ];
    const status = async (path: string, body: object | undefined, headers: Record<string, string>): Promise<number> =>
      (body ? await post(path, body, headers) : await fetch(server.url + path, { headers })).status;
    for (const [path, body] of asked) {
      expect([path, await status(path, body, {}), await status(path, body, { authorization: 'Bearer key' })]).toEqual([path, 401, 200]);
    }
  });

  it('list what a loaded engine is before anybody asks it', async () => {
    server = await tinyServer();
    await post('/tokenize', { content: 'x' });
    const list = await createHandler(server.engines[0]!)(new Request('http://localhost/v1/models'));
    expect(await list.json()).toMatchObject({ data: [{ context_length: expect.any(Number) as number, meta: { has_chat_template: false } }] });
  });
});

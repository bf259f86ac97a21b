// Hostile requests, to every route that there is: never a 500, nothing left behind, nothing in the log.
import fc from 'fast-check';
import type { Hono } from 'hono';
import type { z } from 'zod';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ENDPOINTS } from '../../src/serve/endpoints.ts';
import { createHandler } from '../../src/serve/handler.ts';
import { inRepository } from '../support/fixtures.ts';
import { pooled, tinyServer } from './servers.ts';
import type { TestServer } from './servers.ts';

const MODEL = 'llama-tied';
const SECRET = 'a secret thing';
/** A right body for every endpoint, short to answer; what is fuzzed is a field or two of it. */
const RIGHT: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  '/v1/chat/completions': { model: MODEL, messages: [{ role: 'user', content: SECRET }], max_tokens: 2 },
  '/v1/completions': { model: MODEL, prompt: SECRET, max_tokens: 2 },
  '/v1/responses': { model: MODEL, input: SECRET, max_output_tokens: 2 },
  '/v1/embeddings': { model: MODEL, input: SECRET },
  '/v1/rerank': { model: MODEL, query: SECRET, documents: ['one', 'two'] },
  '/tokenize': { content: SECRET },
  '/detokenize': { tokens: [100, 101] },
};
const GETS = ['/health', '/v1/models', '/v1/models/:id{.+}', '/models', '/models/:id{.+}', '/openapi.json', '/metrics'];
/** What bounds the answer of an endpoint stays as it is. */
const KEPT = new Set(['max_tokens', 'max_completion_tokens', 'max_output_tokens']);

let server: TestServer;
beforeAll(async () => {
  server = await tinyServer({ maxBodyBytes: 2 ** 20, pageFolder: inRepository('web') }, { contextLength: 128 });
});
afterAll(() => server.close(200));

const post = (path: string, body: string): Promise<Response> =>
  fetch(server.url + path, { method: 'POST', body, headers: { 'content-type': 'application/json' } });

const odd = fc.oneof(
  fc.jsonValue({ maxDepth: 4 }), fc.double(), fc.bigInt().map(Number), fc.string({ unit: 'binary' }), fc.constant(null), fc.constant({}),
  fc.constantFrom<unknown>(-1, 1e308, 2 ** 53, '', '\u0000', '\ud800', [[]], [null], { type: 'function' }, { type: 'json_schema' }, { $ref: '#' }),
);
const json = (value: unknown): string => JSON.stringify(value) ?? 'undefined';

describe('every route', () => {
  it('is fuzzed here', () => {
    let routes: Hono['routes'] = [];
    createHandler(pooled(['a'], 1).pool, { extend: (app) => (routes = app.routes) });
    const posts = routes.filter(({ method }) => method === 'POST').map(({ path }) => path);
    const gets = routes.filter(({ method }) => method === 'GET').map(({ path }) => path);
    expect(new Set(posts)).toEqual(new Set(ENDPOINTS.flatMap(({ path, aliases }) => [path, ...aliases])));
    expect(new Set(Object.keys(RIGHT))).toEqual(new Set(ENDPOINTS.map(({ path }) => path)));
    // The node server adds /metrics.
    expect(new Set(gets)).toEqual(new Set(GETS.filter((path) => path !== '/metrics')));
  });

  describe.each(ENDPOINTS)('$path', ({ path, schema }) => {
    it('answers its right body', async () => {
      const response = await post(path, json(RIGHT[path]));
      expect([response.status, (await response.text()).length > 0]).toEqual([200, true]);
    });

    it('never answers a wrong one with a 500, nor leaves anything behind', async () => {
      const fields = Object.keys((schema as z.ZodObject).shape).filter((name) => !KEPT.has(name));
      const names = fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...fields) }, { weight: 1, arbitrary: fc.constantFrom('__proto__', 'toString', '') });
      const changes = fc.array(fc.tuple(names, odd), { minLength: 1, maxLength: 3 });
      const changed = changes.map((entries) => json({ ...RIGHT[path], ...Object.fromEntries(entries) }));
      const cut = fc.nat(60).map((length) => json(RIGHT[path]).slice(0, length));
      const bodies = fc.oneof({ weight: 8, arbitrary: changed }, { weight: 1, arbitrary: odd.map(json) }, { weight: 1, arbitrary: cut });
      await fc.assert(fc.asyncProperty(bodies, async (body) => {
        const response = await post(path, body);
        const text = await response.text();
        expect(response.status, `${body}\n${text}`).toBeLessThan(500);
        const anError = { message: expect.any(String) as string, type: expect.any(String) as string };
        if (response.status !== 200) expect(JSON.parse(text)).toMatchObject({ error: anError });
      }), { numRuns: 80 });
      expect(server.handler.numActive).toBe(0);
      await expect.poll(() => server.engines[0]!.stats.runningSequences).toBe(0);
      expect(server.engines[0]!.stats.kvBlocks.used).toBe(0);
      expect(server.engines).toHaveLength(1);
    }, 120_000);

    it.each([
      ['is larger than allowed', json({ ...RIGHT[path], padding: 'x'.repeat(2 ** 20) }), 413],
      ['is nested without end', '['.repeat(100_000), 400],
      ['nests deeper than allowed', json({ ...RIGHT[path], padding: 0 }).replace('"padding":0', `"padding":${'['.repeat(100_000)}${']'.repeat(100_000)}`), 400],
      ['has more values than allowed', json({ ...RIGHT[path], padding: Array(2 ** 18).fill(1) }), 400],
      ['breaks off within a character', '{"content": "\\ud800', 400],
      ['is empty', '', 400],
    ])('has a named error for a body that %s', async (_, body, status) => {
      const response = await post(path, body);
      expect(response.status).toBe(status);
      expect(await response.json()).toMatchObject({ error: { type: 'invalid_request_error' } });
    });
  });

  it('takes odd paths and queries', async () => {
    const tails = fc.oneof(fc.webPath(), fc.string({ unit: 'binary-ascii', maxLength: 40 }).map((text) => `/${encodeURIComponent(text)}`));
    const starts = fc.constantFrom('', '/%', '/%ff', '/assets/%c0%af', '/v1', '/v1/models', '/v1/models/%', '/metrics', '/health', '/openapi.json', '/assets', '/..%2f..%2f');
    await fc.assert(fc.asyncProperty(starts, tails, fc.webQueryParameters(), async (begin, tail, query) => {
      const response = await fetch(`${server.url}${begin}${tail}?${query}`);
      await response.text();
      expect(response.status).toBeLessThan(500);
    }), { numRuns: 150 });
  });

  it('takes tools and arguments that are nested without end', async () => {
    const deep = `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`;
    const ask = (more: object): Promise<Response> => post('/v1/chat/completions', json({ ...RIGHT['/v1/chat/completions'], ...more }).replace('"DEEP"', deep));
    const call = { id: 'x', type: 'function', function: { name: 'f', arguments: 'DEEP' } };
    const asked: readonly object[] = [
      { tools: [{ type: 'function', function: { name: 'f', parameters: 'DEEP' } }] }, { messages: [{ role: 'assistant', tool_calls: [call] }] },
      { messages: [{ role: 'user', content: 'x', more: 'DEEP' }] }, { chat_template_kwargs: { a: 'DEEP' } }, { metadata: { a: 'DEEP' } },
    ];
    for (const more of asked) expect((await ask(more)).status).toBe(400);
  });

  it('says soon what is wrong with as many values as there may be', async () => {
    const many = Array(2 ** 18 - 100).fill(1);
    const asked: readonly (readonly [string, object])[] = [
      ['/v1/chat/completions', { messages: many }], ['/v1/chat/completions', { stop: many }], ['/v1/chat/completions', { tools: many }],
      ['/v1/completions', { prompt: [...many, 'x'] }], ['/v1/responses', { input: many }], ['/v1/rerank', { documents: many }],
    ];
    for (const [path, more] of asked) {
      const at = performance.now();
      const response = await post(path, json({ ...RIGHT[path], ...more }));
      expect(response.status).toBe(400);
      expect((await response.text()).length).toBeLessThan(1000);
      expect(performance.now() - at).toBeLessThan(3000);
    }
  }, 30_000);

  it('leaves nothing of a text in the log', () => {
    expect(server.log.join('')).toContain('/v1/completions');
    expect(server.log.join('')).not.toContain('secret');
  });
});

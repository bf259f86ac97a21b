// By what the server tells clients apart: keys, the address that a connection has, or behind a trusted proxy the one that it adds.
import { describe, expect, it } from 'vitest';
import { createHandler } from '../../src/serve/handler.ts';
import type { HandlerOptions } from '../../src/serve/handler.ts';
import type { ServeEngine } from '../../src/serve/model-pool.ts';
import { startServer } from '../../src/serve/node/server.ts';
import { ModelPool } from '../../src/serve/model-pool.ts';

/** Notes on whose behalf it is asked. */
function listening(): { readonly engine: ServeEngine; readonly clients: (string | undefined)[] } {
  const clients: (string | undefined)[] = [];
  const engine = {
    model: { name: 'listening', hiddenSize: 1 },
    embed: async (_: unknown, { client }: { client?: string }) => {
      clients.push(client);
      return Float32Array.of(1);
    },
  };
  return { engine: engine as unknown as ServeEngine, clients };
}

const request = (headers: Record<string, string>): Request => new Request('http://localhost/v1/embeddings', {
  method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify({ model: 'listening', input: [1, 2] }),
});

async function clientOf(options: HandlerOptions, headers: Record<string, string>, client?: string): Promise<string | undefined> {
  const { engine, clients } = listening();
  const response = await createHandler(engine, options).answer(request(headers), { client });
  expect([response.status, clients.length]).toEqual([200, 1]);
  return clients[0];
}

const FORWARDED = { 'x-forwarded-for': '10.1.1.1, 203.0.113.9 ,198.51.100.7' };

describe('a client', () => {
  it('is the address of its connection, whatever it says of itself', async () => {
    expect(await clientOf({}, FORWARDED, '192.0.2.1')).toBe('192.0.2.1');
    expect(await clientOf({ trustProxy: false }, FORWARDED)).toBeUndefined();
  });

  it('is the last address that is forwarded, where the proxy is trusted', async () => {
    expect(await clientOf({ trustProxy: true }, FORWARDED, '192.0.2.1')).toBe('198.51.100.7');
    expect(await clientOf({ trustProxy: true }, { 'x-forwarded-for': '2001:db8::1' }, '192.0.2.1')).toBe('2001:db8::1');
    for (const value of ['', ' ', '203.0.113.9, ']) {
      expect(await clientOf({ trustProxy: true }, { 'x-forwarded-for': value }, '192.0.2.1')).toBe('192.0.2.1');
    }
    expect(await clientOf({ trustProxy: true }, {}, '192.0.2.1')).toBe('192.0.2.1');
    expect((await clientOf({ trustProxy: true }, { 'x-forwarded-for': '7'.repeat(5000) }))!.length).toBeLessThan(100);
  });

  it('is its key, where there are keys', async () => {
    expect(await clientOf({ trustProxy: true, apiKeys: ['one', 'two'] }, { ...FORWARDED, authorization: 'Bearer two' }, '192.0.2.1')).toBe('two');
  });

  it.each([[true, '198.51.100.7'], [undefined, '127.0.0.1']])('is found by a listening server (trusted: %s)', async (trustProxy, expected) => {
    const { engine, clients } = listening();
    const server = await startServer(new ModelPool([{ id: 'listening', load: async () => engine }]), { host: '127.0.0.1', port: 0, trustProxy });
    const asked = request(FORWARDED);
    const response = await fetch(`${server.url}/v1/embeddings`, { method: 'POST', headers: asked.headers, body: await asked.text() });
    await server.close(0);
    expect([response.status, clients]).toEqual([200, [expected]]);
  });
});

// The handler as other servers take it: it is assigned to the types of Deno, Bun, Workers and Hono, and takes no client's name from what
// these hand over besides the request.
import { Hono } from 'hono';
import { describe, expect, it } from 'vitest';
import { createHandler } from '../../src/serve/handler.ts';
import type { ServeEngine } from '../../src/serve/model-pool.ts';

/** Deno.serve, as lib.deno.ns.d.ts declares its handler. */
interface DenoServeHandlerInfo {
  readonly remoteAddr: { readonly transport: 'tcp'; readonly hostname: string; readonly port: number };
  readonly completed: Promise<void>;
}
type DenoServeHandler = (request: Request, info: DenoServeHandlerInfo) => Response | Promise<Response>;
/** Bun.serve, as bun-types declares its option. */
interface BunServer {
  requestIP(request: Request): { readonly address: string } | null;
}
interface BunServeOptions {
  fetch(this: BunServer, request: Request, server: BunServer): Response | undefined | Promise<Response | undefined>;
}
/** An exported handler, as @cloudflare/workers-types declares it. */
interface WorkersExportedHandler<Env> {
  fetch?: (request: Request, env: Env, ctx: { waitUntil(promise: Promise<unknown>): void }) => Response | Promise<Response>;
}

/** An engine that tells on whose behalf it was asked. */
const asked: unknown[] = [];
const engine = {
  model: { name: 'a' },
  async* generate(_prompt: unknown, { client }: { client?: string }) {
    asked.push(client);
    throw new Error('enough');
  },
} as unknown as ServeEngine;
const asking = (): Request => new Request('http://localhost/v1/completions', {
  method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"model":"a","prompt":"x"}',
});

describe('a handler', () => {
  it('is what Deno.serve, Bun.serve, Workers and Hono take', async () => {
    const handler = createHandler(engine);
    const deno: DenoServeHandler = handler;
    const bun: BunServeOptions = { fetch: handler };
    const worker: WorkersExportedHandler<{ readonly client: string }> = { fetch: handler };
    const app = new Hono().mount('/', handler).all('*', (context) => handler(context.req.raw));
    const request = (): Request => new Request('http://localhost/health');
    const server: BunServer = { requestIP: () => null };
    const answers = await Promise.all([
      deno(request(), { remoteAddr: { transport: 'tcp', hostname: '::1', port: 1 }, completed: Promise.resolve() }),
      bun.fetch.call(server, request(), server), worker.fetch!(request(), { client: 'x' }, { waitUntil: () => undefined }), app.fetch(request()),
    ]);
    expect(answers.map((answer) => answer!.status)).toEqual([200, 200, 200, 200]);
  });

  it('takes nothing for the client’s name that a runtime hands over, and what its caller says', async () => {
    const handler = createHandler(engine);
    const worker: WorkersExportedHandler<{ readonly client: string }> = { fetch: handler };
    await handler.answer(asking(), { client: 'one' });
    await worker.fetch!(asking(), { client: 'two' }, { waitUntil: () => undefined });
    expect(asked).toEqual(['one', undefined]);
  });
});

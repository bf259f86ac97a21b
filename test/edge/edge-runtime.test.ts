// The example for Vercel's Edge Functions in their runtime's sandbox: no Node, no workers, kernels compiled beforehand.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Engine } from '../../src/index.ts';
import { HAS_HOSTS, baselineKernels, bundleExample, hostPackage, tinyModel } from './hosts.ts';

interface EdgeVm {
  readonly context: Record<string, unknown>;
  evaluate(code: string): unknown;
}

describe.skipIf(!HAS_HOSTS)('a Vercel Edge Function (npm ci in test/edge)', () => {
  const server = createServer((request, response) => {
    response.statusCode = request.url === '/model.gguf' ? 200 : 404;
    response.end(request.url === '/model.gguf' ? tinyModel() : undefined);
  });
  let origin: string;
  let handler: (url: string) => Promise<Response>;
  let engine: Engine;

  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { EdgeVM } = hostPackage<{ EdgeVM: new (options: object) => EdgeVm }>('@edge-runtime/vm');
    const kernels = await WebAssembly.compile(baselineKernels());
    const vm = new EdgeVM({ extend: (context: object) => Object.assign(context, { kernels }) });
    // Vercel's tools replace imports of compiled modules in the same way.
    const script = (await bundleExample('vercel-edge/answer.js', ['edge-light', 'worker', 'browser']))
      .replace(/import ([\w$]+) from"\.\/kernels\/baseline\.wasm\?module"/, 'const $1 = globalThis.kernels')
      .replace(/export\{([\w$]+) as config,([\w$]+) as default\};/, 'globalThis.handler = $2;');
    vm.evaluate(script);
    vm.evaluate('globalThis.ask = (url) => handler(new Request(url));');
    handler = vm.context['ask'] as typeof handler;
    engine = await Engine.load(new Uint8Array(tinyModel()), { threads: 1, deterministic: true, contextLength: 256 });
  });
  afterAll(async () => {
    server.close();
    await engine?.dispose();
  });

  it('answers as Node does, several requests at once', async () => {
    for (const prompts of [['Hello'], ['The cat', 'Once upon a time']]) {
      const texts = await Promise.all(prompts.map(async (prompt) => {
        const response = await handler(`${origin}/?tokens=40&prompt=${encodeURIComponent(prompt)}`);
        expect(response.status).toBe(200);
        return response.text();
      }));
      const expected = await Promise.all(prompts.map(async (prompt) =>
        (await engine.complete(prompt, { maxTokens: 40, temperature: 0 })).text));
      expect(texts).toEqual(expected);
    }
  });
});

// The example for Cloudflare Workers in workerd itself (through miniflare): the same text as in Node, for many requests at once,
// small enough to deploy, and alive after requests that were abandoned.
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Engine } from '../../src/index.ts';
import { inRepository } from '../support/fixtures.ts';
import { HAS_HOSTS, baselineKernels, bundleExample, bundleText, hostPackage, tinyModel } from './hosts.ts';

interface Miniflare {
  dispatchFetch(url: string, init?: RequestInit): Promise<Response>;
  getR2Bucket(name: string): Promise<{ put(key: string, value: Uint8Array): Promise<unknown> }>;
  dispose(): Promise<void>;
}

const CONDITIONS = ['workerd', 'worker', 'browser'];

/** A Worker with a bucket, in which nothing is. */
function start(contents: string): Miniflare {
  const { Miniflare } = hostPackage<{ Miniflare: new (options: object) => Miniflare }>('miniflare');
  return new Miniflare({
    compatibilityDate: '2026-01-01', r2Buckets: ['MODELS'], modulesRoot: '/',
    modules: [
      { type: 'ESModule', path: '/worker.js', contents },
      { type: 'CompiledWasm', path: '/kernels/baseline.wasm', contents: baselineKernels() },
    ],
  });
}

const PROMPTS = ['Hello', 'Once upon a time', 'The cat'];
const url = (prompt: string, tokens = 40): string => `http://localhost/?tokens=${tokens}&prompt=${encodeURIComponent(prompt)}`;

describe.skipIf(!HAS_HOSTS)('a Cloudflare Worker (npm ci in test/edge)', () => {
  let worker: Miniflare;
  let script: string;
  let engine: Engine;

  beforeAll(async () => {
    script = await bundleExample('cloudflare-workers/worker.js', CONDITIONS);
    worker = start(script);
    await (await worker.getR2Bucket('MODELS')).put('model.gguf', tinyModel());
    engine = await Engine.load(new Uint8Array(tinyModel()), { threads: 1, deterministic: true, contextLength: 256 });
  });
  afterAll(async () => {
    await worker?.dispose();
    await engine?.dispose();
  });

  const expected = async (prompt: string, tokens = 40): Promise<string> =>
    (await engine.complete(prompt, { maxTokens: tokens, temperature: 0 })).text;

  it('answers as Node does', async () => {
    const response = await worker.dispatchFetch(url('Hello'));
    expect(response.status).toBe(200);
    expect(await response.text()).toBe(await expected('Hello'));
  });

  it('answers several requests at once', async () => {
    const texts = await Promise.all(PROMPTS.map(async (prompt) => (await worker.dispatchFetch(url(prompt))).text()));
    expect(texts).toEqual(await Promise.all(PROMPTS.map((prompt) => expected(prompt))));
  });

  it('goes on after requests that were abandoned, beside one that was not', async () => {
    const left = await Promise.all(PROMPTS.map((prompt) => worker.dispatchFetch(url(prompt, 200))));
    const other = worker.dispatchFetch(url('Hello', 100));
    await Promise.all(left.map((response) => response.body!.cancel()));
    expect(await (await other).text()).toBe(await expected('Hello', 100));
    expect(await (await worker.dispatchFetch(url('The cat'))).text()).toBe(await expected('The cat'));
  });

  it('says how it is used', async () => {
    expect((await worker.dispatchFetch('http://localhost/')).status).toBe(400);
  });

  it('answers with the lines of docs/edge.md, once the model is where they look for it', async () => {
    const [, lines] = /```js\n([\s\S]*?)```/.exec(readFileSync(inRepository('docs/edge.md'), 'utf8'))!;
    const documented = start(await bundleText(lines!, CONDITIONS));
    try {
      // There is no model yet.
      expect((await documented.dispatchFetch('http://localhost/')).status).toBe(500);
      await (await documented.getR2Bucket('MODELS')).put('model.gguf', tinyModel());
      const response = await documented.dispatchFetch('http://localhost/');
      expect([response.status, (await response.text()).length]).toEqual([200, expect.toSatisfy((length: number) => length > 10)]);
    } finally {
      await documented.dispose();
    }
  });

  it('is far smaller than what may be deployed (10 MiB, 3 on the free plan, compressed)', () => {
    expect(gzipSync(script).length + gzipSync(baselineKernels()).length).toBeLessThan(200_000);
  });
});

// The contract in workerd (npm ci in test/edge), on the packed package: one thread, no files, kernels compiled beforehand.
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import type { Outcome } from '../contract/contract.ts';
import { HAS_HOSTS, hostPackage } from '../edge/hosts.ts';
import { inRepository } from '../support/fixtures.ts';
import { installPacked } from './installed.ts';
import { logitsHashes } from './readme-tables.ts';
import { expectContract } from './report.ts';

interface Miniflare {
  dispatchFetch(url: string, init: { method: string; body: string }): Promise<Response>;
  getR2Bucket(name: string): Promise<{ put(key: string, value: Uint8Array): Promise<unknown> }>;
  dispose(): Promise<void>;
}

const NO_FILES = 'a Worker has no files';
const LACKS = {
  'files by path': NO_FILES, 'session files': NO_FILES, URLs: 'models are loaded from bytes and Blobs only',
  'threads over shared memory': 'a Worker has one thread',
};
const FIXTURES = inRepository('test/data/arch');

describe.skipIf(!HAS_HOSTS)('the contract (npm ci in test/edge)', () => {
  it('holds in workerd', async () => {
    const installed = await installPacked();
    const runtime = path.join(installed.dir, 'node_modules/@clawdbot/runtime');
    const { outputFiles } = await build({
      entryPoints: [inRepository('test/runtimes/workerd-runner.ts')], bundle: true, format: 'esm', target: 'es2022', write: false,
      alias: { '@clawdbot/runtime': path.join(runtime, 'dist/workerd.js') }, external: ['./kernels/*'], tsconfigRaw: '{}',
    });
    const { Miniflare } = hostPackage<{ Miniflare: new (options: object) => Miniflare }>('miniflare');
    const worker = new Miniflare({
      compatibilityDate: '2026-01-01', r2Buckets: ['FIXTURES'], modulesRoot: '/',
      modules: [
        { type: 'ESModule', path: '/worker.js', contents: outputFiles[0]!.text },
        { type: 'CompiledWasm', path: '/kernels/baseline.wasm', contents: readFileSync(path.join(runtime, 'dist/kernels/baseline.wasm')) },
      ],
    });
    try {
      const bucket = await worker.getR2Bucket('FIXTURES');
      for (const name of readdirSync(FIXTURES)) {
        if (/\.(gguf|npy|json)$/.test(name)) await bucket.put(name, readFileSync(path.join(FIXTURES, name)));
      }
      const body = JSON.stringify({ lacks: LACKS, logitsHashes: logitsHashes() });
      const response = await worker.dispatchFetch('http://localhost/', { method: 'POST', body });
      const [, version] = /^1\.(\d{8})/.exec(hostPackage<{ version: string }>('workerd/package.json').version)!;
      expectContract('workerd', version!, await response.json() as Outcome[]);
      expect(response.status).toBe(200);
    } finally {
      await worker.dispose();
      installed.remove();
    }
  }, 240_000);
});

// `clawdbot` as `npx`, `bunx` and `deno run npm:…` fetch and start it, in an empty folder; Deno with the permissions that the
// README names and no others.
import { execFile } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inRepository } from '../support/fixtures.ts';
import { installPacked } from './installed.ts';
import { serveRegistry } from './registry.ts';
import type { Registry } from './registry.ts';
import { RUNTIMES } from './runtimes.ts';

const MODEL = inRepository('test/data/arch/q-llama-q4_0.gguf');
const dir = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'clawdbot-npx-')));

let registry: Registry;

beforeAll(async () => {
  // Or npm takes a folder above for the project.
  writeFileSync(path.join(dir, 'package.json'), '{ "private": true }\n');
  const { tarballs, remove } = await installPacked();
  registry = await serveRegistry(tarballs);
  remove();
});
afterAll(async () => {
  await registry?.close();
  rmSync(dir, { recursive: true, force: true });
});

/** Standard output of a command that fetches from the registry, in `dir`. */
async function output(file: string, args: readonly string[]): Promise<string> {
  const env = {
    PATH: process.env['PATH'], HOME: dir, npm_config_registry: registry.url, NPM_CONFIG_REGISTRY: registry.url,
    npm_config_cache: path.join(dir, 'npm'), DENO_DIR: path.join(dir, 'deno'), BUN_INSTALL_CACHE_DIR: path.join(dir, 'bun'),
    NO_COLOR: '1',
  };
  return (await promisify(execFile)(file, args, { cwd: dir, env, timeout: 100_000 })).stdout;
}

const SCORE = ['score', '--model', MODEL, '--ids', '98,101,99,97', '--json', '--deterministic'];
const binaryOf = (name: string): string | undefined => RUNTIMES.find((runtime) => runtime.name === name)?.command('', []).file;
const [deno, bun] = [binaryOf('Deno 2.9'), binaryOf('Bun 1.4')];

describe('the command line', () => {
  let expected: string;
  const nll = (text: string): string => (JSON.parse(text) as { nll: number }).nll.toFixed(4);

  it('is what npx starts', async () => {
    expected = nll(await output('npx', ['--yes', '@clawdbot/runtime', ...SCORE]));
    expect(Number(expected)).toBeGreaterThan(1);
  });

  it.skipIf(!bun)('is what bunx starts, in Bun', async () => {
    expect(nll(await output(bun!, ['x', '--bun', '@clawdbot/runtime', ...SCORE]))).toBe(expected);
  });

  it.skipIf(!deno)('is what deno run npm:… starts, with reading and the environment allowed', async () => {
    const args = ['run', '--no-prompt', '--allow-read', '--allow-env', 'npm:@clawdbot/runtime', ...SCORE];
    expect(nll(await output(deno!, args))).toBe(expected);
  });
});

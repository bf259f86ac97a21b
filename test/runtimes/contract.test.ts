// The contract in Node, Deno and Bun, on the packed package in an empty folder: the same tests, the same tokens, the same bits.
// `npm run test:runtimes` brings the runtimes; without them only the Node that runs this is tested.
import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Outcome } from '../contract/contract.ts';
import { inRepository } from '../support/fixtures.ts';
import { serveStatic } from '../web/static-server.ts';
import type { StaticServer } from '../web/static-server.ts';
import { DOWNLOAD_ENVIRONMENT } from './deno-permissions.ts';
import { installPacked } from './installed.ts';
import type { Installed } from './installed.ts';
import { logitsHashes } from './readme-tables.ts';
import { expectContract } from './report.ts';
import type { RunnerInput } from './runner.ts';
import { MISSING_RUNTIMES, OWN_RUNTIME, RUNTIMES } from './runtimes.ts';

const FIXTURES = inRepository('test/data/arch');

let installed: Installed;
let server: StaticServer;

beforeAll(async () => {
  installed = await installPacked();
  server = await serveStatic({ folders: { '': FIXTURES } });
  await build({
    entryPoints: [inRepository('test/runtimes/runner.ts')], outfile: path.join(installed.dir, 'runner.mjs'),
    bundle: true, format: 'esm', platform: 'node', target: 'node20', external: ['@clawdbot/runtime'], logLevel: 'error',
  });
});
afterAll(async () => {
  await server?.close();
  installed?.remove();
});

describe('the contract', () => {
  const own = RUNTIMES.some(({ name }) => name === OWN_RUNTIME.name) ? [] : [OWN_RUNTIME];
  it.each([...own, ...RUNTIMES])('holds in $name', async ({ name, version, command }) => {
    const temporary = path.join(installed.dir, name.replaceAll(/\W/g, '-'));
    mkdirSync(temporary);
    const input: RunnerInput = { fixtures: FIXTURES, temporary, url: server.origin, lacks: {}, logitsHashes: logitsHashes() };
    const { file, args } = command(path.join(installed.dir, 'runner.mjs'), [
      `--allow-read=${path.join(installed.dir, 'node_modules')},${FIXTURES},${temporary}`,
      `--allow-write=${temporary}`, `--allow-net=${new URL(server.origin).host}`,
      `--allow-env=${DOWNLOAD_ENVIRONMENT.join()}`,
    ]);
    const { stdout } = await promisify(execFile)(file, [...args, JSON.stringify(input)], { cwd: installed.dir, timeout: 200_000 });
    expectContract(name, version, JSON.parse(stdout) as Outcome[]);
  }, 240_000);

  it.skipIf(MISSING_RUNTIMES.length === 0)(`was not launched in ${MISSING_RUNTIMES.join(', ')}, which are not installed`, (context) => {
    expect(MISSING_RUNTIMES.length).toBeGreaterThan(0);
    context.skip();
  });
});

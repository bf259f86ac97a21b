// What a new user does: an empty folder, the packed package, the README's ten lines unchanged, in each runtime that runs programs.
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inRepository } from '../support/fixtures.ts';
import { realModel } from '../support/real-models.ts';
import { CACHE_PERMISSIONS } from './deno-permissions.ts';
import { installPacked } from './installed.ts';
import type { Installed } from './installed.ts';
import { OWN_RUNTIME, RUNTIMES } from './runtimes.ts';

const README = readFileSync(inRepository('README.md'), 'utf8');
const TEN_LINES = /## Ten lines\n\n```js\n([\s\S]*?)```/.exec(README)![1]!;
const run = promisify(execFile);
/** In the cache from now on, for every runtime. */
const model = await realModel('smollm2');

let installed: Installed;

beforeAll(async () => {
  installed = await installPacked();
  writeFileSync(path.join(installed.dir, 'main.mjs'), TEN_LINES);
}, 300_000);
afterAll(() => installed?.remove());

describe.skipIf(model === undefined)('the ten lines', () => {
  const own = RUNTIMES.some(({ name }) => name === OWN_RUNTIME.name) ? [] : [OWN_RUNTIME];
  it.each([...own, ...RUNTIMES])('answer in $name', async ({ command }) => {
    const permissions = CACHE_PERMISSIONS.map((flag) => flag.replaceAll('$HOME', os.homedir()));
    const { file, args } = command('main.mjs', permissions);
    const { stdout } = await run(file, args, { cwd: installed.dir, timeout: 120_000 });
    // The greedy answer, the three others, and the length of an embedding.
    expect(stdout).toMatch(/1\. \w+\n2\. \w+\n3\. \w+/);
    expect(stdout).toMatch(/\n576\n$/);
  }, 150_000);
});

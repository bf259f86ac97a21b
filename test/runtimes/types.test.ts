// The packed package's types as every resolver finds them, by attw; it comes with `npm run test:runtimes`. (CommonJS is not
// promised: the package is ES modules only.)
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { expect, it } from 'vitest';
import { inRepository } from '../support/fixtures.ts';
import { installPacked } from './installed.ts';

const ATTW = inRepository('test/runtimes/node_modules/@arethetypeswrong/cli/dist/index.js');

it.skipIf(!existsSync(ATTW))('are found and right for every subpath (attw, which takes `npm run test:runtimes`)', async () => {
  spawnSync(process.execPath, [inRepository('scripts/build-types.mjs')]);
  const { tarballs, remove } = await installPacked();
  const args = [ATTW, tarballs['@clawdbot/runtime']!, '--profile', 'esm-only', '--format', 'json'];
  const { status, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  remove();
  const { analysis } = JSON.parse(stdout) as { analysis: { entrypoints: object } };
  expect(Object.keys(analysis.entrypoints)).toContain('./deno');
  expect(status, stdout).toBe(0);
}, 120_000);

// The contract in the Node that runs the tests, computed on the calling thread (threads: 0), on the packed package.
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import type { Surroundings } from '../contract/contract.ts';
import { runContract } from '../contract/run.ts';
import { inRepository } from '../support/fixtures.ts';
import { serveStatic } from '../web/static-server.ts';
import { installPacked } from './installed.ts';
import { logitsHashes } from './readme-tables.ts';
import { expectContract } from './report.ts';

const FIXTURES = inRepository('test/data/arch');

it('holds without workers', async () => {
  const [installed, server] = await Promise.all([installPacked(), serveStatic({ folders: { '': FIXTURES } })]);
  const temporary = path.join(installed.dir, 'temporary');
  mkdirSync(temporary);
  try {
    const api = await import(path.join(installed.dir, 'node_modules/@clawdbot/runtime/dist/index.js')) as Surroundings['api'];
    const outcomes = await runContract({
      api, logitsHashes: logitsHashes(), lacks: { 'threads over shared memory': 'threads: 0 asks for none' },
      fixture: async (name) => new Uint8Array(readFileSync(path.join(FIXTURES, name))),
      paths: { fixture: (name) => path.join(FIXTURES, name), temporary: (name) => path.join(temporary, name) },
      url: (name) => `${server.origin}/${name}`,
      loadOptions: { threads: 0, cacheDir: path.join(temporary, 'cache') },
    });
    expectContract('no workers', process.versions.node, outcomes);
    expect(outcomes.filter(({ feature, status }) => feature === 'prefix cache and sessions' && status === 'passed')).toHaveLength(2);
  } finally {
    await server.close();
    installed.remove();
  }
}, 240_000);

// Runs the contract in Node, Deno and Bun: what differs comes in as JSON, what came of it goes out as JSON.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import * as api from '@clawdbot/runtime';
import type { Surroundings } from '../contract/contract.ts';
import { runContract } from '../contract/run.ts';

export interface RunnerInput extends Pick<Surroundings, 'lacks' | 'logitsHashes'> {
  readonly fixtures: string;
  readonly temporary: string;
  readonly url: string;
}

const input = JSON.parse(process.argv[2]!) as RunnerInput;
const fixturePath = (name: string): string => path.join(input.fixtures, name);

const outcomes = await runContract({
  api,
  ...input,
  fixture: async (name) => new Uint8Array(await readFile(fixturePath(name))),
  paths: { fixture: fixturePath, temporary: (name) => path.join(input.temporary, name) },
  url: (name) => `${input.url}/${name}`,
  loadOptions: { cacheDir: path.join(input.temporary, 'cache') },
});
process.stdout.write(`${JSON.stringify(outcomes)}\n`);

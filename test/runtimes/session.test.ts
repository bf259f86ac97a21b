// A session saved in one runtime is restored in every other, which goes on with the same tokens.
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inRepository } from '../support/fixtures.ts';
import { installPacked } from './installed.ts';
import type { Installed } from './installed.ts';
import { MISSING_RUNTIMES, OWN_RUNTIME, RUNTIMES } from './runtimes.ts';
import type { Runtime } from './runtimes.ts';

const MODEL = inRepository('test/data/arch/q-llama-q4_0.gguf');
const PROGRAM = `
import { Engine } from '@clawdbot/runtime';
const [action, model, file] = process.argv.slice(2);
const prompt = Array.from({ length: 100 }, (_, i) => 97 + ((i * 7) % 25));
const engine = await Engine.load(model, { deterministic: true, threads: 2 });
if (action === 'save') await engine.saveSession(prompt, { file, note: 'saved' });
const note = action === 'load' ? (await engine.loadSession(file)).note : 'saved';
const { ids, timings } = await engine.complete([...prompt, 98, 99], { temperature: 0, ignoreEos: true, maxTokens: 24 });
await engine.dispose();
console.log(JSON.stringify({ ids, note, cachedTokens: timings.cachedTokens }));
`;

interface Result {
  readonly ids: readonly number[];
  readonly note: string;
  readonly cachedTokens: number;
}

const runtimes = RUNTIMES.length > 0 ? RUNTIMES : [OWN_RUNTIME];
const ordered = (name: string): string => name.replaceAll(/\W/g, '-');
let installed: Installed;

async function run({ command }: Runtime, action: 'save' | 'load', session: string): Promise<Result> {
  const { file, args } = command(path.join(installed.dir, 'session.mjs'), ['--allow-read', '--allow-write', '--allow-env']);
  const { stdout } = await promisify(execFile)(file, [...args, action, MODEL, session], { cwd: installed.dir, timeout: 60_000 });
  return JSON.parse(stdout) as Result;
}

describe('a session', () => {
  beforeAll(async () => {
    installed = await installPacked();
    writeFileSync(path.join(installed.dir, 'session.mjs'), PROGRAM);
  });
  afterAll(() => installed?.remove());

  it.each(runtimes)('saved in $name goes on everywhere as it did there', async (saver) => {
    const file = path.join(installed.dir, `${ordered(saver.name)}.session`);
    const { ids } = await run(saver, 'save', file);
    expect(ids).toHaveLength(24);
    for (const loader of runtimes) {
      expect(await run(loader, 'load', file), loader.name).toEqual({ ids, note: 'saved', cachedTokens: 100 });
    }
  }, 300_000);

  it.skipIf(MISSING_RUNTIMES.length === 0)(`was not launched in ${MISSING_RUNTIMES.join(', ')}, which are not installed`, (context) => {
    expect(MISSING_RUNTIMES.length).toBeGreaterThan(0);
    context.skip();
  });
});

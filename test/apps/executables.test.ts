// One executable that answers a prompt: Bun's, Node's and, where its runtime can be had, Deno's; alone in a folder.
import { existsSync, renameSync, statSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MODEL, PROMPT, createProject } from './project.ts';
import type { Project } from './project.ts';
import { documented, has, run } from './tools.ts';

/** `deno compile` fetches the runtime that executables contain from dl.deno.land; DENORT_BIN names one that is there. */
const HAS_DENORT = existsSync(process.env['DENORT_BIN'] ?? '') ||
  (has('deno') && await fetch('https://dl.deno.land/release-latest.txt').then(({ ok }) => ok, () => false));

const CASES: readonly (readonly [name: string, lines: readonly string[]])[] = [
  ['bun', ['bun build --compile node.js --outfile=answer']],
  ['node', ['esbuild node.js --bundle --platform=node --outfile=answer.cjs', 'node --build-sea sea.json']],
  ...(HAS_DENORT ? [['deno', ['deno compile --allow-read --output=answer node.js']] as const] : []),
];

describe('an executable', () => {
  let project: Project;
  beforeAll(async () => {
    project = await createProject();
  });
  afterAll(() => project?.remove());

  it.each(CASES.filter(([name]) => has(name)))('of %s answers, alone in a folder', async (_, lines) => {
    for (const line of lines) await run(documented(line), project.dir);
    const executable = path.join(project.elsewhere(), 'answer');
    renameSync(path.join(project.dir, 'answer'), executable);
    expect(JSON.parse(await run([executable, [MODEL, PROMPT]], path.dirname(executable)))).toEqual({ text: project.expected, threads: 2 });
    console.log(`${lines.at(-1)}: ${(statSync(executable).size / 1e6).toFixed(0)} MB`);
  });

  it.skipIf(HAS_DENORT)('of Deno was not made: dl.deno.land, where its runtime comes from, cannot be reached', (context) => context.skip());
});

// A program for Node, Deno and Bun through every bundler: built from the installed package, moved elsewhere, it answers on two threads.
import { renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MODEL, PROMPT, createProject } from './project.ts';
import type { Answer, Project } from './project.ts';
import { command, documented, has, run } from './tools.ts';

let project: Project;
beforeAll(async () => {
  project = await createProject();
});
afterAll(() => project?.remove());

/** The command of the documentation, which writes to out/, and what runs the result. */
const CASES: readonly (readonly [line: string, start: string])[] = [
  ['esbuild node.js --bundle --platform=node --format=esm --outfile=out/node.mjs', `${process.execPath} node.mjs`],
  ['esbuild node.js --bundle --platform=node --outfile=out/node.cjs', `${process.execPath} node.cjs`],
  ['vite build --ssr node.js --outDir out --config vite.node.config.js', `${process.execPath} node.js`],
  ['webpack --entry ./node.js --target node --output-path out --output-filename node.cjs', `${process.execPath} node.cjs`],
  [`rollup node.js --dir out --entryFileNames node.mjs --plugin 'node-resolve={exportConditions:["node"]}'`, `${process.execPath} node.mjs`],
  ['bun build node.js --target=node --outfile=out/node.mjs', `${process.execPath} node.mjs`],
  ['bun build node.js --target=bun --outfile=out/node.js', 'bun node.js'],
  ['deno bundle node.js --output=out/node.mjs', 'deno run --allow-read node.mjs'],
];

describe('a program', () => {
  it.each(CASES.filter(([line]) => has(line.split(' ')[0]!)))('%s', async (line, start) => {
    await run(documented(line), project.dir);
    const folder = project.elsewhere();
    renameSync(path.join(project.dir, 'out'), path.join(folder, 'out'));
    // As in the project: without it, Node takes node.js for CommonJS.
    writeFileSync(path.join(folder, 'package.json'), '{ "type": "module" }');
    const [file, args] = command(start);
    const answer = JSON.parse(await run([file, [...args, MODEL, PROMPT]], path.join(folder, 'out'))) as Answer;
    expect(answer).toEqual({ text: project.expected, threads: 2 });
  });
});

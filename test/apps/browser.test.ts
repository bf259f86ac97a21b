// A page through every bundler, in Chromium: built from the installed package without configuration, it answers on one thread, and on
// two where it is cross-origin isolated.
import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, renameSync } from 'node:fs';
import path from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CHROMIUM, launchChromium } from '../web/chromium.ts';
import { ISOLATED, serveStatic } from '../web/static-server.ts';
import { pageAnswer } from './page-answer.ts';
import { MODEL, createProject } from './project.ts';
import type { Project } from './project.ts';
import { documented, has, run } from './tools.ts';

/** Commands of the documentation, which write browser.js, or all of a page, to out/. */
const CASES = [
  'esbuild browser.js --bundle --outdir=out',
  'esbuild browser.js --bundle --splitting --format=esm --minify --outdir=out',
  'vite build --outDir out',
  'webpack --entry ./browser.js --output-path out --output-filename browser.js',
  `rollup browser.js --dir out --plugin 'node-resolve={browser:true}'`,
  'bun build browser.js --outdir=out',
  'deno bundle browser.js --platform=browser --output=out/browser.js',
];

describe.skipIf(CHROMIUM === undefined)('a page', () => {
  let project: Project;
  let browser: Browser;
  beforeAll(async () => {
    [project, browser] = await Promise.all([createProject(), launchChromium()]);
    mkdirSync(path.join(project.dir, 'public'));
    copyFileSync(MODEL, path.join(project.dir, 'public/model.gguf'));
  });
  afterAll(async () => {
    await browser?.close();
    project?.remove();
  });

  it.each(CASES.filter((line) => has(line.split(' ')[0]!)))('%s', async (line) => {
    await run(documented(line), project.dir);
    const folder = path.join(project.elsewhere(), 'out');
    renameSync(path.join(project.dir, 'out'), folder);
    copyFileSync(MODEL, path.join(folder, 'model.gguf'));
    if (!line.startsWith('vite')) copyFileSync(path.join(project.dir, 'index.html'), path.join(folder, 'index.html'));
    for (const [headers, threads] of [[{}, 1], [ISOLATED, 2]] as const) {
      const server = await serveStatic({ folders: { '': folder }, headers });
      expect(await pageAnswer(browser, server.origin)).toEqual({ text: project.expected, threads });
      await server.close();
    }
  });

  it.skipIf(!has('vite'))('vite (its development server)', async () => {
    const [file, args] = documented('vite --port 4173');
    const server = spawn(file, args, { cwd: project.dir, env: { ...process.env, NO_COLOR: '1' } });
    try {
      await new Promise<void>((resolve, reject) => {
        server.stdout.on('data', (text) => /4173/.test(String(text)) && resolve());
        server.on('exit', (code) => reject(new Error(`vite exited with code ${code}`)));
      });
      expect(await pageAnswer(browser, 'http://localhost:4173/')).toEqual({ text: project.expected, threads: 1 });
    } finally {
      server.kill();
    }
  });
});

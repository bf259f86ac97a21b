// Next.js without configuration: a route on Node, a route on its edge runtime, and a component in Chromium.
import { spawn } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inRepository } from '../support/fixtures.ts';
import { CHROMIUM, launchChromium } from '../web/chromium.ts';
import { pageAnswer } from './page-answer.ts';
import { MODEL, PROMPT, createProject } from './project.ts';
import type { Project } from './project.ts';
import { documented, has, run } from './tools.ts';

const ORIGIN = 'http://localhost:4174';

describe.skipIf(!has('next'))('Next.js', () => {
  let project: Project;
  let app: string;
  let server: ReturnType<typeof spawn> | undefined;
  let browser: Browser | undefined;

  beforeAll(async () => {
    project = await createProject();
    app = path.join(project.dir, 'next');
    // It wants its own packages, React's one copy among them, in the project.
    const packages = inRepository('test/apps/node_modules');
    const own = ([file, args]: ReturnType<typeof documented>): ReturnType<typeof documented> =>
      [file, args.map((arg) => arg.replace(packages, path.join(project.dir, 'node_modules')))];
    for (const name of readdirSync(packages)) {
      if (/^(bun|deno|@oven|@deno|node-26|vite|webpack.*|\..*)$/.test(name)) continue;
      cpSync(path.join(packages, name), path.join(project.dir, 'node_modules', name), { recursive: true, force: false });
    }
    mkdirSync(path.join(app, 'public'));
    copyFileSync(MODEL, path.join(app, 'public/model.gguf'));
    await run(own(documented('next build')), app);
    const [file, args] = own(documented('next start --port 4174'));
    server = spawn(file, args, { cwd: app, env: { ...process.env, MODEL, NEXT_TELEMETRY_DISABLED: '1', NODE_ENV: 'production' } });
    await new Promise<void>((resolve, reject) => {
      server!.stdout!.on('data', (text) => /Ready/.test(String(text)) && resolve());
      server!.on('exit', (code) => reject(new Error(`next start exited with code ${code}`)));
    });
  });
  afterAll(async () => {
    server?.kill();
    await browser?.close();
    project?.remove();
  });

  it.each([['answer', 2], ['edge', 0]])('answers from the route /%s', async (route, threads) => {
    const response = await fetch(`${ORIGIN}/${route}?prompt=${PROMPT}`);
    expect(await response.json()).toEqual({ text: project.expected, threads });
  });

  it.skipIf(CHROMIUM === undefined)('answers in a component', async () => {
    browser = await launchChromium();
    expect(await pageAnswer(browser, ORIGIN)).toEqual({ text: project.expected, threads: 1 });
  });
});

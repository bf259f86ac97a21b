// The contract in Chromium, on the packed package in an empty folder, bundled without any setting: in a page that is cross-origin
// isolated and in one that is not. And the README's lines for browsers, unchanged and without a bundler.
import { gzipSync } from 'node:zlib';
import { createReadStream, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Outcome, Surroundings } from '../contract/contract.ts';
import { inRepository } from '../support/fixtures.ts';
import { realModel } from '../support/real-models.ts';
import { CHROMIUM, launchChromium } from '../web/chromium.ts';
import { ISOLATED, serveStatic } from '../web/static-server.ts';
import type { BrowserRunnerInput } from './browser-runner.ts';
import { installPacked } from './installed.ts';
import type { Installed } from './installed.ts';
import { logitsHashes } from './readme-tables.ts';
import { expectContract } from './report.ts';

const LARGEST_BUNDLE_BYTES = 400_000;
const LARGEST_ANSWER_MS = 120_000;
/** In the bundled page. */
declare const contract: (input: BrowserRunnerInput) => Promise<Outcome[]>;

const NO_PATHS: Surroundings['lacks'] = { 'files by path': 'a page opens no files by path', 'session files': 'a page writes no files by path' };
const PAGES = [
  ['Chromium', ISOLATED, NO_PATHS],
  ['Chromium, not isolated', {}, { ...NO_PATHS, 'threads over shared memory': 'only pages that are cross-origin isolated may share memory' }],
] as const;

const LINES = /### Browsers\n[\s\S]*?```html\n([\s\S]*?)```/.exec(readFileSync(inRepository('README.md'), 'utf8'))![1]!;
const MODEL = await realModel('smollm2');

describe.skipIf(CHROMIUM === undefined)('the packed package in Chromium', () => {
  let installed: Installed;
  let browser: Browser;

  beforeAll(async () => {
    installed = await installPacked();
    browser = await launchChromium();
    await build({
      entryPoints: [inRepository('test/runtimes/browser-runner.ts')], outfile: path.join(installed.dir, 'runner.mjs'),
      bundle: true, format: 'esm', external: ['@clawdbot/runtime'], logLevel: 'error',
    });
    await bundle('runner.mjs');
    writeFileSync(path.join(installed.dir, 'index.html'), LINES);
  });
  afterAll(async () => {
    await browser?.close();
    installed?.remove();
  });

  /** As somebody would who knows no option. */
  async function bundle(entry: string): Promise<number> {
    const { outputFiles } = await build({
      entryPoints: [path.join(installed.dir, entry)], outdir: path.join(installed.dir, 'site'), bundle: true, minify: true, format: 'esm',
      write: false, logLevel: 'error', absWorkingDir: installed.dir,
    });
    mkdirSync(path.join(installed.dir, 'site'), { recursive: true });
    for (const { path: file, contents } of outputFiles) writeFileSync(file.replace(/\.mjs$/, '.js'), contents);
    return outputFiles.reduce((sum, { contents }) => sum + gzipSync(contents, { level: 9 }).length, 0);
  }

  it.each(PAGES)('holds to the contract: %s', async (name, headers, lacks) => {
    writeFileSync(path.join(installed.dir, 'site/index.html'), '<!doctype html><script type="module" src="/runner.js"></script>');
    const server = await serveStatic({
      folders: { '': path.join(installed.dir, 'site'), fixtures: inRepository('test/data/arch') }, headers,
    });
    const context = await browser.newContext();
    try {
      const page = await context.newPage();
      await page.goto(server.origin);
      const outcomes = await page.evaluate((input) => contract(input), { lacks, logitsHashes: logitsHashes() });
      expectContract(name, browser.version(), outcomes);
    } finally {
      await context.close();
      await server.close();
    }
  }, 240_000);

  it('weighs less than 400 kB in a bundle, compressed, kernels and workers included', async () => {
    writeFileSync(path.join(installed.dir, 'app.js'), "import { Engine } from '@clawdbot/runtime';\nglobalThis.load = (source) => Engine.load(source);\n");
    expect(await bundle('app.js')).toBeLessThan(LARGEST_BUNDLE_BYTES);
  });

  it.skipIf(MODEL === undefined)('answers with the lines of the README', async () => {
    const hub = { 'access-control-allow-origin': '*', 'access-control-expose-headers': 'Content-Range, ETag' };
    const server = await serveStatic({
      folders: { '': installed.dir }, headers: ISOLATED,
      handle(request, response) {
        if (request.url !== '/hub-model') return false;
        createReadStream(MODEL!).pipe(response.writeHead(200, hub));
        return true;
      },
    });
    const context = await browser.newContext();
    try {
      const page = await context.newPage();
      await page.route('https://huggingface.co/**', (route) => {
        const isList = route.request().url().includes('/api/models/');
        const list = [{ path: 'SmolLM2-135M-Instruct.Q4_1.gguf', size: 98362432 }];
        return route.fulfill(isList ? { json: list, headers: hub } : { status: 302, headers: { ...hub, location: `${server.origin}/hub-model` } });
      });
      await page.goto(server.origin);
      await page.waitForFunction(() => /1\. \w+\s+2\. \w+\s+3\. \w+/.test(document.body.innerText), undefined, { timeout: LARGEST_ANSWER_MS });
    } finally {
      await context.close();
      await server.close();
    }
  }, 2 * LARGEST_ANSWER_MS);
});

// Decode speed in headless Chromium, in a page that is cross-origin isolated; one fresh page a measurement.
import { createReadStream, existsSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import path from 'node:path';
import { chromium } from 'playwright-core';
import { root } from './bundle.mjs';

const EXECUTABLE = process.env.CHROMIUM ?? '/usr/bin/chromium';
export const hasChromium = existsSync(EXECUTABLE);

const PAGE = '<!doctype html><script type="module">import { Engine } from "/dist/browser.js"; globalThis.Engine = Engine;</script>';

/** Tokens per second of `tokens` decode steps after one token, as `clawdbot bench` measures them. */
export async function decodeInChromium(model, { threads, tokens }) {
  const server = createServer((request, response) => {
    response.setHeader('cross-origin-opener-policy', 'same-origin').setHeader('cross-origin-embedder-policy', 'require-corp');
    if (request.url === '/') response.setHeader('content-type', 'text/html').end(PAGE);
    else if (request.url === '/model.gguf') createReadStream(model).pipe(response.setHeader('content-length', statSync(model).size));
    else if (request.url.startsWith('/dist/')) response.setHeader('content-type', 'text/javascript').end(readFileSync(path.join(root, request.url)));
    else response.writeHead(404).end();
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const browser = await chromium.launch({ executablePath: EXECUTABLE, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
  try {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${server.address().port}/`);
    return await page.evaluate(async ({ threads, tokens }) => {
      const engine = await globalThis.Engine.load(await (await fetch('/model.gguf')).blob(), { threads });
      const { timings } = await engine.complete([5], { maxTokens: tokens + 1, ignoreEos: true, temperature: 0 });
      return timings.decodeTokensPerSecond;
    }, { threads, tokens });
  } finally {
    await browser.close();
    server.close();
    server.closeAllConnections();
  }
}

// The wllama side of the comparison: headless Chromium on a page of a small local server that isolates its origin (COOP,
// COEP), so that wllama runs with threads. The model is a File that the page is handed, read from disk.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { descendants, processMemory, proportionalBytes } from './process-memory.mjs';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const WLLAMA = path.resolve(HERE, '../node_modules/@wllama/wllama/esm');
const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.wasm': 'application/wasm' };

/** Where the browser is; throws when there is none. */
function chromiumPath() {
  const found = process.env.CHROMIUM ?? CHROMIUM.find((candidate) => existsSync(candidate));
  if (found) return found;
  throw new Error('no chromium found; install it or name it in CHROMIUM');
}

export async function version() {
  const manifest = JSON.parse(readFileSync(path.join(WLLAMA, '../package.json'), 'utf8'));
  return manifest.version;
}

function startServer() {
  const server = createServer(({ url }, response) => {
    const name = path.normalize(new URL(url, 'http://localhost').pathname);
    const file = name === '/' ? path.join(HERE, 'wllama-page.html') : path.join(WLLAMA, name);
    const isServed = (file.startsWith(WLLAMA + path.sep) || name === '/') && existsSync(file) && statSync(file).isFile();
    response.writeHead(isServed ? 200 : 404, {
      'content-type': TYPES[path.extname(file)] ?? 'application/octet-stream',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-embedder-policy': 'require-corp',
    });
    response.end(isServed ? readFileSync(file) : '');
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

export async function load({ model, threads, contextLength }) {
  const { chromium } = await import('playwright-core');
  const server = await startServer();
  const launchedAt = performance.now();
  const browser = await chromium.launch({ executablePath: chromiumPath(), args: ['--no-sandbox'] });
  const page = await browser.newPage();
  const openedAt = performance.now();
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  await page.setInputFiles('input', model);
  const description = await page.evaluate((options) => globalThis.loadModel(options), { threads, contextLength });
  return {
    vocabSize: description.vocabSize,
    description: { ...description, browser: browser.version() },
    launchedAt,
    openedAt,
    measure: (prompt, newTokens) => page.evaluate((asked) => globalThis.measure(asked), { ...prompt, newTokens }),

    async memory() {
      const browserProcesses = descendants(process.pid);
      const renderers = browserProcesses.filter(({ command }) => command.includes('--type=renderer'));
      const largest = renderers.map(({ pid }) => processMemory(pid)).sort((a, b) => b.peakBytes - a.peakBytes)[0];
      return { ...largest, wholeBrowserBytes: proportionalBytes(browserProcesses.map(({ pid }) => pid)) };
    },

    async close() {
      await browser.close();
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Milliseconds from the browser's launch to the first token, and from its blank page, the browser being up. */
export async function coldStart({ prompt, ...options }) {
  const loaded = await load(options);
  await loaded.measure(prompt, 1);
  const now = performance.now();
  await loaded.close();
  return { ms: now - loaded.launchedAt, fromPageMs: now - loaded.openedAt };
}

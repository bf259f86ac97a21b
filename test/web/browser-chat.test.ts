// The chat page with the engine in it, as `clawdbot web` serves it and as a static host without headers does: download, cancel, stop,
// speed and memory shown, and all of it again without a network. And the same page against the real `clawdbot serve`.
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inRepository } from '../support/fixtures.ts';
import { CHROMIUM, launchChromium } from './chromium.ts';
import { modelHost } from './model-host.ts';
import { ISOLATED, serveStatic } from './static-server.ts';

const MODEL = inRepository('test/data/arch/q-llama-q4_0.gguf');

describe.skipIf(CHROMIUM === undefined)('the chat page', () => {
  let browser: Browser;
  const started: ChildProcess[] = [];

  beforeAll(async () => {
    execFileSync(process.execPath, [inRepository('scripts/build-web.mjs'), '--quiet']);
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser?.close();
    for (const child of started) child.kill('SIGKILL');
  });

  /** The address that a server of the command line says it is at. */
  function start(...args: string[]): Promise<{ readonly url: string; stop(): void }> {
    const child = spawn(process.execPath, [inRepository('dist/cli.js'), ...args, '--port', '0', '--json'], { stdio: ['ignore', 'pipe', 'inherit'] });
    started.push(child);
    return new Promise((resolve, reject) => {
      child.once('exit', (code) => reject(new Error(`${args[0]} ended with ${code}`)));
      child.stdout.once('data', (line: Buffer) => {
        const { url } = JSON.parse(line.toString()) as { url: string };
        resolve({ url, stop: () => void child.kill('SIGTERM') });
      });
    });
  }

  async function withPage(url: string, use: (page: Page) => Promise<void>, options: BrowserContextOptions = {}): Promise<void> {
    const context = await browser.newContext(options);
    context.setDefaultTimeout(20_000);
    const page = await context.newPage();
    const problems: string[] = [];
    page.on('pageerror', (error) => problems.push(error.message));
    page.on('response', (response) => { if (response.status() >= 400) problems.push(`${response.status()} for ${response.url()}`); });
    await page.goto(url);
    await use(page);
    expect(problems).toEqual([]);
    await context.close();
  }

  const choose = async (page: Page, name: RegExp): Promise<void> => {
    await page.getByRole('button', { name: 'Choose a model' }).last().click();
    await page.getByRole('dialog').getByRole('button', { name }).first().click();
  };
  const isReady = (page: Page): Promise<void> => page.getByText(/Runs in this page · [\d.]+ \wB of memory · \d thread/).waitFor();
  const say = async (page: Page, text: string): Promise<void> => {
    await page.getByLabel('Message', { exact: true }).fill(text);
    await page.keyboard.press('Enter');
  };
  /** Says something and stops the reply as soon as it has text: a tiny model fills its context within a second. */
  const sayAndStop = async (page: Page, text: string): Promise<void> => {
    await page.evaluate(() => {
      const timer = setInterval(() => {
        const button = document.querySelector<HTMLButtonElement>('button[aria-label=Stop]');
        const reply = document.querySelector('.message.assistant[aria-busy=true] .markdown');
        if (!button || !reply?.textContent) return;
        clearInterval(timer);
        button.click();
      }, 1);
    });
    await say(page, text);
    await page.locator('.facts', { hasText: 'stopped' }).waitFor();
  };
  /** Drawn at random, the end may come at any token. */
  const limit = async (page: Page, tokens: string): Promise<void> => {
    await page.getByRole('button', { name: 'Settings' }).click();
    await page.getByLabel('Temperature', { exact: true }).fill('0');
    await page.getByLabel('Longest answer', { exact: true }).fill(tokens);
    await page.getByRole('button', { name: 'Close settings' }).click();
  };

  it('computes by itself at clawdbot web, and again after a reload without a network', async () => {
    const server = await start('web', MODEL);
    await withPage(server.url, async (page) => {
      await choose(page, /q-llama/);
      await isReady(page);
      await limit(page, '400');
      await sayAndStop(page, 'Hello');
      await limit(page, '12');
      await say(page, 'And now?');
      await page.locator('.facts', { hasText: /12 tokens · [\d.]+ tok\/s/ }).waitFor();
      expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
      server.stop();
      await page.context().setOffline(true);
      await page.reload();
      await isReady(page);
      await limit(page, '8');
      const numAnswers = await page.locator('.facts').count();
      await say(page, 'Still there?');
      // The model may end before its limit: what it continues was stopped wherever it was.
      await page.locator('.facts').nth(numAnswers).filter({ hasText: /(?<!\d)[1-8] tokens/ }).waitFor();
      expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
    });
  });

  it('is isolated by its service worker on a host that sends no headers; a download is cancelled and goes on', async () => {
    const host = modelHost(new Uint8Array(readFileSync(MODEL)));
    host.holdAfter = 50_000;
    const server = await serveStatic({
      folders: { '': inRepository('dist/web') },
      handle(request, response) {
        if (request.url !== '/models.json') return host.handle(request, response);
        response.end(JSON.stringify({ server: false, models: [{ reference: 'model.gguf', name: 'Tiny', sizeBytes: host.bytes.length }, { nonsense: true }] }));
        return true;
      },
    });
    await withPage(server.origin, async (page) => {
      await page.waitForFunction(() => crossOriginIsolated && document.readyState === 'complete');
      await choose(page, /Tiny/);
      await page.getByRole('dialog').getByText('Downloading').waitFor();
      await expect.poll(() => host.requests.length).toBe(1);
      await page.waitForTimeout(1000);
      await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
      host.holdAfter = undefined;
      await page.getByRole('dialog').getByRole('button', { name: /Tiny/ }).first().click();
      await isReady(page);
      expect(await page.locator('.model-name').textContent()).toBe('Tiny');
      expect(host.requests[1]).toMatch(/^bytes=\d+-$/);
      await page.locator('.model-button').click();
      await page.getByRole('button', { name: /Remove Tiny/ }).click();
      await page.getByRole('dialog').getByText('to download').waitFor();
    });
    await server.close();
  });

  it('asks its host once what it offers', async () => {
    const server = await serveStatic({
      folders: { '': inRepository('dist/web') }, headers: ISOLATED,
      handle({ url }, response) {
        if (url === '/models.json') response.end('{"server":false,"models":[{"reference":"model.gguf","name":"Tiny"}]}');
        return response.writableEnded;
      },
    });
    const context = await browser.newContext();
    const page = await context.newPage();
    const asked: string[] = [];
    page.on('request', (request) => asked.push(new URL(request.url()).pathname));
    await page.goto(server.origin);
    await page.getByRole('button', { name: 'Choose a model' }).last().click();
    await page.getByRole('dialog').getByRole('button', { name: /Tiny/ }).waitFor();
    expect(asked.filter((path) => path === '/models.json')).toHaveLength(1);
    await context.close();
    await server.close();
  });

  it('opens a file of the reader, on a phone', async () => {
    const server = await start('web', MODEL);
    await withPage(server.url, async (page) => {
      await page.getByRole('button', { name: 'Choose a model' }).last().click();
      await page.locator('input[type=file]').first().setInputFiles({ name: 'mine.gguf', mimeType: '', buffer: readFileSync(MODEL) });
      await isReady(page);
      expect(await page.locator('.model-name').textContent()).toBe('mine');
      await limit(page, '10');
      await say(page, 'Hello');
      await page.locator('.facts', { hasText: /10 tokens/ }).waitFor();
      // More than its context holds, turn by turn.
      for (let turn = 2; turn <= 5; turn++) {
        await say(page, 'some words '.repeat(10));
        await page.locator('.facts', { hasText: /10 tokens/ }).nth(turn - 1).waitFor();
      }
      await page.locator('.facts', { hasText: /without the oldest \d+ tokens/ }).first().waitFor();
      expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
    }, { viewport: { width: 390, height: 780 }, isMobile: true, hasTouch: true, colorScheme: 'dark' });
    server.stop();
  });

  it('talks to the real clawdbot serve, also over plain http: from another name', async () => {
    const server = await start('serve', `tiny=${MODEL}`, '--quiet');
    await withPage(server.url, async (page) => {
      // As on http: pages of other machines, which browsers do not trust.
      await page.addInitScript(() => delete (Crypto.prototype as { randomUUID?: unknown }).randomUUID);
      await page.reload();
      await page.locator('.model-name', { hasText: 'tiny' }).waitFor();
      await limit(page, '12');
      await say(page, 'Hello');
      await page.locator('.facts', { hasText: /tiny · 12 tokens · [\d.]+ tok\/s/ }).waitFor();
    });
    server.stop();
  });
});

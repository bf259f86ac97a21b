// The built chat page in a real browser, for tests: against a scripted server, under the content security policy it is served with.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, expect } from 'vitest';
import { pageHeaders } from '../../src/serve/node/page-files.ts';
import { inRepository } from '../support/fixtures.ts';
import { launchChromium } from './chromium.ts';
import { scriptedChat } from './scripted-chat.ts';
import type { Script, ScriptedChat } from './scripted-chat.ts';
import { serveStatic } from './static-server.ts';
import type { StaticServer } from './static-server.ts';

type Use = (page: Page, context: BrowserContext) => Promise<void>;

export interface ChatPage {
  readonly chat: ScriptedChat;
  /** Opens the page in a browser that knows nothing of it; fails on errors, in the console too, and on requests to elsewhere. */
  withPage(use: Use, options?: BrowserContextOptions & { readonly expectedErrors?: RegExp }): Promise<void>;
}

/** Within a `describe`: builds and serves the page before its tests. */
export function useChatPage(script: Script): ChatPage {
  const chat = scriptedChat(script);
  let browser: Browser;
  let server: StaticServer;
  beforeAll(async () => {
    execFileSync(process.execPath, [inRepository('scripts/build-web.mjs'), '--quiet']);
    server = await serveStatic({ folders: { '': inRepository('dist/web') }, headers: pageHeaders("'self'"), handle: chat.handle });
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });
  return {
    chat,
    async withPage(use, { expectedErrors, ...options } = {}) {
      const context = await browser.newContext(options);
      context.setDefaultTimeout(10_000);
      const page = await context.newPage();
      const problems: string[] = [];
      page.on('pageerror', (error) => problems.push(error.message));
      page.on('console', (message) => {
        if (message.type() === 'error' && !expectedErrors?.test(message.text())) problems.push(message.text());
      });
      page.on('request', (request) => { if (!request.url().startsWith(server.origin)) problems.push(`asks ${request.url()}`); });
      await page.goto(server.origin);
      if (script.apiKey === undefined) await page.locator('.model-name', { hasText: 'tiny-instruct' }).waitFor();
      await use(page, context);
      expect(problems).toEqual([]);
      await context.close();
    },
  };
}

export async function say(page: Page, text: string): Promise<void> {
  await page.getByLabel('Message', { exact: true }).fill(text);
  await page.keyboard.press('Enter');
}

export const replied = (page: Page): Promise<void> => page.locator('.message.assistant[aria-busy=false]').last().waitFor();

/** The name of what has the focus. */
export const focused = (page: Page): Promise<string | null> =>
  page.evaluate(() => document.activeElement!.getAttribute('aria-label') ?? document.activeElement!.textContent);

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface AxeResults {
  readonly violations: readonly { readonly id: string; readonly nodes: readonly { readonly html: string }[] }[];
}

export async function expectAccessible(page: Page): Promise<void> {
  // Through the debugger, which the policy does not hold off.
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => (window as unknown as { axe: { run(): Promise<AxeResults> } }).axe.run());
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' | ')}`)).toEqual([]);
}

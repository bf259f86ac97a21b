// The engine in a real browser: isolated or not, under a strict content security policy, in workers of both kinds; always with the
// tokens that Node gets, and never on the page's own thread.
import { readFileSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Engine } from '../../src/index.ts';
import type * as api from '../../src/index.ts';
import { inRepository } from '../support/fixtures.ts';
import { CHROMIUM, launchChromium } from './chromium.ts';
import { STRICT_CSP, openPage } from './pages.ts';
import { ISOLATED } from './static-server.ts';

/** The built entry, in pages. */
declare const clawdbot: typeof api;

const PROMPT = [317, 102, 272, 259, 306, 99];
/** What can be sent to a page. */
type PlainOptions = { deterministic?: boolean; threads?: number; workerUrl?: string };
const OPTIONS: PlainOptions = { deterministic: true, threads: 2 };
const WORKER_URL = '/dist/browser-worker.js';
const strict = (policy = STRICT_CSP): Record<string, string> => ({ ...ISOLATED, 'content-security-policy': policy });

interface Answer {
  readonly ids?: readonly number[];
  readonly threads?: number;
  readonly warnings?: readonly string[];
  readonly code?: string;
  readonly message?: string;
}

/** Twelve greedy tokens of a tiny model, in the page. */
function answerIn(page: Page, options: PlainOptions): Promise<Answer> {
  return page.evaluate(async ({ options, prompt }) => {
    const { Engine } = clawdbot;
    const blob = await (await fetch('/models/q-llama-q4_0.gguf')).blob();
    try {
      const engine = await Engine.load(blob, options);
      const { ids } = await engine.complete(prompt, { temperature: 0, maxTokens: 12, ignoreEos: true });
      return { ids, threads: engine.model.threads, warnings: engine.model.warnings.filter((warning) => warning !== engine.model.chatTemplateWarning) };
    } catch (error) {
      return { code: (error as { code: string }).code, message: (error as Error).message };
    }
  }, { options, prompt: PROMPT });
}

describe.skipIf(CHROMIUM === undefined)('the engine in Chromium', () => {
  let browser: Browser;
  let expected: readonly number[];

  beforeAll(async () => {
    browser = await launchChromium();
    await using engine = await Engine.load(new Uint8Array(readFileSync(inRepository('test/data/arch/q-llama-q4_0.gguf'))), OPTIONS);
    expected = (await engine.complete(PROMPT, { temperature: 0, maxTokens: 12, ignoreEos: true })).ids;
  });
  afterAll(() => browser?.close());

  async function withPage<T>(headers: Readonly<Record<string, string>>, use: (page: Page) => Promise<T>): Promise<T> {
    const { page, close } = await openPage(browser, headers);
    try {
      return await use(page);
    } finally {
      await close();
    }
  }

  it('computes on threads where the page is isolated', () => withPage(ISOLATED, async (page) => {
    expect(await answerIn(page, OPTIONS)).toEqual({ ids: expected, threads: 2, warnings: [] });
  }));

  it('computes in one worker where it is not, and says why', () => withPage({}, async (page) => {
    const { ids, threads, warnings } = await answerIn(page, OPTIONS);
    expect([ids, threads]).toEqual([expected, 1]);
    expect(warnings).toEqual([expect.stringMatching(/not cross-origin isolated.*Cross-Origin-Opener-Policy.*one thread/)]);
  }));

  it('computes on the calling thread if that is what is asked for', () => withPage({}, async (page) => {
    expect(await answerIn(page, { ...OPTIONS, threads: 0 })).toEqual({ ids: expected, threads: 0, warnings: [] });
  }));

  it.each([['isolated', ISOLATED, 2], ['not isolated', {}, 1]] as const)(
    'runs under a policy without Blobs and eval, with workerUrl: %s', (_, headers, threads) =>
      withPage({ ...headers, 'content-security-policy': STRICT_CSP }, async (page) => {
        expect(await answerIn(page, { ...OPTIONS, workerUrl: WORKER_URL })).toMatchObject({ ids: expected, threads });
      }));

  it('says what a policy lacks', async () => {
    await withPage(strict(), async (page) => {
      const { code, message } = await answerIn(page, OPTIONS);
      expect([code, message]).toEqual(['ERR_ENGINE_STOPPED', expect.stringMatching(/browser-worker\.js .*workerUrl\. Load/)]);
    });
    await withPage(strict(STRICT_CSP.replace(" 'wasm-unsafe-eval'", '')), async (page) => {
      const { code, message } = await answerIn(page, { ...OPTIONS, workerUrl: WORKER_URL });
      expect([code, message]).toEqual(['ERR_UNSUPPORTED_MODEL', expect.stringContaining("'wasm-unsafe-eval'")]);
    });
    await withPage(ISOLATED, async (page) => {
      const { code, message } = await answerIn(page, { ...OPTIONS, workerUrl: '/nowhere.js' });
      expect([code, message]).toEqual(['ERR_ENGINE_STOPPED', expect.stringContaining('no script at "/nowhere.js"')]);
    });
  });

  describe.each(['module', 'classic'] as const)('within a %s worker', (type) => {
    const inWorker = (page: Page, options: PlainOptions): Promise<Answer> => page.evaluate(({ type, options, prompt }) => {
      const worker = new Worker(`/web/${type}.js`, { type });
      return new Promise<Answer>((resolve) => {
        worker.onmessage = ({ data }) => resolve(data as Answer);
        worker.onerror = ({ message }) => resolve({ message });
        worker.postMessage({ options, prompt });
      });
    }, { type, options, prompt: PROMPT });

    it('computes on threads of its own', () => withPage(ISOLATED, async (page) => {
      expect(await inWorker(page, OPTIONS)).toEqual({ ids: expected, threads: 2 });
    }));

    it('computes in one worker where the page is not isolated', () => withPage({}, async (page) => {
      expect(await inWorker(page, OPTIONS)).toEqual({ ids: expected, threads: 1 });
    }));

    it('runs under a strict policy', () => withPage(strict(), async (page) => {
      expect(await inWorker(page, { ...OPTIONS, workerUrl: WORKER_URL })).toEqual({ ids: expected, threads: 2 });
    }));
  });

  it.each([['isolated', ISOLATED], ['not isolated', {}]] as const)('leaves the page its frames while a long prompt is computed: %s', (_, headers) =>
    withPage(headers, async (page) => {
      const { longestTaskMs, computingMs, frames, controlMs } = await page.evaluate(async () => {
        const { Engine } = clawdbot;
        const engine = await Engine.load(await (await fetch('/models/qwen2.gguf')).blob(), { contextLength: 16384 });
        let longestTaskMs = 0;
        const observer = new PerformanceObserver((list) => {
          for (const { duration } of list.getEntries()) longestTaskMs = Math.max(longestTaskMs, duration);
        });
        observer.observe({ type: 'longtask' });
        let frames = 0;
        let isDone = false;
        const count = (): void => {
          frames++;
          if (!isDone) requestAnimationFrame(count);
        };
        requestAnimationFrame(count);
        const startedAt = performance.now();
        await engine.complete(Array.from({ length: 12000 }, (_, i) => i % 200), { maxTokens: 20, temperature: 0, ignoreEos: true });
        isDone = true;
        const computingMs = performance.now() - startedAt;
        // The observer hears of a task after its end.
        const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
        await wait(100);
        const measured = { longestTaskMs, computingMs, frames };
        // What a blocked thread would look like.
        await wait(0);
        for (const end = performance.now() + 400; performance.now() < end;);
        await wait(200);
        return { ...measured, controlMs: longestTaskMs };
      });
      expect(controlMs).toBeGreaterThan(350);
      expect(computingMs).toBeGreaterThan(300);
      // What browsers call a long task begins at 50 ms; a core shared with both compute threads may hold up any task.
      expect(longestTaskMs).toBeLessThan(Math.max(150, computingMs / 10));
      expect(frames).toBeGreaterThan(computingMs / 200);
    }));

  it('saves and restores sessions, scores and stops, also with memory that only the worker has', () => withPage({}, async (page) => {
    const outcome = await page.evaluate(async (prompt) => {
      const { Engine } = clawdbot;
      const blob = await (await fetch('/models/q-llama-q4_0.gguf')).blob();
      const long = Array.from({ length: 80 }, (_, i) => prompt[i % prompt.length]!);
      const greedy = { temperature: 0, maxTokens: 6, ignoreEos: true };
      const [one, other] = [await Engine.load(blob), await Engine.load(blob)];
      const { bytes } = await one.saveSession(long);
      await other.loadSession(bytes);
      const [plain, restored] = [await one.complete(long, greedy), await other.complete(long, greedy)];
      bytes[bytes.length >> 1]! ^= 1;
      const damaged = await other.loadSession(bytes).catch((error: unknown) => (error as { code: string }).code);
      const pending = one.complete(long, { ...greedy, maxTokens: 400 }).catch((error: unknown) => (error as { code: string }).code);
      await one.dispose();
      return { same: plain.ids.join() === restored.ids.join(), cached: restored.timings.cachedTokens, damaged, stopped: await pending };
    }, PROMPT);
    expect(outcome).toMatchObject({ same: true, damaged: 'ERR_SESSION', stopped: 'ERR_ENGINE_STOPPED' });
    expect(outcome.cached).toBeGreaterThanOrEqual(64);
  }));
});

// Models from addresses in a real browser: kept in its private file system, resumed, verified, evicted, refused for lack of room; by
// range where nothing is kept; and without what other browsers do not have.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type * as api from '../../src/index.ts';
import { inRepository } from '../support/fixtures.ts';
import { CHROMIUM, launchChromium } from './chromium.ts';
import { modelHost } from './model-host.ts';
import type { ModelHost } from './model-host.ts';
import { openPage } from './pages.ts';
import { ISOLATED } from './static-server.ts';

/** The built entry, in pages. */
declare const clawdbot: typeof api;

const MODEL = new Uint8Array(readFileSync(inRepository('test/data/arch/q-llama-q4_0.gguf')));
const OTHER = new Uint8Array(readFileSync(inRepository('test/data/arch/qwen2.gguf')));

interface Outcome {
  readonly architecture?: string;
  readonly warnings?: readonly string[];
  readonly code?: string;
  readonly message?: string;
  /** Phases of progress in the order they came. */
  readonly phases: readonly string[];
}

/** Loads a model in the page; `abortAfterMs`: so long after its download began. */
function load(page: Page, source: string, options: { cache?: boolean; offline?: boolean; abortAfterMs?: number } = {}): Promise<Outcome> {
  return page.evaluate(async ({ source, options: { abortAfterMs, ...options } }) => {
    const phases: string[] = [];
    const controller = new AbortController();
    try {
      const engine = await clawdbot.Engine.load(source, {
        ...options, threads: 1, contextLength: 64, signal: controller.signal,
        onProgress({ phase }) {
          if (phases.at(-1) !== phase) phases.push(phase);
          if (phase === 'download' && abortAfterMs !== undefined) setTimeout(() => controller.abort(new Error('enough')), abortAfterMs);
        },
      });
      const { architecture, chatTemplateWarning } = engine.model;
      const warnings = engine.model.warnings.filter((warning) => warning !== chatTemplateWarning);
      await engine.complete([5, 6, 7], { maxTokens: 2, ignoreEos: true });
      await engine.dispose();
      return { architecture, warnings, phases };
    } catch (error) {
      return { code: (error as { code?: string }).code, message: (error as Error).message, phases };
    }
  }, { source, options });
}

const LLAMA = { architecture: 'llama', warnings: [] };

describe.skipIf(CHROMIUM === undefined)('models from addresses in Chromium', () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser?.close());

  async function withPage(use: (page: Page, host: ModelHost, origin: string) => Promise<void>): Promise<void> {
    const host = modelHost(MODEL);
    const { page, origin, close } = await openPage(browser, ISOLATED, { handle: host.handle });
    try {
      await use(page, host, origin);
    } finally {
      await close();
    }
  }

  it('are downloaded once, listed, and removed', () => withPage(async (page, host, origin) => {
    expect(await load(page, 'model.gguf')).toMatchObject({ ...LLAMA, phases: ['download', 'verify', 'load', 'warmup'] });
    expect(await load(page, `${origin}/model.gguf`)).toMatchObject({ ...LLAMA, phases: ['load', 'warmup'] });
    await page.reload();
    expect(await load(page, 'model.gguf', { offline: true })).toMatchObject(LLAMA);
    expect(host.requests).toEqual(['whole']);
    const [listed] = await page.evaluate(() => clawdbot.Engine.cachedModels());
    expect(listed).toMatchObject({ name: 'model', reference: `${origin}/model.gguf`, bytes: MODEL.length });
    await page.evaluate(() => clawdbot.Engine.removeModel('model'));
    expect(await page.evaluate(() => clawdbot.Engine.cachedModels())).toEqual([]);
    expect(await load(page, 'model.gguf', { offline: true })).toMatchObject({ code: 'ERR_MODEL_SOURCE', message: expect.stringContaining('offline') });
  }));

  it('go on where a cancelled download stopped, and begin anew when the file has changed', () => withPage(async (page, host) => {
    const half = MODEL.length >> 1;
    host.holdAfter = half;
    expect(await load(page, 'model.gguf', { abortAfterMs: 500 })).toMatchObject({ message: 'enough' });
    host.holdAfter = undefined;
    await page.reload();
    expect(await load(page, 'model.gguf')).toMatchObject(LLAMA);
    expect(host.requests).toEqual(['whole', `bytes=${half}-`]);
    await page.evaluate(() => clawdbot.Engine.removeModel('model'));
    host.holdAfter = half;
    await load(page, 'model.gguf', { abortAfterMs: 500 });
    Object.assign(host, { holdAfter: undefined, bytes: OTHER, etag: '"two"' });
    expect(await load(page, 'model.gguf')).toMatchObject({ architecture: 'qwen2' });
  }));

  it('go on after a broken connection, also where the server gives no ranges', () => withPage(async (page, host) => {
    host.cutAfter = 20_000;
    expect(await load(page, 'model.gguf')).toMatchObject(LLAMA);
    expect(host.requests).toEqual(['whole', expect.stringMatching(/^bytes=\d+-$/)]);
    Object.assign(host, { cutAfter: 20_000, givesRanges: false });
    expect(await load(page, 'model.gguf?another')).toMatchObject(LLAMA);
  }));

  it.each(['missing', 'truncated', 'shorter than its entry says', 'noted as nothing known', 'noted with pieces that are none'] as const)(
    'are fetched again when what was kept is %s', (how) => withPage(async (page, host) => {
      await load(page, 'model.gguf');
      await page.evaluate(async (how) => {
        const models = await (await (await navigator.storage.getDirectory()).getDirectoryHandle('clawdbot')).getDirectoryHandle('models');
        for await (const key of (models as unknown as { keys(): AsyncIterable<string> }).keys()) {
          const folder = await models.getDirectoryHandle(key);
          const write = async (name: string, text: string): Promise<void> => {
            const stream = await (await folder.getFileHandle(name)).createWritable();
            await stream.write(text);
            await stream.close();
          };
          const entry = await (await folder.getFileHandle('entry.json')).getFile();
          const { files: [file], ...rest } = JSON.parse(await entry.text()) as { files: { bytes: number; pieces: unknown[] }[] };
          const rewrite = (changed: object): Promise<void> => write('entry.json', JSON.stringify({ ...rest, files: [{ ...file, ...changed }] }));
          if (how === 'missing') await folder.removeEntry('0-000000');
          else if (how === 'truncated') await write('0-000000', 'GGUF');
          else if (how === 'shorter than its entry says') await rewrite({ bytes: file!.bytes + 1 });
          else if (how === 'noted as nothing known') await write('entry.json', 'null');
          else await rewrite({ pieces: [null] });
        }
      }, how);
      expect(await page.evaluate(() => clawdbot.Engine.cachedModels())).toEqual([]);
      expect(await load(page, 'model.gguf')).toMatchObject(LLAMA);
      expect(host.requests).toEqual(['whole', 'whole']);
    }));

  it('are refused before the download when the browser says that it has no room for them', () => withPage(async (page, host) => {
    // What Chromium itself says is the same for every page, against fingerprints.
    await page.evaluate((quota) => {
      StorageManager.prototype.estimate = () => Promise.resolve({ quota, usage: 0 });
    }, MODEL.length - 1000);
    expect(await load(page, 'model.gguf')).toMatchObject({
      code: 'ERR_MODEL_SOURCE', message: expect.stringMatching(/room for .* and .* are needed.*cache: false/), phases: [],
    });
    expect(await load(page, 'model.gguf', { cache: false })).toMatchObject(LLAMA);
    expect(host.requests[1]).toMatch(/^bytes=0-/);
  }));

  it('are refused when the room ends while they are written', () => withPage(async (page, _, origin) => {
    const session = await page.context().newCDPSession(page);
    await session.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: MODEL.length - 1000 });
    expect(await load(page, 'model.gguf')).toMatchObject({ code: 'ERR_MODEL_SOURCE', message: expect.stringContaining('no room left') });
    await session.send('Storage.overrideQuotaForOrigin', { origin });
    expect(await load(page, 'model.gguf')).toMatchObject(LLAMA);
  }));

  it('are read by range where nothing is to be kept, and whole where the server gives no ranges', () => withPage(async (page, host) => {
    expect(await load(page, 'model.gguf', { cache: false })).toMatchObject(LLAMA);
    expect(host.requests.every((range) => range.startsWith('bytes='))).toBe(true);
    expect(await page.evaluate(() => clawdbot.Engine.cachedModels())).toEqual([]);
    host.givesRanges = false;
    const before = host.requests.length;
    expect(await load(page, 'model.gguf', { cache: false })).toMatchObject({ ...LLAMA, phases: ['download', 'load', 'warmup'] });
    expect(host.requests.length).toBe(before + 1);
  }));

  it('are planned from their header alone', () => withPage(async (page, host) => {
    host.bytes = new Uint8Array([...MODEL, ...new Uint8Array(2 ** 21)]);
    const plan = await page.evaluate(() => clawdbot.Engine.plan('model.gguf', { contextLength: 64 }));
    expect(plan).toMatchObject({ name: 'model', architecture: 'llama' });
    expect(host.requests).toEqual(['bytes=0-262143']);
  }));

  it('are kept through a worker where pages have no writable streams (Safari)', () => withPage(async (page, host) => {
    await page.evaluate(() => {
      delete (FileSystemFileHandle.prototype as { createWritable?: unknown }).createWritable;
    });
    expect(await load(page, 'model.gguf')).toMatchObject(LLAMA);
    expect(await load(page, 'model.gguf')).toMatchObject({ ...LLAMA, phases: ['load', 'warmup'] });
    expect(host.requests).toEqual(['whole']);
  }));

  it('are not kept, and that is said, where there is no private file system (private windows)', () => withPage(async (page, host) => {
    await page.evaluate(() => {
      StorageManager.prototype.getDirectory = () => Promise.reject(new DOMException('denied', 'SecurityError'));
    });
    expect(await load(page, 'model.gguf')).toMatchObject({ architecture: 'llama', warnings: [expect.stringMatching(/keeps no models.*denied/)] });
    expect(host.requests.every((range) => range.startsWith('bytes='))).toBe(true);
  }));

  it('come from the hub with the hashes that it lists, and no others', () => withPage(async (page) => {
    const listed = (bytes: Uint8Array) => [{ path: 'm-Q4_0.gguf', size: bytes.length, lfs: { oid: createHash('sha256').update(bytes).digest('hex'), size: bytes.length } }];
    const cors = { 'access-control-allow-origin': '*' };
    const promised = { bytes: MODEL };
    await page.route('https://huggingface.co/**', (route) => {
      const { pathname } = new URL(route.request().url());
      if (pathname === '/api/models/user/repo/tree/main') return route.fulfill({ json: listed(promised.bytes), headers: cors });
      if (pathname === '/api/models/user/odd/tree/main') return route.fulfill({ body: '<html>', headers: cors });
      if (pathname === '/user/repo/resolve/main/m-Q4_0.gguf') return route.fulfill({ body: Buffer.from(MODEL), headers: cors });
      return route.fulfill({ status: 404, headers: cors });
    });
    expect(await load(page, 'hf:user/repo')).toMatchObject(LLAMA);
    expect(await load(page, 'hf:user/none')).toMatchObject({ code: 'ERR_MODEL_SOURCE', message: expect.stringContaining('404') });
    expect(await load(page, 'hf:user/odd')).toMatchObject({ code: 'ERR_MODEL_SOURCE', message: expect.stringContaining('no JSON') });
    promised.bytes = Uint8Array.from(MODEL, (byte, i) => (i === 5000 ? byte ^ 1 : byte));
    for (const cache of [true, false]) expect(await load(page, 'hf:user/repo:Q4_0', { cache })).toMatchObject({ code: 'ERR_INTEGRITY' });
    expect(await load(page, 'smollm2')).toMatchObject({ code: 'ERR_MODEL_SOURCE', message: expect.stringMatching(/no browser has[^]*hf:QuantFactory/) });
  }));

  it('are refused when they are none', () => withPage(async (page, host, origin) => {
    host.bytes = new TextEncoder().encode('<!doctype html><title>Not what you wanted</title>'.padEnd(100));
    expect(await load(page, 'model.gguf')).toMatchObject({ code: 'ERR_MODEL_SOURCE', message: expect.stringContaining('a web page') });
    expect(await load(page, 'smollm')).toMatchObject({ message: expect.stringContaining('Did you mean smollm2?') });
    expect(await load(page, 'models/100%.gguf')).toMatchObject({ code: 'ERR_INVALID_ARGUMENT', message: expect.stringContaining('write %25') });
    expect(await load(page, 'http://example.com/model.gguf')).toMatchObject({ message: expect.stringContaining('not protected') });
    expect(await load(page, `${origin}/nothing.gguf`)).toMatchObject({ message: expect.stringContaining('404') });
  }));
});

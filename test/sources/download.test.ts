// The https: source: whole, cut, resumed, changed, wrong, aborted and stalled downloads, and what is left of them.
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { IntegrityError, ModelSourceError } from '../../src/errors.ts';
import { resolveModel } from '../../src/sources/resolve.ts';
import type { Progress } from '../../src/sources/resolve.ts';
import { FileServer } from './file-server.ts';
import { catalogOf, expectSame, filesBelow, modelBytes, quick, temporaryDir } from './workbench.ts';

const bytes = modelBytes(400_000);
let server: FileServer;
let cacheDir: string;

beforeAll(async () => {
  server = await new FileServer().start();
});
afterAll(() => server.stop());
beforeEach(() => {
  server.files.clear();
  server.requests.length = 0;
  cacheDir = temporaryDir();
});

const names = (): string[] => Object.keys(filesBelow(cacheDir)).map((name) => path.basename(name)).sort();

describe('a whole download', () => {
  it('lands verified, is reported, and is served from the cache without the server, also offline', async () => {
    server.files.set('/a/tiny.gguf', { bytes });
    const seen: Progress[] = [];
    const onProgress = (progress: Progress): number => seen.push(progress);
    const model = await resolveModel(server.url('/a/tiny.gguf'), { cacheDir, onProgress });
    expectSame(model.files[0], bytes);
    expect(model).toMatchObject({ name: 'tiny', format: 'gguf', source: server.url('/a/tiny.gguf') });
    expect(seen[0]).toMatchObject({ phase: 'download', file: 'tiny.gguf', loadedBytes: 0, totalBytes: 400_000 });
    expect(seen.some(({ phase, loadedBytes }) => phase === 'download' && loadedBytes === 400_000)).toBe(true);
    expect(names()).toEqual(['entry.json', 'tiny.gguf']);
    server.files.clear();
    for (const options of [{}, { offline: true }, { env: { CLAWDBOT_OFFLINE: '1' } }]) {
      expect((await resolveModel(server.url('/a/tiny.gguf'), { cacheDir, ...options })).files).toEqual(model.files);
    }
    expect(server.gets()).toHaveLength(1);
  });

  it('takes every part of a split model, whichever part is named', async () => {
    const parts = [1, 2, 3].map((seed) => modelBytes(50_000 + seed, seed));
    parts.forEach((part, i) => server.files.set(`/m-0000${i + 1}-of-00003.gguf`, { bytes: part }));
    const model = await resolveModel(server.url('/m-00002-of-00003.gguf'), { cacheDir });
    model.files.forEach((file, i) => expectSame(file, parts[i]));
    expect(model.files).toHaveLength(3);
  });

  it('keeps the parts of a split model that have landed', async () => {
    const parts = [1, 2, 3].map((seed) => modelBytes(50_000 + seed, seed));
    const at = (i: number): string => `/m-0000${i + 1}-of-00003.gguf`;
    parts.forEach((part, i) => server.files.set(at(i), i === 2 ? { bytes: part, statuses: [404] } : { bytes: part }));
    await expect(resolveModel(server.url(at(0)), { cacheDir, ...quick })).rejects.toThrow(ModelSourceError);
    const model = await resolveModel(server.url(at(0)), { cacheDir, ...quick });
    model.files.forEach((file, i) => expectSame(file, parts[i]));
    expect(parts.map((_, i) => server.gets(at(i)).length)).toEqual([1, 1, 2]);
    expect(names()).toEqual(['entry.json', ...model.files.map((file) => path.basename(file))]);
  });

  it('without network and cache says what is missing and what to do', async () => {
    const closed = await new FileServer().start();
    const closedUrl = closed.url('/x.gguf');
    await closed.stop();
    const catalog = catalogOf([server.url('/gone.gguf'), closedUrl], bytes);
    const online = resolveModel('tiny', { cacheDir, catalog, ...quick });
    await expect(online).rejects.toThrow(ModelSourceError);
    await expect(online).rejects.toThrow(/"tiny" is missing.*clawdbot pull tiny.*PIP_INDEX_URL.*HF_ENDPOINT.*path/s);
    await expect(online).rejects.toThrow(/gone\.gguf.*404.*x\.gguf.*ECONNREFUSED.*no network/s);
    const byOption = resolveModel('tiny', { cacheDir, catalog, offline: true });
    await expect(byOption).rejects.toThrow(/clawdbot pull tiny.*"offline" \(--offline\)/);
    await expect(byOption).rejects.not.toThrow(/CLAWDBOT_OFFLINE/);
    const byVariable = resolveModel('tiny', { cacheDir, catalog, env: { CLAWDBOT_OFFLINE: '1' } });
    await expect(byVariable).rejects.toThrow(/unset CLAWDBOT_OFFLINE/);
    await expect(byVariable).rejects.not.toThrow(/--offline/);
    expect(names()).toEqual([]);
  });

  it('a second source serves where the first fails', async () => {
    server.files.set('/b.gguf', { bytes });
    const catalog = catalogOf([server.url('/gone.gguf'), server.url('/b.gguf')], bytes);
    const model = await resolveModel('tiny', { cacheDir, catalog, ...quick });
    expect(model).toMatchObject({ name: 'tiny', source: server.url('/b.gguf'), licence: 'MIT' });
  });
});

describe('a broken download', () => {
  it('goes on by range where the connection was cut', async () => {
    server.files.set('/t.gguf', { bytes, cutAfter: 150_000, cuts: 2 });
    const model = await resolveModel(server.url('/t.gguf'), { cacheDir, ...quick });
    expectSame(model.files[0], bytes);
    const [first, second] = server.gets();
    expect(first.headers.range).toBeUndefined();
    const from = Number(/^bytes=(\d+)-$/.exec(second.headers.range ?? '')?.[1]);
    expect(from).toBeGreaterThan(0);
    expect(from).toBeLessThanOrEqual(150_000);
    expect(second.headers['if-range']).toMatch(/^"/);
  });

  it('goes on where the server stalls', async () => {
    server.files.set('/t.gguf', { bytes, hangAfter: 100_000 });
    const model = await resolveModel(server.url('/t.gguf'), { cacheDir, stallMs: 150, ...quick });
    expectSame(model.files[0], bytes);
  });

  it('an abort stops it at once and leaves only what the next run continues', async () => {
    server.files.set('/t.gguf', { bytes, pauseMs: 20 });
    const controller = new AbortController();
    let abortedAt = 0;
    const onProgress = ({ loadedBytes }: Progress): void => {
      if (loadedBytes < 60_000 || abortedAt) return;
      abortedAt = performance.now();
      controller.abort(new Error('enough'));
    };
    const options = { cacheDir, ...quick };
    await expect(resolveModel(server.url('/t.gguf'), { ...options, signal: controller.signal, onProgress }))
      .rejects.toThrow('enough');
    expect(performance.now() - abortedAt).toBeLessThan(300);
    expect(names()).toEqual(['t.gguf.partial', 't.gguf.partial.json']);
    const model = await resolveModel(server.url('/t.gguf'), options);
    expectSame(model.files[0], bytes);
    expect(server.gets()[1].headers.range).toMatch(/^bytes=[1-9]\d{4,}-$/);
    expect(names()).toEqual(['entry.json', 't.gguf']);
  });

  it('starts anew where the file has changed since, or the server knows no ranges', async () => {
    for (const ignoreRanges of [false, true]) {
      const name = `/t${Number(ignoreRanges)}.gguf`;
      server.files.set(name, { bytes, cutAfter: 150_000 });
      const failing = resolveModel(server.url(name), { cacheDir, retry: { attempts: 1 } });
      await expect(failing).rejects.toThrow(ModelSourceError);
      const changed = ignoreRanges ? bytes : modelBytes(380_000, 9);
      server.files.set(name, { bytes: changed, ignoreRanges });
      const model = await resolveModel(server.url(name), { cacheDir, ...quick });
      expect(server.gets(name)[1].headers.range).toBeDefined();
      expectSame(model.files[0], changed);
    }
  });

  it.each([
    ['another ETag', { etag: '"two"' }], ['another date', { headers: { 'last-modified': 'Thu, 26 Nov 2026 10:00:00 GMT' } }],
    ['another length', { bytes: modelBytes(390_000, 9) }],
  ])('starts anew where a server that does not look at If-Range has a file with %s by now', async (_, change) => {
    const first = { bytes, etag: '"one"', headers: { 'last-modified': 'Wed, 25 Nov 2026 10:00:00 GMT' }, ignoreIfRange: true };
    server.files.set('/t.gguf', { ...first, cutAfter: 150_000 });
    await expect(resolveModel(server.url('/t.gguf'), { cacheDir, retry: { attempts: 1 } })).rejects.toThrow(ModelSourceError);
    const changed = { ...first, bytes: modelBytes(400_000, 9), ...change };
    server.files.set('/t.gguf', changed);
    expectSame((await resolveModel(server.url('/t.gguf'), { cacheDir, ...quick })).files[0], changed.bytes);
    expect(server.gets('/t.gguf').map(({ headers }) => headers.range !== undefined)).toEqual([false, true, false]);
  });

  it('takes a note of what was kept that has another form for none', async () => {
    server.files.set('/t.gguf', { bytes, cutAfter: 150_000 });
    const once = { cacheDir, retry: { attempts: 1 } };
    await expect(resolveModel(server.url('/t.gguf'), once)).rejects.toThrow(ModelSourceError);
    const note = path.join(cacheDir, Object.keys(filesBelow(cacheDir)).find((name) => name.endsWith('.partial.json'))!);
    writeFileSync(note, JSON.stringify({ ...JSON.parse(readFileSync(note, 'utf8')) as object, totalBytes: '400000' }));
    expectSame((await resolveModel(server.url('/t.gguf'), { cacheDir, ...quick })).files[0], bytes);
    expect(server.gets('/t.gguf')[1].headers.range).toBeUndefined();
  });

  it('starts anew where the kept bytes turn out to be damaged', async () => {
    const catalog = catalogOf(server.url('/t.gguf'), bytes);
    server.files.set('/t.gguf', { bytes, cutAfter: 150_000 });
    await expect(resolveModel('tiny', { cacheDir, catalog, retry: { attempts: 1 } })).rejects.toThrow(ModelSourceError);
    const partial = path.join(cacheDir, Object.keys(filesBelow(cacheDir)).find((name) => name.endsWith('.partial'))!);
    const kept = readFileSync(partial);
    kept[1000] ^= 1;
    writeFileSync(partial, kept);
    const model = await resolveModel('tiny', { cacheDir, catalog, ...quick });
    expectSame(model.files[0], bytes);
  });

  it('tries again after 503 and 429, gives up after the last attempt, and not at all after 403', async () => {
    server.files.set('/t.gguf', { bytes, statuses: [503, 429] });
    await resolveModel(server.url('/t.gguf'), { cacheDir, ...quick });
    server.files.set('/u.gguf', { bytes, statuses: [500, 500, 500, 500] });
    await expect(resolveModel(server.url('/u.gguf'), { cacheDir, ...quick })).rejects.toThrow(/500.*3 attempts/);
    server.files.set('/v.gguf', { bytes, statuses: [403] });
    await expect(resolveModel(server.url('/v.gguf'), { cacheDir, ...quick })).rejects.toThrow(/403.*permission/);
    expect(server.gets('/v.gguf')).toHaveLength(1);
  });

  it('of no server at all is given up at once, and speaks of the hub only where that was asked', async () => {
    const begun = performance.now();
    await expect(resolveModel('http://127.0.0.1:1/t.gguf', { cacheDir })).rejects.toThrow(/port 1 is not for web/);
    expect(performance.now() - begun).toBeLessThan(400);
    for (const status of [401, 404]) {
      server.files.set('/t.gguf', { bytes, statuses: [status] });
      const failing = resolveModel(server.url('/t.gguf'), { cacheDir, ...quick });
      await expect(failing).rejects.toThrow(ModelSourceError);
      await expect(failing).rejects.not.toThrow(/HF_TOKEN|terms/);
    }
  });
});

describe('wrong bytes', () => {
  it('with another sha256 end in IntegrityError and leave nothing', async () => {
    server.files.set('/t.gguf', { bytes: modelBytes(400_000, 2) });
    const catalog = catalogOf(server.url('/t.gguf'), bytes);
    await expect(resolveModel('tiny', { cacheDir, catalog, ...quick })).rejects.toThrow(IntegrityError);
    expect(names()).toEqual([]);
  });

  it('of another size are refused before they are fetched', async () => {
    server.files.set('/t.gguf', { bytes: modelBytes(400_001) });
    const catalog = catalogOf(server.url('/t.gguf'), bytes);
    await expect(resolveModel('tiny', { cacheDir, catalog, ...quick })).rejects.toThrow(/400001 bytes where 400000/);
    expect(names()).toEqual([]);
  });

  it('that are a web page or no model at all are refused at their first bytes', async () => {
    const page = new TextEncoder().encode(`<!DOCTYPE html><html>${' '.repeat(100)}</html>`);
    server.files.set('/t.gguf', { bytes: page });
    await expect(resolveModel(server.url('/t.gguf'), { cacheDir })).rejects.toThrow(/web page/);
    for (const start of ['', 'GGU', 'hello world']) {
      server.files.set('/t.gguf', { bytes: new TextEncoder().encode(start) });
      await expect(resolveModel(server.url('/t.gguf'), { cacheDir })).rejects.toThrow(/neither a GGUF file nor/);
    }
    expect(names()).toEqual([]);
  });

  it('in the cache (cut off, or changed in place) are noticed and fetched again', async () => {
    server.files.set('/t.gguf', { bytes });
    const fetchIt = () => resolveModel(server.url('/t.gguf'), { cacheDir, ...quick });
    const [file] = (await fetchIt()).files;
    truncateSync(file, 1000);
    await expect(resolveModel(server.url('/t.gguf'), { cacheDir, offline: true })).rejects.toThrow(ModelSourceError);
    expectSame((await fetchIt()).files[0], bytes);
    await new Promise((resolve) => setTimeout(resolve, 5));
    writeFileSync(file, modelBytes(400_000, 7));
    expectSame((await fetchIt()).files[0], bytes);
    expect(server.gets()).toHaveLength(3);
  });
});

describe('redirects', () => {
  it('are followed, and credentials stay with the origin they were given for', async () => {
    const elsewhere = await new FileServer().start();
    try {
      elsewhere.files.set('/t.gguf', { bytes });
      server.files.set('/first', { bytes, redirectTo: '/second' });
      server.files.set('/second', { bytes, redirectTo: elsewhere.url('/t.gguf') });
      const url = server.url('/first').replace('//', '//user:secret@');
      const model = await resolveModel(url, { cacheDir });
      const given = server.gets().map(({ headers }) => headers.authorization);
      expect(given).toEqual(Array(2).fill('Basic dXNlcjpzZWNyZXQ='));
      expect(elsewhere.gets().map(({ headers }) => headers.authorization)).toEqual([undefined]);
      expect(JSON.stringify(model)).not.toContain('secret');
      expect(readFileSync(path.join(path.dirname(model.files[0]), 'entry.json'), 'utf8')).not.toContain('secret');
    } finally {
      await elsewhere.stop();
    }
  });

  it('that never end, lead to unprotected hosts, or leave http(s), are refused', async () => {
    server.files.set('/loop', { bytes, redirectTo: '/loop' });
    await expect(resolveModel(server.url('/loop'), { cacheDir })).rejects.toThrow(/redirects more than 8 times/);
    server.files.set('/plain', { bytes, redirectTo: 'http://192.0.2.1/x.gguf' });
    await expect(resolveModel(server.url('/plain'), { cacheDir })).rejects.toThrow(/not protected/);
    server.files.set('/file', { bytes, redirectTo: 'file:///etc/passwd' });
    await expect(resolveModel(server.url('/file'), { cacheDir })).rejects.toThrow(/file: address/);
    await expect(resolveModel('http://192.0.2.1/x.gguf', { cacheDir }))
      .rejects.toThrow(/not protected.*CLAWDBOT_ALLOW_HTTP/);
  });
});

describe('a disk that cannot take it', () => {
  it('is a typed error that names the folder and the variable', async () => {
    server.files.set('/t.gguf', { bytes });
    const file = path.join(cacheDir, 'file');
    writeFileSync(file, '');
    const failing = resolveModel(server.url('/t.gguf'), { cacheDir: path.join(file, 'cache') });
    await expect(failing).rejects.toThrow(ModelSourceError);
    await expect(failing).rejects.toThrow(/CLAWDBOT_CACHE/);
  });
});

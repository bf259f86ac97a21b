// The hf: source against a hub on loopback: choice of files, the hub's cache layout, tokens, offline, hostile answers.
import { existsSync, lstatSync, mkdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { IntegrityError, ModelSourceError } from '../../src/errors.ts';
import { listCached, removeCached } from '../../src/sources/cache.ts';
import { chooseFiles } from '../../src/sources/hub/choose-files.ts';
import { hubCacheDir } from '../../src/sources/hub/hub-cache.ts';
import { resolveModel } from '../../src/sources/resolve.ts';
import type { ResolvedModel } from '../../src/sources/resolve.ts';
import type { ResolveOptions } from '../../src/sources/settings.ts';
import { FileServer } from './file-server.ts';
import { catalogOf, expectSame, filesBelow, modelBytes, quick, sha256, temporaryDir } from './workbench.ts';

const COMMIT = 'c0ffee'.padEnd(40, '0');
const TOKEN = 'hf_secret';
const files: Record<string, Uint8Array> = {
  'm-Q4_K_M.gguf': modelBytes(120_000, 1), 'm-Q8_0.gguf': modelBytes(130_000, 2),
  'mmproj-m-Q4_K_M.gguf': modelBytes(100, 3),
  'big/m-F16-00001-of-00002.gguf': modelBytes(50_000, 4), 'big/m-F16-00002-of-00002.gguf': modelBytes(40_000, 5),
  'README.md': new TextEncoder().encode('hello'),
};
let hub: FileServer;
let storage: FileServer;
let cacheDir: string;
let hubDir: string;

beforeAll(async () => {
  hub = await new FileServer().start();
  storage = await new FileServer().start();
});
afterAll(() => Promise.all([hub.stop(), storage.stop()]));
beforeEach(() => {
  cacheDir = temporaryDir();
  hubDir = temporaryDir();
  serve();
});

/** What the real hub does: the record lists files, resolve answers with facts and sends on to storage. */
function serve(): void {
  for (const server of [hub, storage]) {
    server.files.clear();
    server.requests.length = 0;
  }
  const siblings = Object.keys(files).map((rfilename) => ({ rfilename }));
  const record = { sha: COMMIT, siblings, cardData: { license: 'apache-2.0' } };
  hub.files.set('/api/models/u/r/revision/main', { bytes: new TextEncoder().encode(JSON.stringify(record)) });
  for (const [name, bytes] of Object.entries(files)) {
    for (const revision of ['main', COMMIT]) {
      hub.files.set(`/u/r/resolve/${revision}/${name}`, {
        bytes,
        redirectTo: storage.url(`/blob/${sha256(bytes)}`),
        headers: {
          'x-repo-commit': COMMIT, 'x-linked-etag': `"${sha256(bytes)}"`, 'x-linked-size': String(bytes.length),
        },
      });
    }
    storage.files.set(`/blob/${sha256(bytes)}`, { bytes });
  }
}

const env = (more: Record<string, string> = {}): Record<string, string> =>
  ({ HF_ENDPOINT: hub.url(''), HF_HUB_CACHE: hubDir, HOME: cacheDir, HF_TOKEN: TOKEN, ...more });

const resolve = (reference: string, options: ResolveOptions = {}): Promise<ResolvedModel> =>
  resolveModel(reference, { cacheDir, env: env(), ...quick, ...options });

const repo = (...names: string[]): string => path.join(hubDir, 'models--u--r', ...names);

describe('a model from the hub', () => {
  it('lies where every other tool looks for it', async () => {
    const model = await resolve('hf:u/r');
    const bytes = files['m-Q4_K_M.gguf'];
    const pointer = repo('snapshots', COMMIT, 'm-Q4_K_M.gguf');
    expect(model).toEqual({ name: 'r', files: [pointer], source: 'hf:u/r', licence: 'apache-2.0', format: 'gguf' });
    expect(readFileSync(repo('refs', 'main'), 'utf8')).toBe(COMMIT);
    expect(lstatSync(pointer).isSymbolicLink()).toBe(true);
    expect(readlinkSync(pointer)).toBe(path.join('..', '..', 'blobs', sha256(bytes)));
    expectSame(repo('blobs', sha256(bytes)), bytes);
    expect(Object.keys(filesBelow(hubDir)).some((name) => /incomplete|json/.test(name))).toBe(false);
    storage.requests.length = hub.requests.length = 0;
    expect((await resolve('hf:u/r')).files).toEqual(model.files);
    expect([...hub.requests, ...storage.requests]).toEqual([]);
  });

  it('is chosen by quantization or by path, parts and folders included', async () => {
    expectSame((await resolve('hf:u/r:q8_0')).files[0], files['m-Q8_0.gguf']);
    const split = (await resolve('hf:u/r:F16')).files;
    const splitNames = split.map((file) => path.basename(file));
    expect(splitNames).toEqual(['m-F16-00001-of-00002.gguf', 'm-F16-00002-of-00002.gguf']);
    expectSame(split[1], files['big/m-F16-00002-of-00002.gguf']);
    const named = await resolve(`hf:u/r/m-Q8_0.gguf@${COMMIT}`);
    expectSame(named.files[0], files['m-Q8_0.gguf']);
    await expect(resolve('hf:u/r:Q2_K')).rejects.toThrow(/no Q2_K model. It has m-Q8_0\.gguf, m-Q4_K_M\.gguf, big/);
    // The second time the blob was there already.
    expect(storage.gets()).toHaveLength(3);
  });

  it('gets the token in a header at the hub and nowhere else', async () => {
    await resolve('hf:u/r');
    expect(new Set(hub.requests.map(({ headers }) => headers.authorization))).toEqual(new Set([`Bearer ${TOKEN}`]));
    expect(storage.requests.map(({ headers }) => headers.authorization)).toEqual([undefined]);
    expect(hub.requests.some(({ path: seen }) => seen.includes(TOKEN))).toBe(false);
    const texts = Object.keys(filesBelow(cacheDir)).map((name) => readFileSync(path.join(cacheDir, name), 'utf8'));
    expect(texts.join()).not.toContain(TOKEN);
  });

  it('may come from a hub that only has a tree, or no storage of its own', async () => {
    hub.files.delete('/api/models/u/r/revision/main');
    const tree = Object.keys(files).map((name) => ({ type: 'file', path: name }));
    hub.files.set('/api/models/u/r/tree/main', { bytes: new TextEncoder().encode(JSON.stringify(tree)) });
    const bytes = files['m-Q4_K_M.gguf'];
    hub.files.set('/u/r/resolve/main/m-Q4_K_M.gguf', { bytes, headers: { 'x-repo-commit': COMMIT } });
    hub.files.set(`/u/r/resolve/${COMMIT}/m-Q4_K_M.gguf`, { bytes, headers: { 'x-repo-commit': COMMIT } });
    expectSame((await resolve('hf:u/r')).files[0], bytes);
  });

  it('is fetched once where two references mean the same file at the same time', async () => {
    const bytes = files['m-Q4_K_M.gguf'];
    storage.files.set(`/blob/${sha256(bytes)}`, { bytes, pauseMs: 5 });
    const references = ['hf:u/r', 'hf:u/r:Q4_K_M', 'hf:u/r/m-Q4_K_M.gguf', `hf:u/r/m-Q4_K_M.gguf@${COMMIT}`];
    const models = await Promise.all(references.map((reference) => resolve(reference)));
    for (const model of models) expectSame(model.files[0], bytes);
    expect(storage.gets()).toHaveLength(1);
  });

  it('resumes where an earlier run stopped', async () => {
    const bytes = files['m-Q4_K_M.gguf'];
    storage.files.set(`/blob/${sha256(bytes)}`, { bytes, cutAfter: 70_000 });
    await expect(resolve('hf:u/r', { retry: { attempts: 1 } })).rejects.toThrow(ModelSourceError);
    expect(existsSync(repo('blobs', `${sha256(bytes)}.incomplete`))).toBe(true);
    expectSame((await resolve('hf:u/r')).files[0], bytes);
    expect(storage.gets()[1].headers.range).toMatch(/^bytes=\d{4,}-$/);
  });
});

describe("the hub's cache", () => {
  /** As another tool would have left it. */
  function plant(bytes: Uint8Array, commit = COMMIT): void {
    mkdirSync(repo('refs'), { recursive: true });
    mkdirSync(repo('snapshots', commit), { recursive: true });
    writeFileSync(repo('refs', 'main'), commit);
    writeFileSync(repo('snapshots', commit, 'm-Q4_K_M.gguf'), bytes);
  }

  it('serves offline what another tool has put there', async () => {
    plant(files['m-Q4_K_M.gguf']);
    for (const options of [{ offline: true }, { env: env({ HF_HUB_OFFLINE: '1' }) }]) {
      const model = await resolve('hf:u/r', options);
      expect(model.files).toEqual([repo('snapshots', COMMIT, 'm-Q4_K_M.gguf')]);
      expect((await resolve('hf:u/r:Q4_K_M', options)).files).toEqual(model.files);
    }
    await expect(resolve('hf:u/r:Q8_0', { offline: true })).rejects.toThrow(/offline.*clawdbot pull/);
    expect(hub.requests).toEqual([]);
  });

  it('serves where the hub cannot be reached', async () => {
    plant(files['m-Q4_K_M.gguf']);
    const gone = await new FileServer().start();
    const unreachable = gone.url('');
    await gone.stop();
    const model = await resolve('hf:u/r', { env: env({ HF_ENDPOINT: unreachable }) });
    expectSame(model.files[0], files['m-Q4_K_M.gguf']);
    await expect(resolve('hf:u/other', { env: env({ HF_ENDPOINT: unreachable }) })).rejects.toThrow(/HF_ENDPOINT/);
  });

  it('with a damaged blob fetches it again', async () => {
    const bytes = files['m-Q4_K_M.gguf'];
    mkdirSync(repo('blobs'), { recursive: true });
    const damaged = bytes.slice();
    damaged[5000] ^= 1;
    writeFileSync(repo('blobs', sha256(bytes)), damaged);
    expectSame((await resolve('hf:u/r')).files[0], bytes);
  });

  it('is found by its variables', () => {
    expect(hubCacheDir({ HF_HUB_CACHE: '/a', HF_HOME: '/b' })).toBe(path.resolve('/a'));
    expect(hubCacheDir({ HF_HOME: '/b' })).toBe(path.resolve('/b/hub'));
    expect(hubCacheDir({ HF_HOME: '~/b', HOME: '/h' })).toBe(path.resolve('/h/b/hub'));
    expect(hubCacheDir({ XDG_CACHE_HOME: '/x' })).toBe(path.resolve('/x/huggingface/hub'));
    expect(hubCacheDir({ HOME: '/h' })).toBe(path.resolve('/h/.cache/huggingface/hub'));
  });

  it('loses a removed model and its blob, and keeps what others use', async () => {
    const model = await resolve('hf:u/r');
    const blob = repo('blobs', sha256(files['m-Q4_K_M.gguf']));
    const listed = await listCached({ cacheDir });
    expect(listed).toMatchObject([{ reference: 'hf:u/r', path: model.files[0], bytes: 120_000 }]);
    const other = repo('snapshots', 'd'.repeat(40), 'm-Q4_K_M.gguf');
    mkdirSync(path.dirname(other), { recursive: true });
    writeFileSync(other, 'another tool');
    await removeCached('hf:u/r', { cacheDir });
    expect(existsSync(model.files[0])).toBe(false);
    expect(existsSync(blob)).toBe(false);
    expect(existsSync(other)).toBe(true);
    expect(await listCached({ cacheDir })).toEqual([]);
  });
});

describe('a hub that is wrong or hostile', () => {
  it('with other bytes than it states ends in IntegrityError and leaves no file', async () => {
    const bytes = files['m-Q4_K_M.gguf'];
    storage.files.set(`/blob/${sha256(bytes)}`, { bytes: modelBytes(bytes.length, 99) });
    await expect(resolve('hf:u/r')).rejects.toThrow(IntegrityError);
    expect(Object.keys(filesBelow(hubDir))).toEqual([]);
  });

  it('with another file than the catalog promises is refused before the download', async () => {
    const catalog = catalogOf('hf:u/r/m-Q4_K_M.gguf', modelBytes(120_000, 50));
    await expect(resolve('tiny', { catalog })).rejects.toThrow(IntegrityError);
    expect(storage.requests).toEqual([]);
  });

  it.each(['"../../../evil"', '"a/b/c/d/e/f/g"', '""', '"..\\\\..\\\\evil"'])('cannot name a blob %s', async (etag) => {
    const at = `/u/r/resolve/${COMMIT}/m-Q4_K_M.gguf`;
    hub.files.set(at, { ...hub.files.get(at)!, headers: { 'x-repo-commit': COMMIT, 'x-linked-etag': etag } });
    await expect(resolve('hf:u/r')).rejects.toThrow(/cannot be a name/);
  });

  it('cannot list files outside the repository, answer with no JSON, or hide its commit', async () => {
    const listing = (value: unknown): void => void hub.files.set('/api/models/u/r/revision/main', {
      bytes: new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value)),
    });
    const siblings = [{ rfilename: '../../evil.gguf' }, { rfilename: '/etc/x.gguf' }, { rfilename: 7 }, null];
    listing({ sha: COMMIT, siblings });
    await expect(resolve('hf:u/r')).rejects.toThrow(ModelSourceError);
    listing('<html>');
    await expect(resolve('hf:u/r')).rejects.toThrow(/does not answer in JSON/);
    const headers = { 'x-repo-commit': '../..' };
    hub.files.set('/u/r/resolve/main/m-Q8_0.gguf', { bytes: files['m-Q8_0.gguf'], headers });
    await expect(resolve('hf:u/r/m-Q8_0.gguf')).rejects.toThrow(/which commit/);
  });

  it('without the repository, or without permission, says what to do', async () => {
    await expect(resolve('hf:u/none')).rejects.toThrow(/404.*HF_TOKEN/);
    hub.files.set('/api/models/u/r/revision/main', { bytes: new Uint8Array(0), statuses: [401] });
    await expect(resolve('hf:u/r')).rejects.toThrow(/401.*accept its terms.*HF_TOKEN/);
  });
});

describe('the choice among files', () => {
  it('prefers good sizes, plain variants and whole models', () => {
    const variants = ['m-Q8_0.gguf', 'm-Q4_K_M.gguf', 'm-UD-Q4_K_M.gguf'];
    expect(chooseFiles('r', variants, undefined)).toEqual(['m-Q4_K_M.gguf']);
    expect(chooseFiles('r', ['m.Q2_K.gguf', 'm.Q6_K.gguf'], undefined)).toEqual(['m.Q6_K.gguf']);
    expect(chooseFiles('r', ['only.gguf', 'mmproj.gguf', 'x.imatrix.gguf'], undefined)).toEqual(['only.gguf']);
    expect(chooseFiles('r', ['Q4_0/m.gguf', 'Q8_0/m.gguf'], 'Q8_0')).toEqual(['Q8_0/m.gguf']);
    expect(chooseFiles('r', ['m-Q4_0_4_4.gguf', 'm-Q4_0.gguf'], 'Q4_0')).toEqual(['m-Q4_0.gguf']);
    expect(() => chooseFiles('r', ['m-Q4_0-00002-of-00002.gguf'], undefined))
      .toThrow(/00001-of-00002\.gguf is missing/);
    expect(() => chooseFiles('r', ['model.safetensors'], undefined)).toThrow(/no \.gguf files/);
  });
});

it('a link whose blob is gone does not count as a model', async () => {
  await resolve('hf:u/r');
  rmSync(repo('blobs', sha256(files['m-Q4_K_M.gguf'])));
  await expect(resolve('hf:u/r', { offline: true })).rejects.toThrow(ModelSourceError);
  expectSame((await resolve('hf:u/r')).files[0], files['m-Q4_K_M.gguf']);
});

// What the cache lists, removes and survives; where it lies.
import { existsSync, mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { InvalidArgumentError, ModelSourceError } from '../../src/errors.ts';
import { listCached, modelsDir, removeCached } from '../../src/sources/cache.ts';
import { diskFull, formatBytes, isStorageFailure, storageFailure } from '../../src/sources/failures.ts';
import { resolveModel } from '../../src/sources/resolve.ts';
import { defaultCacheDir } from '../../src/sources/settings.ts';
import { acquireLock } from '../../src/sources/lock.ts';
import { listUnfinished, removeUnfinished } from '../../src/sources/unfinished.ts';
import { FileServer } from './file-server.ts';
import { catalogOf, filesBelow, modelBytes, temporaryDir } from './workbench.ts';

const bytes = modelBytes(20_000);
const large = modelBytes(400_000);
let server: FileServer;
let cacheDir: string;

beforeAll(async () => {
  server = await new FileServer().start();
  server.files.set('/a.gguf', { bytes });
  server.files.set('/other/a.gguf', { bytes });
});
afterAll(() => server.stop());
beforeEach(() => {
  cacheDir = temporaryDir();
});

describe('the cache', () => {
  it('lists what it has, with names, sizes, sources and times', async () => {
    expect(await listCached({ cacheDir })).toEqual([]);
    const before = Date.now() - 1000;
    const catalog = catalogOf(server.url('/a.gguf'), bytes);
    const model = await resolveModel('tiny', { cacheDir, catalog });
    await resolveModel(server.url('/a.gguf'), { cacheDir });
    const listed = await listCached({ cacheDir });
    expect(listed.map(({ name }) => name)).toEqual(['a', 'tiny']);
    expect(listed[1]).toMatchObject({
      name: 'tiny', reference: 'tiny', source: server.url('/a.gguf'), path: model.files[0], bytes: 20_000,
      licence: 'MIT',
    });
    expect(listed[1].lastUsed.getTime()).toBeGreaterThan(before);
  });

  it('removes by name or reference, and asks back where a name means several', async () => {
    const first = await resolveModel(server.url('/a.gguf'), { cacheDir });
    await resolveModel(server.url('/other/a.gguf'), { cacheDir });
    await expect(removeCached('a', { cacheDir })).rejects.toThrow(InvalidArgumentError);
    const removed = await removeCached(server.url('/a.gguf'), { cacheDir });
    expect(removed).toMatchObject({ path: first.files[0], bytes: 20_000 });
    expect(existsSync(path.dirname(first.files[0]))).toBe(false);
    await removeCached('a', { cacheDir });
    await expect(removeCached('a', { cacheDir })).rejects.toThrow(ModelSourceError);
    expect(await listCached({ cacheDir })).toEqual([]);
  });

  it('ignores what is cut off, damaged or not its own', async () => {
    const model = await resolveModel(server.url('/a.gguf'), { cacheDir });
    const texts = { x: '{"name":', y: '[]', z: '{"name":"z","files":[{"path":7}]}', w: 'null' };
    for (const [name, text] of Object.entries(texts)) {
      mkdirSync(path.join(modelsDir(cacheDir), name));
      writeFileSync(path.join(modelsDir(cacheDir), name, 'entry.json'), text);
    }
    expect(await listCached({ cacheDir })).toHaveLength(1);
    truncateSync(model.files[0], 5);
    expect(await listCached({ cacheDir })).toEqual([]);
  });

  it('lists an interrupted download apart, and removes it', async () => {
    const cut = (name: string): string => {
      server.files.set(name, { bytes: large, cutAfter: 150_000 });
      return server.url(name);
    };
    for (const url of [cut('/b.gguf'), cut('/c.gguf'), cut('/other/c.gguf')]) {
      await expect(resolveModel(url, { cacheDir, retry: { attempts: 1 } })).rejects.toThrow(ModelSourceError);
    }
    expect(await listCached({ cacheDir })).toEqual([]);
    const [b, c] = await listUnfinished({ cacheDir });
    expect(b).toMatchObject({ name: 'b', source: server.url('/b.gguf') });
    expect(b.bytes).toBeGreaterThan(10_000);
    expect(c.name).toBe('c');
    expect(await removeUnfinished('nothing', { cacheDir })).toBeUndefined();
    await expect(removeUnfinished('c', { cacheDir })).rejects.toThrow(/several downloads/);
    expect(await removeUnfinished('b', { cacheDir })).toEqual(b);
    for (const name of [c.key, server.url('/other/c.gguf'), server.url('/c.gguf')]) {
      await removeUnfinished(name, { cacheDir });
    }
    expect(await listUnfinished({ cacheDir })).toEqual([]);
    expect(filesBelow(cacheDir)).toEqual({});
  });

  it('leaves a download that is under way alone', async () => {
    server.files.set('/b.gguf', { bytes: large, cutAfter: 150_000 });
    const url = server.url('/b.gguf');
    await expect(resolveModel(url, { cacheDir, retry: { attempts: 1 } })).rejects.toThrow(ModelSourceError);
    const [{ key }] = await listUnfinished({ cacheDir });
    const lock = await acquireLock(cacheDir, key, {});
    await expect(removeUnfinished('b', { cacheDir })).rejects.toThrow(/being downloaded by another process/);
    await lock.release();
  });

  it('never deletes a file that a catalog names by its path', async () => {
    const own = path.join(temporaryDir(), 'own.gguf');
    writeFileSync(own, bytes);
    await resolveModel('tiny', { cacheDir, catalog: catalogOf(own, bytes) });
    await removeCached('tiny', { cacheDir });
    expect(existsSync(own)).toBe(true);
  });

  it('lies where its variables say', () => {
    expect(defaultCacheDir({ CLAWDBOT_CACHE: '/c', XDG_CACHE_HOME: '/x' })).toBe('/c');
    expect(defaultCacheDir({ CLAWDBOT_CACHE: '~/c', HOME: '/h' })).toBe(path.join('/h', 'c'));
    expect(defaultCacheDir({ XDG_CACHE_HOME: '/x' })).toBe(path.join('/x', 'clawdbot'));
  });
});

describe('failures of the disk', () => {
  it('are told apart and say what to do', () => {
    const cases = { ENOSPC: /disk is full/, EACCES: /permission/, EROFS: /read-only/ };
    for (const [code, words] of Object.entries(cases)) {
      const failure = storageFailure(Object.assign(new Error('x'), { code }), 'f') as Error;
      expect(failure).toBeInstanceOf(ModelSourceError);
      expect(failure.message).toMatch(words);
      expect(failure.message).toMatch(/CLAWDBOT_CACHE/);
      expect(isStorageFailure(failure)).toBe(true);
    }
    const other = new Error('y');
    expect(storageFailure(other, 'f')).toBe(other);
    expect(isStorageFailure(diskFull('/d', 2e9, 1e9))).toBe(true);
    expect(diskFull('/d', 2e9, 1e9).message).toMatch(/1\.0 GB free and 2\.0 GB are needed/);
  });

  it('sizes read well', () => {
    expect([0, 999, 1000, 98_362_432, 999_999_999, 5e12].map(formatBytes))
      .toEqual(['0 B', '999 B', '1.0 kB', '98.4 MB', '1.0 GB', '5.0 TB']);
  });
});

// The cache of models: one folder per model with its files and an entry.json, which is written last: then it is whole.
import { readFile, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { InvalidArgumentError, ModelSourceError } from '../errors.ts';
import { failureCode, isNotGranted, storageFailure } from './failures.ts';
import { sha256OfFile } from './files.ts';
import { removeFromHubCache } from './hub/hub-cache.ts';
import { defaultCacheDir } from './settings.ts';
import { acquireLock } from './lock.ts';

export interface StoredFile {
  /** Absolute, or relative to the entry's folder. */
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
  /** Whole milliseconds; a file changed since is hashed again. */
  readonly modifiedMs: number;
}

export interface CacheEntry {
  readonly name: string;
  /** The reference that was asked for. */
  readonly reference: string;
  /** The source that served it. */
  readonly source: string;
  readonly licence?: string;
  readonly format: 'gguf' | 'safetensors';
  readonly files: readonly StoredFile[];
}

export interface CachedModel {
  readonly name: string;
  readonly reference: string;
  readonly source: string;
  /** The first (usually the only) file. */
  readonly path: string;
  readonly files: readonly string[];
  readonly bytes: number;
  readonly licence?: string;
  readonly lastUsed: Date;
}

const LARGEST_ENTRY_BYTES = 4 * 2 ** 20;

export function modelsDir(cacheDir: string): string {
  return path.join(cacheDir, 'models');
}

export function entryDir(cacheDir: string, key: string): string {
  return path.join(modelsDir(cacheDir), key);
}

/** The entry with absolute paths, or undefined where there is none or its files are not what was stored. */
export async function readWholeEntry(dir: string): Promise<CacheEntry | undefined> {
  const entry = await readEntry(dir);
  if (!entry) return undefined;
  for (const file of entry.files) {
    if (!(await isUnchanged(file))) return undefined;
  }
  return entry;
}

/** Marks the model as whole. */
export async function writeEntry(dir: string, entry: CacheEntry): Promise<void> {
  const files = entry.files.map((file) => {
    const relative = path.relative(dir, file.path);
    return { ...file, path: relative.startsWith('..') || path.isAbsolute(relative) ? file.path : relative };
  });
  await writeJson(path.join(dir, 'entry.json'), { ...entry, files });
}

/** Written aside and renamed: a reader sees the whole text or the one before. */
export async function writeJson(file: string, value: unknown): Promise<void> {
  const temporary = `${file}.${process.pid}`;
  try {
    await writeFile(temporary, `${JSON.stringify(value, null, 2)}\n`);
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw storageFailure(error, file);
  }
}

/** Notes that the model was used; a cache that may only be read stays as it is. */
export async function touchEntry(dir: string): Promise<void> {
  const now = new Date();
  await utimes(path.join(dir, 'entry.json'), now, now).catch((error: unknown) => {
    if (!['EACCES', 'EPERM', 'EROFS'].includes(failureCode(error) ?? '') && !isNotGranted(error)) throw error;
  });
}

export async function storedFile(file: string, sha256: string): Promise<StoredFile> {
  const { size, mtimeMs } = await stat(file);
  return { path: file, bytes: size, sha256, modifiedMs: Math.trunc(mtimeMs) };
}

/** Every whole model in the cache, by name. */
export async function listCached(options: { cacheDir?: string } = {}): Promise<CachedModel[]> {
  const cacheDir = path.resolve(options.cacheDir ?? defaultCacheDir());
  const models: CachedModel[] = [];
  for (const key of await keysOf(cacheDir)) {
    const dir = entryDir(cacheDir, key);
    const entry = await readListedEntry(dir);
    if (!entry) continue;
    models.push({
      name: entry.name,
      reference: entry.reference,
      source: entry.source,
      path: entry.files[0].path,
      files: entry.files.map((file) => file.path),
      bytes: entry.files.reduce((sum, file) => sum + file.bytes, 0),
      licence: entry.licence,
      lastUsed: (await stat(path.join(dir, 'entry.json'))).mtime,
    });
  }
  return models.sort((a, b) => a.name.localeCompare(b.name));
}

/**
 * Deletes a model by its name or by the reference it was fetched with, and returns what was deleted. Throws
 * ModelSourceError where the cache has no such model.
 */
export async function removeCached(name: string, options: { cacheDir?: string } = {}): Promise<CachedModel> {
  if (name.trim() === '') throw new InvalidArgumentError('Say which model to remove; `clawdbot list` shows them.');
  const cacheDir = path.resolve(options.cacheDir ?? defaultCacheDir());
  const models = await listCached({ cacheDir });
  const matches = models.filter((model) => model.reference === name);
  const found = matches.length > 0 ? matches : models.filter((model) => model.name === name);
  if (found.length === 0) {
    const known = models.map((model) => model.name).join(', ') || 'nothing';
    throw new ModelSourceError(`The cache "${cacheDir}" has no model "${name}"; it has ${known}.`);
  }
  if (found.length > 1) {
    const references = found.map((model) => model.reference).join(', ');
    throw new InvalidArgumentError(`"${name}" is the name of several models. Say which one: ${references}.`);
  }
  const shared = new Set(models.filter((model) => model !== found[0]).flatMap((model) => model.files));
  await removeModel(cacheDir, found[0], shared);
  return found[0];
}

/** Files of the hub's cache that another entry names too are kept. */
async function removeModel(cacheDir: string, model: CachedModel, shared: ReadonlySet<string>): Promise<void> {
  const key = await keyOf(cacheDir, model.reference);
  if (key === undefined) return;
  const dir = entryDir(cacheDir, key);
  const lock = await acquireLock(cacheDir, key, {});
  try {
    await rm(path.join(dir, 'entry.json'), { force: true });
    for (const file of model.files) {
      if (path.relative(dir, file).startsWith('..') && !shared.has(file)) await removeFromHubCache(file);
    }
    await rm(dir, { recursive: true, force: true });
  } catch (error) {
    throw storageFailure(error, dir);
  } finally {
    await lock.release();
  }
}

async function keyOf(cacheDir: string, reference: string): Promise<string | undefined> {
  for (const key of await keysOf(cacheDir)) {
    if ((await readEntry(entryDir(cacheDir, key)))?.reference === reference) return key;
  }
  return undefined;
}

/** The folders of all models, whole or not. */
export async function keysOf(cacheDir: string): Promise<string[]> {
  const dir = modelsDir(cacheDir);
  try {
    return (await readdir(dir)).sort();
  } catch (error) {
    if (failureCode(error) === 'ENOENT') return [];
    throw storageFailure(error, dir);
  }
}

/** The entry where its files have the sizes that were stored; a look at their bytes would take too long for a list. */
export async function readListedEntry(dir: string): Promise<CacheEntry | undefined> {
  const entry = await readEntry(dir);
  return entry && (await filesHaveTheirSizes(entry)) ? entry : undefined;
}

async function readEntry(dir: string): Promise<CacheEntry | undefined> {
  const entry = await readJson(path.join(dir, 'entry.json')) as CacheEntry | undefined;
  if (!isEntry(entry)) return undefined;
  return { ...entry, files: entry.files.map((stored) => ({ ...stored, path: path.resolve(dir, stored.path) })) };
}

/** The `files` of a JSON file, or undefined where it has none. */
export async function readStoredFiles(file: string): Promise<readonly StoredFile[] | undefined> {
  const { files } = (await readJson(file) ?? {}) as { files?: unknown };
  return areStoredFiles(files) ? files : undefined;
}

async function readJson(file: string): Promise<unknown> {
  try {
    if ((await stat(file)).size > LARGEST_ENTRY_BYTES) return undefined;
    return JSON.parse(await readFile(file, 'utf8')) as unknown;
  } catch (error) {
    // A cut-off or foreign file means the same as none: the model is fetched again.
    if (error instanceof SyntaxError || ['ENOENT', 'ENOTDIR', 'EISDIR'].includes(failureCode(error) ?? '')) {
      return undefined;
    }
    throw error;
  }
}

function isEntry(entry: CacheEntry | undefined): entry is CacheEntry {
  return typeof entry === 'object' && entry !== null && typeof entry.name === 'string' &&
    typeof entry.reference === 'string' && typeof entry.source === 'string' && areStoredFiles(entry.files);
}

function areStoredFiles(files: unknown): files is StoredFile[] {
  return Array.isArray(files) && files.length > 0 && files.every((file: StoredFile | null) =>
    typeof file?.path === 'string' && typeof file.sha256 === 'string' &&
    Number.isSafeInteger(file.bytes) && Number.isSafeInteger(file.modifiedMs));
}

async function filesHaveTheirSizes(entry: CacheEntry): Promise<boolean> {
  for (const file of entry.files) {
    if ((await sizeAndTime(file.path))?.bytes !== file.bytes) return false;
  }
  return true;
}

/** The size decides at once; only a file that was touched since is hashed again. */
export async function isUnchanged(file: StoredFile): Promise<boolean> {
  const now = await sizeAndTime(file.path);
  if (now?.bytes !== file.bytes) return false;
  return now.modifiedMs === file.modifiedMs || (await sha256OfFile(file.path)) === file.sha256;
}

async function sizeAndTime(file: string): Promise<{ bytes: number; modifiedMs: number } | undefined> {
  try {
    const stats = await stat(file);
    return stats.isFile() ? { bytes: stats.size, modifiedMs: Math.trunc(stats.mtimeMs) } : undefined;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(failureCode(error) ?? '')) return undefined;
    throw error;
  }
}

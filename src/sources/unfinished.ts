// What the cache holds that is no whole model: downloads that broke off, files cut since. Listed apart, and removable.
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { InvalidArgumentError, ModelSourceError } from '../errors.ts';
import { entryDir, keysOf, readListedEntry } from './cache.ts';
import { defaultCatalog } from './catalog.ts';
import { storageFailure } from './failures.ts';
import { describeReference } from './fetch-reference.ts';
import { sizeOf } from './files.ts';
import { acquireLock } from './lock.ts';
import { pathOfFileUrl } from './local.ts';
import { parseReference } from './reference.ts';
import { defaultCacheDir } from './settings.ts';

export interface UnfinishedModel {
  readonly name: string;
  /** The folder's name in the cache. */
  readonly key: string;
  /** The address it was being fetched from, where that is known. */
  readonly source?: string;
  readonly path: string;
  readonly bytes: number;
}

/** As the cache names its folders: kind, name, and a hash of what was asked for. */
const KEY = /^(?:(?:url|pip|hf)-)?(.+)-[0-9a-f]{12}$/;
const LARGEST_SIDECAR_BYTES = 65_536;
/** A live download is not waited for. */
const LONGEST_WAIT_MS = 500;

export async function listUnfinished(options: { cacheDir?: string } = {}): Promise<UnfinishedModel[]> {
  const cacheDir = path.resolve(options.cacheDir ?? defaultCacheDir());
  const found: UnfinishedModel[] = [];
  for (const key of await keysOf(cacheDir)) {
    const name = KEY.exec(key)?.[1];
    const dir = entryDir(cacheDir, key);
    if (name === undefined || (await readListedEntry(dir))) continue;
    const files = await filesBelow(dir);
    const sizes = await Promise.all(files.map(async (file) => (await sizeOf(file)) ?? 0));
    const source = await sourceOf(files);
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    found.push({ name, key, path: dir, bytes, ...(source === undefined ? {} : { source }) });
  }
  return found;
}

/**
 * Deletes what there is of a model by its name, reference, address or folder; undefined where there is nothing. Throws
 * ModelSourceError while another process is fetching it.
 */
export async function removeUnfinished(
  name: string, options: { cacheDir?: string } = {},
): Promise<UnfinishedModel | undefined> {
  const cacheDir = path.resolve(options.cacheDir ?? defaultCacheDir());
  const all = await listUnfinished({ cacheDir });
  const key = keyFor(name);
  const exact = all.filter((model) => model.key === name || model.key === key || model.source === name);
  const [model, ...others] = exact.length > 0 ? exact : all.filter((one) => one.name === name);
  if (!model) return undefined;
  if (others.length > 0) {
    const keys = [model, ...others].map((one) => one.key).join(', ');
    throw new InvalidArgumentError(`"${name}" is the name of several downloads. Say which one: ${keys}.`);
  }
  const lock = await acquireLock(cacheDir, model.key, { signal: AbortSignal.timeout(LONGEST_WAIT_MS) })
    .catch((error: unknown) => {
      if ((error as Error).name !== 'TimeoutError') throw error;
      throw new ModelSourceError(`"${name}" is being downloaded by another process. End that one first.`);
    });
  try {
    if (await readListedEntry(model.path)) return undefined;
    await rm(model.path, { recursive: true, force: true });
    return model;
  } catch (error) {
    throw storageFailure(error, model.path);
  } finally {
    await lock.release();
  }
}

/** The folder of a reference that is written as for `pull`. */
function keyFor(text: string): string | undefined {
  try {
    const reference = parseReference(text, defaultCatalog(), pathOfFileUrl);
    return reference.kind === 'catalog' || reference.kind === 'path' ? undefined : describeReference(reference).key;
  } catch (error) {
    if (error instanceof InvalidArgumentError) return undefined;
    throw error;
  }
}

async function filesBelow(dir: string): Promise<string[]> {
  if (!(await stat(dir)).isDirectory()) return [];
  const entries = await readdir(dir, { recursive: true });
  return entries.map((entry) => path.join(dir, entry));
}

/** What a resumable download notes beside its bytes. */
async function sourceOf(files: readonly string[]): Promise<string | undefined> {
  const sidecar = files.find((file) => file.endsWith('.partial.json'));
  if (sidecar === undefined || ((await sizeOf(sidecar)) ?? Infinity) > LARGEST_SIDECAR_BYTES) return undefined;
  try {
    const { url } = JSON.parse(await readFile(sidecar, 'utf8')) as { url?: unknown };
    return typeof url === 'string' ? url : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw storageFailure(error, sidecar);
  }
}

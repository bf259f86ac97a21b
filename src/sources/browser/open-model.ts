// Opens what a model reference stands for in a browser: from the cache, else from a download into it, else by range.
import { IntegrityError, ModelSourceError } from '../../errors.ts';
import type { ByteSource } from '../../gguf/byte-source.ts';
import { blobSource } from '../../gguf/memory-source.ts';
import { isAbort, reasonOf } from '../failures.ts';
import { throttled } from '../progress.ts';
import type { Progress } from '../progress.ts';
import { download } from './download.ts';
import { locate } from './locate.ts';
import type { RemoteFile, RemoteModel } from './locate.ts';
import { ModelCache } from './model-cache.ts';
import type { CacheEntry } from './model-cache.ts';
import { keepStorage } from './quota.ts';
import { remoteSource } from './remote-source.ts';
import type { BrowserSettings } from './settings.ts';

export const DEFAULT_CACHE = 'clawdbot';

export interface BrowserOpenOptions {
  readonly cacheDir?: string;
  readonly cache?: boolean;
  readonly offline?: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
}

export interface OpenedFiles {
  readonly name: string;
  readonly sources: readonly ByteSource[];
  readonly warnings: readonly string[];
}

/** What a cached model would be read from, or undefined. */
type Found = Pick<OpenedFiles, 'sources'> | undefined;

export function settingsFor({ signal, onProgress }: BrowserOpenOptions, writeFile: BrowserSettings['writeFile']): BrowserSettings {
  return { signal, report: throttled(onProgress), writeFile, attempts: 5, delayMs: 500, stallMs: 60_000, segmentBytes: 16 * 2 ** 20 };
}

/** `headerOnly`: only what the header takes is fetched, where the server gives ranges. */
export async function openBrowserModel(
  reference: string | URL, options: BrowserOpenOptions, settings: BrowserSettings, headerOnly = false,
): Promise<OpenedFiles> {
  settings.signal?.throwIfAborted();
  const base = (globalThis as { location?: { href: string } }).location?.href;
  if (/^blob:/i.test(String(reference))) return openObjectUrl(String(reference), settings);
  const model = locate(reference, base);
  const { cache, reason } = options.cache === false ? { cache: undefined, reason: undefined } : await openCache(options);
  const found = cache && await fromCache(cache, model, settings);
  if (found) return { name: model.name, sources: found.sources, warnings: [] };
  if (options.offline) throw new ModelSourceError(`The model "${model.reference}" is not kept in this browser and downloads are off (offline).`);
  const warnings = reason === undefined ? [] : [
    `This browser keeps no models for this page (${reason}): "${model.name}" is read from its address each time.`,
  ];
  const sources = cache && !headerOnly
    ? await underLock(model, settings, async () =>
      (await fromCache(cache, model, settings))?.sources ?? eachSource(model, settings, (files, source) => fetched(cache, model, files, source, settings)))
    : await eachSource(model, settings, (files) => Promise.all(files.map((file) => remoteSource(file, settings))));
  return { name: model.name, sources, warnings };
}

async function openCache({ cacheDir = DEFAULT_CACHE }: BrowserOpenOptions): Promise<{ cache?: ModelCache; reason?: string }> {
  try {
    return { cache: await ModelCache.open(cacheDir) };
  } catch (error) {
    return { reason: reasonOf(error) };
  }
}

async function fromCache(cache: ModelCache, model: RemoteModel, settings: BrowserSettings): Promise<Found> {
  const whole = await cache.whole(model.key);
  if (!whole) return undefined;
  await cache.touch(model.key, settings);
  return { sources: whole.files.map((pieces, i) => keptSource(new Blob(pieces), whole.entry.files[i]!.name)) };
}

/** Pieces that a browser evicts while they are read are gone for good. */
function keptSource(blob: Blob, name: string): ByteSource {
  const source = blobSource(blob, name);
  return {
    ...source,
    async read(offset, target, signal) {
      try {
        await source.read(offset, target, signal);
      } catch (cause) {
        if (!(cause instanceof DOMException) || isAbort(cause, signal)) throw cause;
        throw new ModelSourceError(`"${name}" was taken out of the browser's storage while it was read. Load it again.`, { cause });
      }
    },
  };
}

async function fetched(
  cache: ModelCache, model: RemoteModel, files: readonly RemoteFile[], source: string, settings: BrowserSettings,
): Promise<readonly ByteSource[]> {
  await keepStorage();
  const stored: CacheEntry['files'][number][] = [];
  for (const [i, file] of files.entries()) stored.push(await download(cache, model.key, i, file, settings));
  const { name, reference, licence } = model;
  await cache.keep(model.key, { name, reference, source, ...(licence !== undefined && { licence }), files: stored }, settings);
  const found = await fromCache(cache, model, settings);
  if (!found) throw new ModelSourceError(`The browser's storage lost "${name}" as soon as it was written. Load it again, or with cache: false.`);
  return found.sources;
}

/** The first source that can be had; the failures of all where none can. */
async function eachSource<T>(
  { name, sources }: RemoteModel, settings: BrowserSettings, use: (files: readonly RemoteFile[], source: string) => Promise<T>,
): Promise<T> {
  const failures: { source: string; error: unknown }[] = [];
  for (const { source, files } of sources) {
    try {
      return await use(await files(settings), source);
    } catch (error) {
      settings.signal?.throwIfAborted();
      if (sources.length === 1) throw error;
      failures.push({ source, error });
    }
  }
  const list = failures.map(({ source, error }) => `\n  - ${source}: ${reasonOf(error)}`).join('');
  const cause = new AggregateError(failures.map(({ error }) => error));
  if (failures.every(({ error }) => error instanceof IntegrityError)) {
    throw new IntegrityError(`Every source of the model "${name}" sends other bytes than promised:${list}`, { cause });
  }
  throw new ModelSourceError(`The model "${name}" cannot be fetched in this browser. Give a URL or a File instead. Tried:${list}`, { cause });
}

/** One page at a time fetches a model; others wait, and find it then. */
async function underLock<T>({ key, name }: RemoteModel, settings: BrowserSettings, work: () => Promise<T>): Promise<T> {
  const { locks } = navigator;
  if (!locks) return work();
  const lock = `clawdbot-model-${key}`;
  const { held = [] } = await locks.query();
  if (held.some((other) => other.name === lock)) settings.report({ phase: 'resolve', file: name, loadedBytes: 0, waiting: true });
  return await locks.request(lock, { signal: settings.signal }, work) as T;
}

async function openObjectUrl(url: string, { signal }: BrowserSettings): Promise<OpenedFiles> {
  try {
    return { name: 'blob', sources: [blobSource(await (await fetch(url, { signal })).blob())], warnings: [] };
  } catch (cause) {
    signal?.throwIfAborted();
    throw new ModelSourceError(`There is nothing at "${url}" any more. Make the object URL again.`, { cause });
  }
}

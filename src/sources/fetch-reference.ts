// Which fetcher serves which kind of reference, and what a fetched model is called in the cache.
import { createHash } from 'node:crypto';
import path from 'node:path';
import { ModelSourceError } from '../errors.ts';
import { storedFile } from './cache.ts';
import type { CacheEntry, StoredFile } from './cache.ts';
import { safeFileName } from './failures.ts';
import { sha256OfFile } from './files.ts';
import { shown } from './web/shown.ts';
import { fetchHub } from './hub/hub.ts';
import { findLocal } from './local.ts';
import { checkBytes } from './check-bytes.ts';
import type { Expected } from './check-bytes.ts';
import { fetchPip, pipFileName } from './pip/pip.ts';
import type { HubReference, PipReference, SourceReference, UrlReference } from './reference.ts';
import { goOnline } from './settings.ts';
import type { Settings } from './settings.ts';
import { fetchUrl, urlFileName } from './web/url.ts';

export type RemoteReference = UrlReference | HubReference | PipReference;

/** What a catalog entry promises and calls its file. */
export interface Promised extends Expected {
  readonly fileName: string;
}

/** Files of the model, verified. `dir` is its folder in the cache, which the caller has locked (unless offline). */
export async function fetchReference(
  reference: SourceReference, dir: string, promised: Promised | undefined, settings: Settings,
): Promise<Pick<CacheEntry, 'files' | 'licence'>> {
  const expected: Expected = { sha256: promised?.sha256, sizeBytes: promised?.sizeBytes };
  switch (reference.kind) {
    case 'hub':
      return await fetchHub(reference, expected, settings);
    case 'pip':
      refuseOffline(settings);
      return {
        files: [await fetchPip(reference, dir, promised?.fileName ?? pipFileName(reference), expected, settings)],
      };
    case 'url':
      refuseOffline(settings);
      return { files: await fetchUrl(reference, dir, expected, settings) };
    case 'path':
      return { files: [await checkedLocalFile(reference.path, expected, settings)] };
  }
}

function refuseOffline(settings: Settings): void {
  if (!settings.offline) return;
  throw new ModelSourceError(
    `It is not in the cache "${settings.cacheDir}" and downloads are off (offline). Fetch it once with ` +
      `\`clawdbot pull\` while online, or ${goOnline(settings)}.`,
  );
}

async function checkedLocalFile(given: string, expected: Expected, settings: Settings): Promise<StoredFile> {
  const [file] = await findLocal(given, settings.env);
  const stored = await storedFile(file, await sha256OfFile(file, settings.signal));
  checkBytes(file, { sha256: stored.sha256, sizeBytes: stored.bytes }, expected);
  return stored;
}

export interface ReferenceDescription extends Pick<CacheEntry, 'name' | 'reference' | 'format'> {
  /** The folder's name in the cache. */
  readonly key: string;
}

export function describeReference(reference: RemoteReference): ReferenceDescription {
  const text = referenceText(reference);
  const [kind, fileName] = reference.kind === 'url' ? ['url', reference.pick ?? urlFileName(reference.url)]
    : reference.kind === 'pip' ? ['pip', pipFileName(reference)]
      : ['hf', reference.file ?? [reference.repo.split('/')[1], reference.quant].filter(Boolean).join('-')];
  const name = path.posix.basename(fileName).replace(/\.gguf$/i, '');
  // Two addresses that differ in their query only are two models, though neither query is recorded.
  const identity = reference.kind === 'url' ? `${reference.url.href}#${reference.pick ?? ''}` : text;
  const hash = createHash('sha256').update(identity).digest('hex').slice(0, 12);
  return {
    key: `${kind}-${safeFileName(name).slice(0, 60)}-${hash}`,
    name,
    reference: text,
    format: /\.safetensors$/i.test(fileName) ? 'safetensors' : 'gguf',
  };
}

/** The reference as it can be given again; a URL without password and query. */
function referenceText(reference: RemoteReference): string {
  if (reference.kind === 'url') {
    return shown(reference.url) + (reference.pick === undefined ? '' : `#${reference.pick}`);
  }
  if (reference.kind === 'pip') {
    return `pip:${reference.parts.map((part) => `${part.package}==${part.version}#${part.path}`).join('+')}`;
  }
  const { repo, revision, file, quant } = reference;
  return `hf:${repo}${file ? `/${file}` : ''}${revision === 'main' ? '' : `@${revision}`}${quant ? `:${quant}` : ''}`;
}

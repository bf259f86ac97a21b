// From a model reference to the addresses of its files and what is promised of them, for runtimes that have nothing but fetch.
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { InvalidArgumentError, ModelSourceError, UnsupportedModelError } from '../../errors.ts';
import { canRun, defaultCatalog } from '../catalog.ts';
import type { CatalogModel } from '../catalog.ts';
import type { Expected } from '../check-bytes.ts';
import { safeFileName } from '../failures.ts';
import { nearest } from '../nearest.ts';
import { checkEscapes, parseReference, parseSource } from '../reference.ts';
import type { HubReference, ModelReference, SourceReference } from '../reference.ts';
import { siblings } from '../split-names.ts';
import { isLoopback } from '../web/loopback.ts';
import { shown } from '../web/shown.ts';
import { hubFiles } from './hub-files.ts';
import type { BrowserSettings } from './settings.ts';

export interface RemoteFile {
  readonly name: string;
  readonly url: URL;
  readonly expected: Expected;
}

export interface RemoteModel {
  /** Its folder's name in the cache. */
  readonly key: string;
  readonly name: string;
  /** As it can be given again. */
  readonly reference: string;
  readonly licence?: string;
  /** Where it can be had, tried in this order; asking for files may take the network. */
  readonly sources: readonly { readonly source: string; files(settings: BrowserSettings): Promise<readonly RemoteFile[]> }[];
}

/** Throws InvalidArgumentError, UnsupportedModelError or ModelSourceError for what no browser can fetch. */
export function locate(reference: string | URL, base: string | undefined): RemoteModel {
  const parsed = parseReference(reference, defaultCatalog(), noPath);
  if (parsed.kind === 'catalog') return fromCatalog(parsed.model);
  const { text, source } = located(parsed, base);
  const name = baseName(text).replace(/\.gguf$/i, '');
  const key = `${source.kind}-${safeFileName(name).slice(0, 60)}-${bytesToHex(sha256(new TextEncoder().encode(source.identity))).slice(0, 12)}`;
  return { key, name, reference: text, sources: [{ source: text, files: source.files }] };
}

function fromCatalog(model: CatalogModel): RemoteModel {
  if (!canRun(model)) {
    throw new UnsupportedModelError(`The model "${model.name}" is in the ${model.format} format, which this version cannot run.`);
  }
  const promised = { sha256: model.sha256, sizeBytes: model.sizeBytes };
  const sources = model.sources.map((text) => ({
    source: text,
    files: async (settings: BrowserSettings) => {
      const files = await located(parseSource(text, noPath), undefined).source.files(settings);
      return files.map((file) => ({ ...file, name: model.fileName, expected: promised }));
    },
  }));
  return { key: `${model.name}-${model.sha256.slice(0, 12)}`, name: model.name, reference: model.name, licence: model.licence, sources };
}

interface Located {
  readonly text: string;
  readonly source: { readonly kind: string; readonly identity: string; files(settings: BrowserSettings): Promise<readonly RemoteFile[]> };
}

function located(parsed: Exclude<ModelReference, { kind: 'catalog' }> | SourceReference, base: string | undefined): Located {
  if (parsed.kind === 'hub') {
    const text = hubText(parsed);
    return { text, source: { kind: 'hf', identity: text, files: (settings) => hubFiles(parsed, settings) } };
  }
  if (parsed.kind === 'pip') {
    const unable = new ModelSourceError('pip: references are fetched by pip, which no browser has. Give a URL or hf:user/repo.');
    return { text: 'pip:', source: { kind: 'pip', identity: 'pip', files: () => Promise.reject(unable) } };
  }
  const url = parsed.kind === 'url' ? parsed.url : pageUrl(parsed.path, base);
  if (parsed.kind === 'url' && parsed.pick !== undefined) {
    throw new ModelSourceError(`"${shown(url)}": archives are not unpacked in browsers. Give the address of a .gguf file.`);
  }
  checkProtection(url, base);
  return { text: shown(url), source: { kind: 'url', identity: url.href, files: async () => filesAt(url) } };
}

/** What is no reference of any kind is an address relative to the page. */
function pageUrl(path: string, base: string | undefined): URL {
  const names = defaultCatalog().models.filter(canRun).map(({ name }) => name);
  if (!/[/]|\.gguf(\?|$)/i.test(path) || !URL.canParse(path, base)) {
    const meant = nearest(path.toLowerCase(), names);
    throw new ModelSourceError(
      `There is no model "${path}": it is neither in the catalog (${names.join(', ')}) nor the address of a .gguf file. ` +
        (meant === undefined ? '' : `Did you mean ${meant}? `) + 'Give a name of the catalog, a URL, hf:user/repo, a File or bytes.',
    );
  }
  const url = new URL(path, base);
  checkEscapes(url);
  return url;
}

/** Unprotected addresses are for the page's own host and for this machine. */
function checkProtection(url: URL, base: string | undefined): void {
  if (url.protocol === 'https:') return;
  const isOwn = base !== undefined && URL.canParse(base) && new URL(base).origin === url.origin;
  if (url.protocol === 'http:' && (isOwn || isLoopback(url))) return;
  throw new ModelSourceError(`${shown(url)} is not protected. Use an https: address.`);
}

function filesAt(address: URL): RemoteFile[] {
  return siblings(address).map((url) => ({ name: safeFileName(decodeURIComponent(baseName(url.pathname))), url, expected: {} }));
}

function hubText({ repo, file, revision, quant }: HubReference): string {
  return `hf:${repo}${file ? `/${file}` : ''}${revision === 'main' ? '' : `@${revision}`}${quant ? `:${quant}` : ''}`;
}

const baseName = (text: string): string => text.slice(text.lastIndexOf('/') + 1);

function noPath(fileUrl: string): never {
  throw new InvalidArgumentError(`"${fileUrl}": a browser opens no files by address. Let the user choose it and give the File.`);
}

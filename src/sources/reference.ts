// Takes a model reference apart: catalog name, path, URL, hf: or pip:. Looks at nothing but the text.
import { InvalidArgumentError } from '../errors.ts';
import { shown } from './web/shown.ts';
import type { Catalog, CatalogModel } from './catalog.ts';

export interface HubReference {
  readonly kind: 'hub';
  readonly repo: string;
  readonly revision: string;
  readonly file?: string;
  readonly quant?: string;
}

/** One file of one wheel. */
export interface WheelPart {
  readonly package: string;
  readonly version: string;
  readonly path: string;
}

export interface PipReference {
  readonly kind: 'pip';
  /** Concatenated in this order. */
  readonly parts: readonly WheelPart[];
}

export interface UrlReference {
  readonly kind: 'url';
  readonly url: URL;
  /** Which file of an archive (the URL's fragment). */
  readonly pick?: string;
}

export interface PathReference {
  readonly kind: 'path';
  readonly path: string;
}

export type SourceReference = PathReference | UrlReference | HubReference | PipReference;
export type ModelReference = { readonly kind: 'catalog'; readonly model: CatalogModel } | SourceReference;

const REPO = /^[A-Za-z0-9][\w.-]{0,95}\/[A-Za-z0-9][\w.-]{0,95}$/;
const REVISION = /^\w[\w./-]{0,127}$/;
const QUANT = /^\w[\w.-]{0,31}$/;
/** PEP 503 names and PEP 440 versions, so that neither can be taken for an option or a URL. */
const PACKAGE = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?$/;
const VERSION = /^[0-9][0-9A-Za-z.!_+-]{0,63}$/;

/** The path of a file: URL; throws InvalidArgumentError where it has none. */
export type PathOf = (fileUrl: string) => string;

/** Throws InvalidArgumentError for text that has the form of no reference. */
export function parseReference(reference: string | URL, catalog: Catalog, pathOf: PathOf): ModelReference {
  const text = (typeof reference === 'string' ? reference : reference.href).trim();
  if (text === '') {
    throw new InvalidArgumentError('The model reference is empty. Give a catalog name, a path or a URL.');
  }
  if (text.length > 8192 || text.includes('\0')) {
    throw new InvalidArgumentError('The model reference is longer than 8192 characters or contains a zero byte.');
  }
  const model = catalog.models.find((entry) => entry.name === text);
  return model ? { kind: 'catalog', model } : parseSource(text, pathOf);
}

/** What a catalog's sources may be: any reference but a catalog name. */
export function parseSource(text: string, pathOf: PathOf): SourceReference {
  if (/^hf:/i.test(text)) return parseHub(text);
  if (/^pip:/i.test(text)) return parsePip(text);
  if (/^https?:/i.test(text)) return parseUrl(text);
  if (/^file:/i.test(text)) return { kind: 'path', path: pathOf(text) };
  const scheme = /^([a-z][a-z0-9+.-]+):\/\//i.exec(text);
  if (scheme) {
    throw new InvalidArgumentError(
      `"${text}": ${scheme[1]}: references are not known. Use https:, hf:, pip:, or a path.`,
    );
  }
  return { kind: 'path', path: text };
}

function parseHub(text: string): HubReference {
  const wrong = (why: string): InvalidArgumentError => new InvalidArgumentError(
    `"${text}": ${why}. Write hf:user/repo, hf:user/repo:Q4_K_M or hf:user/repo/path/file.gguf@revision.`,
  );
  let rest = text.slice(3).replace(/^\/\//, '');
  const at = rest.indexOf('@');
  const colon = rest.lastIndexOf(':');
  let quant: string | undefined;
  if (colon > 0) {
    quant = rest.slice(colon + 1);
    rest = rest.slice(0, colon);
    if (!QUANT.test(quant)) throw wrong(`"${quant}" is not the name of a quantization`);
  }
  const revision = at > 0 ? rest.slice(at + 1) : 'main';
  if (at > 0) rest = rest.slice(0, at);
  if (!REVISION.test(revision) || !isPlainPath(revision)) throw wrong(`"${revision}" is not a revision`);
  const segments = rest.split('/');
  const repo = segments.slice(0, 2).join('/');
  if (!REPO.test(repo) || repo.includes('--') || repo.includes('..')) throw wrong(`"${repo}" is not a repository`);
  if (segments.length === 2) return { kind: 'hub', repo, revision, quant };
  const file = segments.slice(2).join('/');
  if (quant !== undefined) throw wrong('a file and a quantization cannot be combined');
  if (!isPlainPath(file)) throw wrong(`"${file}" is not the path of a file`);
  return { kind: 'hub', repo, revision, file };
}

function parsePip(text: string): PipReference {
  const wrong = (why: string): InvalidArgumentError => new InvalidArgumentError(
    `"${text}": ${why}. Write pip:package==version#path/in/wheel, further parts after "+".`,
  );
  const parts: WheelPart[] = [];
  for (const piece of splitParts(text.slice(4))) {
    const hash = piece.indexOf('#');
    const previous = parts.at(-1);
    let [name, version] = [previous?.package, previous?.version];
    if (hash >= 0) {
      [name, version] = piece.slice(0, hash).split('==', 2);
      if (!PACKAGE.test(name)) throw wrong(`"${name}" is not the name of a package`);
      if (version === undefined || !VERSION.test(version)) throw wrong(`"${version ?? ''}" is not an exact version`);
    }
    if (name === undefined || version === undefined) throw wrong('it names no package and path');
    const path = decoded(piece.slice(hash + 1));
    if (path === undefined || !isPlainPath(path)) throw wrong(`"${piece.slice(hash + 1)}" is not a path in a wheel`);
    parts.push({ package: name, version, path });
  }
  return { kind: 'pip', parts };
}

/** A "+" before the first "#" belongs to a local version (1.0+cpu); after it, it joins parts. */
function splitParts(text: string): string[] {
  const hash = text.indexOf('#');
  if (hash < 0) return [text];
  const [first, ...others] = text.slice(hash + 1).split('+');
  return [text.slice(0, hash + 1) + first, ...others];
}

function parseUrl(text: string): UrlReference {
  if (!URL.canParse(text)) throw new InvalidArgumentError(`"${text}" is not a URL.`);
  const url = new URL(text);
  const pick = decoded(url.hash.slice(1));
  if (pick === undefined || (pick !== '' && !isPlainPath(pick))) {
    throw new InvalidArgumentError(
      `"${text}": what follows "#" names a file in an archive, and "${pick}" is no such path.`,
    );
  }
  checkEscapes(url);
  url.hash = '';
  return { kind: 'url', url, ...(pick === '' ? {} : { pick }) };
}

/** Throws InvalidArgumentError where a part of the address cannot be decoded. */
export function checkEscapes(url: URL): void {
  if ([url.pathname, url.username, url.password].every((part) => decoded(part) !== undefined)) return;
  throw new InvalidArgumentError(`"${shown(url)}" has a "%" that starts no escape; write %25 for the character.`);
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** Relative, with no empty, "." or ".." segments, no backslashes and no control characters. */
export function isPlainPath(path: string): boolean {
  return path.length <= 1024 && !/[\\\u0000-\u001f\u007f:*?"<>|]/.test(path) &&
    path.split('/').every((segment) => segment !== '' && segment !== '.' && segment !== '..');
}

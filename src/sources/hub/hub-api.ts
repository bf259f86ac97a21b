// What the Hugging Face hub is asked: which files a repository has, and what one file is.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { ModelSourceError } from '../../errors.ts';
import { failureCode } from '../failures.ts';
import { sendRequest } from '../web/http.ts';
import { limitedText } from '../web/limited-text.ts';
import { shown } from '../web/shown.ts';
import type { HttpAnswer } from '../web/http.ts';
import { isPlainPath } from '../reference.ts';
import type { HubReference } from '../reference.ts';
import { retried } from '../web/retry.ts';
import type { Environment, Settings } from '../settings.ts';
import { blobName, COMMIT, hubHome } from './hub-cache.ts';

export interface HubRepository {
  readonly commit: string | undefined;
  readonly files: readonly string[];
  readonly licence: string | undefined;
}

export interface HubFile {
  readonly url: URL;
  /** Its name among the blobs. */
  readonly blob: string;
  readonly commit: string | undefined;
  readonly sizeBytes: number | undefined;
  /** Known for files in large file storage, as model files are. */
  readonly sha256: string | undefined;
}

function hubEndpoint(env: Environment): URL {
  const text = env['HF_ENDPOINT'] || 'https://huggingface.co';
  if (!URL.canParse(text)) throw new ModelSourceError(`HF_ENDPOINT is "${text}", which is not a URL.`);
  const url = new URL(text);
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return url;
}

/** HF_TOKEN, else the token that a login left in HF_TOKEN_PATH or the hub's home. */
export async function hubToken(env: Environment): Promise<string | undefined> {
  const given = env['HF_TOKEN'] || env['HUGGING_FACE_HUB_TOKEN'];
  const token = (given ?? await tokenFile(env))?.trim();
  if (!token) return undefined;
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw new ModelSourceError('The Hugging Face token contains characters that no token has. Check HF_TOKEN.');
}

async function tokenFile(env: Environment): Promise<string | undefined> {
  try {
    return await readFile(env['HF_TOKEN_PATH'] || path.join(hubHome(env), 'token'), 'utf8');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EACCES'].includes(failureCode(error) ?? '')) return undefined;
    throw error;
  }
}

interface RepositoryRecord {
  readonly sha?: unknown;
  readonly siblings?: unknown;
  readonly cardData?: { readonly license?: unknown };
}

/** The files of a revision. Asks the revision's own record, then (older mirrors) the tree. */
export async function repositoryFiles(
  { repo, revision }: HubReference, token: string | undefined, settings: Settings,
): Promise<HubRepository> {
  const base = hubEndpoint(settings.env);
  const name = encodeURIComponent(revision);
  const record = await json(new URL(`api/models/${repo}/revision/${name}`, base), token, settings, true)
    ?? (revision === 'main' ? await json(new URL(`api/models/${repo}`, base), token, settings, true) : undefined);
  const { sha, siblings, cardData } = (record ?? {}) as RepositoryRecord;
  const commit = typeof sha === 'string' && COMMIT.test(sha) ? sha : undefined;
  const licence = typeof cardData?.license === 'string' ? cardData.license.slice(0, 100) : undefined;
  const listed = pathsIn(siblings, 'rfilename');
  if (listed.length > 0) return { commit, files: listed, licence };
  const treeUrl = new URL(`api/models/${repo}/tree/${name}?recursive=1`, base);
  const tree = await json(treeUrl, token, settings, record !== undefined);
  return { commit, files: pathsIn(tree, 'path'), licence };
}

function pathsIn(list: unknown, key: 'rfilename' | 'path'): string[] {
  if (!Array.isArray(list)) return [];
  return list.map((item: unknown) => (item as Record<string, unknown> | null)?.[key])
    .filter((name): name is string => typeof name === 'string' && isPlainPath(name));
}

async function json(url: URL, token: string | undefined, settings: Settings, mayBeMissing: boolean): Promise<unknown> {
  return await retried(settings, async () => {
    const accept = mayBeMissing ? [404] : [];
    const { response } = await sendRequest({ url, token, accept, headers: { accept: 'application/json' } }, settings);
    if (!response.ok) {
      await response.body?.cancel();
      return undefined;
    }
    const text = await limitedText(response, url);
    try {
      return JSON.parse(text) as unknown;
    } catch (cause) {
      throw new ModelSourceError(`${shown(url)} does not answer in JSON. Check HF_ENDPOINT.`, { cause });
    }
  });
}

/** Name, size and hash of a file. Its bytes may lie elsewhere: what the hub itself says comes before the redirect. */
export async function fileFacts(
  { repo, revision }: HubReference, file: string, token: string | undefined, settings: Settings,
): Promise<HubFile> {
  const at = `${repo}/resolve/${encodeURIComponent(revision)}/${file.split('/').map(encodeURIComponent).join('/')}`;
  const url = new URL(at, hubEndpoint(settings.env));
  const answer = await retried(settings, () =>
    sendRequest({ url, method: 'HEAD', token, sameOriginOnly: true }, settings));
  const etag = header(answer, 'x-linked-etag') ?? header(answer, 'etag');
  if (etag === undefined) throw new ModelSourceError(`${shown(url)} answers without an etag. Check HF_ENDPOINT.`);
  const blob = blobName(etag);
  const size = header(answer, 'x-linked-size') ?? answer.response.headers.get('content-length') ?? '';
  const commit = header(answer, 'x-repo-commit');
  const isRedirect = answer.response.status >= 300;
  const sizeIsKnown = /^\d{1,15}$/.test(size) && (!isRedirect || header(answer, 'x-linked-size') !== undefined);
  return {
    url,
    blob,
    commit: commit !== undefined && COMMIT.test(commit) ? commit : undefined,
    sizeBytes: sizeIsKnown ? Number(size) : undefined,
    sha256: /^[0-9a-f]{64}$/.test(blob) ? blob : undefined,
  };
}

/** A header of the first hop that has it: later hops are storage, not the hub. */
function header(answer: HttpAnswer, name: string): string | undefined {
  return answer.hops.map((headers) => headers.get(name)).find((value) => value !== null) ?? undefined;
}

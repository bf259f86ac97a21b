// The hf: source: chooses a repository's model, fetches it into the hub's own cache, and finds it there when offline.
import { mkdir, realpath, rm } from 'node:fs/promises';
import path from 'node:path';
import { IntegrityError, ModelSourceError } from '../../errors.ts';
import { storedFile } from '../cache.ts';
import type { StoredFile } from '../cache.ts';
import { download } from '../web/download.ts';
import { StatusError } from '../web/http.ts';
import { acquireLock } from '../lock.ts';
import { isAbort, isStorageFailure, storageFailure } from '../failures.ts';
import { sha256OfFile, sizeOf } from '../files.ts';
import type { Expected } from '../check-bytes.ts';
import type { ReportProgress } from '../progress.ts';
import type { HubReference } from '../reference.ts';
import { goOnline, isOn } from '../settings.ts';
import type { Settings } from '../settings.ts';
import { chooseFiles, partPaths } from './choose-files.ts';
import { fileFacts, hubToken, repositoryFiles } from './hub-api.ts';
import type { HubFile } from './hub-api.ts';
import { cachedCommit, linkIntoSnapshot, repoDir, snapshotFile, snapshotFiles, writeRef } from './hub-cache.ts';

const SHA256 = /^[0-9a-f]{64}$/;

export interface HubModel {
  readonly files: readonly StoredFile[];
  readonly licence?: string;
}

export function hubIsOffline(settings: Settings): boolean {
  return settings.offline || isOn(settings.env['HF_HUB_OFFLINE']);
}

/** What the hub's cache has of the model, or undefined; asks nobody. */
export async function findInHubCache(
  reference: HubReference, expected: Expected, settings: Settings,
): Promise<HubModel | undefined> {
  const repo = repoDir(settings.env, reference.repo);
  const commit = await cachedCommit(repo, reference.revision);
  if (commit === undefined) return undefined;
  const present = await snapshotFiles(repo, commit);
  const wanted = reference.file !== undefined ? partPaths(reference.file) : present.length === 0 ? []
    : chosenOrNone(reference, present);
  if (wanted.length === 0 || wanted.some((file) => !present.includes(file))) return undefined;
  const files: StoredFile[] = [];
  for (const file of wanted) {
    const stored = await intact(snapshotFile(repo, commit, file), wanted.length === 1 ? expected : {}, settings);
    if (!stored) return undefined;
    files.push(stored);
  }
  return { files };
}

function chosenOrNone(reference: HubReference, present: readonly string[]): string[] {
  try {
    return chooseFiles(reference.repo, present, reference.quant);
  } catch (error) {
    if (error instanceof ModelSourceError) return [];
    throw error;
  }
}

/** A file of a snapshot, or undefined where it is not what its blob's name or the caller says it is. */
async function intact(file: string, expected: Expected, settings: Settings): Promise<StoredFile | undefined> {
  const totalBytes = await sizeOf(file);
  if (expected.sizeBytes !== undefined && totalBytes !== expected.sizeBytes) return undefined;
  const blob = path.basename(await realpath(file));
  const promised = expected.sha256 ?? (SHA256.test(blob) ? blob : undefined);
  const sha256 = await sha256OfFile(file, settings.signal, (loadedBytes) => settings.report({
    phase: 'verify', file: path.basename(file), loadedBytes, totalBytes,
  }));
  return promised === undefined || sha256 === promised ? await storedFile(file, sha256) : undefined;
}

/**
 * The model from the hub; what its cache has is not fetched again. Where the hub cannot be reached but the cache has
 * the model, that serves.
 */
export async function fetchHub(reference: HubReference, expected: Expected, settings: Settings): Promise<HubModel> {
  if (hubIsOffline(settings)) {
    const found = await findInHubCache(reference, expected, settings);
    if (found) return found;
    const how = settings.offline ? goOnline(settings) : 'unset HF_HUB_OFFLINE';
    throw new ModelSourceError(
      `hf:${reference.repo} is not in the hub's cache and downloads are off (offline). ` +
        `Fetch it once with \`clawdbot pull\` while online, or ${how}.`,
    );
  }
  try {
    return await fetchOnline(reference, expected, settings);
  } catch (error) {
    if (isAbort(error, settings.signal) || isStorageFailure(error) || !(error instanceof ModelSourceError)) throw error;
    const found = await findInHubCache(reference, expected, settings);
    if (found) return found;
    throw new ModelSourceError(hubAdvice(error), { cause: error });
  }
}

function hubAdvice(error: ModelSourceError): string {
  if (error instanceof StatusError && [404, 410].includes(error.status)) {
    return `${error.said}. Check the spelling; a private model needs HF_TOKEN.`;
  }
  if (error instanceof StatusError && [401, 403].includes(error.status)) {
    return `${error.said}. It needs permission: accept its terms on its page and set HF_TOKEN.`;
  }
  return `${error.message} If the hub is not reachable from here, set HF_ENDPOINT to a mirror or use another source.`;
}

async function fetchOnline(reference: HubReference, expected: Expected, settings: Settings): Promise<HubModel> {
  const { repo, file, quant } = reference;
  const token = await hubToken(settings.env);
  settings.report({ phase: 'resolve', file: repo, loadedBytes: 0 });
  const listed = file === undefined ? await repositoryFiles(reference, token, settings) : undefined;
  const names = file !== undefined ? partPaths(file) : chooseFiles(repo, listed!.files, quant);
  // Every part comes from one commit, also when the branch moves between two requests.
  let revision = listed?.commit ?? reference.revision;
  const files: StoredFile[] = [];
  for (const name of names) {
    const facts = await fileFacts({ ...reference, revision }, name, token, settings);
    revision = facts.commit ?? revision;
    const commit = facts.commit ?? listed?.commit;
    if (commit === undefined) {
      throw new ModelSourceError(`${facts.url.host} does not say which commit ${repo} is at. Check HF_ENDPOINT.`);
    }
    const whole = names.length === 1 ? expected : {};
    files.push(await fetchFile(reference, name, commit, facts, whole, token, settings));
    await writeRef(repoDir(settings.env, repo), reference.revision, commit);
  }
  return { files, ...(listed?.licence ? { licence: listed.licence } : {}) };
}

async function fetchFile(
  reference: HubReference, name: string, commit: string, facts: HubFile, expected: Expected,
  token: string | undefined, settings: Settings,
): Promise<StoredFile> {
  const repo = repoDir(settings.env, reference.repo);
  const blob = path.join(repo, 'blobs', facts.blob);
  const pointer = snapshotFile(repo, commit, name);
  const promised: Expected = {
    sha256: expected.sha256 ?? facts.sha256, sizeBytes: expected.sizeBytes ?? facts.sizeBytes,
  };
  if (expected.sha256 !== undefined && facts.sha256 !== undefined && facts.sha256 !== expected.sha256) {
    throw new IntegrityError(`${reference.repo} has another ${name} (sha256 ${facts.sha256}) than was asked for.`);
  }
  // Two references may mean the same blob; each has the lock of its own model only.
  const lock = await acquireLock(settings.cacheDir, `blob-${facts.blob}`, settings);
  try {
    const report: ReportProgress = (progress) => {
      lock.note(progress);
      settings.report(progress);
    };
    return await fetchBlob({ blob, pointer, name, facts, promised, token }, { ...settings, report });
  } finally {
    await lock.release();
  }
}

interface WantedBlob {
  readonly blob: string;
  readonly pointer: string;
  readonly name: string;
  readonly facts: HubFile;
  readonly promised: Expected;
  readonly token: string | undefined;
}

async function fetchBlob(
  { blob, pointer, name, facts, promised, token }: WantedBlob, settings: Settings,
): Promise<StoredFile> {
  const present = await sizeOf(blob);
  if (present !== undefined && (facts.sizeBytes === undefined || present === facts.sizeBytes)) {
    await linkIntoSnapshot(blob, pointer);
    const stored = await intact(pointer, promised, settings);
    if (stored) return stored;
  }
  await mkdir(path.dirname(blob), { recursive: true }).catch((error: unknown) => {
    throw storageFailure(error, blob);
  });
  await rm(blob, { force: true });
  const { sha256 } = await download({
    url: facts.url,
    token,
    target: blob,
    partial: `${blob}.incomplete`,
    expected: promised,
    label: path.posix.basename(name),
    refuse: (kind) =>
      (/\.gguf$/i.test(name) && kind !== 'gguf' ? 'does not send a GGUF file. Check HF_ENDPOINT.' : undefined),
  }, settings);
  await linkIntoSnapshot(blob, pointer);
  return await storedFile(pointer, sha256);
}

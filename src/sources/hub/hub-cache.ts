// The Hugging Face hub's own cache: models--user--repo/{blobs, refs, snapshots}, shared with every tool that knows it.
import {
  copyFile, link, lstat, mkdir, readFile, readdir, readlink, realpath, rename, rm, stat, symlink, writeFile,
} from 'node:fs/promises';
import path from 'node:path';
import { ModelSourceError } from '../../errors.ts';
import { failureCode, storageFailure } from '../failures.ts';
import { expandHome, homeDir } from '../settings.ts';
import type { Environment } from '../settings.ts';

export const COMMIT = /^[0-9a-f]{40}$/;
const DEEPEST_FOLDER = 8;

/** HF_HUB_CACHE, else HF_HOME/hub, else the hub folder in the user's cache. */
export function hubCacheDir(env: Environment): string {
  const direct = env['HF_HUB_CACHE'] || env['HUGGINGFACE_HUB_CACHE'];
  if (direct) return path.resolve(expandHome(direct, env));
  return path.resolve(path.join(hubHome(env), 'hub'));
}

export function hubHome(env: Environment): string {
  if (env['HF_HOME']) return expandHome(env['HF_HOME'], env);
  return path.join(env['XDG_CACHE_HOME'] || path.join(homeDir(env), '.cache'), 'huggingface');
}

export function repoDir(env: Environment, repo: string): string {
  return path.join(hubCacheDir(env), `models--${repo.replaceAll('/', '--')}`);
}

/** The commit that a revision meant when it was last asked for, or undefined. */
export async function cachedCommit(repo: string, revision: string): Promise<string | undefined> {
  if (COMMIT.test(revision)) return revision;
  try {
    const commit = (await readFile(path.join(repo, 'refs', ...revision.split('/')), 'utf8')).trim();
    return COMMIT.test(commit) ? commit : undefined;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EISDIR'].includes(failureCode(error) ?? '')) return undefined;
    throw error;
  }
}

export function snapshotFile(repo: string, commit: string, file: string): string {
  return path.join(repo, 'snapshots', commit, ...file.split('/'));
}

/** Paths, relative to the snapshot, of all its files that are really there. */
export async function snapshotFiles(repo: string, commit: string): Promise<string[]> {
  const root = path.join(repo, 'snapshots', commit);
  const found: string[] = [];
  const walk = async (dir: string, depth: number): Promise<void> => {
    const entries = await readdir(dir, { withFileTypes: true }).catch((error: unknown) => {
      if (failureCode(error) === 'ENOENT') return [];
      throw error;
    });
    for (const entry of entries) {
      const full = path.join(dir, entry.name);
      if (entry.isDirectory() && depth < DEEPEST_FOLDER) await walk(full, depth + 1);
      else if (!entry.isDirectory() && (await isFile(full))) found.push(path.relative(root, full));
    }
  };
  await walk(root, 0);
  return found.map((file) => file.replaceAll(path.sep, '/')).sort();
}

export async function writeRef(repo: string, revision: string, commit: string): Promise<void> {
  if (COMMIT.test(revision)) return;
  const file = path.join(repo, 'refs', ...revision.split('/'));
  const temporary = `${file}.${process.pid}`;
  try {
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(temporary, commit);
    await rename(temporary, file);
  } catch (error) {
    throw storageFailure(error, file);
  }
}

/** Makes a blob appear in a snapshot: by a relative symbolic link, a hard link, or (where neither works) a copy. */
export async function linkIntoSnapshot(blob: string, pointer: string): Promise<void> {
  try {
    await mkdir(path.dirname(pointer), { recursive: true });
    const temporary = `${pointer}.${process.pid}`;
    await rm(temporary, { force: true });
    await symlink(path.relative(path.dirname(pointer), blob), temporary)
      .catch(() => link(blob, temporary))
      .catch(() => copyFile(blob, temporary));
    await rename(temporary, pointer);
  } catch (error) {
    throw storageFailure(error, pointer);
  }
}

/** Deletes a snapshot's file, and its blob where no other snapshot points at it. Other files are left alone. */
export async function removeFromHubCache(pointer: string): Promise<void> {
  const repo = repoOf(pointer);
  if (repo === undefined) return;
  const isLink = (await lstat(pointer).catch(() => undefined))?.isSymbolicLink() ?? false;
  const blob = isLink ? path.resolve(path.dirname(pointer), await readlink(pointer)) : undefined;
  await rm(pointer, { force: true });
  if (!blob || path.dirname(blob) !== path.join(repo, 'blobs')) return;
  for (const commit of await readdir(path.join(repo, 'snapshots'))) {
    for (const file of await snapshotFiles(repo, commit)) {
      if ((await realpath(snapshotFile(repo, commit, file))) === (await realpath(blob).catch(() => blob))) return;
    }
  }
  await rm(blob, { force: true });
}

function repoOf(pointer: string): string | undefined {
  const segments = pointer.split(path.sep);
  const at = segments.lastIndexOf('snapshots');
  return at > 0 && segments[at - 1].startsWith('models--') ? segments.slice(0, at).join(path.sep) : undefined;
}

/** A blob's name from an etag header. Throws ModelSourceError for one that is no plain name. */
export function blobName(etag: string): string {
  const name = etag.replace(/^W\//, '').replace(/^"(.*)"$/, '$1');
  if (/^[\w-]{8,128}$/.test(name)) return name;
  throw new ModelSourceError(`The hub gives a file the etag ${etag.slice(0, 80)}, which cannot be a name.`);
}

async function isFile(file: string): Promise<boolean> {
  try {
    return (await stat(file)).isFile();
  } catch (error) {
    // A link whose blob was deleted is no file.
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(failureCode(error) ?? '')) return false;
    throw error;
  }
}

// The https: source: a GGUF file, all parts of a split one, or an archive that holds a model.
import { open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { extractModel } from '../archive/extract.ts';
import { storedFile } from '../cache.ts';
import type { StoredFile } from '../cache.ts';
import { download } from './download.ts';
import { safeFileName } from '../failures.ts';
import { kindOfBytes } from '../first-bytes.ts';
import { shown } from './shown.ts';
import { LandedParts } from '../landed-parts.ts';
import { checkBytes } from '../check-bytes.ts';
import type { Expected } from '../check-bytes.ts';
import type { UrlReference } from '../reference.ts';
import type { Settings } from '../settings.ts';
import { siblings } from '../split-names.ts';

/** Fetches into `dir`, which the caller has locked. `expected` is for a model in one file. */
export async function fetchUrl(
  reference: UrlReference, dir: string, expected: Expected, settings: Settings,
): Promise<StoredFile[]> {
  const urls = siblings(reference.url);
  if (urls.length === 1) return await fetchOne(reference, dir, expected, settings);
  const files: StoredFile[] = [];
  const landed = new LandedParts(dir);
  for (const url of urls) {
    const target = path.join(dir, urlFileName(url));
    const known = await landed.find(target);
    const part = known ?? (await fetchOne({ ...reference, url }, dir, {}, settings))[0];
    if (!known) await landed.note(part);
    files.push(part);
  }
  await landed.forget();
  return files;
}

export function urlFileName(url: URL): string {
  return safeFileName(decodeURIComponent(path.posix.basename(url.pathname)) || url.hostname);
}

async function fetchOne(
  reference: UrlReference, dir: string, expected: Expected, settings: Settings,
): Promise<StoredFile[]> {
  const name = urlFileName(reference.url);
  const isArchive = /\.(tar\.gz|tgz|zip)$/i.test(name);
  const target = path.join(dir, name);
  const { sha256 } = await download({
    url: reference.url, target, expected: isArchive ? {} : expected, refuse: complaint,
  }, settings);
  const kind = await kindOfFile(target);
  if (kind !== 'zip' && kind !== 'gzip') return [await storedFile(target, sha256)];
  const archive = `${target}.archive`;
  await rename(target, archive);
  try {
    const name = shown(reference.url);
    const files = await extractModel({ archive, kind, name, dir, pick: reference.pick }, settings);
    if (files.length === 1) await checkUnpacked(files[0], expected);
    return files;
  } finally {
    await rm(archive, { force: true });
  }
}

async function checkUnpacked(file: StoredFile, expected: Expected): Promise<void> {
  try {
    checkBytes(path.basename(file.path), { sha256: file.sha256, sizeBytes: file.bytes }, expected);
  } catch (error) {
    await rm(file.path, { force: true });
    throw error;
  }
}

function complaint(kind: ReturnType<typeof kindOfBytes>): string | undefined {
  if (kind === 'html') return 'sends a web page, not a model. Use the address of the file itself.';
  if (kind === 'unknown') return 'sends neither a GGUF file nor a zip or tar.gz archive. Check the URL.';
  return undefined;
}

async function kindOfFile(file: string): Promise<ReturnType<typeof kindOfBytes>> {
  const handle = await open(file, 'r');
  try {
    const start = new Uint8Array(64);
    const { bytesRead } = await handle.read(start, 0, start.length, 0);
    return kindOfBytes(start.subarray(0, bytesRead));
  } finally {
    await handle.close();
  }
}

// Takes the model out of an archive. Names in the archive choose files; they never become paths on this disk.
import { createReadStream } from 'node:fs';
import { open, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { createGunzip } from 'node:zlib';
import { IntegrityError, ModelSourceError } from '../../errors.ts';
import { storedFile } from '../cache.ts';
import type { StoredFile } from '../cache.ts';
import { safeFileName, storageFailure } from '../failures.ts';
import { checkFreeSpace } from '../files.ts';
import { kindOfBytes } from '../first-bytes.ts';
import { PartialFile } from '../partial-file.ts';
import { isPlainPath } from '../reference.ts';
import type { Settings } from '../settings.ts';
import { NOT_A_MODEL, allParts } from '../split-names.ts';
import { crc32 } from './crc32.ts';
import { readTar } from './tar.ts';
import { ZipFile } from './zip.ts';

/** Model weights hardly compress; what grows more than this is made to fill a disk. */
const MOST_GROWTH = 64;
const SMALL_BYTES = 64 * 2 ** 20;

export interface ArchiveRequest {
  readonly archive: string;
  readonly kind: 'zip' | 'gzip';
  /** What to call it in messages. */
  readonly name: string;
  /** Where the model's files go. */
  readonly dir: string;
  /** Which file, where there are several. */
  readonly pick?: string;
}

/** The model's parts in order. Throws ModelSourceError where the archive is hostile or holds no, or several, models. */
export async function extractModel(request: ArchiveRequest, settings: Settings): Promise<StoredFile[]> {
  const { size } = await stat(request.archive);
  const limit = Math.min(settings.maxExtractedBytes, Math.max(SMALL_BYTES, size * MOST_GROWTH));
  const landed = new Map<string, StoredFile>();
  try {
    if (request.kind === 'zip') await fromZip(request, limit, landed, settings);
    else await fromTar(request, limit, landed, size, settings);
    return inOrder(request, landed);
  } catch (error) {
    for (const file of landed.values()) await rm(file.path, { force: true });
    throw storageFailure(error, request.dir);
  }
}

async function fromZip(
  request: ArchiveRequest, limit: number, landed: Map<string, StoredFile>, settings: Settings,
): Promise<void> {
  const handle = await open(request.archive, 'r');
  try {
    const zip = await ZipFile.read(request.name, handle);
    for (const entry of zip.entries) checkName(request, entry.name);
    const wanted = zip.entries.filter(({ name }) => isWanted(request, name));
    const totalBytes = wanted.reduce((sum, entry) => sum + entry.bytes, 0);
    checkLimit(request, totalBytes, limit);
    checkCount(request, wanted.map(({ name }) => name));
    await checkFreeSpace(request.dir, totalBytes);
    let doneBytes = 0;
    for (const entry of wanted) {
      let crc = 0;
      const checked = async function* (): AsyncGenerator<Uint8Array> {
        for await (const chunk of zip.open(entry)) {
          crc = crc32(chunk, crc);
          yield chunk;
        }
        if (crc === entry.crc32) return;
        throw new IntegrityError(`"${entry.name}" in "${request.name}" is damaged. Get it again.`);
      };
      await land(request, entry.name, checked(), landed, settings, (bytes) => settings.report({
        phase: 'extract', file: path.posix.basename(entry.name), loadedBytes: doneBytes + bytes, totalBytes,
      }));
      doneBytes += entry.bytes;
    }
  } finally {
    await handle.close();
  }
}

async function fromTar(
  request: ArchiveRequest, limit: number, landed: Map<string, StoredFile>, archiveBytes: number, settings: Settings,
): Promise<void> {
  const raw = createReadStream(request.archive, { highWaterMark: 2 ** 19 });
  const gunzip = createGunzip({ chunkSize: 2 ** 19 });
  raw.on('error', (error) => gunzip.destroy(error));
  const progress = (file: string): void => settings.report({
    phase: 'extract', file, loadedBytes: raw.bytesRead, totalBytes: archiveBytes,
  });
  try {
    for await (const entry of readTar(request.name, limited(request, raw.pipe(gunzip), limit, settings))) {
      checkName(request, entry.name);
      if (!entry.isFile || !isWanted(request, entry.name)) continue;
      checkCount(request, [...landed.keys(), entry.name]);
      await checkFreeSpace(request.dir, entry.bytes);
      await land(request, entry.name, entry.content, landed, settings, () => progress(path.posix.basename(entry.name)));
    }
  } catch (cause) {
    if (!/^Z_/.test(String((cause as NodeJS.ErrnoException).code))) throw cause;
    throw new ModelSourceError(`The archive "${request.name}" does not unpack. Get it again.`, { cause });
  } finally {
    raw.destroy();
    gunzip.destroy();
  }
}

async function* limited(
  request: ArchiveRequest, stream: AsyncIterable<Uint8Array>, limit: number, settings: Settings,
): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of stream) {
    settings.signal?.throwIfAborted();
    bytes += chunk.length;
    checkLimit(request, bytes, limit);
    yield chunk;
  }
}

/** Writes one file and notes it under its name in the archive. */
async function land(
  request: ArchiveRequest, name: string, content: AsyncIterable<Uint8Array>, landed: Map<string, StoredFile>,
  settings: Settings, onBytes: (bytes: number) => void,
): Promise<void> {
  const target = path.join(request.dir, safeFileName(name));
  if ([...landed.values()].some((file) => file.path === target)) {
    throw new ModelSourceError(`The archive "${request.name}" holds "${path.basename(target)}" twice.`);
  }
  const partial = await PartialFile.open(`${target}.partial`);
  let isLanding = false;
  try {
    await partial.restart();
    for await (const chunk of content) {
      settings.signal?.throwIfAborted();
      await partial.write(chunk);
      onBytes(partial.bytes);
    }
    isLanding = true;
    const sha256 = await partial.land(target, {});
    const file = await storedFile(target, sha256);
    landed.set(name, file);
    await refuseForeign(request, name, target);
  } finally {
    if (!isLanding) {
      await partial.close();
      await rm(partial.path, { force: true });
    }
  }
}

async function refuseForeign(request: ArchiveRequest, name: string, target: string): Promise<void> {
  const handle = await open(target, 'r');
  try {
    const start = new Uint8Array(64);
    const { bytesRead } = await handle.read(start, 0, start.length, 0);
    if (kindOfBytes(start.subarray(0, bytesRead)) === 'gguf') return;
  } finally {
    await handle.close();
  }
  throw new ModelSourceError(`"${name}" in "${request.name}" does not begin like a GGUF file.`);
}

const baseName = (name: string): string => name.slice(name.lastIndexOf('/') + 1);

function isWanted(request: ArchiveRequest, name: string): boolean {
  const plain = name.replace(/^\.\//, '');
  if (request.pick !== undefined) return allPartPaths(request.pick).includes(plain);
  return /\.gguf$/i.test(plain) && !NOT_A_MODEL.test(baseName(plain));
}

function allPartPaths(file: string): string[] {
  const folder = file.slice(0, file.length - baseName(file).length);
  return allParts(baseName(file)).map((part) => folder + part);
}

/** An archive that tries to leave its folder is not a mistake; nothing of it is used. */
function checkName(request: ArchiveRequest, name: string): void {
  const plain = name.replace(/^\.\//, '').replace(/\/$/, '');
  if (plain === '' || plain === '.') return;
  if (!isPlainPath(plain.replace(/[:*?"<>|]/g, '_')) || /^[A-Za-z]:/.test(plain)) {
    throw new ModelSourceError(
      `The archive "${request.name}" holds a file named ${JSON.stringify(name.slice(0, 200))}, which points outside ` +
        'of it. Nothing of it is used; do not trust its source.',
    );
  }
}

function checkLimit(request: ArchiveRequest, bytes: number, limit: number): void {
  if (bytes <= limit) return;
  throw new ModelSourceError(
    `The archive "${request.name}" unpacks to more than ${limit} bytes, which no model of its size does. ` +
      'If it is genuine, unpack it yourself and give the path of the .gguf file.',
  );
}

function checkCount(request: ArchiveRequest, names: readonly string[]): void {
  const models = new Set(names.map((name) => allPartPaths(name)[0]));
  if (models.size <= 1) return;
  throw new ModelSourceError(
    `The archive "${request.name}" holds several models: ${[...models].slice(0, 8).join(', ')}. ` +
      'Name one after "#" at the end of the URL.',
  );
}

function inOrder(request: ArchiveRequest, landed: ReadonlyMap<string, StoredFile>): StoredFile[] {
  const first = [...landed.keys()][0];
  if (first === undefined) {
    const what = request.pick === undefined ? 'no .gguf file' : `no file "${request.pick}"`;
    throw new ModelSourceError(`The archive "${request.name}" holds ${what}.`);
  }
  return allPartPaths(first).map((name) => {
    const file = landed.get(name);
    if (!file) throw new ModelSourceError(`The archive "${request.name}" lacks "${name}", a part of its model.`);
    return file;
  });
}

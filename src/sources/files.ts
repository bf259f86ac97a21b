// Questions about local files and folders: sizes, hashes, free space.
import { createHash } from 'node:crypto';
import { mkdir, open, stat, statfs } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { diskFull, failureCode, isNotGranted, storageFailure } from './failures.ts';

const CHUNK_BYTES = 2 ** 20;

export async function makeDir(dir: string): Promise<void> {
  try {
    await mkdir(dir, { recursive: true });
  } catch (error) {
    throw storageFailure(error, dir);
  }
}

export async function sha256OfFile(
  file: string, signal?: AbortSignal, onBytes?: (bytes: number) => void,
): Promise<string> {
  const hash = createHash('sha256');
  const handle = await open(file, 'r');
  try {
    let bytes = 0;
    await eachChunk(handle, signal, (chunk) => {
      hash.update(chunk);
      bytes += chunk.length;
      onBytes?.(bytes);
    });
  } finally {
    await handle.close();
  }
  return hash.digest('hex');
}

/** Visits a file in order; the chunk is only valid during the visit. */
export async function eachChunk(
  handle: FileHandle, signal: AbortSignal | undefined, visit: (chunk: Uint8Array) => void,
): Promise<void> {
  const buffer = new Uint8Array(CHUNK_BYTES);
  for (let position = 0; ;) {
    signal?.throwIfAborted();
    const { bytesRead } = await handle.read(buffer, 0, CHUNK_BYTES, position);
    if (bytesRead === 0) return;
    visit(buffer.subarray(0, bytesRead));
    position += bytesRead;
  }
}

/** Throws ModelSourceError where the disk of `dir` has no room for `bytes` more. */
export async function checkFreeSpace(dir: string, bytes: number): Promise<void> {
  const room = await statfs(dir).catch((error: unknown) => {
    // Unknown then, until the disk is full.
    if (isNotGranted(error)) return undefined;
    throw error;
  });
  if (room && room.bavail * room.bsize < bytes) throw diskFull(dir, bytes, room.bavail * room.bsize);
}

/** The size of a file, or undefined where there is none. */
export async function sizeOf(file: string): Promise<number | undefined> {
  try {
    const stats = await stat(file);
    return stats.isFile() ? stats.size : undefined;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(failureCode(error) ?? '')) return undefined;
    throw error;
  }
}

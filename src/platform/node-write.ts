// Writes a whole file or nothing, for Node and the runtimes that speak its file API.
import { randomBytes } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';

/**
 * Writes `parts` beside `path` and renames: whoever reads sees the file from before or all of the new one, also after a crash.
 * Each part is written before the next is asked for. Rejects with the file system's error, or the signal's reason.
 */
export async function writeFileWhole(path: string, parts: Iterable<Uint8Array>, signal?: AbortSignal): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    const file = await open(temporary, 'wx');
    try {
      for (const part of parts) {
        signal?.throwIfAborted();
        for (let done = 0; done < part.length;) done += (await file.write(part, done)).bytesWritten;
      }
      await file.datasync();
    } finally {
      await file.close();
    }
    signal?.throwIfAborted();
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    // Whoever asked knows nothing of another file.
    if (error instanceof Error && error.message.includes(temporary)) error.message = error.message.replaceAll(temporary, path);
    throw error;
  }
}

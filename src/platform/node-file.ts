// A ByteSource over a local file, for Node and the runtimes that speak its file API (Deno, Bun).
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { ModelSourceError } from '../errors.ts';
import type { ByteSource } from '../gguf/byte-source.ts';
import { checkRange } from '../gguf/memory-source.ts';

/** A read call moves at most this much, so that an abort is noticed in time (one call may not pass 2 GiB at all). */
const READ_BYTES = 16 * 2 ** 20;

/** Opens a file whose bytes are read straight into the view that asks for them, shared memory included. */
export async function openFile(path: string): Promise<ByteSource> {
  const file = await openForReading(path);
  const size = await sizeOfFile(file, path);
  return {
    name: path,
    size,
    async read(offset, target, signal) {
      checkRange(path, offset, target.length, size);
      for (let done = 0; done < target.length;) {
        signal?.throwIfAborted();
        const { bytesRead } = await file.read(target, done, Math.min(READ_BYTES, target.length - done), offset + done);
        if (bytesRead === 0) throw new ModelSourceError(`"${path}" became shorter while it was read. Load it again.`);
        done += bytesRead;
      }
    },
    close: () => file.close(),
  };
}

/** All of them open or, where one cannot be opened, none. */
export async function openFiles(paths: readonly string[]): Promise<ByteSource[]> {
  const results = await Promise.allSettled(paths.map(openFile));
  const opened = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const failed = results.find((result) => result.status === 'rejected');
  if (!failed) return opened;
  await Promise.all(opened.map((source) => source.close()));
  throw failed.reason;
}

async function openForReading(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'There is no file' : 'Cannot read the file';
    throw new ModelSourceError(`${reason} "${path}". Check the path and its permissions.`, { cause });
  }
}

async function sizeOfFile(file: FileHandle, path: string): Promise<number> {
  const stats = await file.stat();
  if (stats.isFile()) return stats.size;
  await file.close();
  throw new ModelSourceError(`"${path}" is not a file. Check the path.`);
}

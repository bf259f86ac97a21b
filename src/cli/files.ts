// Files that a user names: failures in one plain sentence, and a look at where something will be written beforehand.
import { access, constants, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ClawdbotError } from '../errors.ts';

/** A file of the user's that cannot be read or written. */
class FileError extends ClawdbotError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_FILE', message, options);
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder',
  EISDIR: 'it is a folder',
  ENOTDIR: 'part of that path is a file',
  EACCES: 'permission is denied',
  EPERM: 'permission is denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  ENAMETOOLONG: 'the name is too long',
};

/** Text as UTF-8, byte for byte. Throws FileError. */
export async function readText(file: string, largestBytes: number, signal?: AbortSignal): Promise<string> {
  const bytes = await attempt('read', file, async () => {
    const stats = await stat(file);
    if (stats.isDirectory()) throw reasoned('EISDIR');
    if (stats.size > largestBytes) {
      throw new FileError(`"${file}" is too large: it has ${stats.size} bytes, and ${largestBytes} are read at most.`);
    }
    return readFile(file, { signal });
  });
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
}

export async function writeOut(file: string, content: string | Uint8Array): Promise<void> {
  await attempt('write', file, () => writeFile(file, content));
}

/** Throws FileError where `file` could not be written. Creates nothing. */
export async function checkWritable(file: string): Promise<void> {
  await attempt('write', file, async () => {
    const stats = await stat(file).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (stats?.isDirectory()) throw reasoned('EISDIR');
    await access(stats ? file : path.dirname(file), constants.W_OK);
  });
}

/** Throws FileError for what the file system says is wrong. */
export async function attempt<T>(verb: 'read' | 'write', file: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    const reason = REASONS[(error as NodeJS.ErrnoException).code ?? ''];
    if (reason === undefined || error instanceof FileError) throw error;
    throw new FileError(`Cannot ${verb} "${file}": ${reason}.`, { cause: error });
  }
}

/** An error of the file system by its code. */
export function reasoned(code: string): Error {
  return Object.assign(new Error(REASONS[code]), { code });
}

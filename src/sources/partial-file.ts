// A file on its way into the cache: written in order, hashed while it is written, landed by one rename.
import { createHash } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { checkBytes } from './check-bytes.ts';
import type { Expected } from './check-bytes.ts';
import { failureCode, storageFailure } from './failures.ts';
import { eachChunk } from './files.ts';

export class PartialFile {
  readonly path: string;
  readonly #handle: FileHandle;
  #hash = createHash('sha256');
  #bytes = 0;

  private constructor(file: string, handle: FileHandle) {
    this.path = file;
    this.#handle = handle;
  }

  /** Opens `file` for writing, kept as it is; `resume` or `restart` says what becomes of what it holds. */
  static async open(file: string): Promise<PartialFile> {
    try {
      const handle = await open(file, 'r+').catch((error: unknown) => {
        if (failureCode(error) === 'ENOENT') return open(file, 'w+');
        throw error;
      });
      return new PartialFile(file, handle);
    } catch (error) {
      throw storageFailure(error, file);
    }
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Hashes what is there already, so that writing can go on behind it. */
  async resume(signal: AbortSignal | undefined, onBytes: (bytes: number) => void): Promise<void> {
    this.#hash = createHash('sha256');
    this.#bytes = 0;
    await eachChunk(this.#handle, signal, (chunk) => {
      this.#hash.update(chunk);
      this.#bytes += chunk.length;
      onBytes(this.#bytes);
    });
  }

  async restart(): Promise<void> {
    await this.#handle.truncate(0);
    this.#hash = createHash('sha256');
    this.#bytes = 0;
  }

  async write(chunk: Uint8Array): Promise<void> {
    try {
      for (let done = 0; done < chunk.length;) {
        const { bytesWritten } = await this.#handle.write(chunk, done, chunk.length - done, this.#bytes + done);
        done += bytesWritten;
      }
    } catch (error) {
      throw storageFailure(error, this.path);
    }
    this.#hash.update(chunk);
    this.#bytes += chunk.length;
  }

  close(): Promise<void> {
    return this.#handle.close();
  }

  /**
   * Closes the file, checks it and renames it to `target`; returns its sha256. A file that is not what was expected is
   * deleted and ends in an IntegrityError.
   */
  async land(target: string, expected: Expected): Promise<string> {
    const sha256 = this.#hash.digest('hex');
    try {
      try {
        await this.#handle.sync();
      } finally {
        await this.#handle.close();
      }
      checkBytes(path.basename(target), { sha256, sizeBytes: this.#bytes }, expected);
      await rename(this.path, target);
    } catch (error) {
      await rm(this.path, { force: true });
      throw storageFailure(error, target);
    }
    return sha256;
  }
}

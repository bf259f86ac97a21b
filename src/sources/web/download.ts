// Downloads one file to disk, where it lands by one rename.
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Expected } from '../check-bytes.ts';
import { isAbort, storageFailure } from '../failures.ts';
import { checkFreeSpace, sizeOf } from '../files.ts';
import { PartialFile } from '../partial-file.ts';
import type { Settings } from '../settings.ts';
import { networkFailure, sendRequest } from './http.ts';
import { downloadInto } from './resumable-download.ts';
import type { PartialStore, Transport, WantedFile } from './resumable-download.ts';
import { validatorsFrom } from './validators.ts';
import type { Validators } from './validators.ts';

export interface DownloadRequest extends Pick<WantedFile, 'url' | 'expected' | 'refuse'> {
  readonly token?: string;
  /** Where the file ends up; the folder exists. */
  readonly target: string;
  /** Where it grows; `target` + ".partial" by default. */
  readonly partial?: string;
  /** What progress calls the file; its name by default. */
  readonly label?: string;
}

/** The file at `request.target` and its sha256. Throws IntegrityError, ModelSourceError, or the signal's reason. */
export async function download(request: DownloadRequest, settings: Settings): Promise<{ sha256: string }> {
  const { url, token, target, expected, refuse, label = path.basename(target), partial = `${target}.partial` } = request;
  const transport: Transport = {
    async get(from, known, signal) {
      const headers = from > 0 ? rangeHeaders(from, known) : undefined;
      return (await sendRequest({ url, token, headers, accept: [416], signal }, settings)).response;
    },
    brokenOff: (error) => (isAbort(error, settings.signal) ? error as Error : networkFailure(error, url)),
  };
  const sha256 = await downloadInto(() => FileStore.open(partial, target), transport, { url, expected, label, refuse }, settings);
  return { sha256 };
}

function rangeHeaders(from: number, known: Validators | undefined): Record<string, string> {
  const unchanged = known?.etag ?? known?.lastModified;
  return { range: `bytes=${from}-`, ...(unchanged ? { 'if-range': unchanged } : {}) };
}

const LARGEST_NOTE_BYTES = 65_536;

/** A file that grows beside its note, a JSON file. */
class FileStore implements PartialStore<string> {
  readonly #file: PartialFile;
  readonly #target: string;
  readonly #note: string;

  private constructor(file: PartialFile, target: string) {
    this.#file = file;
    this.#target = target;
    this.#note = `${file.path}.json`;
  }

  static async open(partial: string, target: string): Promise<FileStore> {
    return new FileStore(await PartialFile.open(partial), target);
  }

  get bytes(): number {
    return this.#file.bytes;
  }

  async kept(): Promise<{ note: Validators | undefined; bytes: number }> {
    return { note: await this.#readNote(), bytes: (await sizeOf(this.#file.path)) ?? 0 };
  }

  resume(signal: AbortSignal | undefined, onBytes: (bytes: number) => void): Promise<void> {
    return this.#file.resume(signal, onBytes);
  }

  restart(): Promise<void> {
    return this.#file.restart();
  }

  checkRoom(bytes: number): Promise<void> {
    return checkFreeSpace(path.dirname(this.#file.path), bytes);
  }

  async note(validators: Validators): Promise<void> {
    try {
      await writeFile(this.#note, `${JSON.stringify(validators)}\n`);
    } catch (error) {
      throw storageFailure(error, this.#note);
    }
  }

  write(chunk: Uint8Array): Promise<void> {
    return this.#file.write(chunk);
  }

  async land(expected: Expected): Promise<string> {
    try {
      return await this.#file.land(this.#target, expected);
    } finally {
      await rm(this.#note, { force: true });
    }
  }

  async leave(): Promise<void> {
    await this.#file.close();
    if (this.bytes > 0) return;
    await rm(this.#file.path, { force: true });
    await rm(this.#note, { force: true });
  }

  async #readNote(): Promise<Validators | undefined> {
    if (((await sizeOf(this.#note)) ?? Infinity) > LARGEST_NOTE_BYTES) return undefined;
    try {
      return validatorsFrom(JSON.parse(await readFile(this.#note, 'utf8')));
    } catch (error) {
      if (error instanceof SyntaxError) return undefined;
      throw storageFailure(error, this.#note);
    }
  }
}

// Downloads a file into the cache in pieces: resumes what an earlier page left, retries, and verifies size and sha256.
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { IntegrityError, ModelSourceError } from '../../errors.ts';
import { checkBytes } from '../check-bytes.ts';
import { LONGEST_START, kindOfBytes } from '../first-bytes.ts';
import { bodyLength } from '../web/body-length.ts';
import { shown } from '../web/shown.ts';
import { retried } from '../web/retry.ts';
import { TransientError } from '../web/transient-error.ts';
import { canResume, validatorsOf } from '../web/validators.ts';
import type { Validators } from '../web/validators.ts';
import type { RemoteFile } from './locate.ts';
import { pieceName } from './model-cache.ts';
import type { ModelCache, StoredFile } from './model-cache.ts';
import { checkQuota, storageFull } from './quota.ts';
import { brokenOff, contentRange, send } from './request.ts';
import type { BrowserSettings } from './settings.ts';

/** Throws IntegrityError, ModelSourceError, or the signal's reason; what has come by then is continued next time. */
export async function download(
  cache: ModelCache, key: string, fileIndex: number, file: RemoteFile, settings: BrowserSettings,
): Promise<StoredFile> {
  const first = new Download(cache, key, fileIndex, file, settings);
  try {
    return await first.run();
  } catch (error) {
    // What was kept from an earlier page may be at fault; it is gone now.
    if (!(error instanceof IntegrityError && first.hasResumed)) throw error;
    return await new Download(cache, key, fileIndex, file, settings).run();
  }
}

class Download {
  hasResumed = false;
  readonly #cache: ModelCache;
  readonly #key: string;
  readonly #fileIndex: number;
  readonly #file: RemoteFile;
  readonly #settings: BrowserSettings;
  readonly #sidecar: string;
  readonly #piece: Uint8Array<ArrayBuffer>;
  #hash = sha256.create();
  #numPieces = 0;
  /** Of the piece being filled. */
  #filled = 0;
  /** Of the file so far, those being filled included. */
  #bytes = 0;
  #bytesAtLastFailure = 0;
  #validators: Validators | undefined;

  constructor(cache: ModelCache, key: string, fileIndex: number, file: RemoteFile, settings: BrowserSettings) {
    this.#cache = cache;
    this.#key = key;
    this.#fileIndex = fileIndex;
    this.#file = file;
    this.#settings = settings;
    this.#sidecar = `${fileIndex}-partial.json`;
    this.#piece = new Uint8Array(settings.segmentBytes);
  }

  async run(): Promise<StoredFile> {
    await this.#resume();
    try {
      await retried(this.#settings, () => this.#attempt(), () => {
        const hasMoved = this.#bytes > this.#bytesAtLastFailure;
        this.#bytesAtLastFailure = this.#bytes;
        return hasMoved;
      });
    } catch (error) {
      if (!(error instanceof IntegrityError)) await this.#flush();
      throw error;
    }
    await this.#flush();
    return this.#finish();
  }

  async #finish(): Promise<StoredFile> {
    const { name, expected } = this.#file;
    const hash = bytesToHex(this.#hash.digest());
    await this.#cache.remove(this.#key, this.#sidecar);
    try {
      checkBytes(name, { sha256: hash, sizeBytes: this.#bytes }, expected);
    } catch (error) {
      await this.#restart();
      throw error;
    }
    this.#settings.report({ phase: 'verify', file: name, loadedBytes: this.#bytes, totalBytes: this.#bytes });
    const pieces = (await this.#cache.pieces(this.#key, this.#fileIndex)).map(({ size, lastModified }) => ({ bytes: size, modifiedMs: lastModified }));
    return { name, bytes: this.#bytes, sha256: hash, pieces };
  }

  async #resume(): Promise<void> {
    const { expected, url, name } = this.#file;
    const sidecar = await this.#cache.json(this.#key, this.#sidecar) as Validators | null | undefined;
    const kept = await this.#cache.pieces(this.#key, this.#fileIndex);
    const keptBytes = kept.reduce((sum, { size }) => sum + size, 0);
    if (!canResume(sidecar, keptBytes, url, expected)) return this.#restart();
    this.#validators = sidecar;
    for (const piece of kept) {
      for (let at = 0; at < piece.size; at += 2 ** 20) {
        this.#settings.signal?.throwIfAborted();
        const bytes = new Uint8Array(await piece.slice(at, at + 2 ** 20).arrayBuffer());
        this.#hash.update(bytes);
        this.#bytes += bytes.length;
        this.#settings.report({ phase: 'verify', file: name, loadedBytes: this.#bytes, totalBytes: keptBytes });
      }
    }
    this.#numPieces = kept.length;
    this.#bytesAtLastFailure = this.#bytes;
    this.hasResumed = true;
  }

  async #restart(): Promise<void> {
    await this.#cache.removePieces(this.#key, this.#fileIndex);
    this.#hash = sha256.create();
    this.#numPieces = this.#filled = this.#bytes = this.#bytesAtLastFailure = 0;
    this.#validators = undefined;
  }

  async #attempt(): Promise<void> {
    const { url, expected } = this.#file;
    if (this.#bytes > 0 && this.#bytes === (expected.sizeBytes ?? this.#validators?.totalBytes)) return;
    const stop = new AbortController();
    const abort = (): void => stop.abort(this.#settings.signal?.reason);
    this.#settings.signal?.addEventListener('abort', abort);
    this.#settings.signal?.throwIfAborted();
    let hasStalled = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const touch = (): void => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        hasStalled = true;
        stop.abort();
      }, this.#settings.stallMs);
    };
    touch();
    try {
      const headers = this.#bytes > 0 ? { range: `bytes=${this.#bytes}-` } : undefined;
      const response = await send({ url, headers, accept: [416], signal: stop.signal });
      const total = await this.#begin(response);
      await this.#receive(response, total, touch);
      if (total !== undefined && this.#bytes < total) {
        throw new TransientError(`${shown(url)}: the connection ended after ${this.#bytes} of ${total} bytes`);
      }
    } catch (error) {
      this.#settings.signal?.throwIfAborted();
      if (hasStalled) throw new TransientError(`${shown(url)}: nothing arrived for ${this.#settings.stallMs / 1000} s`);
      throw error;
    } finally {
      clearTimeout(timer);
      this.#settings.signal?.removeEventListener('abort', abort);
    }
  }

  /** Judges the answer's head and makes ready for its body; returns the file's size where it is known. */
  async #begin(response: Response): Promise<number | undefined> {
    const { url, name, expected } = this.#file;
    const length = bodyLength(response);
    const isContinued = response.status === 206 && this.#isSameFile(response);
    if (!isContinued) {
      await this.#restart();
      if (response.status !== 200) {
        await response.body?.cancel();
        throw new TransientError(`${shown(url)} does not continue where the last download stopped`);
      }
    }
    const total = contentRange(response)?.total ?? (length === undefined ? undefined : this.#bytes + length);
    if (total !== undefined && expected.sizeBytes !== undefined && total !== expected.sizeBytes) {
      await response.body?.cancel();
      await this.#restart();
      throw new IntegrityError(`${shown(url)} offers ${total} bytes where ${expected.sizeBytes} were promised: it is another file.`);
    }
    const size = expected.sizeBytes ?? total;
    if (size !== undefined) await checkQuota(name, size - this.#bytes);
    await this.#note(response.headers, size);
    return size;
  }

  /** Hosts need not let the page read these headers; what can be read must agree. */
  #isSameFile(response: Response): boolean {
    const range = contentRange(response);
    const known = this.#validators;
    const agrees = (now: string | number | null | undefined, then: string | number | undefined): boolean =>
      now === null || now === undefined || then === undefined || now === then;
    const end = bodyLength(response);
    return (range ? range.from === this.#bytes : end !== undefined && known?.totalBytes === this.#bytes + end) &&
      agrees(range?.total, known?.totalBytes) && agrees(response.headers.get('etag'), known?.etag) &&
      agrees(response.headers.get('last-modified'), known?.lastModified);
  }

  async #receive(response: Response, total: number | undefined, touch: () => void): Promise<void> {
    const { url, name } = this.#file;
    const progress = (): void => this.#settings.report({ phase: 'download', file: name, loadedBytes: this.#bytes, totalBytes: total });
    progress();
    let start = new Uint8Array(0);
    const reader = response.body!.getReader();
    try {
      for (let isDone = false; !isDone;) {
        const { value, done } = await reader.read().catch((error: unknown) => {
          throw brokenOff(url, error);
        });
        isDone = done;
        touch();
        let chunk = value ?? new Uint8Array(0);
        if (this.#bytes === 0) {
          chunk = start = joined(start, chunk);
          if (!done && start.length < LONGEST_START) continue;
          this.#checkStart(start);
        }
        if (total !== undefined && this.#bytes + chunk.length > total) {
          await this.#restart();
          throw new IntegrityError(`${shown(url)} sends more than the ${total} bytes it promised.`);
        }
        await this.#take(chunk);
        progress();
      }
    } finally {
      await reader.cancel().catch(() => undefined);
    }
  }

  #checkStart(start: Uint8Array): void {
    const kind = kindOfBytes(start);
    if (kind === 'gguf') return;
    const what = { html: 'a web page', zip: 'an archive', gzip: 'an archive', unknown: 'no GGUF file' }[kind];
    throw new ModelSourceError(`${shown(this.#file.url)} sends ${what}. Use the address of a .gguf file itself.`);
  }

  async #take(chunk: Uint8Array): Promise<void> {
    this.#hash.update(chunk);
    for (let done = 0; done < chunk.length;) {
      const part = chunk.subarray(done, done + this.#piece.length - this.#filled);
      this.#piece.set(part, this.#filled);
      this.#filled += part.length;
      this.#bytes += part.length;
      done += part.length;
      if (this.#filled === this.#piece.length) await this.#flush();
    }
  }

  /** Writes the piece being filled, so that nothing of it is lost. */
  async #flush(): Promise<void> {
    if (this.#filled === 0) return;
    const path = this.#cache.path(this.#key, pieceName(this.#fileIndex, this.#numPieces));
    try {
      await this.#settings.writeFile(path, this.#piece.slice(0, this.#filled));
    } catch (cause) {
      if ((cause as Error).name !== 'QuotaExceededError') throw cause;
      throw storageFull(this.#file.name, this.#file.expected.sizeBytes, undefined, cause);
    }
    this.#numPieces++;
    this.#filled = 0;
  }

  async #note(headers: Headers, totalBytes: number | undefined): Promise<void> {
    this.#validators = validatorsOf(this.#file.url, headers, totalBytes);
    await this.#settings.writeFile(this.#cache.path(this.#key, this.#sidecar), new TextEncoder().encode(JSON.stringify(this.#validators)));
  }
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

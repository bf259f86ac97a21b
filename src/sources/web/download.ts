// Downloads one file: resumes what an earlier run left, retries, verifies, and lands it in one step.
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { IntegrityError, ModelSourceError } from '../../errors.ts';
import { isAbort, storageFailure } from '../failures.ts';
import { checkFreeSpace, sizeOf } from '../files.ts';
import { LONGEST_START, kindOfBytes } from '../first-bytes.ts';
import { bodyLength } from './body-length.ts';
import { networkFailure, sendRequest } from './http.ts';
import { shown } from './shown.ts';
import { TransientError } from './transient-error.ts';
import { PartialFile } from '../partial-file.ts';
import type { Expected } from '../check-bytes.ts';
import { retried } from './retry.ts';
import { canResume, validatorsOf } from './validators.ts';
import type { Validators } from './validators.ts';
import type { Settings } from '../settings.ts';

export interface DownloadRequest {
  readonly url: URL;
  readonly token?: string;
  /** Where the file ends up; the folder exists. */
  readonly target: string;
  /** Where it grows; `target` + ".partial" by default. */
  readonly partial?: string;
  readonly expected: Expected;
  /** What progress calls the file; its name by default. */
  readonly label?: string;
  /** Kinds of first bytes that are refused at once. */
  readonly refuse?: (kind: ReturnType<typeof kindOfBytes>) => string | undefined;
}

/** The file at `request.target` and its sha256. Throws IntegrityError, ModelSourceError, or the signal's reason. */
export async function download(request: DownloadRequest, settings: Settings): Promise<{ sha256: string }> {
  try {
    return await new Download(request, settings).run();
  } catch (error) {
    if (!(error instanceof ResumedWronglyError)) throw error;
    // The bytes kept from the earlier run were at fault; they are gone now.
    return await new Download(request, settings).run();
  }
}

class ResumedWronglyError extends IntegrityError {}

class Download {
  readonly #request: DownloadRequest;
  readonly #settings: Settings;
  readonly #file: string;
  readonly #partial: string;
  readonly #sidecar: string;
  #validators: Validators | undefined;
  #bytesAtLastFailure = 0;
  #keptBytes = 0;

  constructor(request: DownloadRequest, settings: Settings) {
    this.#request = request;
    this.#settings = settings;
    this.#file = request.label ?? path.basename(request.target);
    this.#partial = request.partial ?? `${request.target}.partial`;
    this.#sidecar = `${this.#partial}.json`;
  }

  async run(): Promise<{ sha256: string }> {
    const partial = await PartialFile.open(this.#partial);
    let isClosed = false;
    try {
      await this.#resume(partial);
      await retried(this.#settings, () => this.#attempt(partial), () => {
        const moved = partial.bytes > this.#bytesAtLastFailure;
        this.#bytesAtLastFailure = partial.bytes;
        return moved;
      });
      isClosed = true;
      return { sha256: await this.#land(partial) };
    } finally {
      if (!isClosed) {
        await partial.close();
        if (partial.bytes === 0) await this.#discard();
      }
    }
  }

  async #resume(partial: PartialFile): Promise<void> {
    const sidecar = await this.#readSidecar();
    const kept = (await sizeOf(this.#partial)) ?? 0;
    if (!canResume(sidecar, kept, this.#request.url, this.#request.expected)) return partial.restart();
    this.#validators = sidecar;
    await partial.resume(this.#settings.signal, (bytes) => this.#settings.report({
      phase: 'verify', file: this.#file, loadedBytes: bytes, totalBytes: kept,
    }));
    this.#keptBytes = this.#bytesAtLastFailure = partial.bytes;
  }

  async #attempt(partial: PartialFile): Promise<void> {
    const { expected, url, token } = this.#request;
    if (partial.bytes > 0 && partial.bytes === (expected.sizeBytes ?? this.#validators?.totalBytes)) return;
    const stop = new AbortController();
    const onAbort = (): void => stop.abort(this.#settings.signal?.reason);
    this.#settings.signal?.addEventListener('abort', onAbort);
    const watch = new StallWatch(this.#settings.stallMs, stop);
    try {
      const headers = partial.bytes > 0 ? rangeHeaders(partial.bytes, this.#validators) : undefined;
      const { signal } = stop;
      const { response } = await sendRequest({ url, token, headers, accept: [416], signal }, this.#settings);
      const total = await this.#begin(partial, response);
      await this.#receive(partial, response, total, watch);
      if (total !== undefined && partial.bytes < total) {
        throw new TransientError(`${shown(url)}: the connection ended after ${partial.bytes} of ${total} bytes`);
      }
    } catch (error) {
      if (this.#settings.signal?.aborted) throw this.#settings.signal.reason;
      if (watch.hasFired) {
        throw new TransientError(`${shown(url)}: nothing arrived for ${this.#settings.stallMs / 1000} s`);
      }
      throw error;
    } finally {
      watch.stop();
      this.#settings.signal?.removeEventListener('abort', onAbort);
    }
  }

  /** Judges the answer's head, makes the partial file ready for its body, returns the total size where it is known. */
  async #begin(partial: PartialFile, response: Response): Promise<number | undefined> {
    const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers.get('content-range') ?? '');
    const isContinued = response.status === 206 && range !== null && Number(range[1]) === partial.bytes;
    if (!isContinued) {
      await partial.restart();
      this.#keptBytes = this.#bytesAtLastFailure = 0;
      this.#validators = undefined;
      if (response.status !== 200) {
        await response.body?.cancel();
        throw new TransientError(`${shown(this.#request.url)} does not continue where the last download stopped`);
      }
    }
    const total = isContinued ? numberOrUndefined(range[2]) : bodyLength(response);
    const { sizeBytes } = this.#request.expected;
    if (total !== undefined && sizeBytes !== undefined && total !== sizeBytes) {
      await response.body?.cancel();
      await partial.restart();
      throw new IntegrityError(
        `${shown(this.#request.url)} offers ${total} bytes where ${sizeBytes} were promised: it is another file.`,
      );
    }
    const size = sizeBytes ?? total;
    if (size !== undefined) await checkFreeSpace(path.dirname(this.#partial), size - partial.bytes);
    await this.#writeSidecar(response.headers, size);
    return size;
  }

  async #receive(
    partial: PartialFile, response: Response, total: number | undefined, watch: StallWatch,
  ): Promise<void> {
    const { report } = this.#settings;
    const progress = (): void => report({
      phase: 'download', file: this.#file, loadedBytes: partial.bytes, totalBytes: total,
    });
    progress();
    let start: Uint8Array = new Uint8Array(0);
    const reader = (response.body as ReadableStream<Uint8Array> | null)?.getReader();
    try {
      for (;;) {
        const chunk = await this.#next(reader);
        watch.touch();
        let value = chunk ?? new Uint8Array(0);
        if (partial.bytes === 0) {
          start = Buffer.concat([start, value]);
          if (chunk && start.length < LONGEST_START) continue;
          this.#checkStart(start);
          value = start;
        }
        if (total !== undefined && partial.bytes + value.length > total) {
          await partial.restart();
          throw new IntegrityError(`${shown(this.#request.url)} sends more than the ${total} bytes it promised.`);
        }
        await partial.write(value);
        progress();
        if (!chunk) break;
      }
    } finally {
      await reader?.cancel().catch(() => undefined);
    }
  }

  async #next(reader: ReadableStreamDefaultReader<Uint8Array> | undefined): Promise<Uint8Array | undefined> {
    try {
      return (await reader?.read())?.value;
    } catch (error) {
      if (isAbort(error, this.#settings.signal)) throw error;
      throw networkFailure(error, this.#request.url);
    }
  }

  #checkStart(chunk: Uint8Array): void {
    const complaint = this.#request.refuse?.(kindOfBytes(chunk));
    if (complaint) throw new ModelSourceError(`${shown(this.#request.url)} ${complaint}`);
  }

  async #land(partial: PartialFile): Promise<string> {
    const { target, expected } = this.#request;
    const { bytes } = partial;
    try {
      const sha256 = await partial.land(target, expected);
      this.#settings.report({ phase: 'verify', file: this.#file, loadedBytes: bytes, totalBytes: bytes });
      return sha256;
    } catch (error) {
      if (error instanceof IntegrityError && this.#keptBytes > 0) throw new ResumedWronglyError(error.message);
      throw error;
    } finally {
      await rm(this.#sidecar, { force: true });
    }
  }

  async #discard(): Promise<void> {
    await rm(this.#partial, { force: true });
    await rm(this.#sidecar, { force: true });
  }

  async #readSidecar(): Promise<Validators | undefined> {
    if (((await sizeOf(this.#sidecar)) ?? Infinity) > 65_536) return undefined;
    try {
      const sidecar = JSON.parse(await readFile(this.#sidecar, 'utf8')) as Validators | null;
      return typeof sidecar?.url === 'string' ? sidecar : undefined;
    } catch (error) {
      if (error instanceof SyntaxError) return undefined;
      throw storageFailure(error, this.#sidecar);
    }
  }

  async #writeSidecar(headers: Headers, totalBytes: number | undefined): Promise<void> {
    this.#validators = validatorsOf(this.#request.url, headers, totalBytes);
    try {
      await writeFile(this.#sidecar, `${JSON.stringify(this.#validators)}\n`);
    } catch (error) {
      throw storageFailure(error, this.#sidecar);
    }
  }
}

/** Aborts a request over which nothing has come for a while. */
class StallWatch {
  hasFired = false;
  readonly #timer: NodeJS.Timeout;

  constructor(limitMs: number, stop: AbortController) {
    this.#timer = setTimeout(() => {
      this.hasFired = true;
      stop.abort();
    }, limitMs);
  }

  touch(): void {
    this.#timer.refresh();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}

function rangeHeaders(from: number, validators: Validators | undefined): Record<string, string> {
  const unchanged = validators?.etag ?? validators?.lastModified;
  return { range: `bytes=${from}-`, ...(unchanged ? { 'if-range': unchanged } : {}) };
}

function numberOrUndefined(text: string | null): number | undefined {
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

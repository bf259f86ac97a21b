// Downloads one file: resumes what an earlier run left, tries again what may pass, holds the bytes to what was promised. Where the
// file grows and how servers are asked come in: both differ between runtimes (web/download.ts, browser/download.ts).
import { IntegrityError, ModelSourceError } from '../../errors.ts';
import type { Expected } from '../check-bytes.ts';
import { LONGEST_START, kindOfBytes } from '../first-bytes.ts';
import type { ReportProgress } from '../progress.ts';
import { bodyLength } from './body-length.ts';
import { contentRange, isContinuation } from './content-range.ts';
import { retried } from './retry.ts';
import { shown } from './shown.ts';
import { watched } from './stall-watch.ts';
import type { StallWatch } from './stall-watch.ts';
import { TransientError } from './transient-error.ts';
import { canResume, validatorsOf } from './validators.ts';
import type { Validators } from './validators.ts';

export interface WantedFile {
  readonly url: URL;
  readonly expected: Expected;
  /** What progress calls the file. */
  readonly label: string;
  /** Kinds of first bytes that are refused at once. */
  readonly refuse?: (kind: ReturnType<typeof kindOfBytes>) => string | undefined;
}

/** A file on its way: written in order, hashed while it is written. */
export interface PartialStore<T> {
  /** Of the file so far. */
  readonly bytes: number;
  /** What an earlier run left: its note, where it is one, and how many bytes. */
  kept(): Promise<{ readonly note: Validators | undefined; readonly bytes: number }>;
  /** Takes over what was left. */
  resume(signal: AbortSignal | undefined, onBytes: (bytes: number) => void): Promise<void>;
  restart(): Promise<void>;
  /** Throws ModelSourceError where there is no room for so many bytes more. */
  checkRoom(bytes: number): Promise<void>;
  /** Keeps `validators` beside the bytes. */
  note(validators: Validators): Promise<void>;
  write(chunk: Uint8Array): Promise<void>;
  /** Makes the bytes the file that was wanted; where they are not, they are gone and it is an IntegrityError. Called last. */
  land(expected: Expected): Promise<T>;
  /** Keeps what there is for the next run. Called last. */
  leave(): Promise<void>;
}

/** How servers are asked. */
export interface Transport {
  /** The bytes from `from` on, or (200) all of them, or 416; whoever asks judges. Rejects as `retried` expects. */
  get(from: number, known: Validators | undefined, signal: AbortSignal): Promise<Response>;
  /** What a body's reader threw. */
  brokenOff(error: unknown): Error;
}

export interface DownloadSettings {
  readonly signal: AbortSignal | undefined;
  readonly report: ReportProgress;
  readonly attempts: number;
  readonly delayMs: number;
  readonly stallMs: number;
}

/** Throws IntegrityError, ModelSourceError, or the signal's reason; what has come by then is continued next time. */
export async function downloadInto<T>(
  openStore: () => Promise<PartialStore<T>>, transport: Transport, file: WantedFile, settings: DownloadSettings,
): Promise<T> {
  try {
    return await new Download(await openStore(), transport, file, settings).run();
  } catch (error) {
    if (!(error instanceof ResumedWronglyError)) throw error;
    // The bytes kept from the earlier run were at fault; they are gone now.
    return await new Download(await openStore(), transport, file, settings).run();
  }
}

class ResumedWronglyError extends IntegrityError {}

class Download<T> {
  readonly #store: PartialStore<T>;
  readonly #transport: Transport;
  readonly #file: WantedFile;
  readonly #settings: DownloadSettings;
  #validators: Validators | undefined;
  #bytesAtLastFailure = 0;
  /** Of an earlier run. */
  #keptBytes = 0;

  constructor(store: PartialStore<T>, transport: Transport, file: WantedFile, settings: DownloadSettings) {
    this.#store = store;
    this.#transport = transport;
    this.#file = file;
    this.#settings = settings;
  }

  async run(): Promise<T> {
    try {
      await this.#resume();
      await retried(this.#settings, () => this.#attempt(), () => {
        const hasMoved = this.#store.bytes > this.#bytesAtLastFailure;
        this.#bytesAtLastFailure = this.#store.bytes;
        return hasMoved;
      });
    } catch (error) {
      try {
        await this.#store.leave();
      } finally {
        this.#settings.signal?.throwIfAborted();
      }
      throw error;
    }
    return this.#land();
  }

  async #resume(): Promise<void> {
    const { url, expected, label } = this.#file;
    const { note, bytes: totalBytes } = await this.#store.kept();
    if (!canResume(note, totalBytes, url, expected)) return this.#restart();
    this.#validators = note;
    await this.#store.resume(this.#settings.signal, (loadedBytes) =>
      this.#settings.report({ phase: 'verify', file: label, loadedBytes, totalBytes }));
    this.#keptBytes = this.#bytesAtLastFailure = this.#store.bytes;
  }

  async #restart(): Promise<void> {
    await this.#store.restart();
    this.#keptBytes = this.#bytesAtLastFailure = 0;
    this.#validators = undefined;
  }

  async #attempt(): Promise<void> {
    const { url, expected } = this.#file;
    const { bytes } = this.#store;
    if (bytes > 0 && bytes === (expected.sizeBytes ?? this.#validators?.totalBytes)) return;
    await watched(url, this.#settings, async (watch) => {
      const response = await this.#transport.get(bytes, this.#validators, watch.signal);
      const total = await this.#begin(response);
      await this.#receive(response, total, watch);
      if (total === undefined || this.#store.bytes >= total) return;
      throw new TransientError(`${shown(url)}: the connection ended after ${this.#store.bytes} of ${total} bytes`);
    });
  }

  /** Judges the answer's head and makes ready for its body; returns the file's size where it is known. */
  async #begin(response: Response): Promise<number | undefined> {
    const { url, expected: { sizeBytes } } = this.#file;
    if (!isContinuation(response, this.#store.bytes, this.#validators)) {
      await this.#restart();
      if (response.status !== 200) {
        await response.body?.cancel();
        throw new TransientError(`${shown(url)} does not continue where the last download stopped`);
      }
    }
    const length = bodyLength(response);
    const total = contentRange(response)?.total ?? (length === undefined ? undefined : this.#store.bytes + length);
    if (total !== undefined && sizeBytes !== undefined && total !== sizeBytes) {
      await response.body?.cancel();
      await this.#restart();
      throw new IntegrityError(`${shown(url)} offers ${total} bytes where ${sizeBytes} were promised: it is another file.`);
    }
    const size = sizeBytes ?? total;
    if (size !== undefined) await this.#store.checkRoom(size - this.#store.bytes);
    this.#validators = validatorsOf(url, response.headers, size);
    await this.#store.note(this.#validators);
    return size;
  }

  async #receive(response: Response, total: number | undefined, watch: StallWatch): Promise<void> {
    const { url, label } = this.#file;
    const progress = (): void =>
      this.#settings.report({ phase: 'download', file: label, loadedBytes: this.#store.bytes, totalBytes: total });
    progress();
    let start = new Uint8Array(0);
    const reader = (response.body as ReadableStream<Uint8Array> | null)?.getReader();
    try {
      for (let isDone = false; !isDone;) {
        const value = await this.#next(reader);
        isDone = value === undefined;
        watch.touch();
        let chunk = value ?? new Uint8Array(0);
        if (this.#store.bytes === 0) {
          chunk = start = joined(start, chunk);
          if (!isDone && start.length < LONGEST_START) continue;
          this.#checkStart(start);
        }
        if (total !== undefined && this.#store.bytes + chunk.length > total) {
          await this.#restart();
          throw new IntegrityError(`${shown(url)} sends more than the ${total} bytes it promised.`);
        }
        await this.#store.write(chunk);
        progress();
      }
    } finally {
      // What is left of a body that nobody wants may end as it likes.
      await reader?.cancel().catch(() => undefined);
    }
  }

  async #next(reader: ReadableStreamDefaultReader<Uint8Array> | undefined): Promise<Uint8Array | undefined> {
    try {
      return (await reader?.read())?.value;
    } catch (error) {
      throw this.#transport.brokenOff(error);
    }
  }

  #checkStart(start: Uint8Array): void {
    const complaint = this.#file.refuse?.(kindOfBytes(start));
    if (complaint) throw new ModelSourceError(`${shown(this.#file.url)} ${complaint}`);
  }

  async #land(): Promise<T> {
    const { bytes } = this.#store;
    try {
      const landed = await this.#store.land(this.#file.expected);
      this.#settings.report({ phase: 'verify', file: this.#file.label, loadedBytes: bytes, totalBytes: bytes });
      return landed;
    } catch (error) {
      if (error instanceof IntegrityError && this.#keptBytes > 0) throw new ResumedWronglyError(error.message);
      throw error;
    }
  }
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

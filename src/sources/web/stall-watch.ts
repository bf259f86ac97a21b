// Ends a request over which nothing has come for a while, or whose caller has aborted it.
import { shown } from './shown.ts';
import { TransientError } from './transient-error.ts';

export class StallWatch {
  hasFired = false;
  readonly #limitMs: number;
  readonly #stop = new AbortController();
  readonly #callers: AbortSignal | undefined;
  readonly #onAbort = (): void => this.#stop.abort(this.#callers?.reason);
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(limitMs: number, callers: AbortSignal | undefined) {
    this.#limitMs = limitMs;
    this.#callers = callers;
    callers?.addEventListener('abort', this.#onAbort);
    this.touch();
  }

  /** For the request. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /** Something has come. */
  touch(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.hasFired = true;
      this.#stop.abort();
    }, this.#limitMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#callers?.removeEventListener('abort', this.#onAbort);
  }
}

/** Runs a request under a watch: TransientError where it stalled, the caller's reason where the caller aborted it. */
export async function watched<T>(
  url: URL, { signal, stallMs }: { readonly signal: AbortSignal | undefined; readonly stallMs: number }, work: (watch: StallWatch) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  const watch = new StallWatch(stallMs, signal);
  try {
    return await work(watch);
  } catch (error) {
    signal?.throwIfAborted();
    if (watch.hasFired) throw new TransientError(`${shown(url)}: nothing arrived for ${stallMs / 1000} s`);
    throw error;
  } finally {
    watch.stop();
  }
}

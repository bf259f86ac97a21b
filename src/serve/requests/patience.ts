// How long a request's work goes on: until its client has gone, its time is over or nobody wants it any more.

/** Timers of more fire at once (HTML, 8.6; Node likewise). */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

export interface Patience {
  readonly signal: AbortSignal;
  /** For `reason`, or as nobody waits any more. */
  abort(reason?: unknown): void;
  /** The work is done: nothing is waited for here. */
  end(): void;
}

/** Calls `listener` when the signal fires, or now where it has, unless the returned function is called before. */
export function onAbort(signal: AbortSignal | undefined, listener: () => void): () => void {
  if (signal?.aborted) listener();
  else signal?.addEventListener('abort', listener, { once: true });
  return () => signal?.removeEventListener('abort', listener);
}

/**
 * One controller with a timer of its own: of a signal made by `AbortSignal.any`, Node 20 lets a part that nobody else holds, such as
 * `AbortSignal.timeout`, be collected, and the whole then never fires. `timeoutMs` 0 is no limit.
 */
export function patience(client: AbortSignal, timeoutMs: number): Patience {
  const controller = new AbortController();
  const expire = (): void => controller.abort(new DOMException('The request took too long.', 'TimeoutError'));
  const timer = timeoutMs > 0 ? setTimeout(expire, Math.min(timeoutMs, LONGEST_TIMER_MS)) : undefined;
  // A process may end meanwhile, in runtimes whose timers can be told so.
  if (typeof timer === 'object') (timer as { unref?(): void }).unref?.();
  const stopListening = onAbort(client, () => controller.abort(client.reason));
  return {
    signal: controller.signal,
    abort: (reason = new DOMException('Nobody waits for this any more.', 'AbortError')) => controller.abort(reason),
    end() {
      clearTimeout(timer);
      stopListening();
    },
  };
}

/**
 * A signal for one of several generations of a request: Node warns of more than ten listeners of the same. Made of one signal of a
 * controller, it is whole as long as somebody can abort that.
 */
export const signalForOne = (signal: AbortSignal): AbortSignal => AbortSignal.any([signal]);

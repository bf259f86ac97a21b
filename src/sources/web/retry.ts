// Tries again what may pass by itself, with growing pauses; progress in between starts the count anew.
import { ModelSourceError } from '../../errors.ts';
import { TransientError } from './transient-error.ts';
import type { Settings } from '../settings.ts';

const LONGEST_PAUSE_MS = 15_000;

/** `attempt` gets its own number; `progressMade` says whether anything arrived since the last failure. */
export async function retried<T>(
  settings: Pick<Settings, 'attempts' | 'delayMs' | 'signal'>, attempt: () => Promise<T>, progressMade: () => boolean = () => false,
): Promise<T> {
  let everReached = false;
  for (let failures = 0; ;) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof TransientError)) throw error;
      settings.signal?.throwIfAborted();
      if (progressMade()) {
        failures = 0;
        everReached = true;
      }
      if (!error.isUnreachable) everReached = true;
      failures++;
      if (failures >= settings.attempts || (error.isUnreachable && !everReached)) throw givenUp(error, failures);
      const pause = Math.min(settings.delayMs * 2 ** (failures - 1), LONGEST_PAUSE_MS) * (0.75 + Math.random() / 2);
      await sleep(error.waitMs ?? pause, settings.signal);
    }
  }
}

/** Rejects with the signal's reason as soon as it aborts. */
function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      settle();
    };
    const abort = (): void => end(() => reject(signal!.reason as Error));
    const timer = setTimeout(() => end(resolve), ms);
    signal?.addEventListener('abort', abort);
  });
}

function givenUp(error: TransientError, attempts: number): ModelSourceError {
  const tried = attempts > 1 ? ` (after ${attempts} attempts)` : '';
  const advice = error.isUnreachable ? 'There seems to be no network, or no way to that host' : 'Try again later';
  return new ModelSourceError(`${error.message}${tried}. ${advice}.`, { cause: error });
}

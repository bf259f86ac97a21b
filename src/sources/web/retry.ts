// Tries again what may pass by itself, with growing pauses; progress in between starts the count anew.
import { setTimeout as sleep } from 'node:timers/promises';
import { ModelSourceError } from '../../errors.ts';
import { TransientError } from './http.ts';
import type { Settings } from '../settings.ts';

const LONGEST_PAUSE_MS = 15_000;

/** `attempt` gets its own number; `progressMade` says whether anything arrived since the last failure. */
export async function retried<T>(
  settings: Settings, attempt: () => Promise<T>, progressMade: () => boolean = () => false,
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
      await sleep(error.waitMs ?? pause, undefined, { signal: settings.signal })
        .catch(() => settings.signal?.throwIfAborted());
    }
  }
}

function givenUp(error: TransientError, attempts: number): ModelSourceError {
  const tried = attempts > 1 ? ` (after ${attempts} attempts)` : '';
  const advice = error.isUnreachable ? 'There seems to be no network, or no way to that host' : 'Try again later';
  return new ModelSourceError(`${error.message}${tried}. ${advice}.`, { cause: error });
}

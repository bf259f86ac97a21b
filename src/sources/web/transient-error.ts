// A failure of the network that another try may not meet.
import { shown } from './shown.ts';

/** Statuses that a server may answer otherwise soon. */
export const PASSING_STATUSES: readonly number[] = [408, 425, 429, 500, 502, 503, 504];

/** A failure that may pass by itself: the caller tries again. */
export class TransientError extends Error {
  /** What the server asked for (Retry-After), if it did. */
  readonly waitMs: number | undefined;
  /** The network itself is not there: only worth another try where it has been there before. */
  readonly isUnreachable: boolean;

  constructor(message: string, options: ErrorOptions & { waitMs?: number; isUnreachable?: boolean } = {}) {
    super(message, options);
    this.name = 'TransientError';
    this.waitMs = options.waitMs;
    this.isUnreachable = options.isUnreachable ?? false;
  }
}

/** What a body's reader threw. */
export function brokenOff(url: URL, cause: unknown): TransientError {
  return new TransientError(`${shown(url)}: the answer broke off`, { cause });
}

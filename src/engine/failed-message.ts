// What the caller's thread is told of an error in a compute worker.
import { ClawdbotError } from '../errors.ts';
import type { FailedMessage } from './protocol.ts';

/** Of one request, or of the whole thread. */
export function failed(error: unknown, requestId?: number): FailedMessage {
  const code = error instanceof ClawdbotError ? error.code : 'ERR_INTERNAL';
  const message = error instanceof Error ? error.message : String(error);
  return { type: 'failed', ...(requestId !== undefined && { requestId }), code, message };
}

// What the caller's thread is told of an error in a compute worker.
import { ClawdbotError, OutOfMemoryError } from '../../errors.ts';
import type { FailedMessage } from './protocol.ts';

/** Of one request, or of the whole thread. */
export function failed(error: unknown, requestId?: number): FailedMessage {
  const code = error instanceof ClawdbotError ? error.code : 'ERR_INTERNAL';
  const message = error instanceof Error ? error.message : String(error);
  const bytes = error instanceof OutOfMemoryError && { requiredBytes: error.requiredBytes, availableBytes: error.availableBytes };
  return { type: 'failed', ...(requestId !== undefined && { requestId }), code, message, ...(bytes && { bytes }) };
}

// One line of the log for each request: what it was and what it cost, without any of its text.
import type { Logger } from 'pino';
import { ApiError, isTyped, toApiError } from '../api-error.ts';
import type { ServedRequest } from '../handler.ts';

/**
 * What is the client's fault may have words of its text in it: of that the code is enough. What a server answers by design (full, too
 * late, shutting down) is a warning; the engine's errors say by themselves what is wrong, so that only others need their stack.
 */
export function logRequest(logger: Logger, { error, isStream, isGone, ms, beganMs, ...rest }: ServedRequest): void {
  const record = { ...rest, ms: Math.round(ms), ...(isStream && { beganMs: Math.round(beganMs) }), ...(isGone && { gone: true }) };
  if (error === undefined) return logger.info(record);
  const { status, details } = toApiError(error);
  const code = details.code ?? details.type;
  const line = { ...record, ...(isStream ? { status, broken: code } : { code }) };
  if (status < 500) logger.info(line);
  else if (error instanceof ApiError || error instanceof DOMException) logger.warn(line);
  else if (isTyped(error)) logger.error({ ...line, reason: error.message });
  else logger.error({ ...line, err: error });
}

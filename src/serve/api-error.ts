// Errors as OpenAI-compatible clients expect them: { error: { message, type, code, param } } with a status.
import type { ClawdbotError } from '../errors.ts';

export interface ErrorDetails {
  readonly type: string;
  readonly code?: string;
  /** The request's field that is at fault. */
  readonly param?: string;
  /** Further fields of the error object. */
  readonly more?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
}

export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly details: ErrorDetails;

  constructor(status: number, message: string, details: ErrorDetails) {
    super(message);
    this.status = status;
    this.details = details;
  }

  body(): { error: Record<string, unknown> } {
    const { type, code, param, more } = this.details;
    return { error: { message: this.message, type, code: code ?? null, param: param ?? null, ...more } };
  }

  response(): Response {
    return Response.json(this.body(), { status: this.status, headers: this.details.headers });
  }
}

export function invalidRequest(message: string, param?: string, code?: string): ApiError {
  return new ApiError(400, message, { type: 'invalid_request_error', param, code });
}

/** Codes of the engine's errors that are the request's fault, and the status each gets. */
const STATUS: Readonly<Record<string, number>> = {
  ERR_INVALID_ARGUMENT: 400, ERR_TOKENIZER: 400, ERR_CHAT_TEMPLATE: 400, ERR_SAMPLING: 400, ERR_GRAMMAR: 400, ERR_UNSUPPORTED_MODEL: 400,
  ERR_CONTEXT_LENGTH: 400,
  ERR_OUT_OF_MEMORY: 503, ERR_ENGINE_STOPPED: 503, ERR_MODEL_SOURCE: 503, ERR_INTEGRITY: 503, ERR_GGUF: 503,
};

/** Those that tell of files and addresses of the server, which are not for clients. */
const UNLOADED: ReadonlySet<string> = new Set(['ERR_MODEL_SOURCE', 'ERR_INTEGRITY', 'ERR_GGUF']);

/** One of the engine's errors, by its code: the engine may come from another entry of the package, with classes of its own. */
export function isTyped<E extends ClawdbotError>(error: unknown, code?: string): error is E {
  const found = error instanceof Error ? (error as Partial<ClawdbotError>).code : undefined;
  return code === undefined ? found !== undefined && found.startsWith('ERR_') && found in STATUS : found === code;
}

/** Whatever was thrown, as the client is to see it: an error of ours in its own words, any other without its insides. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof DOMException && error.name === 'TimeoutError') {
    return new ApiError(504, 'The request took longer than this server allows.', { type: 'timeout_error', code: 'timeout' });
  }
  if (isTyped<ClawdbotError>(error)) {
    const status = STATUS[error.code] ?? 500;
    const code = error.code.slice('ERR_'.length).toLowerCase();
    if (UNLOADED.has(error.code)) {
      return new ApiError(status, 'The server failed to load this model; its log says why.', { type: 'server_error', code });
    }
    const type = status === 400 ? 'invalid_request_error' : 'server_error';
    return new ApiError(status, error.message, { type, code });
  }
  return new ApiError(500, 'The server failed to answer this request; its log says why.', { type: 'server_error' });
}

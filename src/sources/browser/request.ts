// One request by the browser's fetch, which follows redirects by itself; failures sorted by what helps.
import { ModelSourceError } from '../../errors.ts';
import { shown } from '../web/shown.ts';
import { PASSING_STATUSES, TransientError } from '../web/transient-error.ts';

export interface BrowserRequest {
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** Statuses besides 2xx that the caller wants to see. */
  readonly accept?: readonly number[];
  readonly signal?: AbortSignal;
}

/** Rejects with TransientError for what may pass, ModelSourceError for what will not, and the signal's reason. */
export async function send({ url, headers, accept = [], signal }: BrowserRequest): Promise<Response> {
  let response: Response;
  try {
    // The cache of models is the only copy to keep.
    response = await fetch(url, { headers, signal, cache: 'no-store' });
  } catch (cause) {
    signal?.throwIfAborted();
    throw new TransientError(
      `${shown(url)} cannot be reached: the network is gone, the host does not allow this page to read it (CORS), or a content ` +
        'security policy forbids it', { cause, isUnreachable: true },
    );
  }
  if (response.ok || accept.includes(response.status)) return response;
  await response.body?.cancel();
  const said = `${shown(url)} answers ${response.status} ${response.statusText}`.trimEnd();
  if (PASSING_STATUSES.includes(response.status)) throw new TransientError(said);
  throw new ModelSourceError(`${said}. Check the URL.`);
}

/** What a body's reader threw. */
export function brokenOff(url: URL, cause: unknown): TransientError {
  return new TransientError(`${shown(url)}: the answer broke off`, { cause });
}

/** First byte, last byte and total of a partial answer; undefined where the host does not let the page read that header. */
export function contentRange(response: Response): { readonly from: number; readonly to: number; readonly total: number | undefined } | undefined {
  const range = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/.exec(response.headers.get('content-range') ?? '');
  return range ? { from: Number(range[1]), to: Number(range[2]), total: range[3] === '*' ? undefined : Number(range[3]) } : undefined;
}

// One request by the browser's fetch, which follows redirects by itself; failures sorted by what helps.
import { ModelSourceError } from '../../errors.ts';
import { limitedText } from '../web/limited-text.ts';
import { shown } from '../web/shown.ts';
import { retried } from '../web/retry.ts';
import { watched } from '../web/stall-watch.ts';
import { PASSING_STATUSES, TransientError } from '../web/transient-error.ts';
import type { BrowserSettings } from './settings.ts';

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

/** A JSON answer, of the length of a list of files at most. Rejects with ModelSourceError where it is longer or no JSON. */
export async function requestJson(url: URL, settings: BrowserSettings): Promise<unknown> {
  const text = await retried(settings, () => watched(url, settings, async (watch) =>
    limitedText(await send({ url, signal: watch.signal }), url, () => watch.touch())));
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ModelSourceError(`${shown(url)} answers with something that is no JSON.`, { cause });
  }
}

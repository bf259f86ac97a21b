// One HTTP request: redirects followed by hand so that no credential crosses an origin, failures sorted by what helps.
import { ModelSourceError } from '../../errors.ts';
import { failureCode, isAbort, reasonOf } from '../failures.ts';
import type { Settings } from '../settings.ts';
import { isLoopback } from './loopback.ts';
import { shown } from './shown.ts';
import { PASSING_STATUSES, TransientError } from './transient-error.ts';

const MOST_REDIRECTS = 8;

/** A status that will not change by itself. */
export class StatusError extends ModelSourceError {
  override readonly name = 'ModelSourceError';
  readonly status: number;
  /** The message without advice. */
  readonly said: string;

  constructor(message: string, status: number, said: string) {
    super(message);
    this.status = status;
    this.said = said;
  }
}

export interface HttpRequest {
  readonly url: URL;
  readonly method?: 'GET' | 'HEAD';
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as a bearer token to this URL's origin only. */
  readonly token?: string;
  /** Stop at the first redirect to another origin and hand that response back. */
  readonly sameOriginOnly?: boolean;
  /** Statuses besides 2xx that the caller wants to see. */
  readonly accept?: readonly number[];
  readonly signal?: AbortSignal;
}

export interface HttpAnswer {
  readonly response: Response;
  /** Headers of every hop in order, the final response's last. */
  readonly hops: readonly Headers[];
}

/**
 * Rejects with TransientError for what may pass, ModelSourceError for what will not (404, 403, too many redirects …),
 * and the signal's reason when it aborts.
 */
export async function sendRequest(request: HttpRequest, settings: Settings): Promise<HttpAnswer> {
  let url = checkedUrl(request.url, undefined, settings);
  let authorization = request.token ? `Bearer ${request.token}` : basicAuthorization(url);
  const hops: Headers[] = [];
  for (;;) {
    const headers = { 'accept-encoding': 'identity', 'user-agent': 'clawdbot', ...request.headers };
    const response = await sendOnce(url, {
      method: request.method ?? 'GET',
      headers: authorization ? { ...headers, authorization } : headers,
      redirect: 'manual',
      signal: request.signal ?? settings.signal,
    }, settings);
    hops.push(response.headers);
    const location = response.headers.get('location');
    if (response.status < 300 || response.status >= 400 || response.status === 304 || !location) {
      if (response.ok || request.accept?.includes(response.status)) return { response, hops };
      await response.body?.cancel();
      throw statusFailure(response, url);
    }
    const next = checkedUrl(URL.canParse(location, url.href) ? new URL(location, url) : undefined, url, settings);
    if (next.origin !== url.origin) {
      if (request.sameOriginOnly) return { response, hops };
      authorization = undefined;
    }
    await response.body?.cancel();
    if (hops.length > MOST_REDIRECTS) {
      throw new ModelSourceError(`${shown(request.url)} redirects more than ${MOST_REDIRECTS} times. Check the URL.`);
    }
    url = next;
  }
}

async function sendOnce(url: URL, init: RequestInit, settings: Settings): Promise<Response> {
  const bare = new URL(url);
  bare.username = '';
  bare.password = '';
  try {
    return await fetch(bare, init);
  } catch (error) {
    if (isAbort(error, init.signal ?? undefined)) throw (init.signal ?? settings.signal)?.reason ?? error;
    throw networkFailure(error, url);
  }
}

const UNREACHABLE = [
  'ENOTFOUND', 'EAI_AGAIN', 'ECONNREFUSED', 'ENETUNREACH', 'EHOSTUNREACH', 'ENETDOWN', 'EADDRNOTAVAIL',
];

/** What fetch or a body stream threw, sorted into passing and lasting. */
export function networkFailure(error: unknown, url: URL): Error {
  const code = failureCode(error) ?? '';
  const reason = `${shown(url)}: ${[code, reasonOf((error as Error).cause ?? error)].filter(Boolean).join(', ')}`;
  if (/CERT|SELF_SIGNED|UNABLE_TO|ERR_TLS|ERR_SSL/.test(code)) {
    return new ModelSourceError(
      `${reason}. The server's certificate is not trusted; set NODE_EXTRA_CA_CERTS to your network's root certificate.`,
      { cause: error },
    );
  }
  // Ports of other protocols, which fetch never calls (its standard, "port blocking").
  if (/bad port$/.test(reason)) {
    const message = `${shown(url)}: port ${url.port} is not for web servers. Check the URL.`;
    return new ModelSourceError(message, { cause: error });
  }
  return new TransientError(reason, { cause: error, isUnreachable: UNREACHABLE.includes(code) });
}

function statusFailure(response: Response, url: URL): Error {
  const { status } = response;
  const said = `${shown(url)} answers ${status} ${response.statusText}`.trimEnd();
  if (PASSING_STATUSES.includes(status)) {
    return new TransientError(said, { waitMs: retryAfter(response.headers) });
  }
  const advice = status === 401 || status === 403
    ? 'It needs permission; a name and password may stand in the URL: https://name:password@host/…'
    : 'Check the URL';
  return new StatusError(`${said}. ${advice}.`, status, said);
}

function retryAfter(headers: Headers): number | undefined {
  const seconds = Number(headers.get('retry-after') ?? NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? Math.min(seconds, 60) * 1000 : undefined;
}

function checkedUrl(url: URL | undefined, from: URL | undefined, settings: Settings): URL {
  if (!url) throw new ModelSourceError(`${shown(from!)} redirects to something that is not a URL.`);
  const isPlain = url.protocol === 'http:';
  if (!isPlain && url.protocol !== 'https:') {
    throw new ModelSourceError(`${shown(from ?? url)} leads to a ${url.protocol} address; only https: is followed.`);
  }
  if (isPlain && from?.protocol === 'https:') {
    throw new ModelSourceError(`${shown(from)} redirects to unprotected http:; that is not followed.`);
  }
  const comesFromAway = from !== undefined && !isLoopback(from);
  if (isPlain && !settings.allowHttp && (!isLoopback(url) || comesFromAway)) {
    throw new ModelSourceError(
      `${shown(url)} is not protected (http:). Use https:, or allow it with CLAWDBOT_ALLOW_HTTP=1 (Engine.load: allowHttp: true).`,
    );
  }
  return url;
}

function basicAuthorization(url: URL): string | undefined {
  if (url.username === '' && url.password === '') return undefined;
  const pair = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  return `Basic ${Buffer.from(pair).toString('base64')}`;
}

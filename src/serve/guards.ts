// Who may ask: API keys and the Host header.
import type { MiddlewareHandler } from 'hono';
import { ApiError } from './api-error.ts';
import { hostFilter } from './hosts.ts';
import type { AllowedHosts } from './hosts.ts';

export function allowHosts(hosts: AllowedHosts): MiddlewareHandler {
  const isAllowed = hostFilter(hosts);
  return async (context, next) => {
    if (!isAllowed(context.req.header('host') ?? new URL(context.req.url).host)) {
      throw new ApiError(421, 'This server does not answer to that host name: it is none of those that it was told (--allowed-host).', {
        type: 'invalid_request_error', code: 'host_not_allowed',
      });
    }
    await next();
  };
}

/** The key that a request carries, '' for none. */
export function givenKey(authorization: string | null | undefined): string {
  return /^Bearer\s+(.+)$/i.exec(authorization ?? '')?.[1] ?? '';
}

const LONGEST_ADDRESS = 64;

/** The last address in X-Forwarded-For: those before it are what the client said. */
export function forwardedFor(request: Request): string | undefined {
  const last = request.headers.get('x-forwarded-for')?.split(',').at(-1)!.trim();
  return last ? last.slice(0, LONGEST_ADDRESS) : undefined;
}

/** `note` hears of a right key by its digest's beginning. Compares digests, which are equally long whatever was sent, and all of every key's. */
export function requireKey(keys: readonly string[], note: (request: Request, digest: string) => void): MiddlewareHandler {
  const digests = Promise.all(keys.map(digest));
  return async (context, next) => {
    const ours = await digests;
    const theirs = await digest(givenKey(context.req.header('authorization')));
    let matches = 0;
    for (const key of ours) matches |= Number(equal(key, theirs));
    if (ours.length > 0 && !matches) {
      throw new ApiError(401, 'Send one of this server’s API keys as Authorization: Bearer KEY.', {
        type: 'authentication_error', code: 'invalid_api_key', headers: { 'www-authenticate': 'Bearer' },
      });
    }
    if (matches) note(context.req.raw, Array.from(theirs.subarray(0, 4), (byte) => byte.toString(16).padStart(2, '0')).join(''));
    await next();
  };
}

async function digest(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)));
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!;
  return difference === 0;
}

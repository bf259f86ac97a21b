// Who may ask: API keys, the Host header (against DNS rebinding) and the origins of web pages.
import type { MiddlewareHandler } from 'hono';
import { ApiError } from './api-error.ts';

/** Names by which this machine calls itself; a page of another site that resolves to it has another Host. */
export const LOOPBACK_HOSTS: readonly string[] = ['localhost', '127.0.0.1', '[::1]'];

/** `hosts` without ports; undefined allows any. */
export function allowHosts(hosts: readonly string[] | undefined): MiddlewareHandler {
  const allowed = hosts && new Set(hosts.map((host) => host.toLowerCase()));
  return async (context, next) => {
    const host = (context.req.header('host') ?? new URL(context.req.url).host).toLowerCase().replace(/:\d+$/, '');
    if (allowed && !allowed.has(host)) {
      throw new ApiError(421, 'This server does not answer to that host name.', {
        type: 'invalid_request_error', code: 'host_not_allowed',
      });
    }
    await next();
  };
}

/** Compares digests, which are equally long whatever was sent, and all of every key's. */
export function requireKey(keys: readonly string[]): MiddlewareHandler {
  const digests = Promise.all(keys.map(digest));
  return async (context, next) => {
    const [, given = ''] = /^Bearer\s+(.+)$/i.exec(context.req.header('authorization') ?? '') ?? [];
    const ours = await digests;
    const theirs = await digest(given);
    let matches = 0;
    for (const key of ours) matches |= Number(equal(key, theirs));
    if (ours.length > 0 && !matches) {
      throw new ApiError(401, 'Send one of this server’s API keys as Authorization: Bearer KEY.', {
        type: 'authentication_error', code: 'invalid_api_key', headers: { 'www-authenticate': 'Bearer' },
      });
    }
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

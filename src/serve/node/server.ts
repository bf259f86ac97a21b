// The server on Node: a listening socket around the handler, with metrics, the page, a log and an orderly end.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { serve } from '@hono/node-server';
import type { ServerType } from '@hono/node-server';
import { pino } from 'pino';
import { InvalidArgumentError, ModelSourceError } from '../../errors.ts';
import { ENDPOINTS } from '../endpoints.ts';
import { createHandler } from '../handler.ts';
import type { Handler, HandlerOptions } from '../handler.ts';
import { isLoopback, usualHosts } from '../hosts.ts';
import type { ModelPool } from '../model-pool.ts';
import { onAbort } from '../requests/patience.ts';
import { listeningUrl } from './address.ts';
import { nodeMetrics } from './metrics.ts';
import { logRequest } from './request-log.ts';
import { servePage } from './page.ts';

/** How long clients get to take what was written last, before their connections are cut. */
const LAST_WORDS_MS = 1000;

export interface NodeServerOptions extends Omit<HandlerOptions, 'onRequest' | 'allowAddresses' | 'extend'> {
  readonly host: string;
  readonly port: number;
  /** Answer to anybody without a key, also beyond this machine. */
  readonly withoutKeys?: boolean;
  /** Folder of the chat page's built files. */
  readonly pageFolder?: string;
  readonly log?: (line: string) => void;
}

export interface NodeServer {
  readonly url: string;
  readonly handler: Handler;
  /**
   * Takes no more requests and closes. The running ones get `graceMs`, or until `signal` fires, and end in an error then. The pool stays
   * the caller's.
   */
  close(graceMs: number, signal?: AbortSignal): Promise<void>;
}

/** Listens; rejects where the address is taken, and with InvalidArgumentError where it would be open to anybody unasked. */
export async function startServer(pool: ModelPool, options: NodeServerOptions): Promise<NodeServer> {
  const { host, port, withoutKeys, pageFolder, log, ...forHandler } = options;
  const { apiKeys = [], allowedHosts } = forHandler;
  if (!isLoopback(host) && apiKeys.length === 0 && !withoutKeys) {
    throw new InvalidArgumentError(
      `Listening on ${host} opens this server to other machines: give an API key, or say that it needs none.`,
    );
  }
  const logger = pino({ base: null }, { write: (line: string) => log?.(line) });
  const paths = [...ENDPOINTS.flatMap(({ path, aliases }) => [path, ...aliases]), '/health', '/v1/models', '/models', '/metrics', '/openapi.json', '/'];
  const metrics = nodeMetrics(paths, pool, () => handler.numActive);
  const { names, addresses } = allowedHosts ? { names: allowedHosts } : usualHosts(host, apiKeys.length > 0);
  const handler: Handler = createHandler(pool, {
    ...forHandler, allowedHosts: names, allowAddresses: addresses,
    onRequest(request) {
      metrics.observe(request);
      logRequest(logger, request);
    },
    extend(app) {
      metrics.extend(app);
      if (pageFolder) servePage(app, pageFolder);
    },
  });
  const server = await listen(handler, host, port);
  const { port: actualPort } = server.address() as AddressInfo;
  return {
    url: listeningUrl(host, actualPort),
    handler,
    async close(graceMs, signal) {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      await drainWithin(handler, graceMs, signal);
      // Of answers that are over some may still be on their way.
      const sweep = setInterval(() => 'closeIdleConnections' in server && server.closeIdleConnections(), 10);
      await Promise.race([closed, pause(LAST_WORDS_MS)]);
      clearInterval(sweep);
      if ('closeAllConnections' in server) server.closeAllConnections();
    },
  };
}

/** Also resolves where a client does not take the error that ends its stream. */
async function drainWithin(handler: Handler, graceMs: number, signal: AbortSignal | undefined): Promise<void> {
  const over = new AbortController();
  const lastWords = once(over.signal, 'abort').then(() => pause(LAST_WORDS_MS));
  const timer = setTimeout(() => over.abort(), graceMs);
  const stopListening = onAbort(signal, () => over.abort());
  await Promise.race([handler.drain(over.signal), lastWords]);
  clearTimeout(timer);
  stopListening();
}

function listen(handler: Handler, hostname: string, port: number): Promise<ServerType> {
  return new Promise<ServerType>((resolve, reject) => {
    const server = serve({ fetch: (request, { incoming }) => handler.answer(request, { client: incoming.socket.remoteAddress }), hostname, port }, () => {
      server.off('error', reject);
      resolve(server);
    });
    server.once('error', reject);
  }).catch((cause: NodeJS.ErrnoException) => {
    throw new ModelSourceError(unlistenable(cause, hostname, port), { cause });
  });
}

function unlistenable({ code, message }: NodeJS.ErrnoException, host: string, port: number): string {
  if (code === 'EADDRINUSE') return `Port ${port} of ${host} is in use. Choose another one with --port (0 takes a free one); clawdbot ps shows the servers that run.`;
  if (code === 'EACCES') return `Port ${port} of ${host} is not for this user. Choose one above 1023 with --port.`;
  return `Cannot listen on ${host}: ${message}. Choose an address of this machine with --host.`;
}

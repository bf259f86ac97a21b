// Serves the chat page's files, the list of models that it may load, and their files by range; computes nothing.
import { createReadStream, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { pipeline } from 'node:stream';
import { ModelSourceError } from '../errors.ts';
import { LOOPBACK_HOSTS, hostFilter, isLoopback } from '../serve/hosts.ts';
import { listeningUrl } from '../serve/node/address.ts';
import { PAGE_TYPES, pageFile, pageHeaders, pageName } from '../serve/node/page-files.ts';

/** Models may come from any https: address. */
const HEADERS: Readonly<Record<string, string>> = {
  ...pageHeaders("'self' https:"), 'cross-origin-resource-policy': 'same-origin', 'cache-control': 'no-cache',
};

export interface OfferedModel {
  readonly name: string;
  /** Paths of its parts in order. */
  readonly files: readonly string[];
}

export interface PageAddress {
  readonly host: string;
  readonly port: number;
  /** Host names answered to: those of this machine, or any where `host` is another address, as nothing here is secret there. */
  readonly allowedHosts?: readonly string[] | undefined;
}

export interface PageServer {
  readonly url: string;
  close(): Promise<void>;
}

/** `folder` has the built page. Rejects with ModelSourceError where it has none, or with the reason why the port cannot be had. */
export async function servePageWithModels(
  folder: string, models: readonly OfferedModel[], { host, port, allowedHosts }: PageAddress,
): Promise<PageServer> {
  if (!isFile(path.join(folder, 'index.html'))) {
    throw new ModelSourceError(`The chat page is missing (${folder}): the package is incomplete. Install it again, or run "npm run build" in a clone.`);
  }
  const files = new Map<string, string>();
  const list = JSON.stringify({ server: false, models: models.map((model) => offered(model, files)) });
  const isAllowed = hostFilter({ names: allowedHosts ?? (isLoopback(host) ? LOOPBACK_HOSTS : undefined) });
  const server = createServer((request, response) => {
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    const name = nameOf(request);
    if (!isAllowed(request.headers.host ?? '')) response.writeHead(421).end();
    else if (request.method !== 'GET' && request.method !== 'HEAD') response.writeHead(405).end();
    else if (name === 'models.json') response.setHeader('content-type', PAGE_TYPES['.json']!).end(list);
    else if (name === undefined) response.writeHead(400).end();
    else sendFile(files.get(name) ?? pageFile(folder, name), request, response);
  });
  await listening(server, host, port);
  const { port: chosen } = server.address() as AddressInfo;
  return {
    url: `${listeningUrl(host, chosen)}/`,
    close: () => new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    }),
  };
}

/** What the page is told of a model, whose files are added to those that are served: in a folder of their own where names clash. */
function offered(model: OfferedModel, files: Map<string, string>): { reference: string; name: string; sizeBytes: number } {
  const names = model.files.map((file) => path.basename(file));
  let folder = 'models';
  for (let i = 2; names.some((name) => files.has(`${folder}/${name}`)); i++) folder = `models/${i}`;
  names.forEach((name, i) => files.set(`${folder}/${name}`, model.files[i]!));
  return {
    reference: `${folder}/${encodeURIComponent(names[0]!)}`, name: model.name,
    sizeBytes: model.files.reduce((sum, file) => sum + statSync(file).size, 0),
  };
}

function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => reject(new ModelSourceError(cause.code === 'EADDRINUSE'
      ? `Port ${port} of ${host} is in use. Choose another one with --port.` : `Cannot listen on ${host}: ${cause.message}.`, { cause })));
    server.listen(port, host, resolve);
  });
}

function nameOf({ url }: IncomingMessage): string | undefined {
  return URL.canParse(url!, 'http://localhost') ? pageName(new URL(url!, 'http://localhost').pathname) : undefined;
}

const isFile = (file: string): boolean => statSync(file, { throwIfNoEntry: false })?.isFile() ?? false;

/** Whole, or the one range that is asked for. */
function sendFile(file: string | undefined, { method, headers }: IncomingMessage, response: ServerResponse): void {
  if (file === undefined || !isFile(file)) {
    response.writeHead(404).end();
    return;
  }
  const { size, mtimeMs } = statSync(file);
  const range = /^bytes=(\d{1,15})-(\d{0,15})$/.exec(headers.range ?? '');
  const start = range ? Number(range[1]) : 0;
  const end = range?.[2] ? Math.min(Number(range[2]), size - 1) : size - 1;
  response.setHeader('accept-ranges', 'bytes');
  if (range && (start > end || start >= size)) {
    response.writeHead(416, { 'content-range': `bytes */${size}` }).end();
    return;
  }
  if (range) response.setHeader('content-range', `bytes ${start}-${end}/${size}`);
  response.writeHead(range ? 206 : 200, {
    'content-type': PAGE_TYPES[path.extname(file)] ?? 'application/octet-stream', 'content-length': end - start + 1,
    etag: `"${size.toString(16)}-${Math.trunc(mtimeMs).toString(16)}"`,
  });
  if (method === 'HEAD' || size === 0) response.end();
  // Closes the file when the client goes away, and the connection when the file cannot be read to its end.
  else pipeline(createReadStream(file, { start, end }), response, () => undefined);
}

// A small server on localhost for pages under test: files of folders, with the headers a test wants, and handlers of its own.
import { createReadStream, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.wasm': 'application/wasm',
  '.svg': 'image/svg+xml', '.webmanifest': 'application/manifest+json', '.json': 'application/json',
};

export const ISOLATED = {
  'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp',
} as const;

export interface StaticServer {
  readonly origin: string;
  close(): Promise<void>;
}

export interface StaticServerOptions {
  /** Where a path's first part is looked up: { '': 'dist/web', models: '/models' }. */
  readonly folders: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Answers what is no file; true where it did. */
  readonly handle?: (request: IncomingMessage, response: ServerResponse) => boolean;
}

export async function serveStatic({ folders, headers = {}, handle }: StaticServerOptions): Promise<StaticServer> {
  const server = createServer((request, response) => {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    if (handle?.(request, response)) return;
    const { pathname } = new URL(request.url!, 'http://localhost');
    const file = fileOf(folders, decodeURIComponent(pathname));
    if (file === undefined) {
      response.writeHead(404).end('not here');
      return;
    }
    sendFile(file, request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    }),
  };
}

function fileOf(folders: StaticServerOptions['folders'], pathname: string): string | undefined {
  const [, first = '', ...rest] = pathname.split('/');
  const [folder, name] = first in folders ? [folders[first]!, rest.join('/')] : [folders[''], pathname.slice(1)];
  if (folder === undefined) return undefined;
  const file = path.join(folder, name || 'index.html');
  return file.startsWith(folder) && statSync(file, { throwIfNoEntry: false })?.isFile() ? file : undefined;
}

/** Whole, or the one range that is asked for. */
function sendFile(file: string, { method, headers }: IncomingMessage, response: ServerResponse): void {
  const { size } = statSync(file);
  response.setHeader('content-type', TYPES[path.extname(file)] ?? 'application/octet-stream');
  response.setHeader('accept-ranges', 'bytes');
  const range = /^bytes=(\d+)-(\d*)$/.exec(headers.range ?? '');
  const start = range ? Number(range[1]) : 0;
  const end = range?.[2] ? Math.min(Number(range[2]), size - 1) : size - 1;
  if (range) response.setHeader('content-range', `bytes ${start}-${end}/${size}`);
  response.writeHead(range ? 206 : 200, { 'content-length': end - start + 1 });
  if (method === 'HEAD') response.end();
  else createReadStream(file, { start, end }).pipe(response);
}

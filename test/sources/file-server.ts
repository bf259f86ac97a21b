// A file server on loopback for tests: ranges, etags, redirects, and the failures that real servers have.
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createHash } from 'node:crypto';
import type { AddressInfo } from 'node:net';

export interface ServedFile {
  bytes: Uint8Array;
  etag?: string;
  headers?: Record<string, string>;
  /** Cuts the connection after so many bytes of a body, this many times. */
  cutAfter?: number;
  cuts?: number;
  /** Sends so many bytes and then nothing more, this many times. */
  hangAfter?: number;
  hangs?: number;
  /** Pause between pieces of 16 KiB. */
  pauseMs?: number;
  /** Answers these statuses first, one a request. */
  statuses?: number[];
  redirectTo?: string;
  ignoreRanges?: boolean;
  /** Gives a range of whatever file it has by now. */
  ignoreIfRange?: boolean;
}

export interface SeenRequest {
  method: string;
  path: string;
  headers: IncomingMessage['headers'];
  bytesSent: number;
}

export class FileServer {
  readonly files = new Map<string, ServedFile>();
  readonly requests: SeenRequest[] = [];
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  url(path: string): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${path}`;
  }

  /** Requests for a body that were answered. */
  gets(path?: string): SeenRequest[] {
    return this.requests.filter((seen) => seen.method === 'GET' && (path === undefined || seen.path === path));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = new URL(request.url ?? '/', 'http://x').pathname;
    const seen: SeenRequest = { method: request.method ?? '', path, headers: request.headers, bytesSent: 0 };
    this.requests.push(seen);
    const file = this.files.get(path);
    if (!file) return void response.writeHead(404).end('not here');
    const status = file.statuses?.shift();
    if (status !== undefined) return void response.writeHead(status, { 'retry-after': '0' }).end();
    const etag = file.etag ?? `"${createHash('sha1').update(file.bytes).digest('hex')}"`;
    const headers: Record<string, string> = { etag, 'content-type': 'application/octet-stream', ...file.headers };
    if (file.redirectTo !== undefined) {
      return void response.writeHead(302, { ...headers, location: file.redirectTo }).end();
    }
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
    const unchanged = file.ignoreIfRange || request.headers['if-range'] === undefined || request.headers['if-range'] === etag;
    const from = range && unchanged && !file.ignoreRanges ? Number(range[1]) : 0;
    if (from > 0 && from >= file.bytes.length) {
      return void response.writeHead(416, { 'content-range': `bytes */${file.bytes.length}` }).end();
    }
    const hasEnd = Boolean(range?.[2]) && unchanged && !file.ignoreRanges;
    const body = file.bytes.subarray(from, hasEnd ? Number(range![2]) + 1 : undefined);
    const isPart = from > 0 || hasEnd;
    headers['content-length'] = String(body.length);
    if (isPart) headers['content-range'] = `bytes ${from}-${from + body.length - 1}/${file.bytes.length}`;
    response.writeHead(isPart ? 206 : 200, headers);
    if (request.method === 'HEAD') return void response.end();
    await this.#send(file, body, response, seen);
  }

  async #send(file: ServedFile, body: Uint8Array, response: ServerResponse, seen: SeenRequest): Promise<void> {
    const cut = file.cutAfter !== undefined && (file.cuts ?? 1) > 0 ? file.cutAfter : undefined;
    const hang = file.hangAfter !== undefined && (file.hangs ?? 1) > 0 ? file.hangAfter : undefined;
    if (cut !== undefined) file.cuts = (file.cuts ?? 1) - 1;
    if (hang !== undefined) file.hangs = (file.hangs ?? 1) - 1;
    const end = Math.min(body.length, cut ?? body.length, hang ?? body.length);
    for (let at = 0; at < end && !response.destroyed;) {
      const piece = body.subarray(at, Math.min(at + 16_384, end));
      await new Promise((resolve) => response.write(piece, resolve));
      at += piece.length;
      seen.bytesSent = at;
      if (file.pauseMs) await new Promise((resolve) => setTimeout(resolve, file.pauseMs));
    }
    if (cut !== undefined) response.destroy();
    else if (hang === undefined) response.end();
  }
}

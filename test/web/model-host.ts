// A host of one model file whose behaviour a test changes as it goes: ranges or none, connections that break, files that change.
import type { IncomingMessage, ServerResponse } from 'node:http';

export interface ModelHost {
  /** `/model.gguf` answers with these. */
  bytes: Uint8Array;
  etag: string;
  givesRanges: boolean;
  /** An answer stays open after so many of its bytes. */
  holdAfter: number | undefined;
  /** An answer's connection is cut after so many of its bytes, once. */
  cutAfter: number | undefined;
  /** The `range` of each request so far, or "whole". */
  readonly requests: string[];
  handle(request: IncomingMessage, response: ServerResponse): boolean;
}

export function modelHost(bytes: Uint8Array): ModelHost {
  const host: ModelHost = {
    bytes, etag: '"one"', givesRanges: true, holdAfter: undefined, cutAfter: undefined, requests: [],
    handle(request, response) {
      if (!request.url!.startsWith('/model.gguf')) return false;
      host.requests.push(request.headers.range ?? 'whole');
      const range = host.givesRanges ? /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') : undefined;
      const from = range ? Number(range[1]) : 0;
      const to = range?.[2] ? Math.min(Number(range[2]) + 1, host.bytes.length) : host.bytes.length;
      response.setHeader('etag', host.etag);
      if (range) response.setHeader('content-range', `bytes ${from}-${to - 1}/${host.bytes.length}`);
      response.writeHead(range ? 206 : 200, { 'content-type': 'application/octet-stream', 'content-length': to - from });
      const body = host.bytes.subarray(from, to);
      const { holdAfter, cutAfter } = host;
      if (cutAfter !== undefined && cutAfter < body.length) {
        host.cutAfter = undefined;
        response.write(body.subarray(0, cutAfter), () => setTimeout(() => response.destroy(), 1500));
      } else if (holdAfter !== undefined && holdAfter < body.length) {
        response.write(body.subarray(0, holdAfter));
      } else {
        response.end(body);
      }
      return true;
    },
  };
  return host;
}

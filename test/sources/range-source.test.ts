// Reading by range from servers that say or send other ranges than they were asked for, or nothing, or never stop.
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { ModelSourceError } from '../../src/errors.ts';
import type { ByteSource } from '../../src/gguf/byte-source.ts';
import { settle } from '../../src/sources/settings.ts';
import { rangeSource } from '../../src/sources/web/range-source.ts';
import { modelBytes, quick, temporaryDir } from './workbench.ts';

const FIRST = 256 * 1024;
const bytes = modelBytes(400_000);
let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** A source over a server that answers like this. */
async function openOn(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<ByteSource> {
  server = createServer(answer);
  await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/m.gguf`);
  return rangeSource(url, undefined, settle({ cacheDir: temporaryDir(), stallMs: 150, ...quick }));
}

const partial = (response: ServerResponse, contentRange: string, body: Uint8Array): unknown =>
  response.writeHead(206, { 'content-range': contentRange }).end(body);
const asked = ({ headers }: IncomingMessage): [number, number] => {
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(headers.range!)!;
  return [Number(from), Number(to)];
};
const right = (request: IncomingMessage, response: ServerResponse): unknown => {
  const [from, to] = asked(request);
  const body = bytes.subarray(from, to + 1);
  return partial(response, `bytes ${from}-${from + body.length - 1}/${bytes.length}`, body);
};

describe('a source by range', () => {
  it('reads what it is asked for, at the first request and later', async () => {
    const source = await openOn(right);
    expect(source.size).toBe(bytes.length);
    for (const [offset, length] of [[0, 10], [FIRST - 5, 10], [300_000, 100_000], [399_999, 1]] as const) {
      const target = new Uint8Array(length);
      await source.read(offset, target);
      expect(target).toEqual(bytes.slice(offset, offset + length));
    }
  });

  it.each([
    ['more than was asked for', 'bytes 0-900719925474098/900719925474099', /another range/],
    ['numbers beyond all sizes', 'bytes 0-99999999999999999999/999999999999999999999', /does not give ranges/],
    ['a range that ends before it begins', 'bytes 10-5/400000', /does not give ranges/],
    ['a range beyond the end', 'bytes 0-400000/400000', /does not give ranges/],
    ['another place', 'bytes 7-262143/400000', /another range/],
    ['no length', 'bytes 0-262143/*', /does not give ranges/],
  ])('refuses an answer that says %s, before it makes room for it', async (_, contentRange, message) => {
    const opened = openOn((_, response) => partial(response, contentRange, bytes.subarray(0, FIRST)));
    await expect(opened).rejects.toThrow(ModelSourceError);
    await expect(opened).rejects.toThrow(message);
  });

  it('refuses a body that goes on after what was announced', async () => {
    let isOpen = true;
    const opened = openOn((_, response) => {
      response.writeHead(206, { 'content-range': `bytes 0-${FIRST - 1}/400000` });
      response.on('close', () => (isOpen = false));
      const send = (): void => void (isOpen && response.write(new Uint8Array(65_536), () => setImmediate(send)));
      send();
    });
    await expect(opened).rejects.toThrow(/another range/);
    await expect.poll(() => isOpen).toBe(false);
  });

  it('gives up on a server that answers nothing, and on one that stops amid an answer', async () => {
    await expect(openOn(() => undefined)).rejects.toThrow(/nothing arrived for 0\.15 s.*3 attempts/);
    server!.closeAllConnections();
    server!.close();
    const stopping = openOn((_, response) => {
      response.writeHead(206, { 'content-range': `bytes 0-${FIRST - 1}/400000`, 'content-length': FIRST });
      response.write(bytes.subarray(0, 1000));
    });
    await expect(stopping).rejects.toThrow(/nothing arrived/);
  });

  it.each([
    ['has another length by now', (from: number, to: number) => `bytes ${from}-${to}/400001`, /changed while it was read/],
    ['answers with another place', (from: number, to: number) => `bytes ${from - 1}-${to - 1}/400000`, /another range/],
    ['answers with less', (from: number, to: number) => `bytes ${from}-${to - 1}/400000`, /another range/],
  ])('refuses to go on with a file that %s', async (_, contentRange, message) => {
    const source = await openOn((request, response) => {
      const [from, to] = asked(request);
      return from === 0 ? right(request, response) : partial(response, contentRange(from, to), bytes.subarray(from, to + 1));
    });
    await expect(source.read(300_000, new Uint8Array(100))).rejects.toThrow(message);
  });

  it('ends with the reason of the signal that it reads under', async () => {
    const source = await openOn((request, response) => (asked(request)[0] === 0 ? right(request, response) : undefined));
    const controller = new AbortController();
    const reading = source.read(300_000, new Uint8Array(100), controller.signal);
    controller.abort(new Error('enough'));
    await expect(reading).rejects.toThrow('enough');
  });
});

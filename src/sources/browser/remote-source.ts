// A ByteSource over an address without keeping anything: by range, straight into the view that asks (shared memory included), or,
// where the server gives no ranges, over the whole file, fetched once.
import { IntegrityError, ModelSourceError } from '../../errors.ts';
import type { ByteSource } from '../../gguf/byte-source.ts';
import { blobSource, checkRange } from '../../gguf/memory-source.ts';
import { bodyLength } from '../web/body-length.ts';
import { shown } from '../web/shown.ts';
import { retried } from '../web/retry.ts';
import type { RemoteFile } from './locate.ts';
import { brokenOff, contentRange, send } from './request.ts';
import type { BrowserSettings } from './settings.ts';

/** Read at first, together with the size: the header of a small model. */
const FIRST_BYTES = 256 * 1024;

export async function remoteSource(file: RemoteFile, settings: BrowserSettings): Promise<ByteSource> {
  const { url, expected } = file;
  return retried(settings, async () => {
    const response = await send({ url, headers: { range: `bytes=0-${FIRST_BYTES - 1}` }, signal: settings.signal });
    const size = contentRange(response)?.total ?? expected.sizeBytes;
    if (response.status !== 206) return wholeSource(file, response, settings);
    if (size === undefined) {
      await response.body?.cancel();
      throw new ModelSourceError(`${shown(url)} does not let this page read how long it is (Content-Range). Load it with cache: true.`);
    }
    if (expected.sizeBytes !== undefined && size !== expected.sizeBytes) {
      throw new IntegrityError(`${shown(url)} offers ${size} bytes where ${expected.sizeBytes} were promised: it is another file.`);
    }
    const start = new Uint8Array(Math.min(FIRST_BYTES, size));
    await fill(url, response, start);
    return rangeSource(url, size, start, settings);
  });
}

function rangeSource(url: URL, size: number, start: Uint8Array, settings: BrowserSettings): ByteSource {
  return {
    name: shown(url),
    size,
    async read(offset, target, signal) {
      signal?.throwIfAborted();
      checkRange(shown(url), offset, target.length, size);
      const known = start.subarray(offset, offset + target.length);
      target.set(known);
      if (known.length === target.length) return;
      const rest = target.subarray(known.length);
      const from = offset + known.length;
      await retried({ ...settings, signal }, async () => {
        const response = await send({ url, headers: { range: `bytes=${from}-${from + rest.length - 1}` }, signal });
        const range = contentRange(response);
        if (response.status === 206 && (!range || (range.from === from && range.total === size))) return fill(url, response, rest);
        await response.body?.cancel();
        throw new ModelSourceError(`${shown(url)} changed while it was read. Load it again.`);
      });
    },
    async close() {},
  };
}

async function fill(url: URL, response: Response, target: Uint8Array): Promise<void> {
  const reader = response.body!.getReader();
  let at = 0;
  try {
    for (;;) {
      const { value, done } = await reader.read().catch((error: unknown) => {
        throw brokenOff(url, error);
      });
      if (done) break;
      if (at + value.length > target.length) throw new ModelSourceError(`${shown(url)} sends another range than was asked for.`);
      target.set(value, at);
      at += value.length;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
  if (at !== target.length) throw brokenOff(url, new Error(`${at} of ${target.length} bytes`));
}

/** The browser keeps the Blob where it likes, which is the disk for large ones. */
async function wholeSource({ url, name }: RemoteFile, response: Response, settings: BrowserSettings): Promise<ByteSource> {
  const totalBytes = bodyLength(response);
  let loadedBytes = 0;
  const counted = response.body!.pipeThrough(new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
    transform(chunk, controller) {
      loadedBytes += chunk.length;
      settings.report({ phase: 'download', file: name, loadedBytes, totalBytes });
      controller.enqueue(chunk);
    },
  }));
  try {
    return blobSource(await new Response(counted).blob(), shown(url));
  } catch (error) {
    settings.signal?.throwIfAborted();
    throw brokenOff(url, error);
  }
}

// A ByteSource over an address that asks for the ranges that are read, and for nothing else. What a server says of its ranges is
// compared with what was asked for before anything is made of it.
import { IntegrityError, ModelSourceError } from '../../errors.ts';
import type { ByteSource } from '../../gguf/byte-source.ts';
import { checkRange } from '../../gguf/memory-source.ts';
import type { Expected } from '../check-bytes.ts';
import { contentRange } from './content-range.ts';
import { retried } from './retry.ts';
import { shown } from './shown.ts';
import type { DownloadSettings, Transport } from './resumable-download.ts';
import { watched } from './stall-watch.ts';
import type { StallWatch } from './stall-watch.ts';

/** Read at first, together with the size: the header of a small model. */
const FIRST_BYTES = 256 * 1024;

export interface RangeTransport extends Pick<Transport, 'brokenOff'> {
  get(from: number, length: number, signal: AbortSignal): Promise<Response>;
}

export interface RangedFile {
  readonly url: URL;
  readonly expected: Expected;
  /** What becomes of the answer of a server that gives the whole file instead. */
  readonly whole: (response: Response, watch: StallWatch) => Promise<ByteSource>;
  /** The complaint about a server that gives ranges and does not say of how much. */
  readonly unsized: string;
}

export async function readByRange(
  { url, expected, whole, unsized }: RangedFile, transport: RangeTransport, settings: DownloadSettings,
): Promise<ByteSource> {
  return retried(settings, () => watched(url, settings, async (watch) => {
    const response = await transport.get(0, FIRST_BYTES, watch.signal);
    if (response.status !== 206) return whole(response, watch);
    const range = contentRange(response);
    const size = range?.total ?? expected.sizeBytes;
    const refuse = async (error: Error): Promise<never> => {
      await response.body?.cancel();
      throw error;
    };
    if (size === undefined) return refuse(new ModelSourceError(`${shown(url)} ${unsized}`));
    if (expected.sizeBytes !== undefined && size !== expected.sizeBytes) {
      return refuse(new IntegrityError(`${shown(url)} offers ${size} bytes where ${expected.sizeBytes} were promised: it is another file.`));
    }
    if (range && (range.from !== 0 || range.to >= FIRST_BYTES)) return refuse(anotherRange(url));
    const start = new Uint8Array(range ? range.to + 1 : Math.min(FIRST_BYTES, size));
    await fill(url, response, start, watch, transport);
    return sourceOf(url, size, start, transport, settings);
  }));
}

function sourceOf(url: URL, size: number, start: Uint8Array, transport: RangeTransport, settings: DownloadSettings): ByteSource {
  return {
    name: shown(url),
    size,
    async read(offset, target, signal = settings.signal) {
      signal?.throwIfAborted();
      checkRange(shown(url), offset, target.length, size);
      const known = start.subarray(offset, offset + target.length);
      target.set(known);
      if (known.length === target.length) return;
      const rest = target.subarray(known.length);
      const from = offset + known.length;
      await retried({ ...settings, signal }, () => watched(url, { ...settings, signal }, async (watch) => {
        const response = await transport.get(from, rest.length, watch.signal);
        const range = contentRange(response);
        const isSameFile = response.status === 206 && (range?.total === undefined || range.total === size);
        if (isSameFile && (!range || (range.from === from && range.to === from + rest.length - 1))) {
          return fill(url, response, rest, watch, transport);
        }
        await response.body?.cancel();
        throw isSameFile ? anotherRange(url) : new ModelSourceError(`${shown(url)} changed while it was read. Load it again.`);
      }));
    },
    async close() {},
  };
}

const anotherRange = (url: URL): ModelSourceError => new ModelSourceError(`${shown(url)} sends another range than was asked for.`);

/** Reads as many bytes as `target` has, and no more, whatever the server sends. */
async function fill(url: URL, response: Response, target: Uint8Array, watch: StallWatch, transport: RangeTransport): Promise<void> {
  const reader = response.body!.getReader();
  let at = 0;
  try {
    for (;;) {
      const { value, done } = await reader.read().catch((error: unknown) => {
        throw transport.brokenOff(error);
      });
      if (done) break;
      watch.touch();
      if (at + value.length > target.length) throw anotherRange(url);
      target.set(value, at);
      at += value.length;
    }
  } finally {
    // What is left of a body that nobody wants may end as it likes.
    await reader.cancel().catch(() => undefined);
  }
  if (at !== target.length) throw transport.brokenOff(new Error(`${at} of ${target.length} bytes`));
}

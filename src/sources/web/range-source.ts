// A ByteSource over a URL: asks for the ranges that are read, and for nothing else. For headers; files are downloaded.
import { ModelSourceError } from '../../errors.ts';
import type { ByteSource } from '../../gguf/byte-source.ts';
import { checkRange } from '../../gguf/memory-source.ts';
import type { Settings } from '../settings.ts';
import { sendRequest } from './http.ts';
import { shown } from './shown.ts';
import { TransientError } from './transient-error.ts';
import { retried } from './retry.ts';

/** Read at first, together with the size: the header of a small model. */
const FIRST_BYTES = 256 * 1024;

/** Rejects where the server does not give ranges, or is not there. */
export async function rangeSource(url: URL, token: string | undefined, settings: Settings): Promise<ByteSource> {
  const first = await retried(settings, () => fetchRange(url, token, 0, FIRST_BYTES, settings));
  return {
    name: shown(url),
    size: first.size,
    async read(offset, target, signal) {
      signal?.throwIfAborted();
      checkRange(shown(url), offset, target.length, first.size);
      const known = offset < first.bytes.length ? first.bytes.subarray(offset, offset + target.length) : new Uint8Array(0);
      target.set(known);
      if (known.length === target.length) return;
      const from = offset + known.length;
      const { bytes, size } = await retried(settings, () => fetchRange(url, token, from, target.length - known.length, settings));
      if (size !== first.size || bytes.length !== target.length - known.length) {
        throw new ModelSourceError(`${shown(url)} changed while its header was read. Try again.`);
      }
      target.set(bytes, known.length);
    },
    async close() {},
  };
}

async function fetchRange(
  url: URL, token: string | undefined, from: number, length: number, settings: Settings,
): Promise<{ readonly bytes: Uint8Array; readonly size: number }> {
  const headers = { range: `bytes=${from}-${from + length - 1}` };
  const { response } = await sendRequest({ url, token, headers }, settings);
  const range = /^bytes (\d+)-(\d+)\/(\d{1,15})$/.exec(response.headers.get('content-range') ?? '');
  if (response.status !== 206 || !range || Number(range[1]) !== from) {
    await response.body?.cancel();
    throw new ModelSourceError(`${shown(url)} does not give ranges of its files. Fetch it whole with \`clawdbot pull\`.`);
  }
  const bytes = new Uint8Array(Number(range[2]) - from + 1);
  if (bytes.length > length) throw new ModelSourceError(`${shown(url)} sends another range than was asked for.`);
  let at = 0;
  try {
    for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
      bytes.set(chunk.subarray(0, bytes.length - at), at);
      at += chunk.length;
    }
  } catch (error) {
    settings.signal?.throwIfAborted();
    throw new TransientError(`${shown(url)}: the answer broke off`, { cause: error });
  }
  if (at !== bytes.length) throw new TransientError(`${shown(url)}: the answer has ${at} of ${bytes.length} bytes`);
  return { bytes, size: Number(range[3]) };
}

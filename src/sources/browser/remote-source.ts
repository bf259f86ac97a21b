// A ByteSource over an address without keeping anything: by range, straight into the view that asks (shared memory included), or,
// where the server gives no ranges, over the whole file, fetched once.
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { IntegrityError } from '../../errors.ts';
import type { ByteSource } from '../../gguf/byte-source.ts';
import { blobSource } from '../../gguf/memory-source.ts';
import { checkBytes } from '../check-bytes.ts';
import { bodyLength } from '../web/body-length.ts';
import { readByRange } from '../web/read-by-range.ts';
import { shown } from '../web/shown.ts';
import type { StallWatch } from '../web/stall-watch.ts';
import { brokenOff } from '../web/transient-error.ts';
import type { RemoteFile } from './locate.ts';
import { send } from './request.ts';
import type { BrowserSettings } from './settings.ts';

/** Ranges are held to the size that was promised; a hash takes the whole file, and is looked at where that is fetched. */
export function remoteSource(file: RemoteFile, settings: BrowserSettings): Promise<ByteSource> {
  const { url, expected } = file;
  return readByRange({
    url, expected, unsized: 'does not let this page read how long it is (Content-Range). Load it with cache: true.',
    whole: (response, watch) => wholeSource(file, response, watch, settings),
  }, {
    get: (from, length, signal) => send({ url, headers: { range: `bytes=${from}-${from + length - 1}` }, signal }),
    brokenOff: (error) => brokenOff(url, error),
  }, settings);
}

/** The browser keeps the Blob where it likes, which is the disk for large ones. */
async function wholeSource(
  { url, name, expected }: RemoteFile, response: Response, watch: StallWatch, settings: BrowserSettings,
): Promise<ByteSource> {
  const totalBytes = expected.sizeBytes ?? bodyLength(response);
  const hash = expected.sha256 === undefined ? undefined : sha256.create();
  let loadedBytes = 0;
  let excess: IntegrityError | undefined;
  const counted = response.body!.pipeThrough(new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
    transform(chunk, controller) {
      watch.touch();
      hash?.update(chunk);
      loadedBytes += chunk.length;
      if (loadedBytes > (totalBytes ?? Infinity)) {
        throw (excess = new IntegrityError(`${shown(url)} sends more than the ${totalBytes} bytes it promised.`));
      }
      settings.report({ phase: 'download', file: name, loadedBytes, totalBytes });
      controller.enqueue(chunk);
    },
  }));
  let blob: Blob;
  try {
    blob = await new Response(counted).blob();
  } catch (error) {
    throw excess ?? brokenOff(url, error);
  }
  checkBytes(name, { sha256: hash ? bytesToHex(hash.digest()) : '', sizeBytes: blob.size }, expected);
  return blobSource(blob, shown(url));
}

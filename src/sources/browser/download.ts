// Downloads a file into the cache of the origin's private file system.
import { downloadInto } from '../web/resumable-download.ts';
import type { Transport } from '../web/resumable-download.ts';
import { brokenOff } from '../web/transient-error.ts';
import type { RemoteFile } from './locate.ts';
import type { ModelCache, StoredFile } from './model-cache.ts';
import { PieceStore } from './piece-store.ts';
import { send } from './request.ts';
import type { BrowserSettings } from './settings.ts';

const KINDS = { html: 'a web page', zip: 'an archive', gzip: 'an archive', unknown: 'no GGUF file' };

/** Throws IntegrityError, ModelSourceError, or the signal's reason; what has come by then is continued next time. */
export function download(
  cache: ModelCache, key: string, fileIndex: number, { name, url, expected }: RemoteFile, settings: BrowserSettings,
): Promise<StoredFile> {
  const transport: Transport = {
    // If-Range is a header for which hosts would have to be asked first (CORS).
    get: (from, _, signal) => send({ url, headers: from > 0 ? { range: `bytes=${from}-` } : undefined, accept: [416], signal }),
    brokenOff: (error) => brokenOff(url, error),
  };
  return downloadInto(async () => new PieceStore(cache, key, fileIndex, name, settings), transport, {
    url, expected, label: name,
    refuse: (kind) => (kind === 'gguf' ? undefined : `sends ${KINDS[kind]}. Use the address of a .gguf file itself.`),
  }, settings);
}

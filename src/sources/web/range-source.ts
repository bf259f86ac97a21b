// A ByteSource over a URL by range. For headers; files are downloaded.
import { ModelSourceError } from '../../errors.ts';
import type { ByteSource } from '../../gguf/byte-source.ts';
import { isAbort } from '../failures.ts';
import type { Settings } from '../settings.ts';
import { networkFailure, sendRequest } from './http.ts';
import { readByRange } from './read-by-range.ts';
import { shown } from './shown.ts';

const WITHOUT_RANGES = 'does not give ranges of its files. Fetch it whole with `clawdbot pull`.';

/** Rejects where the server does not give ranges, or is not there. */
export function rangeSource(url: URL, token: string | undefined, settings: Settings): Promise<ByteSource> {
  return readByRange({
    url, expected: {}, unsized: WITHOUT_RANGES,
    async whole(response) {
      await response.body?.cancel();
      throw new ModelSourceError(`${shown(url)} ${WITHOUT_RANGES}`);
    },
  }, {
    get: async (from, length, signal) =>
      (await sendRequest({ url, token, headers: { range: `bytes=${from}-${from + length - 1}` }, signal }, settings)).response,
    brokenOff: (error) => (isAbort(error, settings.signal) ? error as Error : networkFailure(error, url)),
  }, settings);
}

// What stands for `openFile` where there are no files by path, so that every entry exports the same names.
import { ModelSourceError } from '../errors.ts';
import type { ByteSource } from '../gguf/byte-source.ts';

/** Rejects: this runtime has no files by path. */
export async function openFile(path: string): Promise<ByteSource> {
  throw new ModelSourceError(`This runtime opens no files by path ("${path}"). Give a Blob to blobSource, or bytes to bytesSource.`);
}

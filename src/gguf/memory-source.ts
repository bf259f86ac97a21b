// ByteSources over what is already at hand: bytes in memory and Blobs (files picked in a browser among them).
import { ModelSourceError } from '../errors.ts';
import type { ByteSource } from './byte-source.ts';

/** A source over `bytes`, which it neither copies nor changes. */
export function bytesSource(bytes: Uint8Array, name = 'bytes'): ByteSource {
  return {
    name,
    size: bytes.length,
    async read(offset, target, signal) {
      signal?.throwIfAborted();
      checkRange(name, offset, target.length, bytes.length);
      target.set(bytes.subarray(offset, offset + target.length));
    },
    async close() {},
  };
}

/** A source over a Blob or File; only the ranges asked for are read. */
export function blobSource(blob: Blob, name = 'name' in blob ? String(blob.name) : 'blob'): ByteSource {
  return {
    name,
    size: blob.size,
    async read(offset, target, signal) {
      signal?.throwIfAborted();
      checkRange(name, offset, target.length, blob.size);
      for (let done = 0; done < target.length; done += BLOB_CHUNK_BYTES) {
        const length = Math.min(BLOB_CHUNK_BYTES, target.length - done);
        const chunk = await blob.slice(offset + done, offset + done + length).arrayBuffer();
        signal?.throwIfAborted();
        if (chunk.byteLength !== length) {
          throw new ModelSourceError(`"${name}" changed while it was read. Load it again.`);
        }
        target.set(new Uint8Array(chunk), done);
      }
    },
    async close() {},
  };
}

/** Bounds the copy that a Blob makes of what is read from it. */
const BLOB_CHUNK_BYTES = 16 * 2 ** 20;

/** Throws ModelSourceError when [offset, offset + length) is not inside a source of `size` bytes. */
export function checkRange(name: string, offset: number, length: number, size: number): void {
  if (!Number.isSafeInteger(offset) || offset < 0 || offset + length > size) {
    throw new ModelSourceError(
      `"${name}" has ${size} bytes and ${length} were asked for at ${offset}. The file is cut off; fetch it again.`,
    );
  }
}

// Where bytes come from: a file, a URL by range, a Blob, bytes in memory. Platforms and sources implement it.

export interface ByteSource {
  /** What to call it in messages: a path, a URL, "bytes". */
  readonly name: string;
  /** Total length in bytes; exact past 4 GiB. */
  readonly size: number;
  /** Fills `target` (it may lie on shared memory) with the bytes from `offset`; rejects if they are not all there. */
  read(offset: number, target: Uint8Array, signal?: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

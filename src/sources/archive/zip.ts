// Reads zip files (wheels are zips) by their central directory, zip64 included, and streams one file out of them.
import type { FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { createInflateRaw } from 'node:zlib';
import { ModelSourceError } from '../../errors.ts';

// APPNOTE.TXT 4.3: signatures and fixed lengths of the records used here.
const LOCAL_HEADER = { signature: 0x04034b50, bytes: 30 };
const CENTRAL_HEADER = { signature: 0x02014b50, bytes: 46 };
const END_RECORD = { signature: 0x06054b50, bytes: 22 };
const END64_LOCATOR = { signature: 0x07064b50, bytes: 20 };
const END64_RECORD = { signature: 0x06064b50, bytes: 56 };
const ZIP64_EXTRA = 0x0001;
const LONGEST_COMMENT = 0xffff;
const LARGEST_DIRECTORY_BYTES = 64 * 2 ** 20;
const STREAM_CHUNK_BYTES = 512 * 1024;

export interface ZipEntry {
  readonly name: string;
  readonly method: number;
  readonly isEncrypted: boolean;
  readonly crc32: number;
  readonly compressedBytes: number;
  readonly bytes: number;
  readonly headerOffset: number;
}

export class ZipFile {
  readonly entries: readonly ZipEntry[];
  readonly #name: string;
  readonly #handle: FileHandle;
  readonly #directoryOffset: number;

  private constructor(name: string, handle: FileHandle, entries: readonly ZipEntry[], directoryOffset: number) {
    this.entries = entries;
    this.#name = name;
    this.#handle = handle;
    this.#directoryOffset = directoryOffset;
  }

  /** `name` is for messages. The handle stays the caller's to close. */
  static async read(name: string, handle: FileHandle): Promise<ZipFile> {
    const { size } = await handle.stat();
    const { offset, bytes, count } = await findDirectory(name, handle, size);
    if (bytes > LARGEST_DIRECTORY_BYTES || offset + bytes > size || count * CENTRAL_HEADER.bytes > bytes) {
      throw broken(name, `its directory of ${count} files in ${bytes} bytes at ${offset} cannot be true`);
    }
    const directory = await readAt(name, handle, offset, bytes);
    return new ZipFile(name, handle, readEntries(name, directory, count), offset);
  }

  find(entryName: string): ZipEntry | undefined {
    return this.entries.find((entry) => entry.name === entryName);
  }

  /** The uncompressed bytes of an entry. Ends in ModelSourceError where they are more or fewer than the zip says. */
  async *open(entry: ZipEntry): AsyncGenerator<Uint8Array> {
    if (entry.isEncrypted) throw broken(this.#name, `"${entry.name}" is encrypted`);
    if (entry.method !== 0 && entry.method !== 8) {
      throw broken(this.#name, `"${entry.name}" uses compression method ${entry.method}; stored and deflate are known`);
    }
    const header = await readAt(this.#name, this.#handle, entry.headerOffset, LOCAL_HEADER.bytes);
    if (header.readUInt32LE(0) !== LOCAL_HEADER.signature) throw broken(this.#name, `"${entry.name}" has no header`);
    const start = entry.headerOffset + LOCAL_HEADER.bytes + header.readUInt16LE(26) + header.readUInt16LE(28);
    if (start + entry.compressedBytes > this.#directoryOffset) {
      throw broken(this.#name, `"${entry.name}" reaches past the end of the data`);
    }
    let left = entry.bytes;
    for await (const chunk of this.#unpacked(entry, start)) {
      left -= chunk.length;
      if (left < 0) throw broken(this.#name, `"${entry.name}" unpacks to more than the ${entry.bytes} bytes it states`);
      yield chunk;
    }
    if (left > 0) throw broken(this.#name, `"${entry.name}" unpacks to ${left} bytes fewer than it states`);
  }

  async *#unpacked(entry: ZipEntry, start: number): AsyncGenerator<Uint8Array> {
    if (entry.compressedBytes === 0) return;
    if (entry.method === 0) {
      yield* this.#raw(entry, start);
      return;
    }
    const raw = Readable.from(this.#raw(entry, start), { objectMode: false });
    const inflate = createInflateRaw({ chunkSize: STREAM_CHUNK_BYTES });
    raw.on('error', (error) => inflate.destroy(error));
    try {
      yield* raw.pipe(inflate) as AsyncIterable<Uint8Array>;
    } catch (cause) {
      if (!String((cause as NodeJS.ErrnoException).code).startsWith('Z_')) throw cause;
      throw broken(this.#name, `"${entry.name}" does not unpack`, cause);
    } finally {
      raw.destroy();
      inflate.destroy();
    }
  }

  /** The entry's bytes as they are stored. (A read stream over the handle would close it.) */
  async *#raw(entry: ZipEntry, start: number): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < entry.compressedBytes; at += STREAM_CHUNK_BYTES) {
      const length = Math.min(STREAM_CHUNK_BYTES, entry.compressedBytes - at);
      yield await readAt(this.#name, this.#handle, start + at, length);
    }
  }
}

/** The directory's offset, length and number of entries, from the end of the file. */
async function findDirectory(
  name: string, handle: FileHandle, size: number,
): Promise<{ offset: number; bytes: number; count: number }> {
  const tailBytes = Math.min(size, END_RECORD.bytes + LONGEST_COMMENT);
  const tail = await readAt(name, handle, size - tailBytes, tailBytes);
  let at = tailBytes - END_RECORD.bytes;
  while (at >= 0 && tail.readUInt32LE(at) !== END_RECORD.signature) at--;
  if (at < 0) throw broken(name, 'it has no directory; the file is cut off or is no zip');
  const small = {
    offset: tail.readUInt32LE(at + 16), bytes: tail.readUInt32LE(at + 12), count: tail.readUInt16LE(at + 10),
  };
  const locatorAt = at - END64_LOCATOR.bytes;
  if (locatorAt < 0 || tail.readUInt32LE(locatorAt) !== END64_LOCATOR.signature) return small;
  const recordOffset = safe(name, tail.readBigUInt64LE(locatorAt + 8));
  const record = await readAt(name, handle, recordOffset, END64_RECORD.bytes);
  if (record.readUInt32LE(0) !== END64_RECORD.signature) throw broken(name, 'its zip64 directory is damaged');
  return {
    count: safe(name, record.readBigUInt64LE(32)),
    bytes: safe(name, record.readBigUInt64LE(40)),
    offset: safe(name, record.readBigUInt64LE(48)),
  };
}

function readEntries(name: string, directory: Buffer, count: number): ZipEntry[] {
  const entries: ZipEntry[] = [];
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (at + CENTRAL_HEADER.bytes > directory.length || directory.readUInt32LE(at) !== CENTRAL_HEADER.signature) {
      throw broken(name, `entry ${i} of its directory is damaged`);
    }
    const nameBytes = directory.readUInt16LE(at + 28);
    const extraBytes = directory.readUInt16LE(at + 30);
    const next = at + CENTRAL_HEADER.bytes + nameBytes + extraBytes + directory.readUInt16LE(at + 32);
    if (next > directory.length) throw broken(name, `entry ${i} of its directory is cut off`);
    const nameAt = at + CENTRAL_HEADER.bytes;
    const extra = directory.subarray(nameAt + nameBytes, nameAt + nameBytes + extraBytes);
    const [bytes, compressedBytes, headerOffset] = widened(name, extra, [
      directory.readUInt32LE(at + 24), directory.readUInt32LE(at + 20), directory.readUInt32LE(at + 42),
    ]);
    entries.push({
      name: directory.toString('utf8', nameAt, nameAt + nameBytes),
      method: directory.readUInt16LE(at + 10),
      isEncrypted: (directory.readUInt16LE(at + 8) & 1) !== 0,
      crc32: directory.readUInt32LE(at + 16),
      bytes, compressedBytes, headerOffset,
    });
    at = next;
  }
  return entries;
}

/** Fields of all ones have their 64-bit values in the zip64 extra field, in this order (APPNOTE 4.5.3). */
function widened(name: string, extra: Buffer, fields: number[]): number[] {
  let wide: Buffer | undefined;
  for (let at = 0; at + 4 <= extra.length;) {
    const length = extra.readUInt16LE(at + 2);
    if (extra.readUInt16LE(at) === ZIP64_EXTRA) wide = extra.subarray(at + 4, at + 4 + length);
    at += 4 + length;
  }
  let at = 0;
  return fields.map((field) => {
    if (field !== 0xffffffff || !wide) return field;
    if (at + 8 > wide.length) throw broken(name, 'a zip64 field is missing');
    const value = safe(name, wide.readBigUInt64LE(at));
    at += 8;
    return value;
  });
}

async function readAt(name: string, handle: FileHandle, offset: number, length: number): Promise<Buffer> {
  const { size } = await handle.stat();
  if (offset < 0 || offset + length > size) throw broken(name, `a record at ${offset} lies outside the file`);
  const buffer = Buffer.alloc(length);
  for (let done = 0; done < length;) {
    const { bytesRead } = await handle.read(buffer, done, length - done, offset + done);
    if (bytesRead === 0) throw broken(name, 'it became shorter while it was read');
    done += bytesRead;
  }
  return buffer;
}

function safe(name: string, value: bigint): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw broken(name, `a length of ${value} cannot be true`);
  return Number(value);
}

function broken(name: string, what: string, cause?: unknown): ModelSourceError {
  const message = `The archive "${name}" cannot be used: ${what}. Get it again or use another source.`;
  return new ModelSourceError(message, { cause });
}

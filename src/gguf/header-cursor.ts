// Reads little-endian fields in order from a ByteSource through a window that grows as needed; checks every length
// against the bytes that remain before it reads or allocates.
import { GgufError } from '../errors.ts';
import type { ByteSource } from './byte-source.ts';
import { GGUF_LIMITS } from './limits.ts';
import { StringListBuilder, isContinuation } from './string-list.ts';
import type { StringList } from './string-list.ts';

const FIRST_WINDOW_BYTES = 256 * 1024;
const LARGEST_WINDOW_BYTES = 2 * 2 ** 20;
/** Strings of arrays are checked this many bytes at a time: a call of TextDecoder costs more than a short string. */
const BATCH_BYTES = 64 * 1024;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export class HeaderCursor {
  readonly #source: ByteSource;
  readonly #signal: AbortSignal | undefined;
  #buffer = new ArrayBuffer(0);
  /** The part of the buffer that has been read. */
  #window = new Uint8Array(this.#buffer);
  #view = new DataView(this.#buffer);
  /** File offset of the window's first byte. */
  #windowOffset = 0;
  /** Next byte to read, within the window. */
  #next = 0;
  #nextWindowBytes = FIRST_WINDOW_BYTES;

  constructor(source: ByteSource, signal?: AbortSignal) {
    this.#source = source;
    this.#signal = signal;
  }

  /** File offset of the next byte. */
  get offset(): number {
    return this.#windowOffset + this.#next;
  }

  get remaining(): number {
    return this.#source.size - this.offset;
  }

  fail(what: string): GgufError {
    return new GgufError(`"${this.#source.name}": ${what}. The file is damaged or hostile; fetch or convert it again.`);
  }

  /** Makes `count` bytes readable by the synchronous methods. */
  async need(count: number, what: string): Promise<void> {
    if (this.#window.length - this.#next >= count) return;
    if (count > this.remaining) {
      throw this.fail(
        `the file ends inside ${what}: ${count} bytes are needed at offset ${this.offset} and ${this.remaining} remain`,
      );
    }
    if (this.offset + count > GGUF_LIMITS.headerBytes) {
      throw this.fail(`the header passes the limit of ${GGUF_LIMITS.headerBytes} bytes (while reading ${what})`);
    }
    this.#signal?.throwIfAborted();
    const kept = this.#window.subarray(this.#next);
    const length = Math.min(Math.max(count, this.#nextWindowBytes), this.remaining);
    // One buffer serves all windows that are not larger than it: those left behind would stay in memory for a while.
    if (length > this.#buffer.byteLength) {
      this.#buffer = new ArrayBuffer(Math.max(length, Math.min(LARGEST_WINDOW_BYTES, this.remaining)));
      this.#view = new DataView(this.#buffer);
    }
    const window = new Uint8Array(this.#buffer, 0, length);
    window.set(kept);
    await this.#source.read(this.offset + kept.length, window.subarray(kept.length), this.#signal);
    this.#windowOffset += this.#next;
    this.#next = 0;
    this.#window = window;
    this.#nextWindowBytes = Math.min(this.#nextWindowBytes * 2, LARGEST_WINDOW_BYTES);
  }

  /** The view and position of `count` bytes that `need` has made readable; steps over them. */
  take<T>(count: number, read: (view: DataView, at: number) => T): T {
    const value = read(this.#view, this.#next);
    this.#next += count;
    return value;
  }

  async u32(what: string): Promise<number> {
    await this.need(4, what);
    return this.take(4, (view, at) => view.getUint32(at, true));
  }

  /** A 64-bit count, length or offset. Values past 2^53 cannot be true of any file and are refused. */
  async u64(what: string): Promise<number> {
    await this.need(8, what);
    const value = this.#peekLength();
    if (value > Number.MAX_SAFE_INTEGER) {
      const exact = this.#view.getBigUint64(this.#next, true);
      throw this.fail(`${what} is ${exact}, more than any file can hold`);
    }
    this.#next += 8;
    return value;
  }

  /** Refuses a count whose smallest possible encoding is longer than the rest of the file. */
  checkCount(count: number, minBytes: number, what: string): void {
    if (count * minBytes > this.remaining) {
      throw this.fail(`${what} is ${count}, each at least ${minBytes} bytes long, and ${this.remaining} bytes remain`);
    }
  }

  async bytes(count: number, what: string): Promise<ArrayBuffer> {
    await this.need(count, what);
    const copy = this.#window.buffer.slice(this.#next, this.#next + count);
    this.#next += count;
    return copy;
  }

  async string(limit: number, what: string): Promise<string> {
    return this.#decode(await this.#stringAhead(limit, what), what);
  }

  /** Reads `count` strings; everything that lies in the window is taken without awaiting. */
  async strings(count: number, limit: number, what: string): Promise<StringList> {
    const builder = new StringListBuilder(count);
    while (builder.length < count) {
      this.#bufferedStrings(builder, count, limit, what);
      if (builder.length === count) break;
      const length = await this.#stringAhead(limit, what);
      builder.append(this.#window, this.#next, this.#next + length);
      this.#decode(length, what);
    }
    return builder.list();
  }

  /** Steps over a string's length, which it returns, and makes the string readable. */
  async #stringAhead(limit: number, what: string): Promise<number> {
    const length = await this.u64(`the length of ${what}`);
    if (length > limit) throw this.fail(`${what} is ${length} bytes long and the limit is ${limit}`);
    await this.need(length, what);
    return length;
  }

  /**
   * Takes strings that lie in the window, about a batch of them, and checks them by one call for all. Their bytes are
   * joined without their lengths; as no string starts inside a character, the whole is valid exactly when each is.
   */
  #bufferedStrings(builder: StringListBuilder, count: number, limit: number, what: string): void {
    const start = this.#next;
    const { length: numBefore, byteLength: bytesBefore } = builder;
    const window = this.#window;
    while (builder.length < count && builder.byteLength - bytesBefore < BATCH_BYTES && window.length - this.#next >= 8) {
      const length = this.#peekLength();
      const from = this.#next + 8;
      if (length > limit || length > window.length - from) break;
      if (length > 0 && isContinuation(window[from])) break;
      builder.append(window, from, from + length);
      this.#next = from + length;
    }
    if (decodeOrUndefined(builder.since(bytesBefore)) === undefined) this.#findInvalid(builder.length - numBefore, start, what);
  }

  /** Decodes strings that are not valid together one by one, to throw at the one that is wrong. */
  #findInvalid(count: number, start: number, what: string): void {
    this.#next = start;
    for (let i = 0; i < count; i++) {
      const length = this.#peekLength();
      this.#next += 8;
      this.#decode(length, what);
    }
  }

  #peekLength(): number {
    return this.#view.getUint32(this.#next, true) + this.#view.getUint32(this.#next + 4, true) * 2 ** 32;
  }

  #decode(length: number, what: string): string {
    const start = this.#next;
    this.#next += length;
    const text = decodeOrUndefined(this.#window.subarray(start, start + length));
    if (text === undefined) throw this.fail(`${what} at offset ${this.#windowOffset + start} is not valid UTF-8`);
    return text;
  }
}

function decodeOrUndefined(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

// Reads a tar stream file by file (ustar, GNU long names, pax paths and sizes); what the consumer leaves is skipped.
import { ModelSourceError } from '../../errors.ts';

const BLOCK = 512;
/** Names and pax records are text; more than this is no name. */
const LONGEST_TEXT_BYTES = 2 ** 20;

export interface TarEntry {
  readonly name: string;
  readonly bytes: number;
  /** Links, folders and devices are not. */
  readonly isFile: boolean;
  /** The content; to be read before the next entry is asked for, or not at all. */
  readonly content: AsyncIterable<Uint8Array>;
}

/** `name` is for messages. */
export async function* readTar(name: string, stream: AsyncIterable<Uint8Array>): AsyncGenerator<TarEntry> {
  const reader = new BlockReader(name, stream);
  let longName: string | undefined;
  let pax = new Map<string, string>();
  for (;;) {
    const header = await reader.take(BLOCK);
    if (!header || header.every((byte) => byte === 0)) return;
    checkSum(name, header);
    const type = String.fromCharCode(header[156]);
    const bytes = pax.has('size') ? Number(pax.get('size')) : numberAt(name, header, 124, 12);
    if (!Number.isSafeInteger(bytes) || bytes < 0) throw broken(name, 'a file in it has an impossible size');
    const padding = (BLOCK - (bytes % BLOCK)) % BLOCK;
    if (type === 'L' || type === 'x' || type === 'g' || type === 'K') {
      if (bytes > LONGEST_TEXT_BYTES) throw broken(name, 'a name in it is impossibly long');
      const text = new TextDecoder().decode(await reader.must(bytes + padding));
      if (type === 'L') longName = text.split('\0')[0];
      if (type === 'x') pax = paxRecords(text);
      continue;
    }
    let left = bytes;
    const entryName = pax.get('path') ?? longName ?? plainName(header);
    const content = async function* (): AsyncGenerator<Uint8Array> {
      while (left > 0) {
        const chunk = await reader.some(left);
        left -= chunk.length;
        yield chunk;
      }
    };
    yield { name: entryName, bytes, isFile: type === '0' || type === '\0' || type === '7', content: content() };
    while (left > 0) left -= (await reader.some(left)).length;
    await reader.must(padding);
    longName = undefined;
    pax = new Map();
  }
}

class BlockReader {
  readonly #name: string;
  readonly #iterator: AsyncIterator<Uint8Array>;
  #held: Uint8Array = new Uint8Array(0);

  constructor(name: string, stream: AsyncIterable<Uint8Array>) {
    this.#name = name;
    this.#iterator = stream[Symbol.asyncIterator]();
  }

  /** Exactly `count` bytes, or undefined at the end of the stream. */
  async take(count: number): Promise<Uint8Array | undefined> {
    while (this.#held.length < count) {
      const { done, value } = await this.#iterator.next();
      if (done) return this.#held.length === 0 ? undefined : this.#fail();
      this.#held = Buffer.concat([this.#held, value]);
    }
    const taken = this.#held.subarray(0, count);
    this.#held = this.#held.subarray(count);
    return taken;
  }

  async must(count: number): Promise<Uint8Array> {
    return count === 0 ? new Uint8Array(0) : (await this.take(count)) ?? this.#fail();
  }

  /** At least one and at most `limit` bytes. */
  async some(limit: number): Promise<Uint8Array> {
    while (this.#held.length === 0) {
      const { done, value } = await this.#iterator.next();
      if (done) return this.#fail();
      this.#held = value;
    }
    return await this.must(Math.min(limit, this.#held.length));
  }

  #fail(): never {
    throw broken(this.#name, 'it ends in the middle of a file');
  }
}

function plainName(header: Uint8Array): string {
  const isUstar = textAt(header, 257, 5) === 'ustar';
  const prefix = isUstar ? textAt(header, 345, 155) : '';
  const own = textAt(header, 0, 100);
  return prefix === '' ? own : `${prefix}/${own}`;
}

function textAt(header: Uint8Array, at: number, length: number): string {
  return new TextDecoder().decode(header.subarray(at, at + length)).split('\0')[0];
}

/** Octal text, or (GNU) big-endian binary marked by the first bit. */
function numberAt(name: string, header: Uint8Array, at: number, length: number): number {
  if (header[at] & 0x80) {
    let value = header[at] & 0x7f;
    for (let i = 1; i < length; i++) value = value * 256 + header[at + i];
    return value;
  }
  const text = textAt(header, at, length).trim();
  if (!/^[0-7]*$/.test(text)) throw broken(name, 'a number in it is not octal');
  return text === '' ? 0 : parseInt(text, 8);
}

function checkSum(name: string, header: Uint8Array): void {
  let sum = 0;
  for (let i = 0; i < BLOCK; i++) sum += i >= 148 && i < 156 ? 32 : header[i];
  if (sum !== numberAt(name, header, 148, 8)) throw broken(name, 'it is no tar archive or is damaged');
}

/** Lines of "length key=value\n". */
function paxRecords(text: string): Map<string, string> {
  const records = new Map<string, string>();
  for (const line of text.split('\n')) {
    const match = /^\d+ ([^=]+)=(.*)$/.exec(line);
    if (match) records.set(match[1], match[2]);
  }
  return records;
}

function broken(name: string, what: string): ModelSourceError {
  return new ModelSourceError(`The archive "${name}" cannot be used: ${what}. Get it again or use another source.`);
}

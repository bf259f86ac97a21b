// The strings of an array as UTF-8 in one block: a vocabulary has hundreds of thousands, of which few are ever looked at.

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

export class StringList {
  readonly length: number;
  /** All strings, one after the other; longer where there is room to grow. */
  readonly bytes: Uint8Array;
  /** String i is bytes[starts[i] … starts[i + 1]). */
  readonly starts: Uint32Array;

  constructor(length: number, bytes: Uint8Array, starts: Uint32Array) {
    this.length = length;
    this.bytes = bytes;
    this.starts = starts;
  }

  static from(strings: readonly string[]): StringList {
    const builder = new StringListBuilder(strings.length);
    for (const text of strings) {
      const bytes = encoder.encode(text);
      builder.append(bytes, 0, bytes.length);
    }
    return builder.list();
  }

  utf8(index: number): Uint8Array {
    return this.bytes.subarray(this.starts[index], this.starts[index + 1]);
  }

  text(index: number): string {
    return decoder.decode(this.utf8(index));
  }

  /** Strings that both begin with. */
  numShared({ length, bytes, starts }: StringList): number {
    const most = Math.min(this.length, length);
    for (let index = 0; index < most; index++) {
      const [from, to] = [this.starts[index]!, this.starts[index + 1]!];
      if (starts[index + 1] !== to) return index;
      for (let at = from; at < to; at++) if (bytes[at] !== this.bytes[at]) return index;
    }
    return most;
  }

  /** All as strings. One call for all of them: a call of TextDecoder costs more than a short string. */
  toArray(): string[] {
    const { bytes, starts } = this;
    const all = decoder.decode(bytes.subarray(0, starts[this.length]));
    let from = 0;
    return Array.from({ length: this.length }, (_, index) => {
      const text = all.slice(from, from + numUnits(bytes, starts[index]!, starts[index + 1]!));
      from += text.length;
      return text;
    });
  }
}

/** UTF-16 units that valid UTF-8 becomes. */
function numUnits(bytes: Uint8Array, from: number, to: number): number {
  let units = 0;
  for (let i = from; i < to; i++) if (!isContinuation(bytes[i]!)) units += bytes[i]! < 0xf0 ? 1 : 2;
  return units;
}

export function isContinuation(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}

/** More than the average of real vocabularies. What is not filled costs no memory before it is touched. */
const BYTES_A_STRING = 12;

/** Bytes from which on a call that copies them costs less than a loop. */
const LONG_STRING = 64;

/** Gathers at most so many strings. */
export class StringListBuilder {
  readonly #starts: Uint32Array;
  #bytes: Uint8Array;
  #length = 0;

  constructor(capacity: number) {
    this.#starts = new Uint32Array(capacity + 1);
    this.#bytes = new Uint8Array(capacity * BYTES_A_STRING);
  }

  get length(): number {
    return this.#length;
  }

  get byteLength(): number {
    return this.#starts[this.#length]!;
  }

  /** Adds source[from … to). */
  append(source: Uint8Array, from: number, to: number): void {
    const start = this.byteLength;
    const end = start + to - from;
    if (end > this.#bytes.length) {
      const grown = new Uint8Array(2 * end);
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    const bytes = this.#bytes;
    if (end - start > LONG_STRING) bytes.set(source.subarray(from, to), start);
    else for (let i = start, at = from; i < end; i++, at++) bytes[i] = source[at]!;
    this.#starts[++this.#length] = end;
  }

  /** The bytes from one place on. */
  since(byteIndex: number): Uint8Array {
    return this.#bytes.subarray(byteIndex, this.byteLength);
  }

  list(): StringList {
    return new StringList(this.#length, this.#bytes, this.#starts);
  }
}

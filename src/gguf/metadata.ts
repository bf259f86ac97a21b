// Typed access to GGUF key/value metadata, so that readers of it never cast by hand.
import { GgufError } from '../errors.ts';
import { StringList } from './string-list.ts';

/** A GGUF metadata value. 64-bit integers are numbers when they are safe integers, bigint otherwise. */
export type GgufValue = number | bigint | boolean | string | GgufArray;
/** Numeric arrays come as typed arrays where an element type has one (u8 … f64), strings and bools as plain arrays. */
export type GgufArray = readonly string[] | readonly boolean[] | readonly bigint[] | readonly GgufArray[]
  | Uint8Array | Int8Array | Uint16Array | Int16Array | Uint32Array | Int32Array | Float32Array | Float64Array
  | BigUint64Array | BigInt64Array;

/** A model's metadata, read-only. Getters return undefined for a missing key and throw GgufError for a wrong type. */
export class Metadata {
  readonly entries: ReadonlyMap<string, GgufValue>;
  readonly #stored: ReadonlyMap<string, GgufValue | StringList>;

  constructor(entries: ReadonlyMap<string, GgufValue | StringList>) {
    this.#stored = entries;
    this.entries = new Entries(entries);
  }

  has(key: string): boolean {
    return this.#stored.has(key);
  }

  string(key: string): string | undefined {
    const value = this.entries.get(key);
    if (value === undefined || typeof value === 'string') return value;
    throw wrongType(key, 'a string', value);
  }

  number(key: string): number | undefined {
    const value = this.entries.get(key);
    if (value === undefined || typeof value === 'number') return value;
    throw wrongType(key, 'a number', value);
  }

  boolean(key: string): boolean | undefined {
    const value = this.entries.get(key);
    if (value === undefined || typeof value === 'boolean') return value;
    throw wrongType(key, 'a boolean', value);
  }

  strings(key: string): readonly string[] | undefined {
    const value = this.entries.get(key);
    if (value === undefined) return undefined;
    if (Array.isArray(value) && (value.length === 0 || typeof value[0] === 'string')) return value as readonly string[];
    throw wrongType(key, 'an array of strings', value);
  }

  /** The same as UTF-8, as it was read: for vocabularies. */
  stringList(key: string): StringList | undefined {
    const value = this.#stored.get(key);
    if (value instanceof StringList) return value;
    const strings = this.strings(key);
    return strings && StringList.from(strings);
  }

  /** A numeric array; a scalar number is not promoted. */
  numbers(key: string): ArrayLike<number> | undefined {
    const value = this.entries.get(key);
    if (value === undefined) return undefined;
    if (ArrayBuffer.isView(value) && !(value instanceof BigUint64Array) && !(value instanceof BigInt64Array)) {
      return value as unknown as ArrayLike<number>;
    }
    if (Array.isArray(value) && value.length === 0) return [];
    throw wrongType(key, 'an array of numbers', value);
  }

  booleans(key: string): readonly boolean[] | undefined {
    const value = this.entries.get(key);
    if (value === undefined) return undefined;
    if (Array.isArray(value) && typeof (value[0] ?? true) === 'boolean') return value as readonly boolean[];
    throw wrongType(key, 'an array of booleans', value);
  }

  /** The value at `key`, or a GgufError that names the key. */
  required<T>(key: string, value: T | undefined): T {
    if (value !== undefined) return value;
    throw new GgufError(`The model has no metadata key "${key}". The file is incomplete; fetch or convert it again.`);
  }
}

/** Entries as others see them: a list of strings becomes an array when it is asked for, which is not kept. */
class Entries implements ReadonlyMap<string, GgufValue> {
  readonly #stored: ReadonlyMap<string, GgufValue | StringList>;

  constructor(stored: ReadonlyMap<string, GgufValue | StringList>) {
    this.#stored = stored;
  }

  get size(): number { return this.#stored.size; }
  has(key: string): boolean { return this.#stored.has(key); }
  keys(): MapIterator<string> { return this.#stored.keys(); }
  [Symbol.iterator](): MapIterator<[string, GgufValue]> { return this.entries(); }

  get(key: string): GgufValue | undefined {
    const value = this.#stored.get(key);
    return value instanceof StringList ? value.toArray() : value;
  }

  *entries(): MapIterator<[string, GgufValue]> {
    for (const key of this.keys()) yield [key, this.get(key)!];
  }

  *values(): MapIterator<GgufValue> {
    for (const key of this.keys()) yield this.get(key)!;
  }

  forEach(visit: (value: GgufValue, key: string, map: ReadonlyMap<string, GgufValue>) => void, self?: unknown): void {
    for (const [key, value] of this) visit.call(self, value, key, this);
  }
}

function wrongType(key: string, expected: string, value: GgufValue): GgufError {
  const found = typeof value === 'object' ? `an array of ${value.length}` : `${typeof value}`;
  return new GgufError(`Metadata key "${key}" should be ${expected} but is ${found}. Fetch or convert the file again.`);
}

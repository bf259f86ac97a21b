// Typed access to GGUF key/value metadata, so that readers of it never cast by hand.
import { GgufError } from '../errors.ts';

/** A GGUF metadata value. 64-bit integers are numbers when they are safe integers, bigint otherwise. */
export type GgufValue = number | bigint | boolean | string | GgufArray;
/** Numeric arrays come as typed arrays where an element type has one (u8 … f64), strings and bools as plain arrays. */
export type GgufArray = readonly string[] | readonly boolean[] | readonly bigint[] | readonly GgufArray[]
  | Uint8Array | Int8Array | Uint16Array | Int16Array | Uint32Array | Int32Array | Float32Array | Float64Array
  | BigUint64Array | BigInt64Array;

/** A model's metadata, read-only. Getters return undefined for a missing key and throw GgufError for a wrong type. */
export class Metadata {
  readonly entries: ReadonlyMap<string, GgufValue>;

  constructor(entries: ReadonlyMap<string, GgufValue>) {
    this.entries = entries;
  }

  has(key: string): boolean {
    return this.entries.has(key);
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

function wrongType(key: string, expected: string, value: GgufValue): GgufError {
  const found = typeof value === 'object' ? `an array of ${value.length}` : `${typeof value}`;
  return new GgufError(`Metadata key "${key}" should be ${expected} but is ${found}. Fetch or convert the file again.`);
}

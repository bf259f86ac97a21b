// The value types of GGUF metadata, one row each. Source: the GGUF specification, `gguf_metadata_value_type`.
import type { GgufValue } from './metadata.ts';

export interface NumericArrayConstructor {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBuffer): Extract<GgufValue, ArrayBufferView>;
}

export interface GgufValueTypeRow {
  readonly id: number;
  /** Fewest bytes one value takes in a file. */
  readonly minBytes: number;
  /** The typed array that holds an array of it; absent for booleans, strings and arrays. */
  readonly arrayOf?: NumericArrayConstructor;
}

const row = (id: number, minBytes: number, arrayOf?: NumericArrayConstructor): GgufValueTypeRow =>
  Object.freeze({ id, minBytes, arrayOf });

export const GGUF_VALUE_TYPES = {
  u8: row(0, 1, Uint8Array),
  i8: row(1, 1, Int8Array),
  u16: row(2, 2, Uint16Array),
  i16: row(3, 2, Int16Array),
  u32: row(4, 4, Uint32Array),
  i32: row(5, 4, Int32Array),
  f32: row(6, 4, Float32Array),
  bool: row(7, 1),
  string: row(8, 8),
  array: row(9, 12),
  u64: row(10, 8, BigUint64Array),
  i64: row(11, 8, BigInt64Array),
  f64: row(12, 8, Float64Array),
} as const;

export type GgufValueType = keyof typeof GGUF_VALUE_TYPES;

export const GGUF_VALUE_TYPE_BY_ID: ReadonlyMap<number, GgufValueType> = new Map(
  (Object.keys(GGUF_VALUE_TYPES) as GgufValueType[]).map((name) => [GGUF_VALUE_TYPES[name].id, name]),
);

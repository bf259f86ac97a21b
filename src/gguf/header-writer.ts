// Writes the little-endian fields of a GGUF header into a growing buffer: numbers, strings and typed metadata values.
import { InvalidArgumentError } from '../errors.ts';
import type { GgufArray, GgufValue } from './metadata.ts';
import { GGUF_VALUE_TYPES } from './value-types.ts';
import type { GgufValueType } from './value-types.ts';

/** A metadata value whose GGUF type is stated; `of` is the element type of an array. */
export interface TypedValue {
  readonly type: GgufValueType;
  readonly of?: GgufValueType;
  readonly value: GgufValue | readonly number[];
}

/** What may be written under a key: a typed value, or one whose type follows from what it is (see `inferType`). */
export type MetadataInput = TypedValue | GgufValue | readonly number[];

const utf8 = new TextEncoder();
const LONE_SURROGATE = /[\uD800-\uDFFF]/u;

export class HeaderWriter {
  #bytes = new Uint8Array(4096);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  bytes(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #grow(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#length, this.#bytes.length * 2));
      grown.set(this.#bytes);
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    return at;
  }

  u32(value: number): void {
    const at = this.#grow(4);
    this.#view.setUint32(at, value, true);
  }

  u64(value: number | bigint): void {
    const at = this.#grow(8);
    this.#view.setBigUint64(at, BigInt(value), true);
  }

  string(value: string): void {
    if (LONE_SURROGATE.test(value)) {
      throw new InvalidArgumentError(`The string ${JSON.stringify(value)} is not valid Unicode and has no UTF-8.`);
    }
    const encoded = utf8.encode(value);
    this.u64(encoded.length);
    const at = this.#grow(encoded.length);
    this.#bytes.set(encoded, at);
  }

  /** A metadata value with its type in front. */
  typedValue(key: string, input: MetadataInput): void {
    const typed = isTyped(input) ? input : inferType(key, input);
    this.u32(GGUF_VALUE_TYPES[typed.type].id);
    this.#value(key, typed);
  }

  #value(key: string, { type, of, value }: TypedValue): void {
    if (type === 'array') return this.#array(key, value, of);
    if (type === 'string') {
      if (typeof value !== 'string') throw mismatch(key, type, value);
      return this.string(value);
    }
    if (type === 'bool') {
      if (typeof value !== 'boolean') throw mismatch(key, type, value);
      const at = this.#grow(1);
      this.#bytes[at] = value ? 1 : 0;
      return;
    }
    this.#number(key, type, value);
  }

  #array(key: string, value: GgufValue | readonly number[], of: GgufValueType | undefined): void {
    if (typeof value !== 'object') throw mismatch(key, 'array', value);
    const elementType = of ?? elementTypeOf(key, value as GgufArray);
    this.u32(GGUF_VALUE_TYPES[elementType].id);
    this.u64(value.length);
    for (let i = 0; i < value.length; i++) this.#value(key, { type: elementType, value: value[i] as GgufValue });
  }

  #number(key: string, type: GgufValueType, value: GgufValue | readonly number[]): void {
    if (typeof value !== 'number' && typeof value !== 'bigint') throw mismatch(key, type, value);
    checkFits(key, type, value);
    const at = this.#grow(GGUF_VALUE_TYPES[type].minBytes);
    switch (type) {
      case 'u8': return this.#view.setUint8(at, Number(value));
      case 'i8': return this.#view.setInt8(at, Number(value));
      case 'u16': return this.#view.setUint16(at, Number(value), true);
      case 'i16': return this.#view.setInt16(at, Number(value), true);
      case 'u32': return this.#view.setUint32(at, Number(value), true);
      case 'i32': return this.#view.setInt32(at, Number(value), true);
      case 'u64': return this.#view.setBigUint64(at, BigInt(value), true);
      case 'i64': return this.#view.setBigInt64(at, BigInt(value), true);
      case 'f32': return this.#view.setFloat32(at, Number(value), true);
      default: return this.#view.setFloat64(at, Number(value), true);
    }
  }
}

function isTyped(input: MetadataInput): input is TypedValue {
  return typeof input === 'object' && !Array.isArray(input) && !ArrayBuffer.isView(input);
}

/**
 * Strings, booleans and typed arrays say their type. A whole number becomes u32, or i32 below zero, or 64 bits when it
 * needs them; any other number f32. Plain arrays of numbers become i32 when all are whole and fit, otherwise f32.
 */
function inferType(key: string, value: GgufValue | readonly number[]): TypedValue {
  if (typeof value === 'string') return { type: 'string', value };
  if (typeof value === 'boolean') return { type: 'bool', value };
  if (typeof value === 'object') return { type: 'array', of: elementTypeOf(key, value as GgufArray), value };
  if (typeof value === 'number' && !Number.isSafeInteger(value)) return { type: 'f32', value };
  if (value < 0) return { type: value >= -(2 ** 31) ? 'i32' : 'i64', value };
  return { type: value < 2 ** 32 ? 'u32' : 'u64', value };
}

function elementTypeOf(key: string, array: GgufArray | readonly number[]): GgufValueType {
  if (ArrayBuffer.isView(array)) {
    const found = (Object.keys(GGUF_VALUE_TYPES) as GgufValueType[])
      .find((type) => (GGUF_VALUE_TYPES[type].arrayOf as unknown) === array.constructor);
    if (found) return found;
    throw new InvalidArgumentError(`Metadata key "${key}" holds a kind of typed array that GGUF has no type for.`);
  }
  const values: readonly unknown[] = array;
  const [first] = values;
  if (typeof first === 'string') return 'string';
  if (typeof first === 'boolean') return 'bool';
  if (typeof first === 'object') return 'array';
  if (typeof first === 'bigint') return (values as bigint[]).some((value) => value < 0n) ? 'i64' : 'u64';
  return (values as number[]).every((value) => Number.isInteger(value) && fits('i32', value)) ? 'i32' : 'f32';
}

const INTEGER_BITS: Partial<Record<GgufValueType, [signed: boolean, bits: number]>> = {
  u8: [false, 8], i8: [true, 8], u16: [false, 16], i16: [true, 16],
  u32: [false, 32], i32: [true, 32], u64: [false, 64], i64: [true, 64],
};

function fits(type: GgufValueType, value: number | bigint): boolean {
  const row = INTEGER_BITS[type];
  if (!row) return true;
  if (typeof value === 'number' && !Number.isInteger(value)) return false;
  const [signed, bits] = row;
  const exact = BigInt(value);
  return signed ? BigInt.asIntN(bits, exact) === exact : BigInt.asUintN(bits, exact) === exact;
}

function checkFits(key: string, type: GgufValueType, value: number | bigint): void {
  if (fits(type, value)) return;
  throw new InvalidArgumentError(`Metadata key "${key}": ${value} does not fit the type ${type}.`);
}

function mismatch(key: string, type: GgufValueType, value: unknown): InvalidArgumentError {
  return new InvalidArgumentError(`Metadata key "${key}" should become ${type} but its value is ${typeof value}.`);
}

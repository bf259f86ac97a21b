// Reads the key/value section of a GGUF header; what the keys mean is left to their users.
import { GGUF_LIMITS } from './limits.ts';
import type { HeaderCursor } from './header-cursor.ts';
import type { GgufArray, GgufValue } from './metadata.ts';
import { StringList } from './string-list.ts';
import { GGUF_VALUE_TYPES, GGUF_VALUE_TYPE_BY_ID } from './value-types.ts';
import type { GgufValueType } from './value-types.ts';

/** A nested array costs about as much memory as this many short strings. */
const NESTED_ARRAY_COST = 64;

interface Budget {
  arrayElements: number;
}

export async function readMetadata(cursor: HeaderCursor, count: number): Promise<Map<string, GgufValue | StringList>> {
  const entries = new Map<string, GgufValue | StringList>();
  const budget: Budget = { arrayElements: GGUF_LIMITS.arrayElements };
  for (let i = 0; i < count; i++) {
    const key = await cursor.string(GGUF_LIMITS.keyBytes, `the key of metadata entry ${i}`);
    if (key === '') throw cursor.fail(`metadata entry ${i} has an empty key`);
    if (entries.has(key)) throw cursor.fail(`the metadata key ${quoted(key)} occurs twice`);
    const what = `the value of ${quoted(key)}`;
    const type = await readType(cursor, what);
    const isArray = type === 'array';
    entries.set(key, isArray ? await readArray(cursor, what, 1, budget) : await readScalar(cursor, type, what));
  }
  return entries;
}

/** A name from a file as it may appear in a message: shortened, control characters escaped. */
export function quoted(name: string): string {
  return JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}…` : name);
}

async function readType(cursor: HeaderCursor, what: string): Promise<GgufValueType> {
  const id = await cursor.u32(`the type of ${what}`);
  const type = GGUF_VALUE_TYPE_BY_ID.get(id);
  if (type === undefined) throw cursor.fail(`${what} has the unknown value type ${id}`);
  return type;
}

async function readScalar(cursor: HeaderCursor, type: GgufValueType, what: string): Promise<GgufValue> {
  if (type === 'string') return cursor.string(GGUF_LIMITS.stringBytes, what);
  const { minBytes } = GGUF_VALUE_TYPES[type];
  await cursor.need(minBytes, what);
  if (type === 'bool') return checkedBoolean(cursor, cursor.take(1, (view, at) => view.getUint8(at)), what);
  return cursor.take(minBytes, (view, at) => decodeNumber(view, at, type));
}

function decodeNumber(view: DataView, at: number, type: GgufValueType): number | bigint {
  switch (type) {
    case 'u8': return view.getUint8(at);
    case 'i8': return view.getInt8(at);
    case 'u16': return view.getUint16(at, true);
    case 'i16': return view.getInt16(at, true);
    case 'u32': return view.getUint32(at, true);
    case 'i32': return view.getInt32(at, true);
    case 'f32': return view.getFloat32(at, true);
    case 'u64': return numberIfSafe(view.getBigUint64(at, true));
    case 'i64': return numberIfSafe(view.getBigInt64(at, true));
    default: return view.getFloat64(at, true);
  }
}

function numberIfSafe(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function checkedBoolean(cursor: HeaderCursor, byte: number, what: string): boolean {
  if (byte > 1) throw cursor.fail(`${what} holds a boolean that is ${byte}, not 0 or 1`);
  return byte === 1;
}

async function readArray(cursor: HeaderCursor, what: string, depth: number, budget: Budget): Promise<GgufArray | StringList> {
  const { arrayDepth } = GGUF_LIMITS;
  if (depth > arrayDepth) throw cursor.fail(`${what} nests arrays more than ${arrayDepth} deep`);
  const type = await readType(cursor, `the elements of ${what}`);
  const count = await cursor.u64(`the length of ${what}`);
  const { minBytes, arrayOf } = GGUF_VALUE_TYPES[type];
  cursor.checkCount(count, minBytes, `the number of elements in ${what}`);
  if (arrayOf) return new arrayOf(await cursor.bytes(count * minBytes, what));
  spend(cursor, budget, type === 'array' ? count * NESTED_ARRAY_COST : count, what);
  if (type === 'string') return cursor.strings(count, GGUF_LIMITS.stringBytes, what);
  if (type === 'bool') {
    const bytes = new Uint8Array(await cursor.bytes(count, what));
    return Array.from(bytes, (byte) => checkedBoolean(cursor, byte, what));
  }
  const arrays: GgufArray[] = [];
  for (let i = 0; i < count; i++) {
    const array = await readArray(cursor, what, depth + 1, budget);
    arrays.push(array instanceof StringList ? array.toArray() : array);
  }
  return arrays;
}

function spend(cursor: HeaderCursor, budget: Budget, cost: number, what: string): void {
  budget.arrayElements -= cost;
  if (budget.arrayElements < 0) {
    throw cursor.fail(`${what} brings the file above ${GGUF_LIMITS.arrayElements} array elements, which is the limit`);
  }
}

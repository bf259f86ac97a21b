// The values of the template language: Python's, as far as templates can tell.
import { ChatTemplateError } from '../../errors.ts';
import type { Runtime } from './runtime.ts';

/** A whole number is a JavaScript number; this is Python's float. */
export class Float {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

/** A name or member that does not exist: prints as nothing, loops zero times, fails in most other uses. */
export class Undefined {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

export class List {
  readonly items: readonly Value[];
  readonly isTuple: boolean;
  constructor(items: readonly Value[], isTuple = false) {
    this.items = items;
    this.isTuple = isTuple;
  }
}

export type Key = string | number | null;

/** Keyed by plain text; entries keep the key as it was written, so that its origin is known. */
export class Dict {
  readonly entries = new Map<Key, { readonly key: Value; readonly value: Value }>();

  get(key: Key): Value | undefined {
    return this.entries.get(key)?.value;
  }

  keys(): Value[] {
    return [...this.entries.values()].map((entry) => entry.key);
  }
}

/** Made by `namespace()`: the one kind of value whose members a template may set. */
export class Namespace {
  readonly members = new Map<string, Value>();
}

/** The `loop` variable. */
export class Loop {
  readonly items: readonly Value[];
  index = 0;
  lastChanged: Value | undefined;
  constructor(items: readonly Value[]) {
    this.items = items;
  }
}

export type Keywords = ReadonlyMap<string, Value>;

export class Callable {
  readonly name: string;
  readonly call: (args: readonly Value[], keywords: Keywords) => Value;
  constructor(name: string, call: (args: readonly Value[], keywords: Keywords) => Value) {
    this.name = name;
    this.call = call;
  }
}

export type Value = null | boolean | number | string | Float | Undefined | List | Dict | Namespace | Loop | Callable;

export function fail(message: string): never {
  throw new ChatTemplateError(`The chat template failed: ${message}`);
}

export function typeName(value: Value): string {
  if (value === null) return 'none';
  if (value instanceof Undefined) return 'undefined';
  if (value instanceof Float) return 'float';
  if (value instanceof List) return value.isTuple ? 'tuple' : 'list';
  if (value instanceof Dict) return 'dict';
  if (value instanceof Namespace) return 'namespace';
  if (value instanceof Loop) return 'loop';
  if (value instanceof Callable) return 'function';
  return typeof value === 'number' ? 'integer' : typeof value;
}

export function isTruthy(value: Value): boolean {
  if (value instanceof Float) return value.value !== 0;
  if (value instanceof Undefined) return false;
  if (value instanceof List) return value.items.length > 0;
  if (value instanceof Dict) return value.entries.size > 0;
  return Boolean(value);
}

/** The number a value counts as in arithmetic, or undefined. */
export function asNumber(value: Value): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  return value instanceof Float ? value.value : undefined;
}

export function asInteger(value: Value, what: string): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  return fail(`${what} must be an integer, not ${typeName(value)}`);
}

export function asText(value: Value, what: string): string {
  return typeof value === 'string' ? value : fail(`${what} must be a string, not ${typeName(value)}`);
}

export function keyOf(value: Value, runtime: Runtime): Key {
  if (typeof value === 'string') return runtime.plain(value);
  if (value instanceof Float) return value.value;
  if (typeof value === 'boolean') return Number(value);
  if (value === null || typeof value === 'number') return value;
  return fail(`unhashable type: ${typeName(value)}`);
}

export function equals(a: Value, b: Value, runtime: Runtime): boolean {
  runtime.budget.charge(1);
  if (typeof a === 'string' && typeof b === 'string') {
    if (a.length !== b.length) return false;
    runtime.budget.charge(a.length / 64);
    return a === b || runtime.plain(a) === runtime.plain(b);
  }
  const x = asNumber(a);
  if (x !== undefined) return x === asNumber(b);
  if (a instanceof Undefined) return b instanceof Undefined;
  if (a instanceof List && b instanceof List) {
    if (a.isTuple !== b.isTuple || a.items.length !== b.items.length) return false;
    return runtime.nested(() => a.items.every((item, i) => equals(item, b.items[i] as Value, runtime)));
  }
  if (a instanceof Dict && b instanceof Dict) {
    if (a.entries.size !== b.entries.size) return false;
    return runtime.nested(() => [...a.entries].every(([key, { value }]) => {
      const other = b.get(key);
      return other !== undefined && equals(value, other, runtime);
    }));
  }
  return a === b;
}

/** Negative, zero or positive, as Python orders values of one kind. */
export function compare(a: Value, b: Value, runtime: Runtime): number {
  runtime.budget.charge(1);
  if (typeof a === 'string' && typeof b === 'string') {
    runtime.budget.charge(Math.min(a.length, b.length) / 64);
    const [x, y] = [runtime.plain(a), runtime.plain(b)];
    return x < y ? -1 : x > y ? 1 : 0;
  }
  const [x, y] = [asNumber(a), asNumber(b)];
  if (x !== undefined && y !== undefined) return x - y;
  if (a instanceof List && b instanceof List && a.isTuple === b.isTuple) {
    return runtime.nested(() => {
      for (let i = 0; i < Math.min(a.items.length, b.items.length); i++) {
        const order = compare(a.items[i] as Value, b.items[i] as Value, runtime);
        if (order !== 0) return order;
      }
      return a.items.length - b.items.length;
    });
  }
  return fail(`cannot order ${typeName(a)} and ${typeName(b)}`);
}

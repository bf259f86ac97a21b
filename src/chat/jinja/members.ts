// `value.name` and `value[key]`, with the methods that lists, dicts and loops have. Nothing of JavaScript is reachable.
import { Arguments } from './arguments.ts';
import type { Runtime } from './runtime.ts';
import { stringMethod } from './string-methods.ts';
import {
  Callable, Dict, List, Loop, Namespace, Undefined, asInteger, compare, equals, fail, keyOf, typeName,
} from './values.ts';
import type { Keywords, Value } from './values.ts';

/** `value.name`: methods come before items, as Python's getattr does. */
export function attribute(value: Value, name: string, runtime: Runtime): Value {
  refuseUndefined(value, name);
  const found = method(value, name, runtime);
  if (found !== undefined) return found;
  return orUndefined(value instanceof Dict ? value.get(name) : undefined, name);
}

/** `value[key]`: items come before methods. */
export function item(value: Value, key: Value, runtime: Runtime): Value {
  refuseUndefined(value, typeof key === 'string' ? runtime.plain(key) : typeName(key));
  if (value instanceof Dict) {
    const isKey = !(key instanceof List || key instanceof Dict || key instanceof Undefined);
    const found = isKey ? value.get(keyOf(key, runtime)) : undefined;
    if (found !== undefined) return found;
  } else if (typeof key === 'number' || typeof key === 'boolean') {
    const index = Number(key);
    if (value instanceof List) return orUndefined(value.items.at(index), String(index));
    if (typeof value === 'string') return orUndefined(characterAt(value, index, runtime), String(index));
  }
  if (typeof key !== 'string') return new Undefined(typeName(key));
  const name = runtime.plain(key);
  return orUndefined(method(value, name, runtime), name);
}

function orUndefined(value: Value | undefined, name: string): Value {
  return value === undefined ? new Undefined(name) : value;
}

function characterAt(text: string, index: number, runtime: Runtime): string | undefined {
  return index === 0 && !/^[\ud800-\udfff]/.test(runtime.plain(text.slice(0, 1))) ? text[0]
    : runtime.characters(text).at(index);
}

interface Bounds {
  readonly start: Value | undefined;
  readonly stop: Value | undefined;
  readonly step: Value | undefined;
}

/** `value[start:stop:step]`. */
export function slice(value: Value, bounds: Bounds, runtime: Runtime): Value {
  if (!(value instanceof List) && typeof value !== 'string') return fail(`cannot slice ${typeName(value)}`);
  const items = value instanceof List ? value.items : runtime.characters(value);
  const step = bounds.step === undefined || bounds.step === null ? 1 : asInteger(bounds.step, 'slice step');
  if (step === 0) fail('slice step cannot be zero');
  const [low, high] = step > 0 ? [0, items.length] : [-1, items.length - 1];
  const place = (bound: Value | undefined, fallback: number): number => {
    if (bound === undefined || bound === null) return fallback;
    const index = asInteger(bound, 'slice index');
    return Math.min(high, Math.max(low, index < 0 ? index + items.length : index));
  };
  const start = place(bounds.start, step > 0 ? low : high);
  const stop = place(bounds.stop, step > 0 ? high : low);
  runtime.budget.charge(Math.abs(stop - start));
  const picked: Value[] = [];
  for (let i = start; step > 0 ? i < stop : i > stop; i += step) picked.push(items[i] as Value);
  return value instanceof List ? runtime.list(picked, value.isTuple) : runtime.join(picked as string[]);
}

function refuseUndefined(value: Value, name: string): void {
  if (value instanceof Undefined) fail(`'${value.name}' is undefined (while reading '${name.slice(0, 60)}' of it)`);
}

function method(value: Value, name: string, runtime: Runtime): Value | undefined {
  if (typeof value === 'string') return stringMethod(value, name, runtime);
  if (value instanceof Dict) return dictMethod(value, name, runtime);
  if (value instanceof List) return listMethod(value, name, runtime);
  if (value instanceof Namespace) return value.members.get(name);
  if (value instanceof Loop) return loopMember(value, name, runtime);
  if (value instanceof Callable && name === 'name') return value.name;
  return undefined;
}

function bind(name: string, call: (args: Arguments) => Value): Callable {
  return new Callable(name, (positional: readonly Value[], keywords: Keywords) =>
    call(new Arguments(name, positional, keywords)));
}

export function dictItems(dict: Dict, runtime: Runtime): Value {
  return runtime.list([...dict.entries.values()].map((entry) => runtime.list([entry.key, entry.value], true)));
}

const CHANGING = new Set(['append', 'extend', 'insert', 'remove', 'clear', 'update', 'setdefault', 'popitem', 'sort']);

function dictMethod(dict: Dict, name: string, runtime: Runtime): Value | undefined {
  switch (name) {
    case 'items': return bind(name, () => dictItems(dict, runtime));
    case 'keys': return bind(name, () => runtime.list(dict.keys()));
    case 'values': return bind(name, () => runtime.list([...dict.entries.values()].map((entry) => entry.value)));
    case 'copy': return bind(name, () => copyDict(dict, runtime));
    case 'get': return bind(name, (args) => {
      const found = dict.get(keyOf(args.get(0, 'key') ?? null, runtime));
      return found === undefined ? args.get(1, 'default') ?? null : found;
    });
    case 'update': case 'clear': case 'setdefault': case 'popitem': case 'pop': return refuseChange(name);
    default: return undefined;
  }
}

export function copyDict(dict: Dict, runtime: Runtime): Dict {
  const copy = new Dict();
  for (const [key, entry] of dict.entries) runtime.set(copy, key, entry.key, entry.value);
  return copy;
}

function listMethod(list: List, name: string, runtime: Runtime): Value | undefined {
  if (name === 'index') {
    return bind(name, (args) => {
      const at = list.items.findIndex((member) => equals(member, args.get(0, 'value') ?? null, runtime));
      return at < 0 ? fail('value is not in list') : at;
    });
  }
  if (name === 'count') {
    return bind(name, (args) => {
      const wanted = args.get(0, 'value') ?? null;
      return list.items.filter((member) => equals(member, wanted, runtime)).length;
    });
  }
  if (name === 'copy') return bind(name, () => list);
  if (CHANGING.has(name) || name === 'pop' || name === 'reverse') return refuseChange(name);
  return undefined;
}

/** Templates of transformers run in an environment where values cannot be changed in place. */
function refuseChange(name: string): Callable {
  return bind(name, () => fail(`${name}() would change a value in place, which templates may not`));
}

function loopMember(loop: Loop, name: string, runtime: Runtime): Value | undefined {
  const { items, index } = loop;
  switch (name) {
    case 'index': return index + 1;
    case 'index0': return index;
    case 'revindex': return items.length - index;
    case 'revindex0': return items.length - index - 1;
    case 'first': return index === 0;
    case 'last': return index === items.length - 1;
    case 'length': return items.length;
    case 'depth': return 1;
    case 'depth0': return 0;
    case 'previtem': return orUndefined(items[index - 1], 'previtem');
    case 'nextitem': return orUndefined(items[index + 1], 'nextitem');
    case 'cycle': return bind(name, (args) => orUndefined(args.positional[index % args.positional.length], 'cycle'));
    case 'changed': return bind(name, (args) => {
      const current = new List(args.positional, true);
      const isChanged = loop.lastChanged === undefined || !equals(loop.lastChanged, current, runtime);
      loop.lastChanged = current;
      return isChanged;
    });
    default: return undefined;
  }
}

/** `needle in haystack`. */
export function contains(haystack: Value, needle: Value, runtime: Runtime): boolean {
  if (typeof haystack === 'string') {
    if (typeof needle !== 'string') return fail(`'in <string>' needs a string, not ${typeName(needle)}`);
    runtime.chargeSearch(haystack, needle);
    return runtime.plain(haystack).includes(runtime.plain(needle));
  }
  if (haystack instanceof Dict) return haystack.entries.has(keyOf(needle, runtime));
  return runtime.iterate(haystack).some((member) => equals(member, needle, runtime));
}

export function sorted(
  items: readonly Value[], by: (value: Value) => Value, reverse: boolean, runtime: Runtime,
): readonly Value[] {
  runtime.budget.charge(items.length * 2);
  const keyed = items.map((value) => ({ value, key: by(value) }));
  const order = (a: Value, b: Value): number => (equals(a, b, runtime) ? 0 : compare(a, b, runtime));
  keyed.sort((a, b) => (reverse ? order(b.key, a.key) : order(a.key, b.key)));
  return keyed.map((entry) => entry.value);
}

// Filters over lists and mappings.
import { Arguments } from './arguments.ts';
import type { Filter } from './filters.ts';
import { item, sorted } from './members.ts';
import { toText } from './printing.ts';
import type { Runtime } from './runtime.ts';
import { lower } from './string-methods.ts';
import { runTest } from './tests.ts';
import {
  Dict, List, Undefined, asNumber, compare, equals, fail, isTruthy, keyOf, typeName,
} from './values.ts';
import type { Value } from './values.ts';

type Getter = (value: Value) => Value;

/** `a.b.0` as a path from value to value, as Jinja's attribute arguments are. */
function getter(path: Value | undefined, runtime: Runtime, fallback?: Value): Getter {
  if (path === undefined || path === null) return (value) => value;
  const parts = typeof path === 'number' ? [path] : runtime.plain(toText(path, runtime)).split('.');
  return (value) => {
    let current = value;
    for (const part of parts) {
      const key = typeof part === 'string' && /^\d+$/.test(part) ? Number(part) : part;
      current = item(current, key, runtime);
    }
    return current instanceof Undefined && fallback !== undefined ? fallback : current;
  };
}

/** What map and select loop over: they pass over anything empty, none included. */
function members(value: Value, runtime: Runtime): readonly Value[] {
  return isTruthy(value) ? runtime.iterate(value) : [];
}

/** Text without its case, unless case matters. */
function folded(get: Getter, isCaseSensitive: boolean, runtime: Runtime): Getter {
  if (isCaseSensitive) return get;
  return (value) => {
    const key = get(value);
    return typeof key === 'string' ? lower(key, runtime) : key;
  };
}

const sort: Filter = (value, args, runtime) => {
  const by = folded(getter(args.get(2, 'attribute'), runtime), args.flag(1, 'case_sensitive'), runtime);
  return runtime.list(sorted(runtime.iterate(value), by, args.flag(0, 'reverse'), runtime));
};

const dictSort: Filter = (value, args, runtime) => {
  if (!(value instanceof Dict)) return fail(`dictsort needs a mapping, not ${typeName(value)}`);
  const index = runtime.plain(args.text(1, 'by', 'key')) === 'value' ? 1 : 0;
  const pairs = [...value.entries.values()].map((entry) => runtime.list([entry.key, entry.value], true));
  const by = folded((pair) => (pair as List).items[index] as Value, args.flag(0, 'case_sensitive'), runtime);
  return runtime.list(sorted(pairs, by, args.flag(2, 'reverse'), runtime));
};

const unique: Filter = (value, args, runtime) => {
  const by = folded(getter(args.get(1, 'attribute'), runtime), args.flag(0, 'case_sensitive'), runtime);
  const seen = new Set<unknown>();
  return runtime.list(runtime.iterate(value).filter((member) => {
    const found = by(member);
    const key = found instanceof List || found instanceof Dict ? toText(found, runtime) : keyOf(found, runtime);
    const isNew = !seen.has(key);
    seen.add(key);
    return isNew;
  }));
};

const extreme = (sign: 1 | -1): Filter => (value, args, runtime) => {
  const by = folded(getter(args.get(1, 'attribute'), runtime), args.flag(0, 'case_sensitive'), runtime);
  const [first, ...rest] = runtime.iterate(value);
  if (first === undefined) return new Undefined('no items, sequence was empty');
  return rest.reduce((best, member) => (sign * compare(by(member), by(best), runtime) > 0 ? member : best), first);
};

const join: Filter = (value, args, runtime) => {
  const get = getter(args.get(1, 'attribute'), runtime);
  const separator = toText(args.get(0, 'd') ?? '', runtime);
  return runtime.join(runtime.iterate(value).map((member) => toText(get(member), runtime)), separator);
};

const map: Filter = (value, args, runtime) => {
  const attributePath = args.keywords.get('attribute');
  if (attributePath !== undefined) {
    const get = getter(attributePath, runtime, args.keywords.get('default'));
    return runtime.list(members(value, runtime).map(get));
  }
  const name = runtime.plain(args.text(0, 'filter'));
  const inner = new Arguments(name, args.positional.slice(1), args.keywords);
  const filter = runtime.filter;
  const apply = (member: Value): Value => filter(name, member, inner, runtime);
  return runtime.list(runtime.nested(() => members(value, runtime).map(apply)));
};

const select = (wanted: boolean, byAttribute: boolean): Filter => (value, args, runtime) => {
  const path = byAttribute ? args.positional[0] ?? fail('selectattr needs an attribute') : null;
  const get = getter(path, runtime);
  const [test, ...rest] = args.positional.slice(byAttribute ? 1 : 0);
  const name = test === undefined ? undefined : runtime.plain(toText(test, runtime));
  return runtime.list(members(value, runtime).filter((member) => {
    runtime.budget.charge(1);
    const subject = get(member);
    return (name === undefined ? isTruthy(subject) : runTest(name, subject, rest, runtime)) === wanted;
  }));
};

const sum: Filter = (value, args, runtime) => {
  const get = getter(args.get(0, 'attribute'), runtime);
  const values = runtime.iterate(value).map(get);
  let isFloat = false;
  const result = values.reduce((total: number, member) => {
    isFloat ||= typeof member === 'object';
    return total + (asNumber(member) ?? fail(`cannot add ${typeName(member)}`));
  }, args.integer(1, 'start', 0));
  return runtime.number(result, isFloat);
};

const groupBy: Filter = (value, args, runtime) => {
  const get = getter(args.get(0, 'attribute'), runtime, args.get(1, 'default'));
  const by = folded(get, args.flag(2, 'case_sensitive'), runtime);
  const groups: { key: Value; written: Value; members: Value[] }[] = [];
  for (const member of sorted(runtime.iterate(value), by, false, runtime)) {
    const key = by(member);
    const last = groups.at(-1);
    if (last && equals(last.key, key, runtime)) last.members.push(member);
    else groups.push({ key, written: get(member), members: [member] });
  }
  return runtime.list(groups.map((group) => runtime.list([group.written, runtime.list(group.members)], true)));
};

const batch: Filter = (value, args, runtime) => {
  const size = Math.max(1, args.integer(0, 'linecount', 1));
  const filler = args.get(1, 'fill_with');
  const items = runtime.iterate(value);
  const rows: Value[] = [];
  for (let i = 0; i < items.length; i += size) {
    const row = items.slice(i, i + size);
    if (filler !== undefined && filler !== null && row.length < size) {
      runtime.budget.charge((size - row.length) * 2);
      while (row.length < size) (row as Value[]).push(filler);
    }
    rows.push(runtime.list(row));
  }
  return runtime.list(rows);
};

const slices: Filter = (value, args, runtime) => {
  const count = Math.max(1, args.integer(0, 'slices', 1));
  runtime.budget.charge(count * 2);
  const items = runtime.iterate(value);
  const filler = args.get(1, 'fill_with');
  const [size, extra] = [Math.floor(items.length / count), items.length % count];
  const rows: Value[] = [];
  for (let i = 0, start = 0; i < count; i++) {
    const end = start + size + (i < extra ? 1 : 0);
    const row = items.slice(start, end);
    const isFilled = filler !== undefined && filler !== null && extra > 0 && i >= extra;
    rows.push(runtime.list(isFilled ? [...row, filler] : row));
    start = end;
  }
  return runtime.list(rows);
};

const reverse: Filter = (value, _args, runtime) => {
  if (typeof value === 'string') return runtime.join(runtime.characters(value).reverse());
  return runtime.list([...runtime.iterate(value)].reverse());
};

const last: Filter = (value, _args, runtime) => at(runtime.iterate(value), -1);

function at(items: readonly Value[], index: number): Value {
  const found = items.at(index);
  return found === undefined ? new Undefined('no items, sequence was empty') : found;
}

export const LIST_FILTERS: readonly (readonly [string, Filter])[] = [
  ['list', (value, _args, runtime) => runtime.list(runtime.iterate(value))],
  ['first', (value, _args, runtime) => at(runtime.iterate(value), 0)],
  ['last', last],
  ['reverse', reverse],
  ['sort', sort], ['dictsort', dictSort], ['unique', unique],
  ['min', extreme(-1)], ['max', extreme(1)], ['sum', sum],
  ['join', join], ['map', map],
  ['select', select(true, false)], ['reject', select(false, false)],
  ['selectattr', select(true, true)], ['rejectattr', select(false, true)],
  ['groupby', groupBy], ['batch', batch], ['slice', slices],
];

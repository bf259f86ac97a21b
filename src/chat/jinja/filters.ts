// The filters of `value | name(…)` that work on any value or on text; those over lists are in list-filters.ts.
import type { Arguments } from './arguments.ts';
import { formatPercent } from './format.ts';
import { LIST_FILTERS } from './list-filters.ts';
import { attribute, dictItems } from './members.ts';
import { toJson, toText } from './printing.ts';
import type { Runtime } from './runtime.ts';
import { capitalize, lower, replace, strip, title, upper } from './string-methods.ts';
import {
  Dict, Float, List, Undefined, asInteger, asNumber, asText, fail, isTruthy, typeName,
} from './values.ts';
import type { Value } from './values.ts';

export type Filter = (value: Value, args: Arguments, runtime: Runtime) => Value;

export function applyFilter(name: string, value: Value, args: Arguments, runtime: Runtime): Value {
  runtime.budget.charge(1);
  const filter = FILTERS.get(name);
  return filter ? filter(value, args, runtime) : fail(`there is no filter named '${name.slice(0, 60)}'`);
}

const onText = (change: (text: string, runtime: Runtime) => string): Filter =>
  (value, _args, runtime) => change(toText(value, runtime), runtime);

const withDefault: Filter = (value, args) => {
  const fallback = args.get(0, 'default_value') ?? args.keywords.get('default') ?? '';
  return value instanceof Undefined || (args.flag(1, 'boolean') && !isTruthy(value)) ? given(args, fallback) : value;
};

function given(args: Arguments, fallback: Value): Value {
  return args.positional.length > 0 ? args.positional[0] as Value : fallback;
}

const length: Filter = (value, _args, runtime) => {
  if (typeof value === 'string') return runtime.length(value);
  if (value instanceof Dict) return value.entries.size;
  return runtime.iterate(value).length;
};

const toInteger: Filter = (value, args, runtime) => {
  const base = args.integer(1, 'base', 10);
  const number = asNumber(value);
  if (number !== undefined) return Number.isFinite(number) ? Math.trunc(number) : args.integer(0, 'default', 0);
  const text = typeof value === 'string' ? runtime.plain(value).trim().replace(/(\d)_(?=\d)/g, '$1') : '';
  if (base !== 10) return integerOfBase(text.toLowerCase(), base) ?? args.integer(0, 'default', 0);
  if (/^[+-]?\d+$/.test(text)) return Number(text);
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) return Math.trunc(Number(text));
  return given(args, args.keywords.get('default') ?? 0);
};

function integerOfBase(text: string, base: number): number | undefined {
  const digits = text.replace(/^0[xob]/, '');
  const value = base >= 2 && base <= 36 ? parseInt(digits, base) : NaN;
  return Number.isNaN(value) ? undefined : value;
}

const toFloat: Filter = (value, args, runtime) => {
  const number = asNumber(value);
  if (number !== undefined) return new Float(number);
  const text = typeof value === 'string' ? runtime.plain(value).trim() : '';
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) return new Float(Number(text));
  return given(args, args.keywords.get('default') ?? new Float(0));
};

const round: Filter = (value, args, runtime) => {
  const number = asNumber(value) ?? fail(`cannot round ${typeName(value)}`);
  const scale = 10 ** args.integer(0, 'precision', 0);
  const method = runtime.plain(args.text(1, 'method', 'common'));
  const scaled = number * scale;
  if (method === 'ceil') return new Float(Math.ceil(scaled) / scale);
  if (method === 'floor') return new Float(Math.floor(scaled) / scale);
  const below = Math.floor(scaled);
  const isHalf = scaled - below === 0.5;
  return new Float((isHalf ? below + (Math.abs(below) % 2) : Math.round(scaled)) / scale);
};

const json: Filter = (value, args, runtime) => {
  const width = args.get(0, 'indent') ?? args.keywords.get('indent') ?? null;
  const indent = width === null ? undefined
    : typeof width === 'string' ? width : runtime.repeat(' ', asInteger(width, 'tojson(indent)'));
  const separators = args.keywords.get('separators') ?? null;
  const [itemSeparator, keySeparator] = separators instanceof List
    ? separators.items.map((text) => asText(text, 'tojson(separators)')) : [];
  return toJson(value, {
    indent,
    ensureAscii: isTruthy(args.keywords.get('ensure_ascii') ?? false),
    sortKeys: isTruthy(args.keywords.get('sort_keys') ?? false),
    itemSeparator: itemSeparator ?? (indent === undefined ? ', ' : ','),
    keySeparator: keySeparator ?? ': ',
  }, runtime);
};

const indentLines: Filter = (value, args, runtime) => {
  const width = args.get(0, 'width') ?? 4;
  const margin = typeof width === 'string' ? width : runtime.repeat(' ', asInteger(width, 'indent(width)'));
  const [first, blank] = [args.flag(1, 'first'), args.flag(2, 'blank')];
  const text = toText(value, runtime);
  const plain = runtime.plain(text);
  const lines: string[] = [];
  let start = 0;
  for (let at = plain.indexOf('\n'); ; at = plain.indexOf('\n', start)) {
    runtime.budget.charge(2);
    const line = text.slice(start, at < 0 ? undefined : at);
    const isIndented = start === 0 ? first : line !== '' || blank;
    lines.push(isIndented ? runtime.concat(margin, line) : line);
    if (at < 0) break;
    start = at + 1;
  }
  return runtime.join(lines, '\n');
};

const truncate: Filter = (value, args, runtime) => {
  const characters = runtime.characters(toText(value, runtime));
  const width = args.integer(0, 'length', 255);
  const end = args.text(2, 'end', '...');
  if (characters.length <= width + args.integer(3, 'leeway', 5)) return runtime.join(characters);
  const kept = runtime.join(characters.slice(0, Math.max(0, width - end.length)));
  const space = args.flag(1, 'killwords') ? -1 : runtime.plain(kept).lastIndexOf(' ');
  return runtime.concat(space < 0 ? kept : kept.slice(0, space), end);
};

const ESCAPES = [['&', '&amp;'], ['<', '&lt;'], ['>', '&gt;'], ['"', '&#34;'], ["'", '&#39;']] as const;

const escape: Filter = (value, _args, runtime) => {
  let text = toText(value, runtime);
  for (const [from, to] of ESCAPES) text = replace(text, from, to, -1, runtime);
  return text;
};

const urlEncode: Filter = (value, _args, runtime) => {
  const text = toText(value, runtime);
  runtime.budget.chargeChars(text.length * 9);
  const encoded = encodeURIComponent(new TextDecoder().decode(new TextEncoder().encode(runtime.plain(text))));
  return runtime.taint.like(text, encoded.replaceAll('%2F', '/').replace(/[!'()*]/g, (char) =>
    `%${char.charCodeAt(0).toString(16).toUpperCase()}`));
};

const FILTERS: ReadonlyMap<string, Filter> = new Map<string, Filter>([
  ...LIST_FILTERS,
  ['default', withDefault], ['d', withDefault],
  ['length', length], ['count', length],
  ['int', toInteger], ['float', toFloat], ['round', round],
  ['abs', (value) => {
    const number = Math.abs(asNumber(value) ?? fail(`bad operand for abs: ${typeName(value)}`));
    return value instanceof Float ? new Float(number) : number;
  }],
  ['bool', (value) => isTruthy(value)],
  ['string', onText((text) => text)],
  ['safe', (value) => value],
  ['upper', onText(upper)], ['lower', onText(lower)], ['capitalize', onText(capitalize)], ['title', onText(title)],
  ['trim', (value, args, runtime) => strip(toText(value, runtime), args.get(0, 'chars'), 'both', runtime)],
  ['replace', (value, args, runtime) => replace(toText(value, runtime), toText(args.get(0, 'old') ?? null, runtime),
    toText(args.get(1, 'new') ?? null, runtime), args.integer(2, 'count', -1), runtime)],
  ['indent', indentLines],
  ['truncate', truncate],
  ['escape', escape], ['e', escape], ['forceescape', escape],
  ['urlencode', urlEncode],
  ['wordcount', (value, _args, runtime) => {
    const text = toText(value, runtime);
    runtime.budget.charge(text.length);
    return runtime.plain(text).match(/[\p{L}\p{N}_]+/gu)?.length ?? 0;
  }],
  ['format', (value, args, runtime) => formatPercent(toText(value, runtime), args.positional, runtime)],
  ['tojson', json],
  ['items', (value, _args, runtime) => {
    if (value instanceof Undefined) return new List([]);
    return value instanceof Dict ? dictItems(value, runtime) : fail('items needs a mapping');
  }],
  ['attr', (value, args, runtime) => attribute(value, runtime.plain(args.text(0, 'name')), runtime)],
  ['center', (value, args, runtime) => {
    const text = toText(value, runtime);
    const missing = Math.max(0, args.integer(0, 'width', 80) - runtime.length(text));
    const left = missing >> 1;
    return runtime.join([runtime.repeat(' ', left), text, runtime.repeat(' ', missing - left)]);
  }],
]);

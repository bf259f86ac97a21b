// Methods of strings, as Python has them. Decisions are made on plain text, slices keep the origin of each character.
import { Arguments } from './arguments.ts';
import { formatFields } from './format.ts';
import type { Runtime } from './runtime.ts';
import { Callable, List, asText, fail } from './values.ts';
import type { Keywords, Value } from './values.ts';

type Method = (text: string, args: Arguments, runtime: Runtime) => Value;

/** The bound method, or undefined where strings have none of this name. */
export function stringMethod(text: string, name: string, runtime: Runtime): Callable | undefined {
  const method = METHODS.get(name);
  if (!method) return undefined;
  return new Callable(name, (positional: readonly Value[], keywords: Keywords) =>
    method(text, new Arguments(name, positional, keywords), runtime));
}

export function upper(text: string, runtime: Runtime): string {
  return recase(text, runtime, (plain) => plain.toUpperCase());
}

export function lower(text: string, runtime: Runtime): string {
  return recase(text, runtime, (plain) => plain.toLowerCase());
}

export function capitalize(text: string, runtime: Runtime): string {
  return recase(text, runtime, (plain) => {
    const first = String.fromCodePoint(...(plain === '' ? [] : [plain.codePointAt(0) as number]));
    return first.toUpperCase() + plain.slice(first.length).toLowerCase();
  });
}

export function title(text: string, runtime: Runtime): string {
  return recase(text, runtime, (plain) =>
    plain.replace(/\p{L}+/gu, (word) => {
      const first = String.fromCodePoint(word.codePointAt(0) as number);
      return first.toUpperCase() + word.slice(first.length).toLowerCase();
    }));
}

/** Characters keep their origin where the length stays; else all of the result counts as input if any of it was. */
function recase(text: string, runtime: Runtime, change: (plain: string) => string): string {
  runtime.budget.chargeChars(text.length * 2);
  const plain = runtime.plain(text);
  const changed = change(plain);
  if (plain === text) return changed;
  if (changed.length !== plain.length) return runtime.taint.disguise(changed);
  let result = '';
  for (let i = 0; i < plain.length; i++) {
    result += text[i] === plain[i] ? changed[i] : runtime.taint.disguise(changed[i] as string);
  }
  return result;
}

type Side = 'both' | 'left' | 'right';

export function strip(text: string, chars: Value | undefined, side: Side, runtime: Runtime): string {
  const plain = runtime.plain(text);
  const set = chars === undefined || chars === null ? undefined : new Set(runtime.plain(asText(chars, 'strip(chars)')));
  const drops = (char: string): boolean => (set ? set.has(char) : isBlank(char));
  let start = 0;
  let end = plain.length;
  if (side !== 'right') while (start < end && drops(plain[start] as string)) start++;
  if (side !== 'left') while (end > start && drops(plain[end - 1] as string)) end--;
  return text.slice(start, end);
}

/** What Python's str.isspace() takes for whitespace: not U+FEFF, but the separators U+001C to U+001F and U+0085. */
function isBlank(char: string): boolean {
  const code = char.charCodeAt(0);
  if (code < 0x80) return code === 0x20 || (code >= 9 && code <= 13) || (code >= 0x1c && code <= 0x1f);
  return code === 0x85 || (code !== 0xfeff && /\s/.test(char));
}

export function replace(text: string, from: string, to: string, count: number, runtime: Runtime): string {
  const plain = runtime.plain(text);
  const pattern = runtime.plain(from);
  const pieces: string[] = [];
  runtime.chargeSearch(plain, pattern);
  if (pattern === '') {
    const limit = count < 0 ? Infinity : count;
    const characters = runtime.characters(text);
    characters.forEach((char, i) => pieces.push(i < limit ? to + char : char));
    if (characters.length < limit) pieces.push(to);
    return runtime.join(pieces);
  }
  let start = 0;
  for (let round = 0; count < 0 || round < count; round++) {
    const at = plain.indexOf(pattern, start);
    if (at < 0) break;
    runtime.budget.charge(2);
    pieces.push(text.slice(start, at), to);
    start = at + pattern.length;
  }
  pieces.push(text.slice(start));
  return runtime.join(pieces);
}

function split(text: string, args: Arguments, runtime: Runtime): Value {
  const separator = args.get(0, 'sep');
  const limit = args.integer(1, 'maxsplit', -1);
  const plain = runtime.plain(text);
  const parts: string[] = [];
  const isFull = (): boolean => limit >= 0 && parts.length >= limit;
  if (separator === undefined || separator === null) {
    let i = 0;
    for (;;) {
      while (i < plain.length && isBlank(plain[i] as string)) i++;
      if (i >= plain.length) break;
      runtime.budget.charge(2);
      if (isFull()) {
        parts.push(text.slice(i));
        break;
      }
      const start = i;
      while (i < plain.length && !isBlank(plain[i] as string)) i++;
      parts.push(text.slice(start, i));
    }
    return runtime.list(parts);
  }
  const pattern = runtime.plain(asText(separator, 'split(sep)'));
  if (pattern === '') fail('empty separator');
  runtime.chargeSearch(plain, pattern);
  let start = 0;
  while (!isFull()) {
    const at = plain.indexOf(pattern, start);
    if (at < 0) break;
    runtime.budget.charge(2);
    parts.push(text.slice(start, at));
    start = at + pattern.length;
  }
  parts.push(text.slice(start));
  return runtime.list(parts);
}

function rsplit(text: string, args: Arguments, runtime: Runtime): Value {
  const separator = args.get(0, 'sep');
  const limit = args.integer(1, 'maxsplit', -1);
  const plain = runtime.plain(text);
  const parts: string[] = [];
  if (separator === undefined || separator === null) {
    if (limit < 0) return split(text, args, runtime);
    let end = plain.length;
    for (;;) {
      while (end > 0 && isBlank(plain[end - 1] as string)) end--;
      if (end === 0) break;
      runtime.budget.charge(2);
      let start = end;
      if (parts.length >= limit) start = 0;
      else while (start > 0 && !isBlank(plain[start - 1] as string)) start--;
      parts.push(text.slice(start, end));
      end = start;
    }
    return runtime.list(parts.reverse());
  }
  const pattern = runtime.plain(asText(separator, 'rsplit(sep)'));
  if (pattern === '') fail('empty separator');
  runtime.chargeSearch(plain, pattern);
  let end = plain.length;
  while (limit < 0 || parts.length < limit) {
    const at = end < pattern.length ? -1 : plain.lastIndexOf(pattern, end - pattern.length);
    if (at < 0) break;
    runtime.budget.charge(2);
    parts.push(text.slice(at + pattern.length, end));
    end = at;
  }
  parts.push(text.slice(0, end));
  return runtime.list(parts.reverse());
}

function find(text: string, args: Arguments, runtime: Runtime, last: boolean): number {
  const plain = runtime.plain(text);
  const pattern = runtime.plain(args.text(0, 'sub'));
  runtime.chargeSearch(plain, pattern);
  const { start, end } = bounds(plain, args);
  if (start > end) return -1;
  const part = plain.slice(start, end);
  const at = last ? part.lastIndexOf(pattern) : part.indexOf(pattern);
  return at < 0 ? -1 : runtime.length(plain.slice(0, start + at));
}

function bounds(plain: string, args: Arguments): { start: number; end: number } {
  const wrap = (index: number): number => Math.min(plain.length, index < 0 ? Math.max(0, index + plain.length) : index);
  return { start: wrap(args.integer(1, 'start', 0)), end: wrap(args.integer(2, 'end', plain.length)) };
}

function matchesEdge(text: string, args: Arguments, runtime: Runtime, edge: 'startsWith' | 'endsWith'): boolean {
  const given = args.get(0, 'prefix') ?? null;
  const { start, end } = bounds(text, args);
  const plain = runtime.plain(text.slice(start, end));
  const patterns = given instanceof List ? given.items : [given];
  return patterns.some((pattern) => {
    runtime.budget.charge(1);
    return plain[edge](runtime.plain(asText(pattern, edge.toLowerCase())));
  });
}

function pad(text: string, args: Arguments, runtime: Runtime, side: Side): string {
  const missing = args.integer(0, 'width', 0) - runtime.length(text);
  if (missing <= 0) return text;
  const fill = args.text(1, 'fillchar', ' ');
  const before = side === 'left' ? 0 : side === 'right' ? missing
    : Math.floor(missing / 2) + (missing & args.integer(0, 'width', 0) & 1);
  return runtime.join([runtime.repeat(fill, before), text, runtime.repeat(fill, missing - before)]);
}

function partition(text: string, args: Arguments, runtime: Runtime, last: boolean): Value {
  const plain = runtime.plain(text);
  const pattern = runtime.plain(args.text(0, 'sep'));
  if (pattern === '') fail('empty separator');
  runtime.chargeSearch(plain, pattern);
  const at = last ? plain.lastIndexOf(pattern) : plain.indexOf(pattern);
  const end = at + pattern.length;
  if (at < 0) return runtime.list(last ? ['', '', text] : [text, '', ''], true);
  return runtime.list([text.slice(0, at), text.slice(at, end), text.slice(end)], true);
}

function count(text: string, args: Arguments, runtime: Runtime): number {
  const pattern = args.text(0, 'sub');
  runtime.chargeSearch(text, pattern);
  const plain = runtime.plain(text);
  const wanted = runtime.plain(pattern);
  if (wanted === '') return runtime.length(text) + 1;
  let found = 0;
  for (let at = plain.indexOf(wanted); at >= 0; at = plain.indexOf(wanted, at + wanted.length)) found++;
  return found;
}

function splitLines(text: string, args: Arguments, runtime: Runtime): Value {
  const plain = runtime.plain(text);
  const keepEnds = args.flag(0, 'keepends');
  const lines: string[] = [];
  let start = 0;
  for (const match of plain.matchAll(/\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]/g)) {
    runtime.budget.charge(4);
    const end = match.index + match[0].length;
    lines.push(text.slice(start, keepEnds ? end : match.index));
    start = end;
  }
  if (start < text.length) lines.push(text.slice(start));
  return runtime.list(lines);
}

const matches = (pattern: RegExp): Method => (text, _args, runtime) => {
  runtime.budget.charge(text.length / 64);
  return pattern.test(runtime.plain(text));
};

const METHODS: ReadonlyMap<string, Method> = new Map<string, Method>([
  ['upper', (text, _args, runtime) => upper(text, runtime)],
  ['lower', (text, _args, runtime) => lower(text, runtime)],
  ['casefold', (text, _args, runtime) => lower(text, runtime)],
  ['capitalize', (text, _args, runtime) => capitalize(text, runtime)],
  ['title', (text, _args, runtime) => title(text, runtime)],
  ['strip', (text, args, runtime) => strip(text, args.get(0, 'chars'), 'both', runtime)],
  ['lstrip', (text, args, runtime) => strip(text, args.get(0, 'chars'), 'left', runtime)],
  ['rstrip', (text, args, runtime) => strip(text, args.get(0, 'chars'), 'right', runtime)],
  ['split', split],
  ['rsplit', rsplit],
  ['splitlines', splitLines],
  ['partition', (text, args, runtime) => partition(text, args, runtime, false)],
  ['rpartition', (text, args, runtime) => partition(text, args, runtime, true)],
  ['replace', (text, args, runtime) =>
    replace(text, args.text(0, 'old'), args.text(1, 'new'), args.integer(2, 'count', -1), runtime)],
  ['startswith', (text, args, runtime) => matchesEdge(text, args, runtime, 'startsWith')],
  ['endswith', (text, args, runtime) => matchesEdge(text, args, runtime, 'endsWith')],
  ['find', (text, args, runtime) => find(text, args, runtime, false)],
  ['rfind', (text, args, runtime) => find(text, args, runtime, true)],
  ['index', (text, args, runtime) => found(find(text, args, runtime, false))],
  ['rindex', (text, args, runtime) => found(find(text, args, runtime, true))],
  ['count', count],
  ['center', (text, args, runtime) => pad(text, args, runtime, 'both')],
  ['ljust', (text, args, runtime) => pad(text, args, runtime, 'left')],
  ['rjust', (text, args, runtime) => pad(text, args, runtime, 'right')],
  ['zfill', (text, args, runtime) => zeroFill(text, args, runtime)],
  ['removeprefix', (text, args, runtime) => {
    const prefix = runtime.plain(args.text(0, 'prefix'));
    return runtime.plain(text).startsWith(prefix) ? text.slice(prefix.length) : text;
  }],
  ['removesuffix', (text, args, runtime) => {
    const suffix = runtime.plain(args.text(0, 'suffix'));
    return suffix !== '' && runtime.plain(text).endsWith(suffix) ? text.slice(0, -suffix.length) : text;
  }],
  ['join', (text, args, runtime) =>
    runtime.join(runtime.iterate(args.get(0, 'iterable') ?? null).map((item) => asText(item, 'join() item')), text)],
  ['format', (text, args, runtime) => formatFields(text, args, runtime)],
  ['isdigit', matches(/^\p{Nd}+$/u)],
  ['isdecimal', matches(/^\p{Nd}+$/u)],
  ['isnumeric', matches(/^\p{N}+$/u)],
  ['isalpha', matches(/^\p{L}+$/u)],
  ['isalnum', matches(/^[\p{L}\p{N}]+$/u)],
  ['isspace', matches(/^\s+$/u)],
  ['isupper', (text, _args, runtime) => hasCase(runtime.plain(text), 'toUpperCase', runtime)],
  ['islower', (text, _args, runtime) => hasCase(runtime.plain(text), 'toLowerCase', runtime)],
]);

function hasCase(plain: string, change: 'toUpperCase' | 'toLowerCase', runtime: Runtime): boolean {
  runtime.budget.chargeChars(plain.length * 2);
  return plain[change]() === plain && plain.toUpperCase() !== plain.toLowerCase();
}

function found(index: number): number {
  return index < 0 ? fail('substring not found') : index;
}

function zeroFill(text: string, args: Arguments, runtime: Runtime): string {
  const zeros = runtime.repeat('0', args.integer(0, 'width', 0) - runtime.length(text));
  const sign = /^[+-]/.test(runtime.plain(text)) ? 1 : 0;
  return runtime.join([text.slice(0, sign), zeros, text.slice(sign)]);
}

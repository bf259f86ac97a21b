// Python's two ways to fill values into text: `text % values` and `text.format(values)`.
import type { Arguments } from './arguments.ts';
import { toText } from './printing.ts';
import type { Runtime } from './runtime.ts';
import { asNumber, fail, typeName } from './values.ts';
import type { Value } from './values.ts';

const FORMAT_SPEC = /%(?:(%)|([-0]?)(\d{0,3})(?:\.(\d{1,2}))?([sdifr]))/g;

/** Python's `text % (…)` for the conversions templates use. */
export function formatPercent(text: string, values: readonly Value[], runtime: Runtime): string {
  const plain = runtime.plain(text);
  const parts: string[] = [];
  let next = 0;
  let start = 0;
  for (const match of plain.matchAll(FORMAT_SPEC)) {
    runtime.budget.charge(4);
    parts.push(text.slice(start, match.index));
    start = match.index + match[0].length;
    if (match[1]) {
      parts.push('%');
      continue;
    }
    if (next >= values.length) fail('not enough arguments for format string');
    const shown = formatOne(values[next++] as Value, match[5] as string, match[4], runtime);
    const missing = Number(match[3]) - runtime.length(shown);
    const fill = runtime.repeat(match[2] === '0' ? '0' : ' ', missing);
    parts.push(match[2] === '-' ? runtime.concat(shown, fill) : runtime.concat(fill, shown));
  }
  parts.push(text.slice(start));
  return runtime.join(parts);
}

function formatOne(value: Value, kind: string, precision: string | undefined, runtime: Runtime): string {
  if (kind === 's' || kind === 'r') return toText(value, runtime);
  const number = asNumber(value) ?? fail(`a number is required, not ${typeName(value)}`);
  return kind === 'f' ? number.toFixed(Number(precision ?? 6)) : String(Math.trunc(number));
}

const FIELD = /\{\{|\}\}|\{([A-Za-z0-9_]*)\}/g;

/** `'{} {0} {name}'.format(…)`, without conversions or format specifications. */
export function formatFields(text: string, args: Arguments, runtime: Runtime): string {
  const plain = runtime.plain(text);
  const parts: string[] = [];
  let next = 0;
  let start = 0;
  for (const match of plain.matchAll(FIELD)) {
    runtime.budget.charge(4);
    parts.push(text.slice(start, match.index));
    start = match.index + match[0].length;
    const field = match[1];
    if (field === undefined) {
      parts.push(text.slice(match.index, match.index + 1));
      continue;
    }
    const value = field === '' ? args.positional[next++]
      : /^\d+$/.test(field) ? args.positional[Number(field)] : args.keywords.get(field);
    if (value === undefined) fail(`format() has no value for '${match[0].slice(0, 60)}'`);
    parts.push(toText(value as Value, runtime));
  }
  parts.push(text.slice(start));
  return runtime.join(parts);
}

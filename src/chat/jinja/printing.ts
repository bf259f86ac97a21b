// Values as text: Python's str() and repr(), and JSON as transformers writes it.
import type { Runtime } from './runtime.ts';
import { Callable, Dict, Float, List, Loop, Namespace, Undefined, fail, typeName } from './values.ts';
import type { Value } from './values.ts';

export function toText(value: Value, runtime: Runtime): string {
  if (typeof value === 'string') return value;
  if (value instanceof Undefined) return '';
  return toRepr(value, runtime);
}

function toRepr(value: Value, runtime: Runtime): string {
  runtime.budget.charge(1);
  if (value === null) return 'None';
  if (value === true) return 'True';
  if (value === false) return 'False';
  if (typeof value === 'number') return integerText(value);
  if (value instanceof Float) return floatText(value.value);
  if (typeof value === 'string') return quote(value, runtime);
  if (value instanceof Undefined) return 'Undefined';
  if (value instanceof Callable) return `<function ${value.name}>`;
  if (value instanceof Loop) return `<LoopContext ${value.index + 1}/${value.items.length}>`;
  if (value instanceof Namespace) return '<Namespace>';
  return runtime.nested(() => {
    if (value instanceof List) {
      const inner = runtime.join(value.items.map((item) => toRepr(item, runtime)), ', ');
      if (!value.isTuple) return `[${inner}]`;
      return value.items.length === 1 ? `(${inner},)` : `(${inner})`;
    }
    const pairs = [...value.entries.values()].map((entry) =>
      runtime.concat(`${toRepr(entry.key, runtime)}: `, toRepr(entry.value, runtime)));
    return `{${runtime.join(pairs, ', ')}}`;
  });
}

function integerText(value: number): string {
  return Number.isSafeInteger(value) || !Number.isFinite(value) ? String(value) : BigInt(value).toString();
}

function floatText(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  if (Object.is(value, -0)) return '-0.0';
  const magnitude = Math.abs(value);
  if (magnitude !== 0 && (magnitude >= 1e16 || magnitude < 1e-4)) {
    return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
  }
  return Number.isInteger(value) ? `${value}.0` : String(value);
}

const REPR_ESCAPES = /[\\\n\r\t\u0000-\u001f\u007f-\u00a0\u00ad]/g;

function quote(text: string, runtime: Runtime): string {
  const plain = runtime.plain(text);
  const mark = plain.includes("'") && !plain.includes('"') ? '"' : "'";
  runtime.budget.chargeChars(plain.length * 2);
  const escaped = plain.replace(REPR_ESCAPES, (char) => {
    const known = ({ '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' } as Record<string, string>)[char];
    return known ?? `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
  return runtime.taint.like(text, mark + (mark === "'" ? escaped.replaceAll("'", "\\'") : escaped) + mark);
}

export interface JsonOptions {
  readonly indent: string | undefined;
  readonly ensureAscii: boolean;
  readonly sortKeys: boolean;
  readonly itemSeparator: string;
  readonly keySeparator: string;
}

/** As Python's json.dumps. */
export function toJson(value: Value, options: JsonOptions, runtime: Runtime, depth = 0): string {
  runtime.budget.charge(1);
  if (value === null) return 'null';
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'number') return integerText(value);
  if (value instanceof Float) {
    if (Number.isFinite(value.value)) return floatText(value.value);
    return Number.isNaN(value.value) ? 'NaN' : value.value > 0 ? 'Infinity' : '-Infinity';
  }
  if (typeof value === 'string') return jsonString(value, options, runtime);
  if (value instanceof List) {
    return runtime.nested(() => enclose('[', value.items.map((item) => toJson(item, options, runtime, depth + 1)), ']',
      options, depth, runtime));
  }
  if (value instanceof Dict) {
    return runtime.nested(() => {
      const entries = [...value.entries];
      if (options.sortKeys) entries.sort(([a], [b]) => (String(a) < String(b) ? -1 : String(a) > String(b) ? 1 : 0));
      const parts = entries.map(([, entry]) => {
        const written = typeof entry.key === 'string' ? jsonString(entry.key, options, runtime)
          : `"${toJson(entry.key, options, runtime)}"`;
        return runtime.join([written, options.keySeparator, toJson(entry.value, options, runtime, depth + 1)]);
      });
      return enclose('{', parts, '}', options, depth, runtime);
    });
  }
  return fail(`${typeName(value)} is not JSON serializable`);
}

function enclose(
  open: string, parts: readonly string[], close: string, options: JsonOptions, depth: number, runtime: Runtime,
): string {
  if (parts.length === 0) return open + close;
  if (options.indent === undefined) return open + runtime.join(parts, options.itemSeparator) + close;
  const outer = `\n${runtime.repeat(options.indent, depth)}`;
  const inner = runtime.concat(outer, options.indent);
  return runtime.join([open, inner, runtime.join(parts, runtime.concat(options.itemSeparator, inner)), outer, close]);
}

function jsonString(text: string, options: JsonOptions, runtime: Runtime): string {
  runtime.budget.chargeChars(text.length * 2);
  const escaped = JSON.stringify(runtime.plain(text));
  if (!options.ensureAscii) return runtime.taint.like(text, escaped);
  const ascii = escaped.replace(/[\u007f-\uffff]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return runtime.taint.like(text, ascii);
}

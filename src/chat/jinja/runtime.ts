// What every part of the template language needs while it runs: the budget, and which text came with the input.
import type { Taint } from '../taint.ts';
import type { Arguments } from './arguments.ts';
import type { Budget } from './limits.ts';
import { Dict, Float, List, Undefined, fail, typeName } from './values.ts';
import type { Key, Value } from './values.ts';

type FilterByName = (name: string, value: Value, args: Arguments, runtime: Runtime) => Value;

const SURROGATE = /[\ud800-\udfff]/;

export class Runtime {
  readonly budget: Budget;
  readonly taint: Taint;
  /** What `strftime_now` takes for the present. */
  readonly now: Date;
  /** Filters by name, for filters that apply others. */
  readonly filter: FilterByName;

  constructor(budget: Budget, taint: Taint, now: Date, filter: FilterByName) {
    this.budget = budget;
    this.taint = taint;
    this.now = now;
    this.filter = filter;
  }

  plain(text: string): string {
    this.budget.charge(text.length / 256);
    return this.taint.plain(text);
  }

  concat(a: string, b: string): string {
    this.budget.chargeChars(a.length + b.length);
    return a + b;
  }

  join(parts: readonly string[], separator = ''): string {
    let length = separator.length * Math.max(0, parts.length - 1);
    for (const part of parts) length += part.length;
    this.budget.charge(parts.length);
    this.budget.chargeChars(length);
    return parts.join(separator);
  }

  repeat(text: string, count: number): string {
    const times = Math.max(0, count);
    if (text === '') return '';
    this.budget.chargeChars(text.length * times);
    return text.repeat(times);
  }

  list(items: readonly Value[], isTuple = false): List {
    this.budget.charge(items.length * 2);
    return new List(items, isTuple);
  }

  set(dict: Dict, key: Key, written: Value, value: Value): void {
    this.budget.charge(8);
    const existing = dict.entries.get(key);
    dict.entries.set(key, { key: existing ? existing.key : written, value });
  }

  nested<T>(work: () => T): T {
    this.budget.enter();
    const result = work();
    this.budget.leave();
    return result;
  }

  /** Code points of the text; each keeps its origin. */
  characters(text: string): string[] {
    this.budget.charge(text.length * 2);
    const plain = this.taint.plain(text);
    if (!SURROGATE.test(plain)) return text.split('');
    const characters: string[] = [];
    for (let i = 0; i < plain.length;) {
      const width = (plain.codePointAt(i) as number) > 0xffff ? 2 : 1;
      characters.push(text.slice(i, i + width));
      i += width;
    }
    return characters;
  }

  length(text: string): number {
    const plain = this.plain(text);
    return SURROGATE.test(plain) ? this.characters(text).length : plain.length;
  }

  /** What a loop over the value yields. */
  iterate(value: Value): readonly Value[] {
    if (value instanceof List) return value.items;
    if (value instanceof Undefined) return [];
    if (value instanceof Dict) {
      this.budget.charge(value.entries.size * 2);
      return value.keys();
    }
    if (typeof value === 'string') return this.characters(value);
    return fail(`${typeName(value)} is not iterable`);
  }

  /** The cost of searching, whose worst case is the product of both lengths. */
  chargeSearch(text: string, pattern: string): void {
    this.budget.charge((text.length * Math.max(4, pattern.length)) / 256);
  }

  number(value: number, isFloat: boolean): Value {
    return isFloat ? new Float(value) : value;
  }
}

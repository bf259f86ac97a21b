// Arguments of filters and methods, by position or by name.
import { asInteger, asText, isTruthy } from './values.ts';
import type { Keywords, Value } from './values.ts';

export class Arguments {
  readonly positional: readonly Value[];
  readonly keywords: Keywords;
  readonly #owner: string;

  constructor(owner: string, positional: readonly Value[], keywords: Keywords) {
    this.#owner = owner;
    this.positional = positional;
    this.keywords = keywords;
  }

  get(index: number, name: string): Value | undefined {
    return index < this.positional.length ? this.positional[index] : this.keywords.get(name);
  }

  integer(index: number, name: string, fallback: number): number {
    const value = this.get(index, name);
    return value === undefined || value === null ? fallback : asInteger(value, `${this.#owner}(${name})`);
  }

  text(index: number, name: string, fallback?: string): string {
    const value = this.get(index, name);
    if (fallback !== undefined && (value === undefined || value === null)) return fallback;
    return asText(value ?? null, `${this.#owner}(${name})`);
  }

  flag(index: number, name: string, fallback = false): boolean {
    const value = this.get(index, name);
    return value === undefined ? fallback : isTruthy(value);
  }
}

// Variables of a template, looked up from the inside out.
import { Undefined } from './values.ts';
import type { Value } from './values.ts';

export class Scope {
  readonly #variables = new Map<string, Value>();
  readonly #outer: Scope | undefined;

  constructor(outer?: Scope) {
    this.#outer = outer;
  }

  get(name: string): Value {
    let value = this.#variables.get(name);
    let scope = this.#outer;
    while (value === undefined && scope !== undefined) {
      value = scope.#variables.get(name);
      scope = scope.#outer;
    }
    return value === undefined ? new Undefined(name) : value;
  }

  set(name: string, value: Value): void {
    this.#variables.set(name, value);
  }
}

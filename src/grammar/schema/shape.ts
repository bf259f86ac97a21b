// What a schema comes to once $ref, allOf, anyOf, oneOf, not and if are worked in: alternatives, each a plain conjunction of keywords.
import type { Language } from '../pattern/language.ts';
import type { Decimal } from './scalars/decimals.ts';
import type { Bound } from './scalars/numbers.ts';
import type { Json, JsonObject, Located } from './references.ts';

export const TYPES = ['object', 'array', 'string', 'number', 'boolean', 'null'] as const;
export type Type = (typeof TYPES)[number];

/** A schema whose keywords about objects or arrays count, as it stands in the document. */
export interface Holder {
  readonly schema: JsonObject;
  readonly pointer: string;
}

export interface Shape {
  readonly types: ReadonlySet<Type>;
  readonly isInteger: boolean;
  /** The only values, already filtered by all other keywords. */
  readonly values: readonly Json[] | undefined;
  readonly low: Bound | undefined;
  readonly high: Bound | undefined;
  readonly multipleOf: Decimal | undefined;
  readonly notMultiplesOf: readonly Decimal[];
  readonly minLength: number;
  readonly maxLength: number;
  /** Of all patterns and formats. */
  readonly language: Language | undefined;
  /** Strings may be left out that would satisfy the schema: some formats are enforced in part. */
  readonly isNarrowed: boolean;
  readonly minItems: number;
  readonly maxItems: number;
  readonly minProperties: number;
  readonly maxProperties: number;
  readonly required: ReadonlySet<string>;
  readonly holders: readonly Holder[];
}

export const EVERY_SHAPE: Shape = {
  types: new Set(TYPES), isInteger: false, values: undefined, low: undefined, high: undefined, multipleOf: undefined,
  notMultiplesOf: [], minLength: 0, maxLength: Infinity, language: undefined, isNarrowed: false,
  minItems: 0, maxItems: Infinity, minProperties: 0, maxProperties: Infinity,
  required: new Set(), holders: [],
};

/** Schemas that hold together, without repetition; its key names it. */
export class Conjunction {
  readonly members: readonly Located[];
  readonly key: string;

  constructor(members: readonly Located[]) {
    const byKey = new Map(members.filter(({ schema }) => schema !== true).map((member) => [
      member.schema === false ? 'false' : member.pointer, member,
    ]));
    const keys = [...byKey.keys()].sort();
    this.members = keys.map((key) => byKey.get(key)!);
    this.key = JSON.stringify(keys);
  }
}

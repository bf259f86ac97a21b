// Schemas that say in other words what keywords of others say or rule out. Their own keywords are symbols, which no JSON has.
import { complementPointer, isObject } from '../references.ts';
import type { Json, JsonObject, Located } from '../references.ts';

/** Holds for what the schema does not hold for. */
const NOT = Symbol('not');
/** Beside `type`: a pattern, format or multipleOf that must not hold. */
export const EXCEPT = Symbol('except');
/** Some property has such a name and such a value. */
export const SOME = Symbol('some');
/** From which item on `contains` counts. */
export const FROM = Symbol('from');

export interface SomeProperty {
  readonly names: Located;
  readonly value: Located;
}

interface Own {
  readonly [NOT]?: Located;
  readonly [EXCEPT]?: JsonObject;
  readonly [SOME]?: SomeProperty;
  readonly [FROM]?: number;
}

export type Derived = JsonObject & Own;

export function derived(schema: { readonly [key: string]: Json } & Own): Derived {
  return schema;
}

export function negatedIn(value: unknown): Located | undefined {
  return isObject(value) ? (value as Derived)[NOT] : undefined;
}

/** The schema that holds for what `located` does not hold for. */
export function negation(located: Located): Located {
  const pointer = complementPointer(located.pointer);
  if (typeof located.schema === 'boolean') return { schema: !located.schema, pointer };
  return negatedIn(located.schema) ?? { schema: derived({ [NOT]: located }), pointer };
}

/** Whether it has keywords of its own, beside which plain ones do not say all. */
export function hasOwnKeywords(schema: JsonObject | boolean): boolean {
  return typeof schema !== 'boolean' && [EXCEPT, SOME, FROM].some((keyword) => keyword in schema);
}

/** As a value inside another schema, with its own place. */
export function embedded(located: Located): Derived | boolean {
  const { schema } = negation(located);
  return typeof schema === 'boolean' ? located.schema as boolean : derived({ [NOT]: negation(located) });
}

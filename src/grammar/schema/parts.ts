// Which schemas an item or a property must satisfy, over all schemas that say something about its array or object.
import { FROM } from './negation/derived.ts';
import type { Derived } from './negation/derived.ts';
import { countOf } from './keywords.ts';
import type { Patterns } from './scalars/patterns.ts';
import { isDerived, isObject } from './references.ts';
import type { Located } from './references.ts';
import { Conjunction } from './shape.ts';
import type { Holder, Shape } from './shape.ts';
import { prefixOf, restSchema, subschema } from './subschemas.ts';

export function itemSchema({ holders }: Shape, index: number): Conjunction {
  return new Conjunction(holders.flatMap((holder) => {
    const { keyword, length } = prefixOf(holder);
    return index < length ? [subschema(holder, keyword, index)] : restSchema(holder) ?? [];
  }));
}

/** Items from this one on are alike. */
export function numPrefixItems({ holders }: Shape): number {
  return Math.max(0, ...holders.map((holder) => prefixOf(holder).length));
}

/** How many items, from one on, must satisfy a schema: `contains` with minContains and maxContains. */
export interface Counted {
  readonly holder: Holder;
  readonly item: Located;
  readonly from: number;
  readonly min: number;
  readonly max: number;
}

/** Undefined where any number of items will do. */
export function countedIn(holder: Holder): Counted | undefined {
  const { schema, pointer } = holder;
  if (!('contains' in schema)) return undefined;
  const item = subschema(holder, 'contains');
  const min = countOf(schema, 'minContains', pointer) ?? 1;
  const max = countOf(schema, 'maxContains', pointer) ?? Infinity;
  return min === 0 && max === Infinity ? undefined : { holder, item, from: (schema as Derived)[FROM] ?? 0, min, max };
}

export function countedItems({ holders }: Shape): Counted[] {
  return holders.flatMap((holder) => countedIn(holder) ?? []);
}

export function propertySchema({ holders }: Shape, name: string, patterns: Patterns): Conjunction {
  return new Conjunction(holders.flatMap((holder) => {
    const found = patternsOf(holder).filter((pattern) =>
      patterns.includes('pattern', pattern, `${holder.pointer}/patternProperties`, name)).map((pattern) => patternSchema(holder, pattern));
    if (isObject(holder.schema['properties']) && Object.hasOwn(holder.schema['properties'], name)) found.push(subschema(holder, 'properties', name));
    return found.length > 0 ? found : otherProperties(holder);
  }));
}

export function patternsOf(holder: Holder): string[] {
  return isObject(holder.schema['patternProperties']) ? Object.keys(holder.schema['patternProperties']) : [];
}

export function patternSchema(holder: Holder, pattern: string): Located {
  return subschema(holder, 'patternProperties', pattern);
}

export function otherProperties(holder: Holder): Located[] {
  const keyword = ['additionalProperties', 'unevaluatedProperties'].find((name) => name in holder.schema);
  return keyword === undefined ? [] : [subschema(holder, keyword)];
}

/** Declared names in the order they are written in, then those that are only required. */
export function propertyNames({ holders, required }: Shape): string[] {
  return [...new Set([...holders.flatMap(({ schema }) => (isObject(schema['properties']) ? Object.keys(schema['properties']) : [])), ...required])];
}

/**
 * Whether properties that nobody declares are offered: where it is said so, or no property is declared at all. What was derived
 * from other keywords declares nothing.
 */
export function offersOthers({ holders }: Shape): boolean {
  const says = holders.some(({ schema }) => ['additionalProperties', 'unevaluatedProperties'].some((keyword) => keyword in schema));
  return says || !holders.some(({ schema, pointer }) =>
    !isDerived(pointer) && ['properties', 'patternProperties', 'required'].some((keyword) => keyword in schema));
}

// The schemas inside a schema: one, a list or an object of them, with where they stand; what is none is an error.
import { negatedIn, negation } from './negation/derived.ts';
import { escapeToken, isObject, unenforceable } from './references.ts';
import type { Json, Located } from './references.ts';
import type { Holder } from './shape.ts';

export function subschema({ schema, pointer }: Holder, keyword: string, step?: string | number): Located {
  const value = step === undefined ? schema[keyword] : (schema[keyword] as Record<string | number, Json>)[step];
  const negated = negatedIn(value);
  if (negated) return negation(negated);
  if (!isObject(value) && typeof value !== 'boolean') throw unenforceable(keyword, pointer, step === undefined ? 'must be a schema' : 'must be made of schemas');
  return { schema: value, pointer: `${pointer}/${keyword}${step === undefined ? '' : `/${escapeToken(String(step))}`}` };
}

/** Of allOf, anyOf and oneOf. */
export function subschemas(holder: Holder, keyword: string): Located[] {
  const list = holder.schema[keyword];
  if (!Array.isArray(list) || list.length === 0) throw unenforceable(keyword, holder.pointer, 'must be a list of schemas');
  return list.map((_, i) => subschema(holder, keyword, i));
}

/** By name, of properties and the like; none where the schema has no such keyword. */
export function namedSubschemas(holder: Holder, keyword: string): (readonly [string, Located])[] {
  const named = holder.schema[keyword];
  if (named === undefined) return [];
  if (!isObject(named)) throw unenforceable(keyword, holder.pointer, 'must be an object of schemas');
  return Object.keys(named).map((name) => [name, subschema(holder, keyword, name)] as const);
}

/** The keyword with the schemas of the first items; `items` as a list is what older drafts have for prefixItems. */
export function prefixOf({ schema, pointer }: Holder): { readonly keyword: string; readonly length: number } {
  const keyword = Array.isArray(schema['items']) && !('prefixItems' in schema) ? 'items' : 'prefixItems';
  const list = schema[keyword] ?? [];
  if (!Array.isArray(list)) throw unenforceable(keyword, pointer, 'must be a list of schemas');
  return { keyword, length: list.length };
}

/** The schema of the items after those. */
export function restSchema(holder: Holder): Located | undefined {
  return 'items' in holder.schema && !Array.isArray(holder.schema['items']) ? subschema(holder, 'items') : undefined;
}

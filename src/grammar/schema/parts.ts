// Which schemas an item or a property must satisfy, over all schemas that say something about its array or object.
import { isObject, unenforceable } from './references.ts';
import type { Json, Located } from './references.ts';
import { Conjunction } from './shape.ts';
import type { Holder, Shape } from './shape.ts';
import type { Patterns } from './patterns.ts';
import { escapeToken } from './references.ts';

function located({ schema, pointer }: Holder, keyword: string, step?: string | number): Located {
  const value = step === undefined ? schema[keyword] : (schema[keyword] as Record<string | number, Json>)[step];
  if (!isObject(value) && typeof value !== 'boolean') throw unenforceable(keyword, pointer, 'must be made of schemas');
  return { schema: value, pointer: `${pointer}/${keyword}${step === undefined ? '' : `/${escapeToken(String(step))}`}` };
}

/** `items` as a list is what older drafts have for prefixItems. */
function prefixOf({ schema, pointer }: Holder): { readonly keyword: string; readonly length: number } | undefined {
  const keyword = 'prefixItems' in schema ? 'prefixItems' : Array.isArray(schema['items']) ? 'items' : undefined;
  if (keyword === undefined) return undefined;
  if (!Array.isArray(schema[keyword])) throw unenforceable(keyword, pointer, 'must be a list of schemas');
  return { keyword, length: (schema[keyword] as readonly Json[]).length };
}

export function itemSchema({ holders }: Shape, index: number): Conjunction {
  return new Conjunction(holders.flatMap((holder) => {
    const prefix = prefixOf(holder);
    if (prefix && index < prefix.length) return [located(holder, prefix.keyword, index)];
    return 'items' in holder.schema && prefix?.keyword !== 'items' ? [located(holder, 'items')] : [];
  }));
}

/** Items from this one on are alike. */
export function numPrefixItems({ holders }: Shape): number {
  return Math.max(0, ...holders.map((holder) => prefixOf(holder)?.length ?? 0));
}

function declares({ schema }: Holder, name: string): boolean {
  return isObject(schema['properties']) && Object.hasOwn(schema['properties'], name);
}

export function propertySchema({ holders }: Shape, name: string, patterns: Patterns): Conjunction {
  return new Conjunction(holders.flatMap((holder) => {
    const found = patternsOf(holder).filter((pattern) =>
      patterns.includes('pattern', pattern, `${holder.pointer}/patternProperties`, name)).map((pattern) => located(holder, 'patternProperties', pattern));
    if (declares(holder, name)) found.push(located(holder, 'properties', name));
    return found.length > 0 ? found : otherProperties(holder);
  }));
}

export function patternsOf({ schema }: Holder): string[] {
  return isObject(schema['patternProperties']) ? Object.keys(schema['patternProperties']) : [];
}

export function patternSchema(holder: Holder, pattern: string): Located {
  return located(holder, 'patternProperties', pattern);
}

export function otherProperties(holder: Holder): Located[] {
  const keyword = ['additionalProperties', 'unevaluatedProperties'].find((name) => name in holder.schema);
  return keyword === undefined ? [] : [located(holder, keyword)];
}

/** Declared names in the order they are written in, then those that are only required. */
export function propertyNames({ holders, required }: Shape): string[] {
  return [...new Set([...holders.flatMap(({ schema }) => (isObject(schema['properties']) ? Object.keys(schema['properties']) : [])), ...required])];
}

/** Whether properties that nobody declares are offered: where it is said so, or no property is declared at all. */
export function offersOthers({ holders }: Shape): boolean {
  const says = holders.some(({ schema }) => ['additionalProperties', 'unevaluatedProperties'].some((keyword) => keyword in schema));
  return says || !holders.some(({ schema }) => ['properties', 'patternProperties', 'required'].some((keyword) => keyword in schema));
}

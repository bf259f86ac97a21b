// Whether a constant satisfies a schema: values of const and enum are filtered by all the other keywords beside them.
import { LIMITS } from '../limits.ts';
import type { Patterns } from './patterns.ts';
import { isObject, unenforceable } from './references.ts';
import type { Json, JsonObject, Located, References } from './references.ts';

export class Validator {
  readonly #references: References;
  readonly #patterns: Patterns;
  #depth = 0;

  constructor(references: References, patterns: Patterns) {
    this.#references = references;
    this.#patterns = patterns;
  }

  holds(value: Json, located: Located): boolean {
    const { schema, pointer } = located;
    if (typeof schema === 'boolean') return schema;
    if (!isObject(schema)) {
      const end = pointer.lastIndexOf('/');
      throw unenforceable(pointer.slice(end + 1), pointer.slice(0, end), 'must be a schema');
    }
    if (++this.#depth > 2 * LIMITS.depth) throw new RangeError('schemas refer to each other without end');
    try {
      const at = (keyword: string, ...path: readonly (string | number)[]): Located => {
        const inner = path.reduce<Json>((found, step) => (found as JsonObject)[step], schema[keyword]);
        return { schema: inner as JsonObject | boolean, pointer: [pointer, keyword, ...path].join('/') };
      };
      return this.#holdsAll(value, schema, located, at);
    } finally {
      this.#depth--;
    }
  }

  #holdsAll(value: Json, schema: JsonObject, located: Located, at: At): boolean {
    const list = (keyword: string): Located[] => (schema[keyword] as readonly Json[] | undefined ?? []).map((_, i) => at(keyword, i));
    const holds = (inner: Located): boolean => this.holds(value, inner);
    if ('$ref' in schema && !this.holds(value, this.#references.resolve(located))) return false;
    if ('const' in schema && !equal(value, schema['const'])) return false;
    if ('enum' in schema && !(schema['enum'] as readonly Json[]).some((each) => equal(value, each))) return false;
    if ('type' in schema && ![schema['type']].flat().some((type) => isOfType(value, type as string))) return false;
    if (!list('allOf').every(holds)) return false;
    if ('anyOf' in schema && !list('anyOf').some(holds)) return false;
    if ('oneOf' in schema && list('oneOf').filter(holds).length !== 1) return false;
    if ('not' in schema && holds(at('not'))) return false;
    const branch = 'if' in schema ? (holds(at('if')) ? 'then' : 'else') : undefined;
    if (branch && branch in schema && !holds(at(branch))) return false;
    if (typeof value === 'number') return holdsNumber(value, schema);
    if (typeof value === 'string') return this.#holdsString(value, schema, located.pointer);
    if (Array.isArray(value)) return this.#holdsArray(value as readonly Json[], schema, at);
    return !isObject(value) || this.#holdsObject(value, schema, located.pointer, at);
  }

  #holdsString(value: string, schema: JsonObject, pointer: string): boolean {
    const { length } = [...value];
    return length >= limit(schema, 'minLength', 0) && length <= limit(schema, 'maxLength', Infinity) &&
      ['pattern', 'format'].every((keyword) => !(keyword in schema) ||
        this.#patterns.includes(keyword as 'pattern' | 'format', schema[keyword], pointer, value));
  }

  #holdsArray(value: readonly Json[], schema: JsonObject, at: At): boolean {
    const prefix = (schema['prefixItems'] as readonly Json[] | undefined)?.length ?? 0;
    if (value.length < limit(schema, 'minItems', 0) || value.length > limit(schema, 'maxItems', Infinity)) return false;
    if (schema['uniqueItems'] === true && value.some((item, i) => value.slice(0, i).some((other) => equal(item, other)))) return false;
    if ('contains' in schema) {
      const count = value.filter((item) => this.holds(item, at('contains'))).length;
      if (count < limit(schema, 'minContains', 1) || count > limit(schema, 'maxContains', Infinity)) return false;
    }
    return value.every((item, i) => (i < prefix ? this.holds(item, at('prefixItems', i)) : !('items' in schema) || this.holds(item, at('items'))));
  }

  #holdsObject(value: JsonObject, schema: JsonObject, pointer: string, at: At): boolean {
    const keys = Object.keys(value);
    if (keys.length < limit(schema, 'minProperties', 0) || keys.length > limit(schema, 'maxProperties', Infinity)) return false;
    if (!(schema['required'] as readonly string[] | undefined ?? []).every((key) => Object.hasOwn(value, key))) return false;
    const dependent = Object.entries(schema['dependentRequired'] as Record<string, readonly string[]> | undefined ?? {});
    if (dependent.some(([key, needed]) => Object.hasOwn(value, key) && !(Array.isArray(needed) && needed.every((other) => Object.hasOwn(value, other))))) return false;
    if (Object.keys(schema['dependentSchemas'] ?? {}).some((key) => Object.hasOwn(value, key) && !this.holds(value, at('dependentSchemas', key)))) return false;
    return keys.every((key) => {
      if ('propertyNames' in schema && !this.holds(key, at('propertyNames'))) return false;
      const patterns = Object.keys(schema['patternProperties'] ?? {})
        .filter((pattern) => this.#patterns.includes('pattern', pattern, `${pointer}/patternProperties`, key));
      const isDeclared = isObject(schema['properties']) && Object.hasOwn(schema['properties'], key);
      const schemas = [...(isDeclared ? [at('properties', key)] : []), ...patterns.map((pattern) => at('patternProperties', pattern))];
      if (schemas.length === 0 && 'additionalProperties' in schema) schemas.push(at('additionalProperties'));
      return schemas.every((inner) => this.holds(value[key], inner));
    });
  }
}

type At = (keyword: string, ...path: readonly (string | number)[]) => Located;

function limit(schema: JsonObject, keyword: string, otherwise: number): number {
  return (schema[keyword] as number | undefined) ?? otherwise;
}

function holdsNumber(value: number, schema: JsonObject): boolean {
  const divisor = schema['multipleOf'] as number | undefined;
  return value >= limit(schema, 'minimum', -Infinity) && value <= limit(schema, 'maximum', Infinity) &&
    value > limit(schema, 'exclusiveMinimum', -Infinity) && value < limit(schema, 'exclusiveMaximum', Infinity) &&
    (divisor === undefined || Number.isInteger(value / divisor));
}

function isOfType(value: Json, type: string): boolean {
  switch (type) {
    case 'null': return value === null;
    case 'array': return Array.isArray(value);
    case 'object': return isObject(value);
    case 'integer': return typeof value === 'number' && Number.isInteger(value);
    default: return typeof value === type;
  }
}

export function equal(a: Json, b: Json): boolean {
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item: Json, i) => equal(item, (b as readonly Json[])[i]));
  if (!isObject(a) || !isObject(b)) return a === b;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && equal(a[key], b[key]));
}

// Random schemas in which any keyword stands beside any other, by seed, and values of the few kinds that they tell apart.
import { Random } from '../../src/engine/sampler/random.ts';

export interface Wild {
  readonly schema: object;
  value(): unknown;
  /** A whole number from 0 to below `count`. */
  below(count: number): number;
}

const NAMES = ['a', 'b', 'c'];
/** Keywords that meet others more often than by chance. */
const OFTEN = ['type', 'properties', 'properties', 'required', 'enum', 'not', 'oneOf', 'if'];
const TYPES = ['object', 'array', 'string', 'number', 'integer', 'boolean', 'null'];

export function wildSchema(seed: number): Wild {
  const random = new Random(seed);
  const below = (count: number): number => Math.floor(random.next() * count);
  const chance = (p: number): boolean => random.next() < p;
  const pick = <T>(...items: readonly T[]): T => items[below(items.length)]!;
  const some = (items: readonly string[]): string[] => items.filter(() => chance(0.4));
  const list = <T>(count: number, item: () => T): T[] => Array.from({ length: count }, item);

  const scalar = (): unknown => pick<unknown>(null, true, false, 0, 1, 2, 3, -1, 1.5, 2.5, 0.5, '', 'a', 'b', 'ab', 'abc', '2024-01-01');
  const small = (): unknown => chance(0.7) ? scalar() : chance(0.5) ? list(below(3), scalar) : Object.fromEntries(some(NAMES).map((name) => [name, scalar()]));
  const value = (): unknown => pick(small, () => list(below(4), small), () => Object.fromEntries(some(NAMES).map((name) => [name, small()])))();

  const keywords: Readonly<Record<string, (depth: number) => unknown>> = {
    type: () => chance(0.6) ? pick(...TYPES) : ['string', ...some(TYPES.filter((type) => type !== 'string'))],
    const: small, enum: () => list(1 + below(4), small),
    minimum: () => pick(-1, 0, 1, 2), maximum: () => below(4), exclusiveMinimum: () => pick(0, 1, 1.5), exclusiveMaximum: () => pick(0, 2, 2.5),
    // Halves and quarters have no rounding, in which validators differ.
    multipleOf: () => pick(1, 2, 3, 0.5, 1.5, 0.25),
    minLength: () => below(3), maxLength: () => below(4), pattern: () => pick('^a', 'b$', '^[ab]*$', 'a.*b', '^.{2}$'),
    format: () => pick('date', 'ipv4', 'uuid', 'time', 'email', 'json-pointer', 'int32'),
    minItems: () => below(3), maxItems: () => below(4), items: schema, prefixItems: (depth) => list(1 + below(2), () => schema(depth)),
    contains: schema, minContains: () => below(3), maxContains: () => below(3), uniqueItems: () => chance(0.2),
    minProperties: () => below(2), maxProperties: () => below(4), required: () => some(NAMES),
    properties: (depth) => Object.fromEntries(some(NAMES).map((name) => [name, schema(depth)])),
    patternProperties: (depth) => ({ [pick('^a', '[bc]')]: schema(depth) }), additionalProperties: (depth) => !chance(0.5) && schema(depth),
    propertyNames: () => pick<object>({ enum: ['a', 'b'] }, { not: { const: 'a' } }, { pattern: '^[ab]' }, { anyOf: [{ const: 'a' }, { minLength: 2 }] }, { maxLength: 1 }),
    dependentRequired: () => ({ [pick(...NAMES)]: some(NAMES) }), dependentSchemas: (depth) => ({ [pick(...NAMES)]: schema(depth) }),
    allOf: (depth) => list(2, () => schema(depth)), anyOf: (depth) => list(2, () => schema(depth)), oneOf: (depth) => list(1 + below(3), () => schema(depth)),
    not: schema, if: schema, then: schema, else: schema, $ref: () => pick('#/$defs/x', '#/$defs/y'),
  };

  function schema(depth: number): object | boolean {
    if (depth <= 0) return pick<object | boolean>({ type: 'integer' }, { type: 'string' }, { const: 1 }, { type: 'object' }, { minimum: 1 }, {}, true, false);
    const chosen = list(1 + below(3), () => pick(...Object.keys(keywords), ...OFTEN));
    if (chosen.includes('if')) chosen.push(pick('then', 'else'));
    // Beside prefixItems, ajv 8 takes an empty array for one that contains something.
    const kept = chosen.filter((keyword) => keyword !== 'contains' || !chosen.includes('prefixItems'));
    return Object.fromEntries(kept.map((keyword) => [keyword, keywords[keyword]!(depth - 1)]));
  }

  return {
    schema: {
      ...(schema(3) as object),
      $defs: { x: schema(1), y: { type: ['object', 'null', 'integer'], properties: { a: { $ref: '#/$defs/y' } } } },
    },
    value, below,
  };
}

// Random JSON schemas of the keywords that are enforced, by seed.
import { Random } from '../../src/engine/sampler/random.ts';

export function randomSchema(seed: number): object {
  const random = new Random(seed);
  const below = (count: number): number => Math.floor(random.next() * count);
  const chance = (p: number): boolean => random.next() < p;
  const pick = <T>(...items: readonly T[]): T => items[below(items.length)]!;

  const string = (): object => {
    switch (below(6)) {
      case 0: return { type: 'string', maxLength: below(8) };
      case 1: return { type: 'string', minLength: 1 + below(3), maxLength: 4 + below(6) };
      case 2: return { type: 'string', pattern: pick('^[a-z]{1,5}$', '^\\d{2}-\\d{2}$', '^(foo|bar|é+)x?$', '[A-Z]', '^\\w+@\\w{1,4}$', '^[^"a]{0,3}$'), maxLength: 12 };
      case 3: return { type: 'string', format: pick('date', 'time', 'date-time', 'uuid', 'ipv4', 'ipv6', 'email', 'hostname', 'duration', 'uri', 'uri-reference',
        'uri-template', 'json-pointer', 'relative-json-pointer', 'byte'), maxLength: 60 };
      case 4: return { type: 'string', maxLength: 6, not: pick<object>({ pattern: '^[a-f]' }, { enum: ['a', ''] }, { const: 'x' }, { format: 'date' }, { minLength: 4 }) };
      default: return { enum: ['a', 'quote"', 'back\\slash', 'é', ''].slice(0, 1 + below(5)) };
    }
  };
  const number = (): object => {
    const low = below(200) - 100 + (chance(0.3) ? 0.25 : 0);
    switch (below(10)) {
      case 0: return { type: 'integer' };
      case 1: return { type: 'integer', minimum: low, maximum: low + 1 + below(500) };
      case 2: return { type: 'number', exclusiveMinimum: low, maximum: low + 1 + below(20) };
      case 3: return { type: 'number', minimum: low };
      case 4: return { type: 'integer', multipleOf: 1 + below(12) };
      case 5: return { type: 'number', multipleOf: pick(0.1, 0.01, 0.5, 2.5, 0.25), minimum: low, maximum: low + 3 + below(20) };
      case 6: return { type: 'number', multipleOf: 1e-8, exclusiveMinimum: 0, maximum: 0.1 };
      case 7: return { type: 'number', minimum: low, maximum: low + 20, not: pick<object>({ type: 'integer' }, { exclusiveMinimum: low + 2 }, { enum: [low, low + 1] }) };
      case 8: return { type: 'integer', format: 'int32', not: { multipleOf: 2 + below(8) } };
      default: return { type: 'number', exclusiveMaximum: low };
    }
  };
  const schema = (depth: number): object => {
    const leaf = depth >= 3;
    switch (below(leaf ? 4 : 14)) {
      case 0: return string();
      case 1: return number();
      case 2: return { type: pick('boolean', 'null') };
      case 3: return { const: pick<unknown>(7, 'x', true, null, [1, { a: 'b' }]) };
      case 4: return { type: 'array', items: schema(depth + 1), minItems: below(3), maxItems: 2 + below(3) };
      case 5: if (chance(0.3)) return { type: 'array', items: { enum: ['a', 'b', 3, null, true].slice(below(4)) }, uniqueItems: true, maxItems: 1 + below(4) };
        return { type: 'array', prefixItems: [schema(depth + 1), schema(depth + 1)], items: chance(0.5) ? false : schema(depth + 1), maxItems: 3 };
      case 6: return { anyOf: [schema(depth + 1), schema(depth + 1)] };
      case 7: return { oneOf: [
        { type: 'object', properties: { kind: { const: 'a' }, a: schema(depth + 1) }, required: ['kind'] },
        { type: 'object', properties: { kind: { const: 'b' }, b: schema(depth + 1) }, required: ['kind', 'b'] }] };
      case 8: {
        const counted = number();
        return { type: 'array', items: { anyOf: [counted, string()] }, contains: counted, minContains: below(3), ...(chance(0.5) && { maxContains: 2 }), maxItems: 4 };
      }
      case 9: return { oneOf: [{ ...object(3, ['a', 'c']), required: ['a'] }, { ...object(3, ['b', 'c']), required: ['b'] }, { type: 'number', maximum: 9 }, { type: 'integer', minimum: 0 }] };
      case 10: return conditional(depth);
      case 11: return {
        type: 'object', properties: { id: { enum: ['a', 1, 'b'] }, name: string(), x: schema(depth + 1) },
        not: pick<object>({ required: ['id', 'name'] }, { const: {} }, { minProperties: 2 }, { properties: { id: { type: 'string' } } }, { enum: [{ id: 'a' }, { id: 1, name: 'a' }] }),
      };
      default: return object(depth);
    }
  };
  const conditional = (depth: number): object => {
    const { required: _required, ...rest } = object(depth, ['kind', 'x', 'y']) as { readonly required: unknown; readonly properties: object };
    const schemas = pick<object>(
      { if: { properties: { kind: { const: 'a' } }, required: ['kind'] }, then: { required: ['x'] }, else: { required: ['y'] } },
      { if: { required: ['x'] }, then: { properties: { kind: { const: 'a' } } } },
      { dependentRequired: { x: ['y'], y: ['kind'] } }, { dependentSchemas: { x: { required: ['kind'], properties: { kind: { enum: ['b'] } } } } },
    );
    return { ...rest, properties: { ...rest.properties, kind: { enum: ['a', 'b'] } }, required: chance(0.5) ? ['kind'] : ['x'], ...schemas };
  };
  const object = (depth: number, names = ['id', 'name', 'a b', 'é"', 'tags', 'next'].filter(() => chance(0.5))): object => {
    const properties = Object.fromEntries(names.map((name) => [name, name === 'next' && depth < 2
      ? { anyOf: [{ type: 'null' }, { $ref: '#/$defs/node' }] } : schema(depth + 1)]));
    return {
      type: 'object', properties, required: names.filter(() => chance(0.7)),
      ...(chance(0.3) && { additionalProperties: chance(0.5) ? false : { type: 'integer' }, maxProperties: names.length + 2 }),
      ...(chance(0.2) && names.length > 0 && { minProperties: 1 }),
    };
  };
  return {
    ...schema(0),
    $defs: { node: { type: 'object', properties: { v: number(), next: { anyOf: [{ type: 'null' }, { $ref: '#/$defs/node' }] } }, required: ['v'] } },
  };
}

// Every JSON value but those of an enum or const, as schemas.
import { LIMITS } from '../../limits.ts';
import { unenforceable } from '../references.ts';
import { EXCEPT, derived } from './derived.ts';
import type { Derived } from './derived.ts';
import type { Json, JsonObject, Located } from '../references.ts';
import { TYPES } from '../shape.ts';
import type { Type } from '../shape.ts';

type Say = (schema: Derived, part?: string) => Located;

export function otherThan(values: readonly Json[], say: Say): readonly (readonly Located[])[] {
  const ofType = (type: Type): readonly Json[] => values.filter((value) => typeOf(value) === type);
  const untouched = TYPES.filter((type) => ofType(type).length === 0);
  return [
    ...(untouched.length > 0 ? [[say({ type: untouched }, 'types')]] : []),
    ...TYPES.filter((type) => !untouched.includes(type)).flatMap((type) => OTHERS[type](ofType(type) as readonly never[], say)),
  ];
}

function typeOf(value: Json): Type {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value as Type;
}

const OTHERS: Readonly<Record<Type, (values: readonly never[], say: Say) => (readonly Located[])[]>> = {
  null: () => [],
  boolean: (values: readonly boolean[], say) =>
    [true, false].filter((value) => !values.includes(value)).map((value) => [say({ const: value }, String(value))]),
  number: (values: readonly number[], say) => {
    const ascending = [...new Set(values)].sort((a, b) => a - b);
    return Array.from({ length: ascending.length + 1 }, (_, i) => [say({
      type: 'number', ...(i > 0 && { exclusiveMinimum: ascending[i - 1] }), ...(i < ascending.length && { exclusiveMaximum: ascending[i] }),
    }, `number ${i}`)]);
  },
  string: (values: readonly string[], say) => {
    const pattern = `^(?:${values.map((value) => value.replace(/[^A-Za-z0-9]/gu, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`)).join('|')})$`;
    return [[say(derived({ type: 'string', [EXCEPT]: { pattern } }), 'strings')]];
  },
  array: (values: readonly (readonly Json[])[], say) => {
    const arrays = say({ type: 'array' }, 'arrays');
    if (values.some(({ length }) => length > LIMITS.negatedItems)) throw unenforceable('enum', arrays.pointer, `has a list of more than ${LIMITS.negatedItems} items, which not, if and oneOf cannot turn around`);
    return [[arrays, ...values.map((value, i) => say({ anyOf: otherArrays(value) }, `array ${i}`))]];
  },
  object: (values: readonly JsonObject[], say) =>
    [[say({ type: 'object' }, 'objects'), ...values.map((value, i) => say({ anyOf: otherObjects(value) }, `object ${i}`))]],
};

function otherArrays(items: readonly Json[]): JsonObject[] {
  const { length } = items;
  return [
    ...(length > 0 ? [{ maxItems: length - 1 }] : []), { minItems: length + 1 },
    ...items.map((item, i) => ({ minItems: i + 1, prefixItems: [...items.slice(0, i).map(() => true), { not: { const: item } }] })),
  ];
}

function otherObjects(value: JsonObject): JsonObject[] {
  const names = Object.keys(value);
  return [
    ...names.map((name) => ({ properties: { [name]: false } })),
    ...names.map((name) => ({ required: [name], properties: { [name]: { not: { const: value[name] } } } })),
    { required: names, minProperties: names.length + 1 },
  ];
}

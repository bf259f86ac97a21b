// What rules a value out of a schema, keyword by keyword: alternatives, each a list of schemas that hold together.
import { LIMITS } from '../../limits.ts';
import { EXCEPT, FROM, SOME, derived, embedded, negatedIn, negation } from './derived.ts';
import type { Derived } from './derived.ts';
import { ANNOTATING_FORMATS, FORMATS_OF_NUMBERS } from '../scalars/formats.ts';
import { boundOf, countOf, multipleIn, namesIn, refuseKeywords, typesOf } from '../keywords.ts';
import { otherThan } from './other-values.ts';
import { countedIn, patternsOf } from '../parts.ts';
import { derivedPointer, isObject, unenforceable } from '../references.ts';
import type { Json, Located, References } from '../references.ts';
import { TYPES } from '../shape.ts';
import type { Holder } from '../shape.ts';
import { namedSubschemas, prefixOf, restSchema, subschema, subschemas } from '../subschemas.ts';

export type Alternatives = readonly (readonly Located[])[];

/** Each the ways to break one keyword; `say` makes a schema that stands for what the keyword rules out. */
type Breaker = (holder: Holder, say: (schema: Derived, part?: string | number) => Located, references: References) => Alternatives;

const BREAKERS: Readonly<Record<string, Breaker>> = {
  $ref: (holder, _say, references) => [[negation(references.resolve(holder))]],
  allOf: (holder) => subschemas(holder, 'allOf').map((each) => [negation(each)]),
  anyOf: (holder) => [subschemas(holder, 'anyOf').map(negation)],
  oneOf: (holder) => {
    const list = subschemas(holder, 'oneOf');
    return [list.map(negation), ...list.flatMap((first, i) => list.slice(i + 1).map((second) => [first, second]))];
  },
  not: (holder) => [[subschema(holder, 'not')]],
  if: (holder) => {
    const condition = subschema(holder, 'if');
    return (['then', 'else'] as const).filter((keyword) => keyword in holder.schema)
      .map((keyword) => [keyword === 'then' ? condition : negation(condition), negation(subschema(holder, keyword))]);
  },
  const: ({ schema }, say) => otherThan([schema['const']], say),
  enum: ({ schema, pointer }, say) => {
    const values = schema['enum'];
    if (!Array.isArray(values)) throw unenforceable('enum', pointer, 'must be a list of values');
    return otherThan(values as readonly Json[], say);
  },
  type: ({ schema, pointer }, say) => {
    const names = typesOf(schema['type'], pointer);
    const others = TYPES.filter((type) => !names.includes(type) && !(type === 'number' && names.includes('integer')));
    const fractions = names.includes('integer') && !names.includes('number');
    return [
      ...(others.length > 0 ? [[say({ type: others })]] : []),
      ...(fractions ? [[say(derived({ type: 'number', [EXCEPT]: { multipleOf: 1 } }), 'integer')]] : []),
    ];
  },
  ...bounds('minimum', false, 'exclusiveMaximum'), ...bounds('exclusiveMinimum', true, 'maximum'),
  ...bounds('maximum', false, 'exclusiveMinimum'), ...bounds('exclusiveMaximum', true, 'minimum'),
  multipleOf: ({ schema, pointer }, say) => {
    multipleIn(schema, pointer);
    return [[say(derived({ type: 'number', [EXCEPT]: { multipleOf: schema['multipleOf'] } }))]];
  },
  ...counts('string', 'minLength', 'maxLength'), ...counts('array', 'minItems', 'maxItems'), ...counts('object', 'minProperties', 'maxProperties'),
  pattern: ({ schema }, say) => [[say(derived({ type: 'string', [EXCEPT]: { pattern: schema['pattern'] } }))]],
  format: ({ schema }, say) => {
    const format = schema['format'];
    if (ANNOTATING_FORMATS.has(format as string)) return [];
    const ofNumbers = FORMATS_OF_NUMBERS.get(format as string);
    if (ofNumbers) {
      const { isInteger, low, high } = ofNumbers;
      return [
        ...(isInteger ? [[say(derived({ type: 'number', [EXCEPT]: { multipleOf: 1 } }), 'integer')]] : []),
        ...(low ? [[say({ type: 'number', exclusiveMaximum: low.value }, 'low')]] : []),
        ...(high ? [[say({ type: 'number', exclusiveMinimum: high.value }, 'high')]] : []),
      ];
    }
    return [[say(derived({ type: 'string', [EXCEPT]: { format } }))]];
  },
  required: ({ schema, pointer }, say) =>
    namesIn(schema, 'required', pointer).map((name) => [say({ type: 'object', properties: { [name]: false } }, JSON.stringify(name))]),
  properties: (holder, say) => namedSubschemas(holder, 'properties').map(([name, value]) =>
    [say({ type: 'object', required: [name], properties: { [name]: embedded(negation(value)) } }, JSON.stringify(name))]),
  patternProperties: (holder, say) => namedSubschemas(holder, 'patternProperties').map(([pattern, value]) => {
    const names = { schema: { pattern }, pointer: derivedPointer(holder.pointer, 'patternProperties', `names ${pattern}`) };
    return [say(derived({ type: 'object', [SOME]: { names, value: negation(value) } }), JSON.stringify(pattern))];
  }),
  additionalProperties: (holder, say) => {
    const { properties } = holder.schema;
    const covered = [{ enum: isObject(properties) ? Object.keys(properties) : [] }, ...patternsOf(holder).map((pattern) => ({ pattern }))];
    const names = { schema: { anyOf: covered }, pointer: derivedPointer(holder.pointer, 'additionalProperties', 'names') };
    const value = negation(subschema(holder, 'additionalProperties'));
    return [[say(derived({ type: 'object', [SOME]: { names: negation(names), value } }))]];
  },
  unevaluatedProperties: (holder, say, references) => holder.schema['unevaluatedProperties'] === true ? []
    : BREAKERS['additionalProperties']({ ...holder, schema: { ...holder.schema, additionalProperties: holder.schema['unevaluatedProperties'] } }, say, references),
  propertyNames: (holder, say) => {
    const value = { schema: true, pointer: derivedPointer(holder.pointer, 'propertyNames', 'value') };
    return [[say(derived({ type: 'object', [SOME]: { names: negation(subschema(holder, 'propertyNames')), value } }))]];
  },
  dependentRequired: (holder, say) => neededNames(holder).flatMap(([name, needed]) => needed.map((other) =>
    [say({ type: 'object', required: [name], properties: { [other]: false } }, JSON.stringify([name, other]))])),
  dependentSchemas: (holder, say) => namedSubschemas(holder, 'dependentSchemas').map(([name, schema]) =>
    [say({ type: 'object', required: [name] }, JSON.stringify(name)), negation(schema)]),
  prefixItems: brokenPrefix,
  items: (holder, say, references) => {
    const rest = restSchema(holder);
    if (!rest) return 'prefixItems' in holder.schema ? [] : brokenPrefix(holder, say, references);
    const { length } = prefixOf(holder);
    return [[say(derived({ type: 'array', contains: embedded(negation(rest)), [FROM]: length }))]];
  },
  contains: (holder, say) => {
    const counted = countedIn(holder);
    if (!counted) return [];
    const { item, min, max } = counted;
    return [
      ...(min > 0 ? [[say({ type: 'array', contains: embedded(item), minContains: 0, maxContains: min - 1 }, 'fewer')]] : []),
      ...(max < Infinity ? [[say({ type: 'array', contains: embedded(item), minContains: max + 1 }, 'more')]] : []),
    ];
  },
};

/** What holds for every value that `located` does not hold for, and for no other. */
export function alternativesTo(located: Located, references: References): Alternatives {
  if (typeof located.schema === 'boolean') return located.schema ? [] : [[]];
  const negated = negatedIn(located.schema);
  if (negated) return [[negated]];
  const holder: Holder = { schema: located.schema, pointer: located.pointer };
  refuseKeywords(holder, () => true, 'cannot be turned around by not, if or oneOf');
  const some = (located.schema as Derived)[SOME];
  const except = (located.schema as Derived)[EXCEPT];
  if (some || except) throw new Error('What was derived from a schema is not negated again.');
  return Object.keys(located.schema).filter((keyword) => Object.hasOwn(BREAKERS, keyword)).flatMap((keyword) =>
    BREAKERS[keyword](holder, (schema, part) => ({ schema, pointer: derivedPointer(holder.pointer, keyword, part) }), references));
}

/** Of dependentRequired. */
export function neededNames({ schema, pointer }: Holder): (readonly [string, readonly string[]])[] {
  const dependent = schema['dependentRequired'];
  if (dependent === undefined) return [];
  if (!isObject(dependent)) throw unenforceable('dependentRequired', pointer, 'must be an object of lists of names');
  return Object.keys(dependent).map((name) => [name, namesIn(dependent, name, `${pointer}/dependentRequired`)] as const);
}

function brokenPrefix(...[holder, say]: Parameters<Breaker>): Alternatives {
  const { keyword, length } = prefixOf(holder);
  if (length > LIMITS.negatedItems) throw unenforceable(keyword, holder.pointer, `has more than ${LIMITS.negatedItems} schemas, which not, if and oneOf cannot turn around`);
  return Array.from({ length }, (_, i) => {
    const before = Array.from({ length: i }, () => true);
    return [say({ type: 'array', minItems: i + 1, prefixItems: [...before, embedded(negation(subschema(holder, keyword, i)))] }, i)];
  });
}

function bounds(keyword: string, exclusive: boolean, other: string): Record<string, Breaker> {
  return { [keyword]: ({ schema, pointer }, say) => [[say({ type: 'number', [other]: boundOf(schema, keyword, exclusive, pointer)!.value })]] };
}

function counts(type: string, least: string, most: string): Record<string, Breaker> {
  const countIn = ({ schema, pointer }: Holder, keyword: string): number => countOf(schema, keyword, pointer)!;
  return {
    [least]: (holder, say) => (countIn(holder, least) === 0 ? [] : [[say({ type, [most]: countIn(holder, least) - 1 })]]),
    [most]: (holder, say) => [[say({ type, [least]: countIn(holder, most) + 1 })]],
  };
}

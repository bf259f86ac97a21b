// Whether a constant satisfies a schema: values of const and enum are filtered by all the other keywords beside them.
import { LIMITS } from '../limits.ts';
import { includesText } from '../pattern/language.ts';
import { decimalOf, isMultiple } from './scalars/decimals.ts';
import { hasOwnKeywords, negatedIn } from './negation/derived.ts';
import { FORMATS_OF_NUMBERS } from './scalars/formats.ts';
import { boundOf, countOf, multipleIn, namesIn, refuseKeywords, typesOf } from './keywords.ts';
import { neededNames } from './negation/alternatives.ts';
import { countedIn, otherProperties, patternSchema, patternsOf } from './parts.ts';
import type { Patterns } from './scalars/patterns.ts';
import { isObject, unenforceable } from './references.ts';
import type { Json, JsonObject, Located, References } from './references.ts';
import type { Holder } from './shape.ts';
import { namedSubschemas, prefixOf, restSchema, subschema, subschemas } from './subschemas.ts';

/** Steps that a schema takes beside the constants of its enum. */
const STEPS_OF_SCHEMA = 4;

export class Validator {
  readonly #references: References;
  readonly #patterns: Patterns;
  #depth = 0;
  #work = 0;
  /** Where the constants stand that are being filtered. */
  #compared = { keyword: 'enum', pointer: '' };
  /** Where a text was not of a format that is enforced in part, and so may be of it. */
  #unsureAt: string | undefined;

  constructor(references: References, patterns: Patterns) {
    this.#references = references;
    this.#patterns = patterns;
  }

  /** The values that satisfy all; `isNarrowed` where others might too. */
  filter(values: readonly Json[], members: readonly Located[]): { readonly values: readonly Json[]; readonly isNarrowed: boolean } {
    this.#unsureAt = undefined;
    for (const { schema, pointer } of members) {
      const keyword = ['const', 'enum'].find((each) => isObject(schema) && each in schema);
      if (keyword) this.#compared = { keyword, pointer };
    }
    // These follow from what they are derived from, which is among the members.
    const asked = members.filter(({ schema }) => !hasOwnKeywords(schema));
    const satisfying = values.filter((value) => asked.every((located) => this.holds(value, located)));
    return { values: satisfying, isNarrowed: this.#unsureAt !== undefined };
  }

  holds(value: Json, located: Located): boolean {
    const { schema, pointer } = located;
    if (typeof schema === 'boolean') return schema;
    this.#spend(STEPS_OF_SCHEMA);
    this.#depth++;
    try {
      const negated = negatedIn(schema);
      return negated ? !this.#holdsSurely(value, negated) : this.#holdsAll(value, { schema, pointer });
    } finally {
      this.#depth--;
    }
  }

  #spend(amount: number): void {
    this.#work += amount;
    if (this.#work > LIMITS.comparisons) throw unenforceable(this.#compared.keyword, this.#compared.pointer, 'takes too long to compare with the schemas beside it');
  }

  /** Where it counts that a schema does not hold. */
  #holdsSurely(value: Json, located: Located): boolean {
    const before = this.#unsureAt;
    this.#unsureAt = undefined;
    const holds = this.holds(value, located);
    if (this.#unsureAt !== undefined && !holds) throw unenforceable('format', this.#unsureAt, 'is enforced in part, so that it is not known whether it rules out a constant');
    this.#unsureAt = before;
    return holds;
  }

  #holdsAll(value: Json, holder: Holder): boolean {
    const { schema, pointer } = holder;
    const holds = (inner: Located): boolean => this.holds(value, inner);
    const surely = (inner: Located): boolean => this.#holdsSurely(value, inner);
    refuseKeywords(holder, (keyword, type) => keyword !== 'uniqueItems' && (type === undefined || isOfType(value, type)));
    if ('$ref' in schema && this.#depth > 2 * LIMITS.depth) throw unenforceable('$ref', pointer, 'leads through schemas that refer to each other without end');
    if ('$ref' in schema && !holds(this.#references.resolve(holder))) return false;
    if ('const' in schema && !equal(value, schema['const'])) return false;
    if ('enum' in schema) this.#spend(valuesIn(holder).length);
    if ('enum' in schema && !valuesIn(holder).some((each) => equal(value, each))) return false;
    if ('type' in schema && !typesOf(schema['type'], pointer).some((type) => isOfType(value, type))) return false;
    if ('allOf' in schema && !subschemas(holder, 'allOf').every(holds)) return false;
    if ('anyOf' in schema && !subschemas(holder, 'anyOf').some(holds)) return false;
    if ('oneOf' in schema && subschemas(holder, 'oneOf').filter(surely).length !== 1) return false;
    if ('not' in schema && surely(subschema(holder, 'not'))) return false;
    if ('if' in schema && ('then' in schema || 'else' in schema)) {
      const branch = surely(subschema(holder, 'if')) ? 'then' : 'else';
      if (branch in schema && !holds(subschema(holder, branch))) return false;
    }
    if (typeof value === 'number') return holdsNumber(value, holder);
    if (typeof value === 'string') return this.#holdsString(value, holder);
    if (Array.isArray(value)) return this.#holdsArray(value as readonly Json[], holder);
    return !isObject(value) || this.#holdsObject(value, holder);
  }

  #holdsString(value: string, { schema, pointer }: Holder): boolean {
    if (!isWithin([...value].length, schema, 'Length', pointer)) return false;
    return (['pattern', 'format'] as const).every((keyword) => {
      if (!(keyword in schema) || this.#patterns.includes(keyword, schema[keyword], pointer, value)) return true;
      if (includesText(this.#patterns.atLeast(keyword, schema[keyword], pointer)!, value)) this.#unsureAt = pointer;
      return false;
    });
  }

  #holdsArray(value: readonly Json[], holder: Holder): boolean {
    const { schema, pointer } = holder;
    const { keyword, length } = prefixOf(holder);
    const rest = restSchema(holder);
    if (!isWithin(value.length, schema, 'Items', pointer)) return false;
    if (schema['uniqueItems'] === true && value.some((item, i) => value.slice(0, i).some((other) => equal(item, other)))) return false;
    const counted = countedIn(holder);
    if (counted) {
      const count = value.filter((item) => this.#holdsSurely(item, counted.item)).length;
      if (count < counted.min || count > counted.max) return false;
    }
    return value.every((item, i) => (i < length ? this.holds(item, subschema(holder, keyword, i)) : !rest || this.holds(item, rest)));
  }

  #holdsObject(value: JsonObject, holder: Holder): boolean {
    const { schema, pointer } = holder;
    const has = (name: string): boolean => Object.hasOwn(value, name);
    const keys = Object.keys(value);
    if (!isWithin(keys.length, schema, 'Properties', pointer)) return false;
    if ('required' in schema && !namesIn(schema, 'required', pointer).every(has)) return false;
    if (neededNames(holder).some(([name, needed]) => has(name) && !needed.every(has))) return false;
    if (namedSubschemas(holder, 'dependentSchemas').some(([name, inner]) => has(name) && !this.holds(value, inner))) return false;
    const declared = new Map(namedSubschemas(holder, 'properties'));
    return keys.every((key) => {
      if ('propertyNames' in schema && !this.holds(key, subschema(holder, 'propertyNames'))) return false;
      const schemas = patternsOf(holder).filter((pattern) => this.#patterns.includes('pattern', pattern, `${pointer}/patternProperties`, key))
        .map((pattern) => patternSchema(holder, pattern));
      const own = declared.get(key);
      if (own) schemas.push(own);
      return (schemas.length > 0 ? schemas : otherProperties(holder)).every((inner) => this.holds(value[key], inner));
    });
  }
}

function valuesIn({ schema, pointer }: Holder): readonly Json[] {
  if (Array.isArray(schema['enum'])) return schema['enum'] as readonly Json[];
  throw unenforceable('enum', pointer, 'must be a list of values');
}

function isWithin(count: number, schema: JsonObject, what: 'Length' | 'Items' | 'Properties', pointer: string): boolean {
  return count >= (countOf(schema, `min${what}`, pointer) ?? 0) && count <= (countOf(schema, `max${what}`, pointer) ?? Infinity);
}

function holdsNumber(value: number, { schema, pointer }: Holder): boolean {
  const bound = (keyword: string): number | undefined => boundOf(schema, keyword, false, pointer)?.value;
  const ofFormat = FORMATS_OF_NUMBERS.get(schema['format'] as string);
  return value >= (bound('minimum') ?? -Infinity) && value <= (bound('maximum') ?? Infinity) &&
    value > (bound('exclusiveMinimum') ?? -Infinity) && value < (bound('exclusiveMaximum') ?? Infinity) &&
    (!('multipleOf' in schema) || isMultiple(decimalOf(value), multipleIn(schema, pointer))) &&
    (!ofFormat || ((!ofFormat.isInteger || Number.isInteger(value)) &&
      value >= (ofFormat.low?.value ?? -Infinity) && value <= (ofFormat.high?.value ?? Infinity)));
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

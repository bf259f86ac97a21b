// A JSON schema (2020-12) as grammar rules: every text they match is JSON that satisfies the schema.
import { GrammarError } from '../../errors.ts';
import { EMPTY, NOTHING, choice, optional, repeat, rule, sequence, text } from '../expression.ts';
import type { Expression, Rules } from '../expression.ts';
import { codePoints } from '../code-points.ts';
import { LIMITS } from '../limits.ts';
import { Expander } from './expand.ts';
import { ANY_INTEGER, ANY_NUMBER, decimalsBetween, integerRange, integersBetween, multiplesOf } from './numbers.ts';
import { languageWithLength, objectOf } from './objects.ts';
import { itemSchema, numPrefixItems } from './parts.ts';
import { References, isObject, unenforceable } from './references.ts';
import type { Json, Located } from './references.ts';
import { Conjunction } from './shape.ts';
import type { Shape, Type } from './shape.ts';
import { CHARACTER, stringOf, stringOfLength } from './strings.ts';

/** Multiples of a whole number are listed up to so many, and counted by remainder up to a divisor of so much. */
const MOST_LISTED = 1000;
const GREATEST_DIVISOR = 100;

const blank: Expression = { kind: 'characters', set: codePoints([[0x09, 0x09], [0x20, 0x20]]) };
/** White space between tokens, as llama.cpp allows it: models that may add any amount do. */
const SPACE: Expression = choice(EMPTY, text(' '), sequence(repeat(text('\n'), 1, 2), repeat(blank, 0, 20)));
const space = rule('space');

/**
 * Throws GrammarError with keyword and JSON pointer for what cannot be enforced, and for schemas that nothing satisfies.
 * `schema` must be JSON: objects, arrays, strings, numbers, booleans and null.
 */
export function schemaRules(schema: unknown): Rules {
  if (!isObject(schema) && typeof schema !== 'boolean') throw new GrammarError('A JSON schema must be an object or a boolean.', { pointer: '' });
  const compiler = new Compiler(schema);
  return compiler.rules({ schema, pointer: '' });
}

/** Any JSON object. */
export function jsonObjectRules(): Rules {
  return schemaRules({ type: 'object' });
}

class Compiler {
  readonly #expander: Expander;
  readonly #rules = new Map<string, Expression>();
  readonly #names = new Map<string, string>();
  readonly #open: { readonly name: string; readonly conjunction: Conjunction }[] = [];

  constructor(root: Json) {
    this.#expander = new Expander(new References(root));
  }

  rules(root: Located): Rules {
    this.#rules.set('root', this.#valueOf(new Conjunction([root])));
    this.#rules.set('space', SPACE);
    this.#rules.set('character', CHARACTER);
    while (this.#open.length > 0) {
      const { name, conjunction } = this.#open.pop()!;
      this.#rules.set(name, this.#expression(conjunction));
    }
    return this.#rules;
  }

  /** A call of the rule for the values that satisfy all of it. */
  #valueOf(conjunction: Conjunction): Expression {
    let name = this.#names.get(conjunction.key);
    if (name === undefined) {
      if (this.#names.size >= LIMITS.rules) throw new GrammarError(`The schema comes to more than ${LIMITS.rules} rules. Make it smaller.`, { pointer: '' });
      name = `value ${this.#names.size} ${conjunction.members[0]?.pointer ?? ''}`;
      this.#names.set(conjunction.key, name);
      this.#open.push({ name, conjunction });
    }
    return rule(name);
  }

  #expression(conjunction: Conjunction): Expression {
    return choice(...this.#expander.shapes(conjunction).map((shape) => this.#shape(shape)));
  }

  #shape(shape: Shape): Expression {
    if (shape.values) return choice(...shape.values.map((value) => text(JSON.stringify(value))));
    return choice(...[...shape.types].map((type) => this.#ofType(shape, type)));
  }

  #ofType(shape: Shape, type: Type): Expression {
    switch (type) {
      case 'null': return text('null');
      case 'boolean': return choice(text('true'), text('false'));
      case 'number': return number(shape);
      case 'string': return this.#string(shape);
      case 'array': return this.#array(shape);
      case 'object':
        return shape.minProperties > shape.maxProperties ? NOTHING
          : objectOf(shape, (conjunction) => this.#valueOf(conjunction), this.#expander);
    }
  }

  #string(shape: Shape): Expression {
    if (shape.minLength > shape.maxLength) return NOTHING;
    if (!shape.language) return stringOfLength(shape.minLength, shape.maxLength);
    return stringOf(languageWithLength(shape, this.#expander, shape.holders[0].pointer));
  }

  #array(shape: Shape): Expression {
    const { minItems, maxItems } = shape;
    if (minItems > maxItems) return NOTHING;
    const numPrefix = Math.min(numPrefixItems(shape), maxItems);
    const rest = this.#valueOf(itemSchema(shape, numPrefixItems(shape)));
    const comma = sequence(text(','), space);
    const least = Math.max(0, minItems - numPrefix);
    const numRest = maxItems - numPrefix;
    const withRest = (isFirst: boolean): Expression => {
      if (numRest <= 0) return EMPTY;
      if (!isFirst) return repeat(sequence(comma, rest), least, numRest);
      const items = sequence(rest, repeat(sequence(comma, rest), Math.max(0, least - 1), numRest - 1));
      return least > 0 ? items : optional(items);
    };
    let members = withRest(numPrefix === 0);
    for (let i = numPrefix - 1; i >= 0; i--) {
      const item = sequence(...(i === 0 ? [] : [comma]), this.#valueOf(itemSchema(shape, i)), members);
      members = i < minItems ? item : optional(item);
    }
    return sequence(text('['), space, choice(sequence(members, space)), text(']'));
  }
}

function number({ isInteger, low, high, multipleOf, holders }: Shape): Expression {
  const refuse = (keywords: readonly string[], why: string): never => {
    const holder = holders.find(({ schema }) => keywords.some((keyword) => keyword in schema))!;
    throw unenforceable(keywords.find((keyword) => keyword in holder.schema)!, holder.pointer, why);
  };
  const bounds = ['minimum', 'exclusiveMinimum', 'maximum', 'exclusiveMaximum'];
  if (multipleOf !== undefined && multipleOf !== 1) {
    if (!Number.isInteger(multipleOf)) refuse(['multipleOf'], 'is supported for whole numbers only');
    if (!low && !high && multipleOf <= GREATEST_DIVISOR) return multiplesOf(multipleOf);
    const range = low && high && integerRange(low, high);
    if (!range) return refuse(['multipleOf'], `needs a minimum and a maximum beside it, or neither and to be at most ${GREATEST_DIVISOR}`);
    const divisor = BigInt(multipleOf);
    const first = range[0] / divisor + (range[0] > 0n && range[0] % divisor !== 0n ? 1n : 0n);
    const last = range[1] / divisor - (range[1] < 0n && range[1] % divisor !== 0n ? 1n : 0n);
    if (last - first >= BigInt(MOST_LISTED)) refuse(['multipleOf'], `has more than ${MOST_LISTED} multiples between the bounds`);
    return choice(...Array.from({ length: Math.max(0, Number(last - first) + 1) }, (_, i) => text(String((first + BigInt(i)) * divisor))));
  }
  if (!low && !high) return isInteger || multipleOf === 1 ? ANY_INTEGER : ANY_NUMBER;
  if (isInteger || multipleOf === 1) {
    const range = integerRange(low, high);
    return range ? integersBetween(...range) : refuse(bounds, 'is beyond the 16 digits that whole numbers may have');
  }
  return decimalsBetween(low, high) ?? refuse(bounds, 'has more than 15 digits, or is 1e15 or more');
}

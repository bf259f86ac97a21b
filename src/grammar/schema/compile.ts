// A JSON schema (2020-12) as grammar rules: every text they match is JSON that satisfies the schema.
import { GrammarError } from '../../errors.ts';
import type { Steps } from '../../steps.ts';
import { EMPTY, NOTHING, choice, repeat, rule, sequence, text } from '../expression.ts';
import type { Expression, Rules } from '../expression.ts';
import { codePoints } from '../code-points.ts';
import { LIMITS } from '../limits.ts';
import type { Language } from '../pattern/language.ts';
import { arrayOf } from './arrays.ts';
import { Expander } from './expand.ts';
import { multipleOf, multiplesIn } from './scalars/multiples.ts';
import { ANY_INTEGER, ANY_NUMBER, decimalsBetween, integerRange, integersBetween } from './scalars/numbers.ts';
import { objectOf } from './objects.ts';
import type { Patterns } from './scalars/patterns.ts';
import { References, isObject, unenforceable } from './references.ts';
import type { Json, Located } from './references.ts';
import { Conjunction } from './shape.ts';
import type { Shape, Type } from './shape.ts';
import { CHARACTER, stringOf, stringOfLength } from './scalars/strings.ts';

const blank: Expression = { kind: 'characters', set: codePoints([[0x09, 0x09], [0x20, 0x20]]) };
/** White space between tokens, as llama.cpp allows it: models that may add any amount do. */
const SPACE: Expression = choice(EMPTY, text(' '), sequence(repeat(text('\n'), 1, 2), repeat(blank, 0, 20)));

/**
 * Throws GrammarError with keyword and JSON pointer for what cannot be enforced, and for schemas that nothing satisfies.
 * `schema` must be JSON: objects, arrays, strings, numbers, booleans and null.
 */
export function* schemaRules(schema: unknown): Steps<Rules> {
  if (!isObject(schema) && typeof schema !== 'boolean') throw new GrammarError('A JSON schema must be an object or a boolean.', { pointer: '' });
  const compiler = new Compiler(schema);
  return yield* compiler.rules({ schema, pointer: '' });
}

/** Any JSON object. */
export function jsonObjectRules(): Steps<Rules> {
  return schemaRules({ type: 'object' });
}

const RULES_A_STEP = 8;

class Compiler {
  readonly #expander: Expander;
  readonly #rules = new Map<string, Expression>();
  readonly #names = new Map<string, string>();
  readonly #strings = new Map<Language, string>();
  readonly #open: { readonly name: string; readonly conjunction: Conjunction }[] = [];

  constructor(root: Json) {
    this.#expander = new Expander(new References(root));
  }

  *rules(root: Located): Steps<Rules> {
    this.#rules.set('root', this.#valueOf(new Conjunction([root])));
    this.#rules.set('space', SPACE);
    this.#rules.set('character', CHARACTER);
    for (let i = 1; this.#open.length > 0; i++) {
      const { name, conjunction } = this.#open.pop()!;
      this.#rules.set(name, yield* this.#expression(conjunction));
      if (i % RULES_A_STEP === 0) yield;
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

  /** A rule for each language, as many properties may be of one format. */
  *#stringOf(language: Language): Steps<Expression> {
    let name = this.#strings.get(language);
    if (name === undefined) {
      name = `string ${this.#strings.size}`;
      this.#strings.set(language, name);
      this.#rules.set(name, yield* stringOf(language));
    }
    return rule(name);
  }

  *#expression(conjunction: Conjunction): Steps<Expression> {
    const shapes = yield* this.#expander.shapes(conjunction);
    const alternatives: Expression[] = [];
    for (const shape of shapes) {
      if (alternatives.length > 0) yield;
      alternatives.push(yield* this.#shape(shape, shapes.length === 1));
    }
    return choice(...alternatives);
  }

  *#shape(shape: Shape, isOnly: boolean): Steps<Expression> {
    if (shape.values) return choice(...shape.values.map((value) => text(JSON.stringify(value))));
    const alternatives: Expression[] = [];
    for (const type of shape.types) alternatives.push(yield* this.#ofType(shape, type, isOnly));
    return choice(...alternatives);
  }

  *#ofType(shape: Shape, type: Type, isOnly: boolean): Steps<Expression> {
    switch (type) {
      case 'null': return text('null');
      case 'boolean': return choice(text('true'), text('false'));
      case 'number': return number(shape, this.#expander.patterns);
      case 'string': return yield* this.#string(shape);
      case 'array':
        return shape.minItems > shape.maxItems ? NOTHING : yield* arrayOf(shape, (conjunction) => this.#valueOf(conjunction), this.#expander);
      case 'object':
        return shape.minProperties > shape.maxProperties ? NOTHING
          : yield* objectOf(shape, (conjunction) => this.#valueOf(conjunction), this.#expander, isOnly);
    }
  }

  *#string(shape: Shape): Steps<Expression> {
    if (shape.minLength > shape.maxLength) return NOTHING;
    if (!shape.language) return stringOfLength(shape.minLength, shape.maxLength);
    return yield* this.#stringOf(yield* this.#expander.patterns.withLength(shape, shape.holders[0].pointer));
  }
}

function number(shape: Shape, patterns: Patterns): Expression {
  const { low, high, holders, notMultiplesOf } = shape;
  const refuse = (keywords: readonly string[], why: string): never => {
    const holder = holders.find(({ schema }) => keywords.some((keyword) => keyword in schema)) ?? holders.at(-1)!;
    throw unenforceable(keywords.find((keyword) => keyword in holder.schema) ?? keywords[0], holder.pointer, why);
  };
  const bounds = ['minimum', 'exclusiveMinimum', 'maximum', 'exclusiveMaximum', 'format'];
  const multiple = multipleOf(shape);
  const isWhole = multiple?.digits === 1n && multiple.scale === 0;
  if (notMultiplesOf.length > 0 || (multiple && !isWhole)) {
    const found = multiplesIn(shape, patterns, holders.at(-1)!.pointer);
    return 'why' in found ? refuse(['multipleOf'], found.why) : found;
  }
  if (!low && !high) return isWhole ? ANY_INTEGER : ANY_NUMBER;
  if (isWhole) {
    const range = integerRange(low, high);
    return range ? integersBetween(...range) : refuse(bounds, 'is beyond the 16 digits that whole numbers may have');
  }
  return decimalsBetween(low, high) ?? refuse(bounds, 'has more than 15 digits, or is 1e15 or more');
}

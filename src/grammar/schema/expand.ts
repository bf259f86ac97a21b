// Expands a conjunction of schemas into alternatives: follows $ref, joins allOf, branches at anyOf, oneOf, if and what is negated.
import type { GrammarError } from '../../errors.ts';
import type { Steps } from '../../steps.ts';
import { LIMITS } from '../limits.ts';
import { negatedIn, negation } from './negation/derived.ts';
import { hasNoNumber } from './scalars/multiples.ts';
import { refuseUnenforceable, withKeywords } from './keywords.ts';
import { alternativesTo, neededNames } from './negation/alternatives.ts';
import type { Alternatives } from './negation/alternatives.ts';
import { countedItems, itemSchema, propertySchema } from './parts.ts';
import { isEmptyLanguage } from '../pattern/language.ts';
import { Patterns } from './scalars/patterns.ts';
import { complementPointer, derivedPointer, isObject, unenforceable } from './references.ts';
import type { Json, JsonObject, Located, References } from './references.ts';
import { Conjunction, EVERY_SHAPE } from './shape.ts';
import type { Holder, Shape, Type } from './shape.ts';
import { namedSubschemas, subschema, subschemas } from './subschemas.ts';
import { Validator } from './validate.ts';

/** A schema, or a choice that `keyword` at `pointer` gives. */
type Open = Located | { readonly alternatives: Alternatives };

/** One way to go on: the keywords so far, and what is still to be worked in. */
interface Branch {
  readonly shape: Shape;
  readonly open: readonly Open[];
  readonly done: readonly Located[];
}

/** How deep it is looked for properties and items that cannot be, and at how many of the latter. */
const MOST_LEVELS = 4;
const MOST_ITEMS = 16;
/** Between two pauses. */
const WORK_A_STEP = 256;
/** Keywords that alternatives come from. */
const BRANCHING = ['anyOf', 'oneOf', 'not', 'if', 'dependentRequired', 'dependentSchemas', 'allOf', '$ref'];

export class Expander {
  readonly patterns = new Patterns();
  readonly references: References;
  readonly #validator: Validator;
  readonly #known = new Map<string, readonly Shape[]>();
  readonly #impossible = new Map<string, boolean>();
  /** By the place of a oneOf; undefined while it is worked out. */
  readonly #oneOf = new Map<string, Alternatives | undefined>();
  #work = 0;
  /** The work at which there is a pause. */
  #due = WORK_A_STEP;

  constructor(references: References) {
    this.references = references;
    this.#validator = new Validator(references, this.patterns);
  }

  /** The alternatives; none of them is known to be empty. */
  *shapes(conjunction: Conjunction): Steps<readonly Shape[]> {
    const known = this.#known.get(conjunction.key);
    if (known) return known;
    const shapes: Shape[] = [];
    for (const shape of yield* this.#expand(conjunction)) if (!(yield* this.#isEmpty(shape, 0))) shapes.push(shape);
    this.#known.set(conjunction.key, shapes);
    return shapes;
  }

  /** Whether no value satisfies the shape's schemas; false where that is not found out. */
  *#isEmpty(shape: Shape, depth: number): Steps<boolean> {
    if (shape.values) return shape.values.length === 0 && !shape.isNarrowed;
    for (const type of shape.types) if (!hasPlainlyNone(shape, type) && !(yield* this.#hasNone(shape, type, depth))) return false;
    return true;
  }

  *#hasNone(shape: Shape, type: Type, depth: number): Steps<boolean> {
    switch (type) {
      case 'string': return !shape.isNarrowed && shape.language !== undefined && isEmptyLanguage(shape.language);
      case 'number': return hasNoNumber(shape);
      case 'array':
        if (depth >= MOST_LEVELS) return false;
        for (const { item, min } of countedItems(shape)) if (min > 0 && (yield* this.#isImpossible(new Conjunction([item]), depth))) return true;
        for (let i = 0; i < Math.min(shape.minItems, MOST_ITEMS); i++) if (yield* this.#isImpossible(itemSchema(shape, i), depth)) return true;
        return false;
      case 'object':
        if (depth >= MOST_LEVELS) return false;
        for (const name of shape.required) if (yield* this.#isImpossible(propertySchema(shape, name, this.patterns), depth)) return true;
        return false;
      default: return false;
    }
  }

  *#isImpossible(conjunction: Conjunction, depth: number): Steps<boolean> {
    if (conjunction.members.some(({ schema }) => schema === false)) return true;
    const known = this.#impossible.get(conjunction.key);
    if (known !== undefined) return known;
    const impossible = yield* this.#areEmpty(yield* this.#expand(conjunction), depth + 1);
    this.#impossible.set(conjunction.key, impossible);
    return impossible;
  }

  *#areEmpty(shapes: readonly Shape[], depth: number): Steps<boolean> {
    for (const shape of shapes) if (!(yield* this.#isEmpty(shape, depth))) return false;
    return true;
  }

  *#expand(conjunction: Conjunction): Steps<Shape[]> {
    const finished: Shape[] = [];
    let numShapes = 0;
    const valued = (member: Located): boolean => typeof member.schema !== 'boolean' && ('const' in member.schema || 'enum' in member.schema);
    const members = [...conjunction.members.filter(valued), ...conjunction.members.filter((member) => !valued(member))];
    const branches: Branch[] = [{ shape: EVERY_SHAPE, open: members, done: [] }];
    while (branches.length > 0) {
      const branch = branches.pop()!;
      this.#spend(branch);
      if (this.#work >= this.#due) {
        this.#due = this.#work + WORK_A_STEP;
        yield;
      }
      const shape = branch.open.length === 0 || branch.shape.values ? this.#finished(branch) : undefined;
      if (shape) finished.push(shape);
      if (shape && !shape.values && ++numShapes > LIMITS.alternatives) throw this.#tooMany(branch.done);
      // Reversed, so that alternatives come out in the order they are written in.
      if (!shape) branches.push(...(yield* this.#next(branch)).reverse());
    }
    return joinedValues(finished);
  }

  #spend({ open, done }: Branch): void {
    this.#work += 1 + open.length + done.length;
    if (this.#work > LIMITS.schemas) throw this.#tooMany(done);
  }

  #tooMany(done: readonly Located[]): GrammarError {
    const branching = done.flatMap(({ schema, pointer }) => BRANCHING.flatMap((keyword) =>
      (typeof schema !== 'boolean' && keyword in schema ? [{ keyword, pointer }] : [])));
    const compared = [...this.#oneOf].flatMap(([pointer, known]) => (known ? [] : [{ keyword: 'oneOf', pointer }]));
    const blamed = branching.at(-1) ?? compared.at(-1) ?? { keyword: '$ref', pointer: done[0]?.pointer ?? '' };
    return unenforceable(blamed.keyword, blamed.pointer, 'combines with others to too many alternatives');
  }

  /** Values satisfy everything; whether the other keywords could be enforced does not matter then. */
  #finished({ shape, open, done }: Branch): Shape {
    if (!shape.values) {
      refuseUnenforceable(shape);
      return shape;
    }
    const members = [...done, ...open.flatMap((each) => ('alternatives' in each ? [] : [each]))];
    const { values, isNarrowed } = this.#validator.filter(shape.values, members);
    return { ...shape, values, isNarrowed };
  }

  *#next({ shape, open: [first, ...open], done }: Branch): Steps<Branch[]> {
    if ('alternatives' in first) return this.#choose(first.alternatives, { shape, open, done });
    const { schema, pointer } = first;
    if (schema === false) return [];
    if (schema === true || done.some((other) => other.pointer === pointer)) return [{ shape, open, done }];
    // What holds and does not hold holds for nothing.
    if (done.some((other) => other.pointer === complementPointer(pointer) || complementPointer(other.pointer) === pointer)) return [];
    const negated = negatedIn(schema);
    if (negated) return this.#choose(alternativesTo(negated, this.references), { shape, open, done: [...done, first] });
    return yield* this.#workIn({ schema, pointer }, { shape, open, done: [...done, first] });
  }

  /** Branches at once where that narrows what there is, and last where it does not. */
  #choose(alternatives: Alternatives, branch: Branch): Branch[] {
    const isMet = (alternative: readonly Located[]): boolean =>
      alternative.every(({ schema, pointer }) => schema === true || branch.done.some((other) => other.pointer === pointer));
    if (alternatives.some(isMet)) return [branch];
    return alternatives.map((alternative) => ({ ...branch, open: [...alternative, ...branch.open] }));
  }

  *#workIn(holder: Holder, { shape, open, done }: Branch): Steps<Branch[]> {
    const { schema, pointer } = holder;
    yield* this.patterns.prepare(schema);
    const own = withKeywords(shape, schema, pointer, this.patterns);
    if ('const' in schema || 'enum' in schema) {
      if ('enum' in schema && !Array.isArray(schema['enum'])) throw unenforceable('enum', pointer, 'must be a list of values');
      return [{ shape: { ...own, values: 'const' in schema ? [schema['const']] : schema['enum'] as readonly Json[] }, open, done }];
    }
    if ([...own.types].every((type) => hasPlainlyNone(own, type))) return [];
    const first: Open[] = [];
    if ('anyOf' in schema) first.push({ alternatives: subschemas(holder, 'anyOf').map((each) => [each]) });
    if ('oneOf' in schema) first.push({ alternatives: yield* this.#exactlyOne(holder) });
    if ('$ref' in schema) first.push(this.references.resolve(holder));
    if ('allOf' in schema) first.push(...subschemas(holder, 'allOf'));
    if ('if' in schema) first.push(...conditional(holder));
    const last: Open[] = dependent(holder);
    if ('not' in schema) last.push(negation(subschema(holder, 'not')));
    return [{ shape: own, open: [...first, ...open, ...last], done }];
  }

  /** One of them and not those others that may hold at the same time. */
  *#exactlyOne(holder: Holder): Steps<Alternatives> {
    const known = this.#oneOf.get(holder.pointer);
    if (known) return known;
    const list = subschemas(holder, 'oneOf');
    const exactlyOne = (mayBoth: (i: number, j: number) => boolean): Alternatives =>
      list.map((each, i) => [each, ...list.filter((_, j) => j !== i && mayBoth(Math.min(i, j), Math.max(i, j))).map(negation)]);
    // In the middle of working it out for the same place, so that any two may.
    if (this.#oneOf.has(holder.pointer)) return exactlyOne(() => true);
    this.#oneOf.set(holder.pointer, undefined);
    const beside = Object.fromEntries(Object.entries(holder.schema).filter(([keyword]) => !BRANCHING.includes(keyword) || ['$ref', 'allOf'].includes(keyword)));
    const base = { schema: beside as JsonObject, pointer: derivedPointer(holder.pointer, 'oneOf', 'beside') };
    const pairs: boolean[][] = list.map(() => []);
    for (const [i, first] of list.entries()) {
      for (const [j, second] of list.entries()) {
        if (j <= i || excludeEachOther(first, second)) continue;
        const both = yield* this.#expand(new Conjunction([base, first, second]));
        pairs[i][j] = !(yield* this.#areEmpty(both, 0));
      }
    }
    const alternatives = exactlyOne((i, j) => pairs[i][j] ?? false);
    this.#oneOf.set(holder.pointer, alternatives);
    return alternatives;
  }
}

/** Whether that is plain without looking closer: objects with one property that must have different values. */
function excludeEachOther({ schema: a }: Located, { schema: b }: Located): boolean {
  if (typeof a === 'boolean' || typeof b === 'boolean' || a['type'] !== 'object' || b['type'] !== 'object') return false;
  const constantOf = ({ properties, required }: JsonObject, name: Json): Json | undefined => {
    const property = isObject(properties) && Array.isArray(required) && required.includes(name) ? properties[name as string] : undefined;
    return isObject(property) && (typeof property['const'] === 'string' || typeof property['const'] === 'number') ? property['const'] : undefined;
  };
  return Array.isArray(a['required']) && a['required'].some((name: Json) => {
    const [first, second] = [constantOf(a, name), constantOf(b, name)];
    return first !== undefined && second !== undefined && first !== second;
  });
}

function conditional(holder: Holder): Open[] {
  if (!('then' in holder.schema || 'else' in holder.schema)) return [];
  const condition = subschema(holder, 'if');
  const branch = (keyword: 'then' | 'else'): Located[] => (keyword in holder.schema ? [subschema(holder, keyword)] : []);
  return [{ alternatives: [[condition, ...branch('then')], [negation(condition), ...branch('else')]] }];
}

function dependent(holder: Holder): Open[] {
  const { pointer } = holder;
  const without = (name: string, keyword: string): Located =>
    ({ schema: { properties: { [name]: false } }, pointer: derivedPointer(pointer, keyword, `without ${name}`) });
  const having = (names: readonly string[], keyword: string): Located =>
    ({ schema: { type: 'object', required: names }, pointer: derivedPointer(pointer, keyword, `with ${names.at(-1)}`) });
  return [
    ...neededNames(holder).filter(([, needed]) => needed.length > 0).map(([name, needed]) =>
      ({ alternatives: [[without(name, 'dependentRequired')], [having([...needed, name], 'dependentRequired')]] })),
    ...namedSubschemas(holder, 'dependentSchemas').map(([name, schema]) =>
      ({ alternatives: [[without(name, 'dependentSchemas')], [having([name], 'dependentSchemas'), schema]] })),
  ];
}

/** Whether two counts or bounds already leave no value of the type. */
function hasPlainlyNone(shape: Shape, type: Type): boolean {
  switch (type) {
    case 'string': return shape.minLength > shape.maxLength;
    case 'number': return shape.low !== undefined && shape.high !== undefined && shape.low.value > shape.high.value;
    case 'array': return shape.minItems > shape.maxItems;
    case 'object': return shape.minProperties > shape.maxProperties || shape.required.size > shape.maxProperties;
    default: return false;
  }
}

/** Alternatives that are values as one, each value once. */
function joinedValues(shapes: readonly Shape[]): Shape[] {
  const valued = shapes.filter(({ values }) => values);
  if (valued.length <= 1) return [...shapes];
  const values = [...new Map(valued.flatMap((shape) => shape.values!.map((value) => [JSON.stringify(value), value] as const))).values()];
  const joined = { ...valued[0], values, isNarrowed: valued.some(({ isNarrowed }) => isNarrowed) };
  return shapes.filter((shape) => !shape.values || shape === valued[0]).map((shape) => (shape.values ? joined : shape));
}

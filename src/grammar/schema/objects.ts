// JSON objects: declared properties in the order they are written in, each at most once, then others where they are allowed.
import { atOnce } from '../../steps.ts';
import type { Steps } from '../../steps.ts';
import { EMPTY, NOTHING, choice, sequence, text } from '../expression.ts';
import type { CharacterGraph, Expression } from '../expression.ts';
import { EVERYTHING, NO_TEXT, includesText, isEmptyLanguage } from '../pattern/language.ts';
import type { Language } from '../pattern/language.ts';
import { LIMITS } from '../limits.ts';
import { SOME } from './negation/derived.ts';
import type { Derived } from './negation/derived.ts';
import type { Expander } from './expand.ts';
import { offersOthers, otherProperties, patternSchema, patternsOf, propertyNames, propertySchema } from './parts.ts';
import type { Patterns } from './scalars/patterns.ts';
import type { Located } from './references.ts';
import { unenforceable } from './references.ts';
import { Conjunction } from './shape.ts';
import type { Shape } from './shape.ts';
import { stringOf, stringOfLength } from './scalars/strings.ts';
import { COMMA, SPACE, stateGraph } from './state-graph.ts';
import { subschema } from './subschemas.ts';

/** Turns a conjunction into the expression of its values. */
export type ValueOf = (conjunction: Conjunction) => Expression;

const COLON = sequence(text(':'), SPACE);
/** How many properties that are only said to be somewhere are looked for at once. */
const MOST_SOUGHT = 5;
const NAMES_A_STEP = 32;

interface Sought {
  readonly names: Language;
  readonly value: Located;
}

/** Properties and their values, without what separates them from others. */
interface Members {
  /** `sought`: which are looked for under this name; an entry is what some of them look for. */
  readonly declared: readonly { readonly isRequired: boolean; readonly sought: readonly number[]; readonly entry: (found: readonly number[]) => Expression }[];
  readonly others: Expression | undefined;
  readonly numSought: number;
  /** A property that nobody declares and that is what these look for. */
  readonly other: (found: readonly number[]) => Expression | undefined;
}

/** `isOnly`: there is no alternative to the shape, so that what it asks for in vain is an error. */
export function* objectOf(shape: Shape, valueOf: ValueOf, expander: Expander, isOnly: boolean): Steps<Expression> {
  const { patterns } = expander;
  const names = yield* keysAllowed(shape, expander);
  const sought = yield* soughtIn(shape, expander);
  const declared: Members['declared'][number][] = [];
  for (const [i, name] of propertyNames(shape).entries()) {
    if (i % NAMES_A_STEP === NAMES_A_STEP - 1) yield;
    const isRequired = shape.required.has(name);
    const isAllowed = !names || includesText(names, name);
    if (!isAllowed && !isRequired) continue;
    const key = sequence(text(JSON.stringify(name)), COLON);
    const { members } = propertySchema(shape, name, patterns);
    const entry = remembered((found) =>
      (isAllowed ? sequence(key, valueOf(new Conjunction([...members, ...found.map((at) => sought[at].value)]))) : NOTHING));
    declared.push({ isRequired, sought: sought.flatMap((some, at) => (includesText(some.names, name) ? [at] : [])), entry });
  }
  const other = remembered((found) => {
    const searched = found.map((i) => sought[i]);
    const allowed = searched.reduce<Language | undefined>((all, some) =>
      (all ? patterns.combine(all, some.names, 'properties', shape.holders.at(-1)!.pointer) : some.names), names);
    return atOnce(otherEntries(shape, allowed, searched.map(({ value }) => value), valueOf, expander));
  });
  const others = yield* otherEntries(shape, names, [], valueOf, expander);
  const graph = yield* membersGraph({ declared, others, numSought: sought.length, other }, shape);
  if (graph.finals.length > 0) return sequence(text('{'), SPACE, { kind: 'graph', graph }, text('}'));
  const holder = shape.holders.find(({ schema }) => schema['minProperties'] === shape.minProperties);
  if (!isOnly || !holder) return NOTHING;
  throw unenforceable('minProperties', holder.pointer, 'asks for more different names than are declared: list them in properties');
}

function* soughtIn({ holders }: Shape, expander: Expander): Steps<Sought[]> {
  const sought: (Sought & { readonly pointer: string })[] = [];
  for (const { schema, pointer } of holders) {
    const some = (schema as Derived)[SOME];
    if (some) sought.push({ names: yield* namesOf(some.names, expander), value: some.value, pointer });
  }
  if (sought.length > MOST_SOUGHT) throw unenforceable('not', sought[0].pointer, 'asks for too many properties that are not named');
  return sought;
}

/** The names that propertyNames allows, where there is one. */
function* keysAllowed({ holders }: Shape, expander: Expander): Steps<Language | undefined> {
  let allowed: Language | undefined;
  for (const { schema, pointer } of holders) {
    if (!('propertyNames' in schema)) continue;
    const language = yield* namesOf(subschema({ schema, pointer }, 'propertyNames'), expander);
    allowed = allowed ? yield* expander.patterns.combineSteps(allowed, language, 'propertyNames', pointer) : language;
  }
  return allowed;
}

function* namesOf(at: Located, expander: Expander): Steps<Language> {
  const { patterns } = expander;
  let all: Language = NO_TEXT;
  for (const shape of yield* expander.shapes(new Conjunction([at]))) {
    const language = yield* namesOfShape(shape, at, patterns);
    all = all === NO_TEXT ? language : yield* patterns.combineSteps(all, language, 'propertyNames', at.pointer, 'either');
  }
  return all;
}

function* namesOfShape(shape: Shape, { pointer }: Located, patterns: Patterns): Steps<Language> {
  if (shape.values) return yield* patterns.literals(shape.values.filter((value) => typeof value === 'string'), 'propertyNames', pointer);
  return shape.types.has('string') ? yield* patterns.withLength(shape, pointer) : NO_TEXT;
}

/** One of disjoint sets of names, with what their values must satisfy and the holders whose patterns they match. */
interface Region {
  readonly names: Language;
  readonly schemas: readonly Located[];
  readonly matched: ReadonlySet<number>;
}

/** Entries whose names nobody declares, by which patternProperties their names match; with `seeking` they satisfy that too. */
function* otherEntries(
  shape: Shape, names: Language | undefined, seeking: readonly Located[], valueOf: ValueOf, expander: Expander,
): Steps<Expression | undefined> {
  const { holders } = shape;
  const { patterns } = expander;
  const declared = propertyNames(shape);
  const offered = seeking.length > 0 || offersOthers(shape);
  const patternLists = holders.map(patternsOf);
  if (!offered && patternLists.every(({ length }) => length === 0)) return undefined;
  if (patternLists.every(({ length }) => length === 0) && !names && declared.length === 0) {
    const value = valueOf(new Conjunction([...holders.flatMap(otherProperties), ...seeking]));
    return sequence(stringOfLength(0, Infinity), COLON, value);
  }
  const pointer = holders.at(-1)!.pointer;
  const combined = (a: Language, b: Language, texts: 'both' | 'first'): Steps<Language> => patterns.combineSteps(a, b, 'patternProperties', pointer, texts);
  let rest = names ?? EVERYTHING;
  if (declared.length > 0) rest = yield* combined(rest, yield* patterns.literals(declared, 'properties', pointer), 'first');
  let regions: Region[] = [{ names: rest, schemas: seeking, matched: new Set() }];
  for (const [h, holder] of holders.entries()) {
    for (const pattern of patternsOf(holder)) {
      const language = patterns.language('pattern', pattern, `${holder.pointer}/patternProperties`)!;
      const finer: Region[] = [];
      for (const region of regions) {
        finer.push(
          {
            names: yield* combined(region.names, language, 'both'), schemas: [...region.schemas, patternSchema(holder, pattern)],
            matched: new Set([...region.matched, h]),
          },
          { ...region, names: yield* combined(region.names, language, 'first') },
        );
      }
      regions = finer.filter((region) => !isEmptyLanguage(region.names));
      if (regions.length > 64) throw unenforceable('patternProperties', holder.pointer, 'has too many patterns that overlap');
    }
  }
  const entries: Expression[] = [];
  for (const region of regions.filter(({ matched }) => offered || matched.size > 0)) {
    const unmatched = holders.flatMap((holder, h) => (region.matched.has(h) ? [] : otherProperties(holder)));
    entries.push(sequence(yield* stringOf(region.names), COLON, valueOf(new Conjunction([...region.schemas, ...unmatched]))));
  }
  return entries.length === 0 ? undefined : choice(...entries);
}

/**
 * States are (declared properties passed, of them written, others written, what was looked for and found). Names of others may
 * repeat, and a repeated name is one property with its last value, so that only one of them counts towards minProperties, and
 * what is found among them comes last.
 */
function* membersGraph({ declared, others, numSought, other }: Members, shape: Shape): Steps<CharacterGraph> {
  const { minProperties: min, maxProperties: max } = shape;
  const most = Math.min(declared.length, max === Infinity ? Math.max(1, min) : max);
  const refuse = (): never => {
    const holder = shape.holders.find(({ schema }) => 'properties' in schema) ?? shape.holders[0]!;
    throw unenforceable('properties', holder.pointer, 'are too many to be counted: leave out minProperties and maxProperties');
  };
  return yield* stateGraph<readonly [passed: number, written: number, extra: number, seen: number]>([0, 0, 0, 0], ([passed, written, extra, seen], ways) => {
    const isFirst = written + extra === 0;
    const member = (expression: Expression): Expression => (isFirst ? expression : sequence(COMMA, expression));
    const missing = Array.from({ length: numSought }, (_, i) => i).filter((i) => (seen & (1 << i)) === 0);
    if (passed < declared.length) {
      const { isRequired, sought, entry } = declared[passed];
      if (!isRequired) ways.to([passed + 1, written, 0, seen], EMPTY);
      if (written >= max) return;
      for (const found of subsets(missing.filter((i) => sought.includes(i)))) {
        const seenNow = found.reduce((mask, i) => mask | (1 << i), seen);
        ways.to([passed + 1, Math.min(written + 1, Math.max(most, 1)), 0, seenNow], member(entry(found)));
      }
      return;
    }
    if (missing.length === 0 && written + Math.min(extra, 1) >= min) ways.toEnd(isFirst ? EMPTY : SPACE);
    const last = missing.length > 0 && written + extra < max && written + 1 >= min ? other(missing) : undefined;
    if (last) ways.toEnd(sequence(member(last), SPACE));
    if (others && written + extra < max) ways.to([passed, written, max === Infinity ? 1 : extra + 1, seen], member(others));
  }, { most: LIMITS.states, refuse });
}

function subsets(items: readonly number[]): number[][] {
  return items.reduce<number[][]>((all, item) => [...all, ...all.map((some) => [...some, item])], [[]]);
}

function remembered<T>(work: (found: readonly number[]) => T): (found: readonly number[]) => T {
  const known = new Map<string, T>();
  return (found) => {
    const key = found.join();
    if (!known.has(key)) known.set(key, work(found));
    return known.get(key)!;
  };
}

// JSON objects: declared properties in the order they are written in, each at most once, then others where they are allowed.
import { EMPTY, NOTHING, choice, rule, sequence, text } from '../expression.ts';
import type { CharacterGraph, Expression } from '../expression.ts';
import { EVERYTHING, combine, includesText, isEmptyLanguage, lengths, literals } from '../pattern/language.ts';
import type { Language } from '../pattern/language.ts';
import { LIMITS } from '../limits.ts';
import type { Expander } from './expand.ts';
import { offersOthers, otherProperties, patternSchema, patternsOf, propertyNames, propertySchema } from './parts.ts';
import type { Located } from './references.ts';
import { isObject, unenforceable } from './references.ts';
import { Conjunction } from './shape.ts';
import type { Shape } from './shape.ts';
import { stringOf, stringOfLength } from './strings.ts';

/** Turns a conjunction into the expression of its values. */
export type ValueOf = (conjunction: Conjunction) => Expression;

const SPACE = rule('space');
const COLON = sequence(text(':'), SPACE);
/** A property and its value, without what separates it from others. */
interface Property {
  readonly expression: Expression;
  readonly isRequired: boolean;
}

export function objectOf(shape: Shape, valueOf: ValueOf, expander: Expander): Expression {
  const names = keysAllowed(shape, expander);
  const declared = propertyNames(shape).flatMap((name): Property[] => {
    const isRequired = shape.required.has(name);
    if (names && !includesText(names, name)) return isRequired ? [{ expression: NOTHING, isRequired }] : [];
    const value = valueOf(propertySchema(shape, name, expander.patterns));
    return [{ expression: sequence(text(JSON.stringify(name)), COLON, value), isRequired }];
  });
  const others = otherEntries(shape, names, valueOf, expander);
  const graph = membersGraph(declared, others, shape);
  if (graph.finals.length === 0) {
    const holder = shape.holders.find(({ schema }) => 'minProperties' in schema)!;
    throw unenforceable('minProperties', holder.pointer, 'asks for more different names than are declared: list them in properties');
  }
  return sequence(text('{'), SPACE, { kind: 'graph', graph }, text('}'));
}

/** The names that propertyNames allows, where there is one. */
function keysAllowed({ holders }: Shape, expander: Expander): Language | undefined {
  let allowed: Language | undefined;
  for (const { schema, pointer } of holders) {
    const names = schema['propertyNames'];
    if (names === undefined) continue;
    if (!isObject(names) && typeof names !== 'boolean') throw unenforceable('propertyNames', pointer, 'must be a schema');
    const at: Located = { schema: names, pointer: `${pointer}/propertyNames` };
    const language = namesOf(at, expander);
    allowed = allowed ? expander.patterns.intersect(allowed, language, 'propertyNames', pointer) : language;
  }
  return allowed;
}

function namesOf(at: Located, expander: Expander): Language {
  const { patterns } = expander;
  const shapes = expander.shapes(new Conjunction([at]));
  if (shapes.length > 1) throw unenforceable('propertyNames', at.pointer, 'has several alternatives: use one pattern or an enum');
  const [shape] = shapes;
  const values = shape?.values?.filter((value) => typeof value === 'string');
  if (!shape || values) return patterns.attempt('propertyNames', at.pointer, () => literals(values ?? [], patterns.budget));
  if (!shape.types.has('string')) return patterns.attempt('propertyNames', at.pointer, () => literals([], patterns.budget));
  return languageWithLength(shape, expander, at.pointer);
}

export function languageWithLength({ language = EVERYTHING, minLength, maxLength }: Shape, expander: Expander, pointer: string): Language {
  if (minLength === 0 && maxLength === Infinity) return language;
  const { patterns } = expander;
  return patterns.attempt('pattern', pointer, () => combine(language, lengths(minLength, maxLength), patterns.budget));
}

/** Entries whose names nobody declares, by which patternProperties their names match. */
function otherEntries(shape: Shape, names: Language | undefined, valueOf: ValueOf, expander: Expander): Expression | undefined {
  const { holders } = shape;
  const { patterns } = expander;
  const declared = propertyNames(shape);
  const offered = offersOthers(shape);
  const patternLists = holders.map(patternsOf);
  if (!offered && patternLists.every(({ length }) => length === 0)) return undefined;
  if (patternLists.every(({ length }) => length === 0) && !names && declared.length === 0) {
    const value = valueOf(new Conjunction(holders.flatMap(otherProperties)));
    return sequence(stringOfLength(0, Infinity), COLON, value);
  }
  const pointer = holders.at(-1)!.pointer;
  const but = (a: Language, b: Language, minus: boolean): Language =>
    patterns.attempt('patternProperties', pointer, () => combine(a, b, patterns.budget, minus));
  let rest = names ?? EVERYTHING;
  if (declared.length > 0) rest = but(rest, patterns.attempt('properties', pointer, () => literals(declared, patterns.budget)), true);
  /** Disjoint sets of names, with what their values must satisfy and the holders whose patterns they match. */
  let regions: { readonly names: Language; readonly schemas: readonly Located[]; readonly matched: ReadonlySet<number> }[] =
    [{ names: rest, schemas: [], matched: new Set() }];
  holders.forEach((holder, h) => patternsOf(holder).forEach((pattern) => {
    const language = patterns.language('pattern', pattern, `${holder.pointer}/patternProperties`)!;
    regions = regions.flatMap((region) => [
      { ...region, names: but(region.names, language, false), schemas: [...region.schemas, patternSchema(holder, pattern)], matched: new Set([...region.matched, h]) },
      { ...region, names: but(region.names, language, true) },
    ]).filter((region) => !isEmptyLanguage(region.names));
    if (regions.length > 64) throw unenforceable('patternProperties', holder.pointer, 'has too many patterns that overlap');
  }));
  const entries = regions.filter(({ matched }) => offered || matched.size > 0).map((region) => {
    const unmatched = holders.flatMap((holder, h) => (region.matched.has(h) ? [] : otherProperties(holder)));
    return sequence(stringOf(region.names), COLON, valueOf(new Conjunction([...region.schemas, ...unmatched])));
  });
  return entries.length === 0 ? undefined : choice(...entries);
}

/**
 * States are (declared properties passed, of them written, others written). Names of others may repeat, and a repeated name is
 * one property, so that only one of them counts towards minProperties.
 */
function membersGraph(declared: readonly Property[], others: Expression | undefined, shape: Shape): CharacterGraph {
  const { minProperties: min, maxProperties: max } = shape;
  const most = Math.min(declared.length, max === Infinity ? Math.max(1, min) : max);
  const ids = new Map<string, number>();
  const edges: CharacterGraph['edges'][number][] = [];
  const finals = new Set<number>();
  const open: (readonly [number, number, number])[] = [];
  const state = (passed: number, written: number, extra: number): number => {
    const key = `${passed},${written},${extra}`;
    const known = ids.get(key);
    if (known !== undefined) return known;
    if (ids.size >= LIMITS.states) {
      const holder = shape.holders.find(({ schema }) => 'properties' in schema) ?? shape.holders[0]!;
      throw unenforceable('properties', holder.pointer, 'are too many to be counted: leave out minProperties and maxProperties');
    }
    ids.set(key, ids.size);
    open.push([passed, written, extra]);
    return ids.size - 1;
  };
  const start = state(0, 0, 0);
  const finish = ids.size;
  ids.set('end', finish);
  const comma = sequence(text(','), SPACE);
  while (open.length > 0) {
    const [passed, written, extra] = open.pop()!;
    const from = state(passed, written, extra);
    const isFirst = written + extra === 0;
    const member = (expression: Expression): Expression => (isFirst ? expression : sequence(comma, expression));
    if (passed < declared.length) {
      const { expression, isRequired } = declared[passed];
      if (!isRequired) edges.push({ from, to: state(passed + 1, written, 0), on: EMPTY });
      if (written < max) edges.push({ from, to: state(passed + 1, Math.min(written + 1, Math.max(most, 1)), 0), on: member(expression) });
      continue;
    }
    if (written + Math.min(extra, 1) >= min) {
      edges.push({ from, to: finish, on: isFirst ? EMPTY : SPACE });
      finals.add(finish);
    }
    if (others && written + extra < max) edges.push({ from, to: state(passed, written, max === Infinity ? 1 : extra + 1), on: member(others) });
  }
  return { numStates: ids.size, start, finals: [...finals], edges };
}

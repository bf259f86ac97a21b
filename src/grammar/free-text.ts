// Text that is free but for what it must not contain, as an expression.
import type { Steps } from '../steps.ts';
import { union } from './code-points.ts';
import { characters } from './expression.ts';
import type { CharacterGraph, Expression } from './expression.ts';
import { EVERYTHING, PatternBudget, combine, languageOf } from './pattern/language.ts';
import { parsePattern } from './pattern/pattern-parser.ts';

/** All texts in which none of the patterns (ECMA-262) matches; `between` may stand anywhere in them, and is not looked at. */
export function* textWithout(patterns: readonly string[], between?: Expression): Steps<Expression> {
  const budget = new PatternBudget();
  let language = EVERYTHING;
  for (const pattern of patterns) language = yield* combine(language, yield* languageOf(parsePattern(pattern), budget), budget, 'first');
  const { classes, next, accepting } = language;
  const edges: CharacterGraph['edges'][number][] = next.flatMap((row, from) => [...new Set(row)].filter((to) => to >= 0)
    .map((to) => ({ from, to, on: characters(union(...classes.filter((_, i) => row[i] === to))) })));
  if (between) edges.push(...next.map((_, state) => ({ from: state, to: state, on: between })));
  const finals = accepting.flatMap((accepts, state) => (accepts ? [state] : []));
  return { kind: 'graph', graph: { numStates: next.length, start: 0, finals, edges } };
}

/** A pattern that matches this text. */
export function literalPattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}

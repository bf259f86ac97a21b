// Sets of texts as deterministic automata over code points: made from patterns, cut with each other, turned around.
import { ANY, codePoints, contains, intersection, pairsOf } from '../code-points.ts';
import type { CodePoints } from '../code-points.ts';
import type { Steps } from '../../steps.ts';
import { LIMITS } from '../limits.ts';
import { PatternError } from './pattern-parser.ts';
import type { Pattern } from './pattern-parser.ts';

/** Every code point is in one class. State 0 is the start; −1 leads nowhere. */
export interface Language {
  readonly classes: readonly CodePoints[];
  /** next[state][class]. */
  readonly next: readonly Int32Array[];
  readonly accepting: readonly boolean[];
}

/** Work, and states, between two pauses. */
const WORK_A_STEP = 8192;
const STATES_A_STEP = 1024;

/** Counts what compiling costs, over all patterns of one schema. */
export class PatternBudget {
  #left: number = LIMITS.patternWork;
  #nextPause = this.#left - WORK_A_STEP;

  spend(amount: number): void {
    this.#left -= amount;
    if (this.#left < 0) throw new PatternError('it takes too long to compile, with the other patterns of the schema');
  }

  get left(): number {
    return this.#left;
  }

  /** Whether a pause is due: it is once for so much work. */
  isPauseDue(): boolean {
    if (this.#left > this.#nextPause) return false;
    this.#nextPause = this.#left - WORK_A_STEP;
    return true;
  }
}

interface Nfa {
  readonly moves: { readonly set: CodePoints; readonly to: number }[][];
  readonly silent: { readonly on: 'always' | 'start' | 'end'; readonly to: number }[][];
}

/** The texts in which the pattern matches somewhere, as JSON Schema has it. */
export function* languageOf(pattern: Pattern, budget: PatternBudget): Steps<Language> {
  const nfa: Nfa = { moves: [], silent: [] };
  const state = (): number => {
    if (nfa.moves.length > 10 * LIMITS.patternStates) throw new PatternError('it is too large: use smaller repetitions');
    budget.spend(1);
    nfa.silent.push([]);
    return nfa.moves.push([]) - 1;
  };
  const build = (node: Pattern, from: number, to: number): void => {
    switch (node.kind) {
      case 'set': return void nfa.moves[from].push({ set: node.set, to });
      case 'start':
      case 'end': return void nfa.silent[from].push({ on: node.kind, to });
      case 'choice': return node.items.forEach((item) => build(item, from, to));
      case 'sequence': {
        let at = from;
        for (const item of node.items) {
          const next = state();
          build(item, at, next);
          at = next;
        }
        return void nfa.silent[at].push({ on: 'always', to });
      }
      case 'repeat': {
        let at = state();
        nfa.silent[from].push({ on: 'always', to: at });
        const fixed = node.max === Infinity ? node.min : node.max;
        for (let i = 0; i < fixed; i++) {
          if (i >= node.min) nfa.silent[at].push({ on: 'always', to });
          const next = state();
          build(node.item, at, next);
          at = next;
        }
        if (node.max === Infinity) build(node.item, at, at);
        nfa.silent[at].push({ on: 'always', to });
      }
    }
  };
  const [first, begin, last] = [state(), state(), state()];
  nfa.moves[first].push({ set: ANY, to: first });
  nfa.silent[first].push({ on: 'always', to: begin });
  build(pattern, begin, last);
  nfa.moves[last].push({ set: ANY, to: last });
  return yield* determinize(nfa, last, budget);
}

function* determinize({ moves, silent }: Nfa, final: number, budget: PatternBudget): Steps<Language> {
  const classes = yield* commonClasses(moves.flat().map(({ set }) => set), budget);
  const classesOf: { readonly to: number; readonly classes: readonly number[] }[][] = [];
  for (const list of moves) {
    const found = list.map(({ set, to }) => ({ to, classes: classes.flatMap((members, i) => (contains(set, members[0]) ? [i] : [])) }));
    if (classesOf.push(found) % STATES_A_STEP === 0) yield;
  }
  const follow = (states: Iterable<number>, atStart: boolean, atEnd: boolean): Set<number> => {
    const found = new Set(states);
    for (const at of found) {
      for (const { on, to } of silent[at]) if (on === 'always' || (on === 'start' ? atStart : atEnd)) found.add(to);
    }
    budget.spend(found.size);
    return found;
  };
  const kernels: { readonly states: readonly number[]; readonly atStart: boolean }[] = [{ states: [0], atStart: true }];
  const index = new Map<string, number>();
  const next: Int32Array[] = [];
  const accepting: boolean[] = [];
  for (let i = 0; i < kernels.length; i++) {
    if (budget.isPauseDue()) yield;
    const { states, atStart } = kernels[i];
    const row = new Int32Array(classes.length).fill(-1);
    const targets = classes.map(() => new Set<number>());
    for (const at of follow(states, atStart, false)) {
      for (const { classes: on, to } of classesOf[at]) for (const c of on) targets[c].add(to);
    }
    targets.forEach((target, c) => {
      budget.spend(target.size);
      if (target.size === 0) return;
      const sorted = [...target].sort((a, b) => a - b);
      const key = sorted.join();
      let to = index.get(key);
      if (to === undefined) {
        index.set(key, (to = kernels.push({ states: sorted, atStart: false }) - 1));
        if (kernels.length > LIMITS.patternStates) throw tooLarge();
      }
      row[c] = to;
    });
    next.push(row);
    accepting.push(follow(states, atStart, true).has(final));
  }
  yield;
  return yield* smallest(yield* trim({ classes, next, accepting }), budget);
}

/** The coarsest classes of which every set is a union; together they are all code points. */
function* commonClasses(sets: readonly CodePoints[], budget: PatternBudget): Steps<CodePoints[]> {
  const different = [...new Map(sets.map((set) => [set.join(), set])).values()];
  const cuts = [...new Set([0, ...different.flatMap((set) => pairsOf(set).flatMap(([first, last]) => [first, last + 1]))])]
    .sort((a, b) => a - b);
  budget.spend(cuts.length * different.length);
  const bySignature = new Map<string, [number, number][]>();
  for (let i = 0, work = 0; i < cuts.length; i++) {
    if ((work += different.length) > WORK_A_STEP) {
      work = 0;
      yield;
    }
    const cut = cuts[i];
    const end = (cuts[i + 1] ?? 0x110000) - 1;
    if (cut > 0x10ffff || (cut >= 0xd800 && end <= 0xdfff)) continue;
    const sample = cut >= 0xd800 && cut <= 0xdfff ? 0xe000 : cut;
    const signature = different.map((set) => (contains(set, sample) ? 1 : 0)).join('');
    const ranges = bySignature.get(signature);
    if (ranges) ranges.push([cut, end]);
    else bySignature.set(signature, [[cut, end]]);
  }
  return [...bySignature.values()].map(codePoints);
}

/** Exactly these texts. */
export function literals(texts: readonly string[], budget: PatternBudget): Steps<Language> {
  const items = texts.map((text): Pattern => ({
    kind: 'sequence', items: [...text].map((character) => ({ kind: 'set', set: codePoints([[character.codePointAt(0)!, character.codePointAt(0)!]]) })),
  }));
  return languageOf({ kind: 'sequence', items: [{ kind: 'start' }, { kind: 'choice', items }, { kind: 'end' }] }, budget);
}

/** Texts of `min` to `max` characters. */
export function lengths(min: number, max: number): Language {
  const count = max === Infinity ? min + 1 : max + 1;
  if (count > LIMITS.patternStates) throw tooLarge();
  return {
    classes: [ANY],
    next: Array.from({ length: count }, (_, i) => Int32Array.of(i + 1 < count ? i + 1 : max === Infinity ? i : -1)),
    accepting: Array.from({ length: count }, (_, i) => i >= min),
  };
}

/** Texts of both, of the first but not the second, or of either. */
export function* combine(a: Language, b: Language, budget: PatternBudget, texts: 'both' | 'first' | 'either' = 'both'): Steps<Language> {
  const classes: CodePoints[] = [];
  const parts: (readonly [number, number])[] = [];
  for (const [i, inA] of a.classes.entries()) {
    if (budget.isPauseDue()) yield;
    b.classes.forEach((inB, j) => {
      const common = intersection(inA, inB);
      budget.spend(inA.length + inB.length);
      if (common.length > 0) {
        classes.push(common);
        parts.push([i, j]);
      }
    });
  }
  const pairs: (readonly [number, number])[] = [[0, 0]];
  const index = new Map([['0,0', 0]]);
  const next: Int32Array[] = [];
  const accepting: boolean[] = [];
  for (let at = 0; at < pairs.length; at++) {
    const [p, q] = pairs[at];
    budget.spend(classes.length);
    if (budget.isPauseDue()) yield;
    next.push(Int32Array.from(parts, ([i, j]) => {
      const to = [p < 0 ? -1 : a.next[p][i], q < 0 ? -1 : b.next[q][j]] as const;
      const isNowhere = texts === 'either' ? to[0] < 0 && to[1] < 0 : to[0] < 0 || (to[1] < 0 && texts === 'both');
      if (isNowhere) return -1;
      const key = to.join();
      let known = index.get(key);
      if (known === undefined) {
        index.set(key, (known = pairs.push(to) - 1));
        if (pairs.length > LIMITS.patternStates) throw tooLarge();
      }
      return known;
    }));
    const [inA, inB] = [p >= 0 && a.accepting[p], q >= 0 && b.accepting[q]];
    accepting.push(texts === 'either' ? inA || inB : inA && inB === (texts === 'both'));
  }
  return yield* trim({ classes, next, accepting });
}

export const NO_TEXT: Language = { classes: [ANY], next: [Int32Array.of(-1)], accepting: [false] };
export const EVERYTHING: Language = { classes: [ANY], next: [Int32Array.of(0)], accepting: [true] };

export function isEmptyLanguage({ accepting }: Language): boolean {
  return !accepting.includes(true);
}

export function includesText({ classes, next, accepting }: Language, text: string): boolean {
  let state = 0;
  for (const character of text) {
    const codePoint = character.codePointAt(0)!;
    const on = classes.findIndex((members) => contains(members, codePoint));
    state = on < 0 ? -1 : next[state][on];
    if (state < 0) return false;
  }
  return accepting[state];
}

/** Makes what leads to no text lead nowhere. */
function* trim({ classes, next, accepting }: Language): Steps<Language> {
  const rowsAStep = Math.ceil(WORK_A_STEP / classes.length);
  const back: number[][] = next.map(() => []);
  for (const [from, row] of next.entries()) {
    row.forEach((to) => to >= 0 && back[to].push(from));
    if (from % rowsAStep === rowsAStep - 1) yield;
  }
  const alive = new Set(accepting.flatMap((accepts, state) => (accepts ? [state] : [])));
  let numSeen = 0;
  for (const state of alive) {
    for (const from of back[state]) alive.add(from);
    if (++numSeen % rowsAStep === 0) yield;
  }
  const rows: Int32Array[] = [];
  for (const row of next) if (rows.push(row.map((to) => (alive.has(to) ? to : -1))) % rowsAStep === 0) yield;
  return { classes, accepting, next: rows };
}

/** The same language without states that cannot be told apart (Moore 1956), and without those that are never reached. */
function* smallest({ classes, next, accepting }: Language, budget: PatternBudget): Steps<Language> {
  const rowsAStep = Math.ceil(WORK_A_STEP / classes.length);
  let blocks = accepting.map(Number);
  for (let numBlocks = 0; ;) {
    budget.spend(next.length);
    const ids = new Map<string, number>();
    const finer: number[] = [];
    for (const [state, row] of next.entries()) {
      const key = `${blocks[state]}:${row.map((to) => (to < 0 ? -1 : blocks[to])).join()}`;
      finer.push(ids.get(key) ?? (ids.set(key, ids.size), ids.size - 1));
      if (state % rowsAStep === rowsAStep - 1) yield;
    }
    blocks = finer;
    if (ids.size === numBlocks) break;
    numBlocks = ids.size;
  }
  // The start is the first state of its block, so that it stays state 0.
  const states = [0];
  const index = new Map([[blocks[0], 0]]);
  const rows = [];
  for (let i = 0; i < states.length; i++) {
    rows.push(next[states[i]].map((to) => {
      if (to < 0) return -1;
      const known = index.get(blocks[to]);
      if (known !== undefined) return known;
      index.set(blocks[to], states.push(to) - 1);
      return states.length - 1;
    }));
    if (i % rowsAStep === rowsAStep - 1) yield;
  }
  return { classes, next: rows, accepting: states.map((state) => accepting[state]) };
}

function tooLarge(): PatternError {
  return new PatternError(`its automaton has more than ${LIMITS.patternStates} states: use smaller repetitions or fewer alternatives`);
}

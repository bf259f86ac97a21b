// The second half of building a network: which rules can end and which can be empty, what follows a state without reading,
// and in which order rules call each other.
import { GrammarError } from '../errors.ts';
import type { Steps } from '../steps.ts';
import { LIMITS } from './limits.ts';
import type { Draft, Edge } from './network-builder.ts';
import type { Network } from './network.ts';

/** States between two pauses. */
const STATES_A_STEP = 2048;

export function* closeNetwork(draft: Draft, root: number): Steps<Network> {
  const edges = yield* cutDeadEnds(draft, root);
  const nullable = yield* nullableRules(draft, edges);
  const closures = yield* closuresOf(edges, nullable);
  const rank = yield* rankRules(draft, edges, closures);
  const { ends, starts } = draft;
  const isEnd = new Uint8Array(edges.length);
  for (const end of ends) isEnd[end] = 1;
  const onlyEnd = yield* each(closures, (closure) => closure.some((state) => isEnd[state]) &&
    closure.every((state) => edges[state].every(({ kind }) => kind === 'empty')));
  const bytes = yield* rows(edges, 'byte');
  const calls = yield* rows(edges, 'call');
  const tokens = yield* rows(edges, 'token');
  const closureStart = prefixSums(yield* each(closures, ({ length }) => length));
  const closureTo = new Int32Array(closureStart[closures.length]);
  yield* each(closures, (closure, state) => closureTo.set(closure, closureStart[state]));
  return {
    numStates: edges.length,
    closureStart, closureTo,
    byteStart: bytes.start, byteLow: Uint8Array.from(yield* each(bytes.all, ({ low }) => low)),
    byteHigh: Uint8Array.from(yield* each(bytes.all, ({ high }) => high)), byteTo: Int32Array.from(yield* each(bytes.all, ({ to }) => to)),
    callStart: calls.start, callRule: Int32Array.from(yield* each(calls.all, ({ rule }) => rule)),
    callReturn: Int32Array.from(yield* each(calls.all, ({ to }) => to)),
    tokenStart: tokens.start, tokenId: Int32Array.from(yield* each(tokens.all, ({ id }) => id)),
    tokenNegated: Uint8Array.from(yield* each(tokens.all, ({ negated }) => (negated ? 1 : 0))),
    tokenTo: Int32Array.from(yield* each(tokens.all, ({ to }) => to)),
    isEnd, isOnlyEnd: Uint8Array.from(yield* each(onlyEnd, (only) => (only ? 1 : 0))),
    ruleStart: Int32Array.from(starts), ruleIsNullable: Uint8Array.from(nullable, (can) => (can ? 1 : 0)),
    ruleRank: rank, root,
  };
}

/** `map` with pauses, of every state's list as a rule. */
function* each<T, R>(lists: readonly T[], map: (list: T, state: number) => R): Steps<R[]> {
  const results: R[] = [];
  for (let state = 0; state < lists.length; state++) {
    results.push(map(lists[state], state));
    if (state % STATES_A_STEP === STATES_A_STEP - 1) yield;
  }
  return results;
}

/** Edges from which the end of the rule cannot be reached lead generation astray. */
function* cutDeadEnds(draft: Draft, root: number): Steps<Edge[][]> {
  const { canEnd, canFinish } = yield* reachEnds(draft, draft.edges);
  if (!canFinish[root]) {
    throw new GrammarError('The grammar matches no finite text: every way through it needs more. Give its rules an end.');
  }
  return yield* each(draft.edges, (list) => list.filter((edge) => canEnd[edge.to] && (edge.kind !== 'call' || canFinish[edge.rule])));
}

function* nullableRules(draft: Draft, edges: readonly Edge[][]): Steps<boolean[]> {
  const silent = yield* each(edges, (list) => list.filter(({ kind }) => kind === 'empty' || kind === 'call'));
  return Array.from((yield* reachEnds(draft, silent)).canFinish, (can) => can === 1);
}

/** The states from which `edges` lead to the end of their rule, and the rules whose end their start reaches. */
function* reachEnds(
  { starts, ends }: Draft, edges: readonly Edge[][],
): Steps<{ readonly canEnd: Uint8Array; readonly canFinish: Uint8Array }> {
  const back: { readonly from: number; readonly edge: Edge }[][] = edges.map(() => []);
  yield* each(edges, (list, from) => {
    for (const edge of list) back[edge.to].push({ from, edge });
  });
  const canEnd = new Uint8Array(edges.length);
  const ruleOfStart = new Map(starts.map((state, rule) => [state, rule]));
  const canFinish = new Uint8Array(starts.length);
  /** By rule, the states that wait for it to prove that it can finish. */
  const waiting: number[][] = starts.map(() => []);
  const open = [...ends];
  for (const end of ends) canEnd[end] = 1;
  const reach = (state: number): void => {
    if (canEnd[state]) return;
    canEnd[state] = 1;
    open.push(state);
  };
  for (let i = 1; open.length > 0; i++) {
    if (i % STATES_A_STEP === 0) yield;
    const state = open.pop()!;
    for (const { from, edge } of back[state]) {
      if (edge.kind !== 'call' || canFinish[edge.rule]) reach(from);
      else waiting[edge.rule].push(from);
    }
    const rule = ruleOfStart.get(state);
    if (rule === undefined || canFinish[rule]) continue;
    canFinish[rule] = 1;
    for (const from of waiting[rule]) reach(from);
  }
  return { canEnd, canFinish };
}

/** For each state, those that follow it without reading and do something: read, call or end. */
function* closuresOf(edges: readonly Edge[][], nullable: readonly boolean[]): Steps<number[][]> {
  const seenFrom = new Int32Array(edges.length).fill(-1);
  const acts = yield* each(edges, (list) => list.length === 0 || list.some(({ kind }) => kind !== 'empty'));
  const closures: number[][] = [];
  let total = 0;
  for (let state = 0, due = STATES_A_STEP; state < edges.length; state++) {
    const found = [state];
    seenFrom[state] = state;
    for (let i = 0; i < found.length; i++) {
      for (const edge of edges[found[i]]) {
        const passes = edge.kind === 'empty' || (edge.kind === 'call' && nullable[edge.rule]);
        if (!passes || seenFrom[edge.to] === state) continue;
        seenFrom[edge.to] = state;
        found.push(edge.to);
      }
    }
    total += found.length;
    if (total > LIMITS.closure) throw new GrammarError('The grammar has too many ways to leave something out. Use smaller repetitions.');
    closures.push(found.filter((other) => acts[other]));
    if (total < due) continue;
    due = total + STATES_A_STEP;
    yield;
  }
  return closures;
}

/** Callers before callees, as far as nothing is read between; a cycle among those is left recursion. */
function* rankRules({ names, starts }: Draft, edges: readonly Edge[][], closures: readonly number[][]): Steps<Int32Array> {
  const called = yield* each(starts, (start) => [...new Set(closures[start].flatMap((state) =>
    edges[state].flatMap((edge) => (edge.kind === 'call' ? [edge.rule] : []))))]);
  const rank = new Int32Array(starts.length).fill(-1);
  const state = new Uint8Array(starts.length);
  let next = starts.length;
  for (let first = 0; first < starts.length; first++) {
    const trail: { readonly rule: number; at: number }[] = state[first] === 0 ? [{ rule: first, at: 0 }] : [];
    state[first] ||= 1;
    while (trail.length > 0) {
      const top = trail.at(-1)!;
      const callee = called[top.rule][top.at++];
      if (callee === undefined) {
        state[top.rule] = 2;
        rank[top.rule] = --next;
        trail.pop();
      } else if (state[callee] === 1) {
        throw new GrammarError(`The rule "${names[callee].slice(0, 80)}" begins with itself (left recursion). ` +
          'Write it as a repetition: instead of a ::= a "x" | "y", a ::= "y" "x"*.');
      } else if (state[callee] === 0) {
        state[callee] = 1;
        trail.push({ rule: callee, at: 0 });
      }
    }
  }
  return rank;
}

function* rows<K extends Edge['kind']>(edges: readonly Edge[][], kind: K): Steps<{ start: Int32Array; all: Extract<Edge, { kind: K }>[] }> {
  const all: Extract<Edge, { kind: K }>[] = [];
  const lengths = yield* each(edges, (list) => {
    const before = all.length;
    for (const edge of list) if (edge.kind === kind) all.push(edge as Extract<Edge, { kind: K }>);
    return all.length - before;
  });
  return { start: prefixSums(lengths), all };
}

function prefixSums(lengths: readonly number[]): Int32Array {
  const sums = new Int32Array(lengths.length + 1);
  lengths.forEach((length, i) => (sums[i + 1] = sums[i] + length));
  return sums;
}

// The second half of building a network: which rules can end and which can be empty, what follows a state without reading,
// and in which order rules call each other.
import { GrammarError } from '../errors.ts';
import { LIMITS } from './limits.ts';
import type { Draft, Edge } from './network-builder.ts';
import type { Network } from './network.ts';

export function closeNetwork(draft: Draft, root: number): Network {
  const edges = cutDeadEnds(draft, root);
  const nullable = nullableRules(draft, edges);
  const closures = closuresOf(edges, nullable);
  const rank = rankRules(draft, edges, closures);
  const { ends, starts } = draft;
  const isEnd = new Uint8Array(edges.length);
  for (const end of ends) isEnd[end] = 1;
  const onlyEnd = closures.map((closure) => closure.some((state) => isEnd[state]) &&
    closure.every((state) => edges[state].every(({ kind }) => kind === 'empty')));
  const bytes = rows(edges, 'byte');
  const calls = rows(edges, 'call');
  const tokens = rows(edges, 'token');
  const closureRows = prefixSums(closures.map(({ length }) => length));
  return {
    numStates: edges.length,
    closureStart: closureRows, closureTo: Int32Array.from(closures.flat()),
    byteStart: bytes.start, byteLow: Uint8Array.from(bytes.all, ({ low }) => low),
    byteHigh: Uint8Array.from(bytes.all, ({ high }) => high), byteTo: Int32Array.from(bytes.all, ({ to }) => to),
    callStart: calls.start, callRule: Int32Array.from(calls.all, ({ rule }) => rule),
    callReturn: Int32Array.from(calls.all, ({ to }) => to),
    tokenStart: tokens.start, tokenId: Int32Array.from(tokens.all, ({ id }) => id),
    tokenNegated: Uint8Array.from(tokens.all, ({ negated }) => (negated ? 1 : 0)),
    tokenTo: Int32Array.from(tokens.all, ({ to }) => to),
    isEnd, isOnlyEnd: Uint8Array.from(onlyEnd, (only) => (only ? 1 : 0)),
    ruleStart: Int32Array.from(starts), ruleIsNullable: Uint8Array.from(nullable, (can) => (can ? 1 : 0)),
    ruleRank: rank, root,
  };
}

/** Edges from which the end of the rule cannot be reached lead generation astray. */
function cutDeadEnds(draft: Draft, root: number): Edge[][] {
  const { canEnd, canFinish } = reachEnds(draft, draft.edges);
  if (!canFinish[root]) {
    throw new GrammarError('The grammar matches no finite text: every way through it needs more. Give its rules an end.');
  }
  return draft.edges.map((list) => list.filter((edge) => canEnd[edge.to] && (edge.kind !== 'call' || canFinish[edge.rule])));
}

function nullableRules(draft: Draft, edges: readonly Edge[][]): boolean[] {
  const silent = edges.map((list) => list.filter(({ kind }) => kind === 'empty' || kind === 'call'));
  return Array.from(reachEnds(draft, silent).canFinish, (can) => can === 1);
}

/** The states from which `edges` lead to the end of their rule, and the rules whose end their start reaches. */
function reachEnds({ starts, ends }: Draft, edges: readonly Edge[][]): { readonly canEnd: Uint8Array; readonly canFinish: Uint8Array } {
  const back: { readonly from: number; readonly edge: Edge }[][] = edges.map(() => []);
  edges.forEach((list, from) => list.forEach((edge) => back[edge.to].push({ from, edge })));
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
  while (open.length > 0) {
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
function closuresOf(edges: readonly Edge[][], nullable: readonly boolean[]): number[][] {
  const seenFrom = new Int32Array(edges.length).fill(-1);
  const acts = edges.map((list) => list.length === 0 || list.some(({ kind }) => kind !== 'empty'));
  let total = 0;
  return edges.map((_, state) => {
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
    return found.filter((other) => acts[other]);
  });
}

/** Callers before callees, as far as nothing is read between; a cycle among those is left recursion. */
function rankRules({ names, starts }: Draft, edges: readonly Edge[][], closures: readonly number[][]): Int32Array {
  const called = starts.map((start) => [...new Set(closures[start].flatMap((state) =>
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

function rows<K extends Edge['kind']>(edges: readonly Edge[][], kind: K): { start: Int32Array; all: Extract<Edge, { kind: K }>[] } {
  const lists = edges.map((list) => list.filter((edge): edge is Extract<Edge, { kind: K }> => edge.kind === kind));
  return { start: prefixSums(lists.map(({ length }) => length)), all: lists.flat() };
}

function prefixSums(lengths: readonly number[]): Int32Array {
  const sums = new Int32Array(lengths.length + 1);
  lengths.forEach((length, i) => (sums[i + 1] = sums[i] + length));
  return sums;
}

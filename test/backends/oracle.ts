// What the operations must compute, in float64 and in the fewest words: written from backend.ts alone, for tests.
import type { ActivationKind, AttentionOptions, RouteOptions } from '../../src/backends/backend.ts';
import type { Rows } from './bench.ts';

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

export const ACTIVATIONS: Readonly<Record<ActivationKind, (x: number) => number>> = {
  silu: (x) => x * sigmoid(x),
  gelu: (x) => 0.5 * x * (1 + Math.tanh(0.7978845608028654 * (x + 0.044715 * x ** 3))),
  gelu_erf: (x) => x * normalCdf(x),
  gelu_quick: (x) => x * sigmoid(1.702 * x),
  relu: (x) => (x > 0 ? x : 0 * x),
  relu2: (x) => (x > 0 ? x * x : 0 * x),
  sigmoid,
  tanh: Math.tanh,
};

/** Φ(x) by Simpson's rule over the density. */
function normalCdf(x: number): number {
  if (!(Math.abs(x) < 10)) return x > 0 ? 1 : x < 0 ? 0 : x;
  const steps = 400;
  const h = x / steps;
  let sum = 0;
  for (let i = 0; i <= steps; i++) {
    sum += Math.exp(-((i * h) ** 2) / 2) * (i === 0 || i === steps ? 1 : i % 2 === 1 ? 4 : 2);
  }
  return 0.5 + (sum * h) / 3 / Math.sqrt(2 * Math.PI);
}

export const mapRows = (x: Rows, f: (value: number, r: number, c: number) => number): number[][] =>
  x.map((row, r) => row.map((value, c) => f(value, r, c)));

export const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, value, i) => sum + value * b[i], 0);

export const norm2 = (x: readonly number[]): number => Math.sqrt(dot(x, x));

/** x (n, cols) · wᵀ (rows, cols). */
export const product = (x: Rows, w: Rows): number[][] => x.map((row) => w.map((features) => dot(features, row)));

export interface NormOracle {
  readonly weight?: readonly number[];
  readonly bias?: readonly number[];
  readonly epsilon: number;
  readonly groups: number;
  readonly centred: boolean;
}

export function normalize(x: Rows, { weight, bias, epsilon, groups, centred }: NormOracle): number[][] {
  return x.map((row) => {
    const size = row.length / groups;
    return row.map((value, c) => {
      const part = row.slice(Math.floor(c / size) * size, (Math.floor(c / size) + 1) * size);
      const mean = centred ? part.reduce((sum, v) => sum + v, 0) / size : 0;
      const variance = part.reduce((sum, v) => sum + (v - mean) ** 2, 0) / size;
      const scaled = ((value - mean) / Math.sqrt(variance + epsilon)) * (weight ? weight[c % weight.length] : 1);
      return scaled + (bias ? bias[c % bias.length] : 0);
    });
  });
}

/** Keys and values of one sequence, by position: (positions, heads · dim). */
export interface History {
  readonly keys: Rows;
  readonly values: Rows;
}

type PlainOptions = Omit<AttentionOptions, 'alibiSlopes' | 'sinks' | 'relativeBias' | 'queryScale'>;

export interface AttentionOracle extends PlainOptions {
  readonly numKvHeads: number;
  readonly slopes?: readonly number[];
  readonly sinks?: readonly number[];
  /** Added to a score by head and distance (key position − row position). */
  readonly bias?: (head: number, distance: number) => number;
}

/** One row of attention for a query at `position` of a sequence. */
export function attend(
  q: readonly number[], position: number, { keys, values }: History, o: AttentionOracle,
): number[] {
  const [keyDim, valueDim] = [keys[0].length / o.numKvHeads, values[0].length / o.numKvHeads];
  const seen = [...keys.keys()].filter((p) => {
    if (o.causal) return p <= position && (!o.window || position - p < o.window);
    return !o.window || Math.abs(position - p) <= o.window / 2;
  });
  return Array.from({ length: o.numHeads }, (_, head) => {
    const kv = Math.floor((head * o.numKvHeads) / o.numHeads);
    const query = q.slice(head * keyDim, (head + 1) * keyDim);
    const scores = seen.map((p) => {
      const raw = o.scale * dot(query, keys[p].slice(kv * keyDim, (kv + 1) * keyDim));
      const capped = o.softcap ? o.softcap * Math.tanh(raw / o.softcap) : raw;
      return capped - (o.slopes ? o.slopes[head] * Math.abs(position - p) : 0) + (o.bias?.(head, p - position) ?? 0);
    });
    const highest = Math.max(...scores, o.sinks?.[head] ?? -Infinity);
    const sink = o.sinks ? Math.exp(o.sinks[head] - highest) : 0;
    const total = scores.reduce((sum, s) => sum + Math.exp(s - highest), sink);
    return Array.from({ length: valueDim }, (_, i) =>
      seen.reduce((sum, p, j) => sum + (Math.exp(scores[j] - highest) / total) * values[p][kv * valueDim + i], 0));
  }).flat();
}

export interface RouteOracle extends Omit<RouteOptions, 'selectionBias'> {
  readonly bias?: readonly number[];
  readonly numUsed: number;
}

export function choose(logits: readonly number[], o: RouteOracle): { ids: number[]; weights: number[] } {
  const exps = (x: readonly number[]): number[] => {
    const powers = x.map((value) => Math.exp(value - Math.max(...x)));
    const total = powers.reduce((a, b) => a + b, 0);
    return powers.map((power) => power / total);
  };
  const scores = o.gating === 'softmax' ? exps(logits) : o.gating === 'sigmoid' ? logits.map(sigmoid) : [...logits];
  const preferences = scores.map((score, e) => Math.fround(score) + (o.bias?.[e] ?? 0));
  const best = (candidates: readonly number[], by: (i: number) => number, count: number): number[] =>
    [...candidates].sort((a, b) => by(b) - by(a) || a - b).slice(0, count);
  const size = logits.length / (o.numGroups ?? 1);
  const members = (group: number): number[] => Array.from({ length: size }, (_, i) => group * size + i);
  const groupScore = (group: number): number =>
    best(members(group), (e) => preferences[e], o.bias ? 2 : 1).reduce((sum, e) => sum + preferences[e], 0);
  const groups = best([...Array(o.numGroups ?? 1).keys()], groupScore, o.topGroups ?? o.numGroups ?? 1);
  const ids = best(groups.flatMap(members), (e) => preferences[e], o.numUsed);
  const chosen = o.gating === 'softmax_selected' ? exps(ids.map((e) => logits[e])) : ids.map((e) => scores[e]);
  const sum = o.normalize ? Math.max(2 ** -14, chosen.reduce((a, b) => a + b, 0)) : 1;
  return { ids, weights: chosen.map((weight) => (weight / sum) * o.scale) };
}

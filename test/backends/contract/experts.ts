// Contract of the mixture of experts: the choice with all its ties and groups, products with chosen experts, the sum.
import type { RouteOptions } from '../../../src/backends/backend.ts';
import type { ExpertSelection } from '../../../src/backends/tensors.ts';
import type { GgmlType } from '../../../src/gguf/ggml-types.ts';
import { normalRows } from '../bench.ts';
import type { Bench, Rows } from '../bench.ts';
import { choose, dot, norm2 } from '../oracle.ts';
import type { ContractCase } from '../run-case.ts';

interface RouteSettings extends Omit<RouteOptions, 'selectionBias'> {
  readonly name: string;
  readonly logits: Rows;
  readonly numUsed: number;
  readonly bias?: readonly number[];
}

const TIES: Rows = [
  [1, 1, 1, 1, 1, 1, 1, 1], [0, 2, 0, 2, 0, 2, 0, 2], [3, 1, 2, 3, 2, 1, 0, 3],
  [-1, -1, -2, -1, -3, -1, -1, -1], [0, 0, 0, 0, 0, 0, 0, 5],
];
const DISTINCT = normalRows(9, 8, 71);
const PLAIN = { gating: 'softmax', normalize: false, scale: 1 } as const;

const ROUTES: readonly RouteSettings[] = [
  ...(['softmax', 'sigmoid', 'softmax_selected'] as const).flatMap((gating) => [1, 2, 5, 8].flatMap((numUsed) => [
    { ...PLAIN, name: 'distinct', gating, numUsed, logits: DISTINCT },
    { ...PLAIN, name: 'ties', gating, numUsed, logits: TIES, normalize: true },
  ])),
  { ...PLAIN, name: 'one row', logits: DISTINCT.slice(0, 1), numUsed: 2, normalize: true, scale: 2.5 },
  { ...PLAIN, name: 'no row', logits: [], numUsed: 2 },
  { ...PLAIN, name: 'seven experts', logits: normalRows(6, 7, 72), numUsed: 3, normalize: true },
  { ...PLAIN, name: 'many experts', logits: normalRows(5, 129, 73), numUsed: 8 },
  {
    ...PLAIN, name: 'bias for the choice only', gating: 'sigmoid', logits: DISTINCT, numUsed: 3,
    bias: [0, 0.5, 0, -0.5, 0.25, 0, 0, -1],
  },
  { ...PLAIN, name: 'best groups', logits: DISTINCT, numUsed: 2, numGroups: 4, topGroups: 2 },
  { ...PLAIN, name: 'tied groups', logits: TIES, numUsed: 2, numGroups: 4, topGroups: 2 },
  {
    ...PLAIN, name: 'groups by their best two', gating: 'sigmoid', normalize: true, scale: 1.5, logits: DISTINCT,
    numUsed: 3, numGroups: 2, topGroups: 1, bias: [0, 0.1, 0.2, 0, -0.3, 0, 0.4, 0],
  },
  {
    ...PLAIN, name: 'a vanishing sum', gating: 'sigmoid', normalize: true, numUsed: 2,
    logits: [[-20, -21, -22, -23], [-40, -41, -30, -50]],
  },
  { ...PLAIN, name: 'large logits', logits: [[300, 301, -300, 299], [1000, -1000, 999, 0]], numUsed: 2 },
];

function routeCase(settings: RouteSettings): ContractCase {
  const { logits, numUsed, bias, name, ...options } = settings;
  return {
    name: `route: ${name}, ${options.gating}, ${numUsed} used`,
    prepare(on) {
      const n = logits.length;
      const x = n > 0 ? on.matrix(logits) : on.space(0, 8);
      const selection: ExpertSelection = {
        ids: on.indices(new Array<number>(n * numUsed).fill(-1)), weights: on.space(n, numUsed),
        numExperts: x.cols, numUsed,
      };
      const selectionBias = bias && on.vector(bias);
      const chosen = logits.map((row) => choose(row, { ...options, numUsed, bias }));
      return {
        run: () => on.backend.route(selection, x, n, { ...options, selectionBias }),
        matrices: [{
          x: selection.weights, relative: 1e-5, absolute: 1e-7, rows: () => chosen.map(({ weights }) => weights),
        }],
        indices: [{ x: selection.ids, values: chosen.flatMap(({ ids }) => ids) }],
      };
    },
  };
}

function place(on: Bench, ids: Rows, weights: Rows, numExperts: number): ExpertSelection {
  return { ids: on.indices(ids.flat()), weights: on.matrix(weights), numExperts, numUsed: ids[0].length };
}

const idsFor = (n: number): number[][] => [[2, 0], [1, 2], [2, 1], [0, 1], [2, 0], [1, 0], [0, 2]].slice(0, n);

interface ExpertSettings {
  readonly type: GgmlType;
  readonly n: number;
  readonly rows: number;
  readonly perExpert: boolean;
  readonly bias: boolean;
}

const EXPERT_TYPES = ['F32', 'F16', 'Q4_0', 'Q8_0', 'Q4_K', 'MXFP4'] as const;

const EXPERTS: readonly ExpertSettings[] = EXPERT_TYPES.flatMap((type) => [1, 3, 7].flatMap((n) => [
  { type, n, rows: 12, perExpert: false, bias: false },
  { type, n, rows: 8, perExpert: true, bias: true },
]).concat({ type, n: 2, rows: 7, perExpert: false, bias: true }));

function expertCase(settings: ExpertSettings): ContractCase {
  const { type, n, rows, perExpert, bias } = settings;
  const cols = type === 'Q4_K' ? 256 : type.startsWith('F') ? 21 : 64;
  return {
    name: `expertMatmul ${JSON.stringify(settings)}`,
    prepare(on) {
      const ids = idsFor(n);
      const x = normalRows(perExpert ? 2 * n : n, cols, 74);
      const input = on.matrix(x);
      const selection = place(on, ids, normalRows(n, 2, 75), 3);
      const { weight, values } = on.weight(type, normalRows(3 * rows, cols, 76), 3);
      const shifts = normalRows(3, rows, 77);
      const biasVector = bias ? on.vector(shifts.flat()) : undefined;
      const out = on.space(2 * n, rows);
      const worst = Math.max(...values.map(norm2)) * Math.max(...x.map(norm2));
      return {
        run: () => on.backend.expertMatmul(out, weight, input, selection, n, { perExpert, bias: biasVector }),
        matrices: [{
          x: out, absolute: 1e-4, relative: 1e-5,
          quantized: () => (type.startsWith('F') ? undefined : { absolute: (0.04 * worst) / Math.sqrt(cols) }),
          rows: () => ids.flatMap((chosen, r) => chosen.map((expert, j) => Array.from({ length: rows }, (_, c) =>
            dot(values[expert * rows + c], x[perExpert ? 2 * r + j : r]) + (bias ? shifts[expert][c] : 0)))),
        }],
      };
    },
  };
}

const combineCases = [[1, 1, 5], [1, 2, 64], [3, 4, 33], [6, 3, 20]].map(([n, numUsed, cols]): ContractCase => ({
  name: `combineExperts of ${numUsed}, (${n}, ${cols})`,
  prepare(on) {
    const [before, y] = [normalRows(n, cols, 78), normalRows(n * numUsed, cols, 79)];
    const weights = normalRows(n, numUsed, 80);
    const ids = weights.map((row) => row.map((_, j) => j));
    const [out, answers, selection] = [on.matrix(before, 2), on.matrix(y), place(on, ids, weights, numUsed)];
    return {
      run: () => on.backend.combineExperts(out, answers, selection, n),
      matrices: [{
        x: out, absolute: 1e-5,
        rows: () => before.map((row, r) => row.map((value, c) =>
          value + weights[r].reduce((sum, weight, j) => sum + weight * y[r * numUsed + j][c], 0))),
      }],
    };
  },
}));

/** A whole feed-forward of experts: what one thread chooses the others must have seen. */
const layerCases = [1, 4, 6].map((n): ContractCase => ({
  name: `route, expertMatmul and combineExperts in a row, ${n} rows`,
  prepare(on) {
    const [x, router, experts] = [normalRows(n, 16, 81), normalRows(4, 16, 82), normalRows(4 * 16, 16, 83)];
    const input = on.matrix(x);
    const [routerWeight, expertWeight] = [on.weight('F32', router), on.weight('F32', experts, 4)];
    const [logits, y] = [on.space(n, 4), on.space(2 * n, 16)];
    const out = on.matrix(x);
    const selection: ExpertSelection = {
      ids: on.indices(new Array<number>(2 * n).fill(0)), weights: on.space(n, 2), numExperts: 4, numUsed: 2,
    };
    const { backend } = on;
    return {
      run: () => {
        backend.matmul(logits, routerWeight.weight, input, n);
        backend.route(selection, logits, n, { gating: 'softmax', normalize: true, scale: 1 });
        backend.expertMatmul(y, expertWeight.weight, input, selection, n);
        backend.combineExperts(out, y, selection, n);
      },
      matrices: [{
        x: out, absolute: 1e-3,
        rows: () => x.map((row) => {
          const { ids, weights } = choose(router.map((w) => dot(w, row)), { ...PLAIN, normalize: true, numUsed: 2 });
          return row.map((value, c) =>
            value + ids.reduce((sum, e, j) => sum + weights[j] * dot(experts[e * 16 + c], row), 0));
        }),
      }],
    };
  },
}));

export const EXPERT_CASES: readonly ContractCase[] = [
  ...ROUTES.map(routeCase), ...EXPERTS.map(expertCase), ...combineCases, ...layerCases,
];

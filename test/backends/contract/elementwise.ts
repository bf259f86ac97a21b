// Contract of the operations that treat each float by itself.
import type { Backend } from '../../../src/backends/backend.ts';
import type { Activation } from '../../../src/backends/tensors.ts';
import { columns } from '../../../src/backends/tensors.ts';
import { normalRows } from '../bench.ts';
import type { Bench, Rows } from '../bench.ts';
import { ACTIVATIONS, mapRows } from '../oracle.ts';
import type { ContractCase, Tolerance } from '../run-case.ts';

/** One row, few rows, many rows, none; columns that are no multiple of 4, 16 or 32; views of wider matrices. */
const SHAPES = [
  { n: 1, cols: 1, margin: 0 }, { n: 1, cols: 64, margin: 0 }, { n: 3, cols: 37, margin: 0 },
  { n: 4, cols: 18, margin: 2 },
  { n: 5, cols: 33, margin: 0 }, { n: 9, cols: 48, margin: 3 }, { n: 0, cols: 8, margin: 0 },
] as const;

interface Elementwise extends Tolerance {
  readonly name: string;
  readonly numOperands: 1 | 2;
  readonly inPlaceOnly?: boolean;
  readonly call: (backend: Backend, out: Activation, operands: readonly Activation[], n: number) => void;
  readonly value: (a: number, b: number) => number;
}

const LIMIT = 7;

const OPERATIONS: readonly Elementwise[] = [
  ...(Object.keys(ACTIVATIONS) as (keyof typeof ACTIVATIONS)[]).flatMap((kind): Elementwise[] => [
    {
      name: `activate ${kind}`, numOperands: 1, value: ACTIVATIONS[kind],
      call: (backend, out, [x], n) => backend.activate(out, x, kind, n),
    },
    {
      name: `gate ${kind}`, numOperands: 2, value: (a, b) => ACTIVATIONS[kind](a) * b,
      call: (backend, out, [gate, up], n) => backend.gate(out, gate, up, kind, n),
    },
  ]),
  {
    name: 'gateClamped', numOperands: 2,
    value: (a, b) => {
      const held = a > LIMIT ? LIMIT : a;
      return (held / (1 + Math.exp(-1.702 * held))) * (clamped(b, LIMIT) + 1);
    },
    call: (backend, out, [gate, up], n) => backend.gateClamped(out, gate, up, 1.702, LIMIT, n),
  },
  { name: 'add', numOperands: 2, value: (a, b) => a + b, call: (backend, out, [a, b], n) => backend.add(out, a, b, n) },
  {
    name: 'add scaled', numOperands: 2, value: (a, b) => a + b * -0.375,
    call: (backend, out, [a, b], n) => backend.add(out, a, b, n, -0.375),
  },
  {
    name: 'multiply', numOperands: 2, value: (a, b) => a * b,
    call: (backend, out, [a, b], n) => backend.multiply(out, a, b, n),
  },
  {
    name: 'scale', numOperands: 1, value: (a) => a * 1.7,
    call: (backend, out, [x], n) => backend.scale(out, x, 1.7, n),
  },
  {
    name: 'softcap', numOperands: 1, inPlaceOnly: true, value: (a) => 5 * Math.tanh(a / 5),
    call: (backend, out, _, n) => backend.softcap(out, 5, n),
  },
  {
    name: 'clamp', numOperands: 1, inPlaceOnly: true, value: (a) => clamped(a, 1.5),
    call: (backend, out, _, n) => backend.clamp(out, 1.5, n),
  },
];

function clamped(x: number, limit: number): number {
  return x > limit ? limit : x < -limit ? -limit : x;
}

type Target = (on: Bench, operands: readonly Activation[], n: number) => Activation;

const TARGETS: Readonly<Record<string, Target>> = {
  'to another matrix': (on, [{ cols }], n) => on.space(n, cols),
  'to its first operand': (_, [first]) => first,
  'to its last operand': (_, operands) => operands.at(-1)!,
};

/** Where an operation may put its results. */
function targetsOf({ numOperands, inPlaceOnly }: Elementwise): readonly string[] {
  const [other, first, last] = Object.keys(TARGETS);
  if (inPlaceOnly) return [first];
  return numOperands > 1 ? [other, first, last] : [other, first];
}

function elementwiseCase(operation: Elementwise, where: string): ContractCase {
  const { numOperands, call, value } = operation;
  return {
    name: `${operation.name} ${where}`,
    prepare(on) {
      const uses = SHAPES.map(({ n, cols, margin }) => {
        const values = [normalRows(n, cols, 11, 4), normalRows(n, cols, 12, 4)].slice(0, numOperands);
        const operands = values.map((rows, i) => placed(on, rows, cols, margin && margin + i));
        return { n, values, operands, out: TARGETS[where](on, operands, n) };
      });
      return {
        run: () => uses.forEach(({ out, operands, n }) => call(on.backend, out, operands, n)),
        matrices: uses.map(({ out, values: [left, right = left] }) => ({
          x: out, relative: 4e-6, absolute: 2e-6, rows: () => mapRows(left, (a, r, c) => value(a, right[r][c])),
        })),
      };
    },
  };
}

/** An empty matrix needs its columns said. */
function placed(on: Bench, rows: Rows, cols: number, margin: number): Activation {
  return rows.length > 0 ? on.matrix(rows, margin) : on.space(0, cols, margin);
}

/** [input, result] by operation: what must come of infinities and of what is too small or too large for exp. */
const inf = Infinity;
const EXTREMES: Readonly<Record<string, readonly (readonly [number, number])[]>> = {
  'activate silu': [[inf, inf], [-100, 0], [100, 100], [1e-40, 0]],
  'activate gelu': [[inf, inf], [-100, 0], [100, 100], [3e38, 3e38]],
  'activate gelu_erf': [[inf, inf], [-100, 0], [100, 100], [-7, 0]],
  'activate gelu_quick': [[inf, inf], [-100, 0], [100, 100]],
  'activate relu': [[inf, inf], [-inf, 0], [-3e38, 0]],
  'activate relu2': [[inf, inf], [-inf, 0], [1e30, inf]],
  'activate sigmoid': [[inf, 1], [-inf, 0], [-100, 0], [100, 1]],
  'activate tanh': [[inf, 1], [-inf, -1], [-100, -1], [1e-20, 0]],
  scale: [[inf, inf], [-inf, -inf], [3e38, inf]],
  softcap: [[inf, 5], [-inf, -5], [3e38, 5]],
  clamp: [[inf, 1.5], [-inf, -1.5], [3e38, 1.5]],
};

/** Every place of a vector register and of the rest behind it holds a NaN in one row, with numbers around it. */
function nanCase(operation: Elementwise, operand: number): ContractCase {
  const cols = 11;
  return {
    name: `${operation.name} hands a NaN of operand ${operand} on, and to its own place only`,
    prepare(on) {
      const values = [normalRows(cols, cols, 13), normalRows(cols, cols, 14)].slice(0, operation.numOperands);
      values[operand].forEach((row, r) => (row[r] = NaN));
      const operands = values.map((rows) => on.matrix(rows));
      return {
        run: () => operation.call(on.backend, operands[0], operands, cols),
        matrices: [{
          x: operands[0], relative: 4e-6, absolute: 2e-6,
          rows: () => mapRows(values[0], (a, r, c) => operation.value(a, values.at(-1)![r][c])),
        }],
      };
    },
  };
}

const extremeCases = OPERATIONS.filter(({ name }) => name in EXTREMES).map((operation): ContractCase => ({
  name: `${operation.name} of infinities and extremes`,
  prepare(on) {
    const pairs = EXTREMES[operation.name];
    const x = on.matrix([pairs.map(([input]) => input), pairs.map(([input]) => input)]);
    const expected = pairs.map(([, result]) => result);
    return {
      run: () => operation.call(on.backend, x, [x], 2),
      matrices: [{ x, relative: 1e-6, absolute: 1e-6, rows: () => [expected, expected] }],
    };
  },
}));

const otherCases: readonly ContractCase[] = [
  ...SHAPES.map(({ n, cols, margin }): ContractCase => ({
    name: `addVector, (${n}, ${cols})`,
    prepare(on) {
      const [values, [added]] = [normalRows(n, cols, 15), normalRows(1, cols, 16)];
      const [x, vector] = [placed(on, values, cols, margin), on.vector(added)];
      return {
        run: () => on.backend.addVector(x, vector, n),
        matrices: [{ x, relative: 1e-6, rows: () => mapRows(values, (value, _, c) => value + added[c]) }],
      };
    },
  })),
  ...SHAPES.filter(({ cols }) => cols > 1).map(({ n, cols, margin }): ContractCase => ({
    name: `multiply by one factor per row, (${n}, ${cols})`,
    prepare(on) {
      const [values, factors] = [normalRows(n, cols, 17), normalRows(n, 6, 18)];
      const x = placed(on, values, cols, margin);
      const factor = columns(placed(on, factors, 6, 0), 2, 1);
      const out = on.space(n, cols);
      return {
        run: () => on.backend.multiply(out, x, factor, n),
        matrices: [{ x: out, relative: 1e-6, rows: () => mapRows(values, (value, r) => value * factors[r][2]) }],
      };
    },
  })),
  ...SHAPES.map(({ n, cols, margin }): ContractCase => ({
    name: `gather, (${n}, ${cols})`,
    prepare(on) {
      const values = normalRows(10, cols, 19);
      const ids = [9, 0, 3, 3, 7, 1, 9, 2, 8].slice(0, n);
      const [x, indices, out] = [on.matrix(values, margin), on.indices(ids), on.space(n, cols, margin)];
      return {
        run: () => on.backend.gather(out, x, indices, n),
        matrices: [{ x: out, rows: () => ids.map((id) => values[id]) }],
      };
    },
  })),
];

export const ELEMENTWISE_CASES: readonly ContractCase[] = [
  ...OPERATIONS.flatMap((operation) => targetsOf(operation).map((where) => elementwiseCase(operation, where))),
  ...OPERATIONS.flatMap((operation) => Array.from({ length: operation.numOperands }, (_, i) => nanCase(operation, i))),
  ...extremeCases,
  ...otherCases,
];

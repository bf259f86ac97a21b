// Contract of norms over rows and parts of rows, and of rotary positions.
import { columns } from '../../../src/backends/tensors.ts';
import { normalRows } from '../bench.ts';
import { mapRows, normalize, product } from '../oracle.ts';
import type { ContractCase } from '../run-case.ts';

interface NormSettings {
  readonly n: number;
  readonly cols: number;
  readonly groups?: number;
  readonly margin?: number;
  /** Length of the weights: none, those of a part, or those of a row. */
  readonly weights?: 'none' | 'part' | 'row';
  readonly inPlace?: boolean;
  readonly offset?: number;
}

const NORMS: readonly NormSettings[] = [
  { n: 1, cols: 64 }, { n: 1, cols: 7 }, { n: 4, cols: 33 }, { n: 5, cols: 33 }, { n: 9, cols: 48 }, { n: 0, cols: 8 },
  { n: 2, cols: 40, inPlace: true }, { n: 7, cols: 21, inPlace: true }, { n: 3, cols: 20, margin: 3 },
  { n: 6, cols: 20, margin: 3, inPlace: true }, { n: 2, cols: 24, weights: 'none' },
  { n: 5, cols: 24, weights: 'none' },
  { n: 1, cols: 48, groups: 3, weights: 'part' }, { n: 3, cols: 60, groups: 4, weights: 'row' },
  { n: 4, cols: 66, groups: 2, weights: 'part', inPlace: true },
  { n: 6, cols: 35, groups: 5, weights: 'row', inPlace: true },
  { n: 8, cols: 64, groups: 8, weights: 'part', margin: 2 },
  { n: 5, cols: 16, offset: 1000 }, { n: 2, cols: 16, offset: -300 },
];

function normCase(centred: boolean, withBias: boolean, settings: NormSettings): ContractCase {
  const { n, cols, groups = 1, margin = 0, weights = 'row', inPlace = false, offset = 0 } = settings;
  const title = centred ? `layerNorm${withBias ? ' with bias' : ''}` : 'rmsNorm';
  return {
    name: `${title} ${JSON.stringify(settings)}`,
    prepare(on) {
      const epsilon = 1e-3;
      const length = weights === 'part' ? cols / groups : cols;
      const values = mapRows(normalRows(n, cols, 21), (value) => Math.fround(value + offset));
      const [weight] = weights === 'none' ? [undefined] : normalRows(1, length, 22);
      const [bias] = withBias ? normalRows(1, length, 23) : [undefined];
      const x = n > 0 ? on.matrix(values, margin) : on.space(0, cols);
      const out = inPlace ? x : on.space(n, cols, margin);
      const [weightVector, biasVector] = [weight && on.vector(weight), bias && on.vector(bias)];
      return {
        run: () => {
          if (centred) on.backend.layerNorm(out, x, weightVector, biasVector, epsilon, n, groups);
          else on.backend.rmsNorm(out, x, weightVector, epsilon, n, groups);
        },
        matrices: [{
          x: out, relative: 1e-5, absolute: 4e-6 * (1 + Math.abs(offset)),
          rows: () => normalize(values, { weight, bias, epsilon, groups, centred }),
        }],
      };
    },
  };
}

/** One bad float spoils its own part of its own row. */
function normNanCase(centred: boolean, n: number): ContractCase {
  return {
    name: `${centred ? 'layerNorm' : 'rmsNorm'} of a NaN among ${n} rows`,
    prepare(on) {
      const values = normalRows(n, 24, 24);
      values[n - 1][13] = NaN;
      const [x, out] = [on.matrix(values), on.space(n, 24)];
      return {
        run: () => {
          if (centred) on.backend.layerNorm(out, x, undefined, undefined, 1e-5, n, 3);
          else on.backend.rmsNorm(out, x, undefined, 1e-5, n, 3);
        },
        matrices: [{
          x: out, relative: 1e-5, absolute: 1e-5, rows: () => normalize(values, { epsilon: 1e-5, groups: 3, centred }),
        }],
      };
    },
  };
}

const FREQUENCIES = [1, 0.5623413, 0.31622776, 0.1, 0.017782794, 0.0031622776].map(Math.fround);
const FACTORS = [1, 1.0625, 1.5, 4, 32, 64];
const angleRows = (positions: readonly number[], scale: number, factors?: readonly number[]): number[][] =>
  positions.map((position) => FREQUENCIES.flatMap((frequency, i) => {
    const angle = position * (frequency / (factors ? factors[i] : 1));
    return [Math.cos(angle) * scale, Math.sin(angle) * scale];
  }));

const ANGLE_POSITIONS = [[0], [5], [3, 1, 4], [0, 1, 2, 100, 4095, 131071, 7, 8, 9]];

const angleCases = ANGLE_POSITIONS.flatMap((positions) => [undefined, FACTORS].map((factors): ContractCase => ({
  name: `ropeAngles of ${positions.join(', ')}${factors ? ' with factors' : ''}`,
  prepare(on) {
    const out = on.space(positions.length, 2 * FREQUENCIES.length);
    const [places, rates, divisors] = [on.indices(positions), on.vector(FREQUENCIES), factors && on.vector(factors)];
    return {
      run: () => on.backend.ropeAngles(out, places, rates, 1.19, positions.length, divisors),
      matrices: [{ x: out, absolute: 1e-6, rows: () => angleRows(positions, Math.fround(1.19), factors) }],
    };
  },
})));

interface RopeSettings {
  readonly style: 'norm' | 'neox';
  readonly numHeads: number;
  readonly headStride: number;
  readonly offset: number;
  readonly positions: readonly number[];
  /** Columns of the row that x is a view of, before and after. */
  readonly margin?: number;
  /** x is what a norm has just written, which few rows hold per thread. */
  readonly afterNorm?: boolean;
}

const POSITIONS = [[4], [0, 1, 2], [0, 1, 2, 3, 4, 5, 6]];

const ROPES: readonly RopeSettings[] = (['norm', 'neox'] as const).flatMap((style) => POSITIONS.flatMap((positions) => [
  { style, positions, numHeads: 1, headStride: 12, offset: 0 },
  { style, positions, numHeads: 4, headStride: 12, offset: 0 },
  { style, positions, numHeads: 5, headStride: 17, offset: 0 },
  { style, positions, numHeads: 3, headStride: 20, offset: 8, margin: 5 },
  { style, positions, numHeads: 3, headStride: 20, offset: 4, afterNorm: true },
]));

function ropeCase(settings: RopeSettings): ContractCase {
  const { style, numHeads, headStride, offset, positions, margin = 0, afterNorm = false } = settings;
  const dims = 2 * FREQUENCIES.length;
  return {
    name: `rope ${JSON.stringify(settings)}`,
    prepare(on) {
      const n = positions.length;
      const cols = numHeads * headStride;
      const values = normalRows(n, cols, 25);
      const source = on.matrix(values, margin);
      const x = afterNorm ? on.space(n, cols) : source;
      const angles = on.space(n, dims);
      const [places, rates] = [on.indices(positions), on.vector(FREQUENCIES)];
      return {
        run: () => {
          if (afterNorm) on.backend.rmsNorm(x, source, undefined, 1e-5, n);
          on.backend.ropeAngles(angles, places, rates, 1, n);
          on.backend.rope(x, angles, n, { numHeads, headStride, offset, dims, style });
        },
        matrices: [{
          x, absolute: 1e-5,
          rows: () => {
            const before = afterNorm ? normalize(values, { epsilon: 1e-5, groups: 1, centred: false }) : values;
            const turns = angleRows(positions, 1);
            return before.map((row, r) => {
              const turned = [...row];
              for (let head = 0; head < numHeads; head++) {
                for (let i = 0; i < dims / 2; i++) {
                  const first = head * headStride + offset;
                  const a = style === 'norm' ? first + 2 * i : first + i;
                  const b = style === 'norm' ? a + 1 : a + dims / 2;
                  const [cosine, sine] = [turns[r][2 * i], turns[r][2 * i + 1]];
                  turned[a] = row[a] * cosine - row[b] * sine;
                  turned[b] = row[a] * sine + row[b] * cosine;
                }
              }
              return turned;
            });
          },
        }],
      };
    },
  };
}

/** Queries and keys in one matrix, normalized and rotated each in its columns: what fused projections do. */
const fusedCase = (n: number): ContractCase => ({
  name: `norm and rope of neighbouring columns of one matrix, ${n} rows`,
  prepare(on) {
    const values = normalRows(n, 48, 26);
    const x = on.matrix(values);
    const [left, right] = [columns(x, 0, 24), columns(x, 24, 24)];
    return {
      run: () => {
        on.backend.rmsNorm(left, left, undefined, 1e-5, n, 2);
        on.backend.rmsNorm(right, right, undefined, 1e-5, n, 3);
        on.backend.add(left, left, right, n);
      },
      matrices: [{
        x, absolute: 1e-5,
        rows: () => {
          const options = { epsilon: 1e-5, centred: false };
          const lefts = normalize(values.map((row) => row.slice(0, 24)), { ...options, groups: 2 });
          const rights = normalize(values.map((row) => row.slice(24)), { ...options, groups: 3 });
          return lefts.map((row, r) => [...row.map((value, c) => value + rights[r][c]), ...rights[r]]);
        },
      }],
    };
  },
});

/** A norm of few rows is each thread's own; what is then added to it, or put in its place, all must see. */
const afterNormCases = [1, 3, 4, 5].map((n): ContractCase => ({
  name: `a norm that is added to and overwritten in part, ${n} rows`,
  prepare(on) {
    const [values, others, features] = [normalRows(n, 20, 27), normalRows(n, 20, 28), normalRows(20, 20, 29)];
    const [x, y, sum, part] = [on.matrix(values), on.matrix(others), on.space(n, 20), on.space(n, 20)];
    const { weight } = on.weight('F32', features);
    const { backend } = on;
    const normed = (): number[][] => normalize(values, { epsilon: 1e-5, groups: 1, centred: false });
    return {
      run: () => {
        backend.rmsNorm(sum, x, undefined, 1e-5, n);
        backend.matmul(sum, weight, y, n, { accumulate: true });
        backend.rmsNorm(part, x, undefined, 1e-5, n);
        backend.scale(columns(part, 8, 8), columns(y, 3, 8), 2, n);
      },
      matrices: [
        {
          x: sum, absolute: 1e-4,
          rows: () => mapRows(product(others, features), (value, r, c) => value + normed()[r][c]),
        },
        {
          x: part, absolute: 1e-5,
          rows: () => mapRows(normed(), (value, r, c) => (c >= 8 && c < 16 ? 2 * others[r][c - 5] : value)),
        },
      ],
    };
  },
}));

export const NORM_ROPE_CASES: readonly ContractCase[] = [
  ...NORMS.map((settings) => normCase(false, false, settings)),
  ...NORMS.map((settings) => normCase(true, true, settings)),
  ...NORMS.slice(0, 5).map((settings) => normCase(true, false, settings)),
  ...[1, 4, 6].flatMap((n) => [normNanCase(false, n), normNanCase(true, n)]),
  ...angleCases,
  ...ROPES.map(ropeCase),
  ...[2, 6].map(fusedCase),
  ...afterNormCases,
];

// Contract of products with weights and of row lookups, over float, half and block formats.
import type { GgmlType } from '../../../src/gguf/ggml-types.ts';
import { columns, sliceDepth } from '../../../src/backends/tensors.ts';
import { normalRows } from '../bench.ts';
import type { Bench, Rows } from '../bench.ts';
import { norm2, product } from '../oracle.ts';
import type { ContractCase, Tolerance } from '../run-case.ts';

/** Formats of each kind: plain, halves, blocks of 32 with 8-bit and with 16-bit activations, super blocks, lookups. */
const TYPES: readonly GgmlType[] = ['F32', 'F16', 'BF16', 'Q4_0', 'Q8_0', 'Q4_K', 'Q6_K', 'IQ4_NL', 'TQ2_0'];
const BLOCKS: Partial<Record<GgmlType, number>> = { Q4_0: 32, Q8_0: 32, IQ4_NL: 32, Q4_K: 256, Q6_K: 256, TQ2_0: 256 };

/** Columns: whole blocks; without blocks any number. */
const columnsFor = (type: GgmlType): number => BLOCKS[type] ? (BLOCKS[type] === 32 ? 96 : 512) : 37;

/**
 * Rounding activations to 8 bits costs about 0.8 % of |w| · |x| / √cols on average (measured in the kernel tests); five
 * times that for the worst of some hundred results.
 */
const roundingAllowance = (w: Rows, x: Rows): Tolerance => {
  const largest = (rows: Rows): number => Math.max(0, ...rows.map(norm2));
  return { absolute: (0.04 * largest(w) * largest(x)) / Math.sqrt(w[0].length) };
};

const placedRows = (on: Bench, rows: Rows, cols: number, margin: number) =>
  rows.length > 0 ? on.matrix(rows, margin) : on.space(0, cols, margin);

interface MatmulSettings {
  readonly type: GgmlType;
  readonly n: number;
  readonly rows: number;
  readonly margin?: number;
  readonly bias?: boolean;
  readonly scale?: number;
  readonly accumulate?: boolean;
}

const SIZES = [
  { n: 1, rows: 1 }, { n: 1, rows: 8 }, { n: 2, rows: 36 }, { n: 4, rows: 7 }, { n: 5, rows: 12 },
  { n: 7, rows: 33 }, { n: 13, rows: 20 },
];

const MATMULS: readonly MatmulSettings[] = TYPES.flatMap((type) => [
  ...SIZES.map((size) => ({ type, ...size })),
  { type, n: 3, rows: 12, margin: 5 },
  { type, n: 6, rows: 12, margin: 3, bias: true },
  { type, n: 5, rows: 8, bias: true, scale: 0.375, accumulate: true },
  { type, n: 1, rows: 8, accumulate: true },
  { type, n: 0, rows: 8 },
]);

function matmulCase(settings: MatmulSettings): ContractCase {
  const { type, n, rows, margin = 0, bias = false, scale = 1, accumulate = false } = settings;
  const cols = columnsFor(type);
  return {
    name: `matmul ${JSON.stringify(settings)}`,
    prepare(on) {
      const [x, before, [shift]] = [normalRows(n, cols, 32), normalRows(n, rows, 33), normalRows(1, rows, 34)];
      const { weight, values } = on.weight(type, normalRows(rows, cols, 31));
      const input = placedRows(on, x, cols, margin);
      const out = accumulate ? on.matrix(before, margin) : on.space(n, rows, margin);
      const biasVector = bias ? on.vector(shift) : undefined;
      return {
        run: () => on.backend.matmul(out, weight, input, n, { bias: biasVector, scale, accumulate }),
        matrices: [{
          x: out, absolute: 3e-5 * Math.sqrt(cols), relative: 1e-5,
          quantized: () => (['F32', 'F16', 'BF16', 'TQ2_0'].includes(type) ? undefined : roundingAllowance(values, x)),
          rows: () => product(x, values).map((row, r) => row.map((value, c) =>
            (value + (bias ? shift[c] : 0)) * scale + (accumulate ? before[r][c] : 0))),
        }],
      };
    },
  };
}

/** Slices of one weight: rows of a fused projection, and one matrix of a stack. */
const sliceCases = (['F32', 'Q8_0', 'Q4_K'] as const).flatMap((type) => [2, 6].map((n): ContractCase => ({
  name: `matmul of slices of ${type}, ${n} rows`,
  prepare(on) {
    const cols = columnsFor(type);
    const x = normalRows(n, cols, 35);
    const input = on.matrix(x);
    const { weight, values } = on.weight(type, normalRows(48, cols, 36), 2);
    const matrix = sliceDepth(weight, 1);
    const slice = { ...matrix, ptr: matrix.ptr + 8 * matrix.rowBytes, rows: 12 };
    const [out, alone] = [on.space(n, 24), on.space(n, 12)];
    const part = columns(out, 12, 12);
    const chosen = values.slice(24 + 8, 24 + 20);
    const quantized = (): Tolerance | undefined => (type === 'F32' ? undefined : roundingAllowance(values, x));
    return {
      run: () => {
        on.backend.matmul(alone, slice, input, n);
        on.backend.matmul(part, slice, input, n);
      },
      matrices: [alone, part].map((x_) => ({ x: x_, absolute: 1e-3, rows: () => product(x, chosen), quantized })),
    };
  },
})));

/** A NaN or an infinity in one row of x reaches all of that row's results and no others. */
const badInputCases = TYPES.flatMap((type) => [1, 3, 6].map((n): ContractCase => ({
  name: `matmul of a NaN with ${type}, ${n} rows`,
  prepare(on) {
    const cols = columnsFor(type);
    const { weight, values } = on.weight(type, normalRows(8, cols, 37));
    const x = normalRows(n, cols, 38);
    x[n - 1][cols - 2] = NaN;
    const [input, out] = [on.matrix(x), on.space(n, 8)];
    const finite = x.slice(0, n - 1);
    return {
      run: () => on.backend.matmul(out, weight, input, n),
      matrices: [{
        x: out, absolute: 1e-3, rows: () => product(x, values),
        quantized: () => (finite.length === 0 ? undefined : roundingAllowance(values, finite)),
      }],
    };
  },
})));

/** Weights of heads lie in another way; what reads their products by columns must wait for them. */
const headCases = (['F32', 'Q8_0', 'Q4_K'] as const).flatMap((type) => [1, 2, 5, 13].map((n): ContractCase => ({
  name: `products with a head of ${type}, ${n} rows`,
  prepare(on) {
    const cols = columnsFor(type);
    const x = normalRows(n, cols, 42);
    const input = on.matrix(x);
    const { weight, values } = on.weight(type, normalRows(256, cols, 43), 1, true);
    const [out, doubled, likeliest, row] = [on.space(n, 256), on.space(n, 256), on.space(1, 256), on.space(2, cols)];
    const ids = on.indices([200, 3]);
    const quantized = (): Tolerance | undefined => (type === 'F32' ? undefined : roundingAllowance(values, x));
    const products = (): Rows => product(x, values);
    return {
      run: () => {
        on.backend.matmul(out, weight, input, n);
        on.backend.scale(doubled, out, 2, n);
        on.backend.likeliest(likeliest, weight, input, 8);
        on.backend.getRows(row, weight, ids, 2);
      },
      matrices: [
        { x: out, absolute: 1e-3, rows: products, quantized },
        {
          x: doubled, absolute: 2e-3, rows: () => products().map((values_) => values_.map((value) => 2 * value)),
          quantized: () => quantized() && { absolute: 2 * quantized()!.absolute! },
        },
        // Nothing is known of earlier rows yet, and so nothing is left out.
        { x: likeliest, absolute: 1e-3, rows: () => products().slice(0, 1), quantized },
        { x: row, relative: 1e-6, rows: () => [values[200], values[3]] },
      ],
    };
  },
})));

/** The packed form of x is kept between products; a change of x must reach the next one. */
const repackingCases = (['F32', 'Q4_0', 'Q4_K'] as const).flatMap((type) => [1, 3, 4, 5, 9].map((n): ContractCase => ({
  name: `products before and after x changes, ${type}, ${n} rows`,
  prepare(on) {
    const cols = columnsFor(type);
    const x = normalRows(n, cols, 39);
    const input = on.matrix(x);
    const other = on.matrix(normalRows(n, cols, 40));
    const { weight, values } = on.weight(type, normalRows(12, cols, 41));
    const outs = [0, 1, 2, 3].map(() => on.space(n, 12));
    const doubled = x.map((row) => row.map((value) => 2 * value));
    const normed = x.map((row) => row.map((value) => value / Math.sqrt(norm2(row) ** 2 / cols + 1e-5)));
    const inputs = [x, x, doubled, normed];
    return {
      run: () => {
        on.backend.matmul(outs[0], weight, input, n);
        on.backend.matmul(outs[1], weight, input, n);
        on.backend.scale(input, input, 2, n);
        on.backend.matmul(outs[2], weight, input, n);
        on.backend.scale(other, input, 0.5, n);
        on.backend.rmsNorm(input, other, undefined, 1e-5, n);
        on.backend.matmul(outs[3], weight, input, n);
      },
      matrices: outs.map((out, i) => ({
        x: out, absolute: 1e-3, rows: () => product(inputs[i], values),
        quantized: () => (type === 'F32' ? undefined : roundingAllowance(values, inputs[i])),
      })),
    };
  },
})));

const TABLES = TYPES.flatMap((type) => [1, 7, 8].flatMap((rows) => (
  [undefined, 0.5].map((scale) => ({ type, rows, scale })))));

const getRowsCases = TABLES.map(({ type, rows, scale }): ContractCase => ({
  name: `getRows of ${rows} rows of ${type}${scale ? ' scaled' : ''}`,
  prepare(on) {
    const cols = columnsFor(type);
    const { weight, values } = on.weight(type, normalRows(rows, cols, 42));
    const ids = [rows - 1, 0, Math.floor(rows / 2), 0, rows - 1, Math.floor(rows / 3)];
    const [indices, out] = [on.indices(ids), on.space(ids.length, cols, 3)];
    return {
      run: () => on.backend.getRows(out, weight, indices, ids.length, scale),
      matrices: [{
        x: out, relative: 1e-7, rows: () => ids.map((id) => values[id].map((value) => value * (scale ?? 1))),
      }],
    };
  },
}));

export const MATMUL_CASES: readonly ContractCase[] = [
  ...MATMULS.map(matmulCase), ...sliceCases, ...badInputCases, ...repackingCases, ...headCases, ...getRowsCases,
];

// Contract of stored keys and values and of attention over them, in all its variants.
import type { Batch, KvType } from '../../../src/backends/tensors.ts';
import { isIntegerKv } from '../../../src/backends/tensors.ts';
import { halfToFloat, floatToHalf } from '../../../src/quant/half.ts';
import { normalRows, rowsOf } from '../bench.ts';
import type { BenchRow, Rows } from '../bench.ts';
import { attend, mapRows } from '../oracle.ts';
import type { AttentionOracle } from '../oracle.ts';
import type { ContractCase } from '../run-case.ts';

interface AttentionSettings {
  readonly name: string;
  /** Passes one after the other; each stores its rows and attends. */
  readonly passes: readonly (readonly BenchRow[])[];
  readonly heads?: readonly [numHeads: number, numKvHeads: number];
  readonly dims?: readonly [keyDim: number, valueDim: number];
  readonly kvType?: KvType;
  readonly causal?: boolean;
  readonly window?: number;
  readonly softcap?: number;
  readonly alibi?: boolean;
  readonly sinks?: boolean;
  readonly relativeBuckets?: number;
  readonly queryScale?: boolean;
  readonly margin?: number;
}

/** Blocks of three sequences, dealt in disorder. */
const BLOCKS: Rows = [[7, 2, 11, 0], [5, 9, 1, 3], [4, 10, 6, 8]];

const prompt = (length: number): readonly (readonly BenchRow[])[] => [rowsOf(0, 0, length)];
const LONG = prompt(70);
const MIXED: readonly (readonly BenchRow[])[] = [
  [...rowsOf(0, 0, 40), ...rowsOf(2, 0, 3)],
  [...rowsOf(2, 3, 1), ...rowsOf(1, 0, 34), ...rowsOf(0, 40, 5)],
  [...rowsOf(0, 45, 1), ...rowsOf(1, 34, 1), ...rowsOf(2, 4, 1)],
];

const SETTINGS: readonly AttentionSettings[] = [
  { name: 'one row', passes: prompt(1) },
  { name: 'five rows', passes: prompt(5) },
  { name: 'prefill across blocks', passes: LONG },
  { name: 'row by row across a block', passes: Array.from({ length: 35 }, (_, i) => rowsOf(0, i, 1)) },
  { name: 'sequences mixed', passes: MIXED },
  { name: 'sequences mixed, half precision', passes: MIXED, kvType: 'f16' },
  ...([[1, 1], [4, 4], [4, 1], [6, 2], [15, 3], [8, 2]] as const).map((heads) => (
    { name: `${heads[0]} heads on ${heads[1]}`, passes: MIXED, heads })),
  ...([[4, 4], [5, 5], [18, 10], [64, 64], [3, 33], [24, 16], [132, 68]] as const).flatMap((dims) =>
    (['f32', 'f16'] as const).map((kvType) => (
      { name: `keys of ${dims[0]} and values of ${dims[1]}, ${kvType}`, passes: prompt(37), dims, kvType }))),
  ...[1, 2, 5, 31, 32, 33, 64, 1000].map((window) => ({ name: `window ${window}`, passes: LONG, window })),
  { name: 'window, sequences mixed, half precision', passes: MIXED, window: 7, kvType: 'f16' },
  { name: 'all of the sequence', passes: [[...rowsOf(0, 0, 37), ...rowsOf(1, 0, 2)]], causal: false },
  ...[2, 6, 7, 64].map((window) => ({ name: `both ways within ${window}`, passes: prompt(41), causal: false, window })),
  { name: 'softcap', passes: MIXED, softcap: 3 },
  { name: 'softcap that hardly binds', passes: prompt(9), softcap: 50 },
  { name: 'ALiBi', passes: MIXED, alibi: true },
  { name: 'ALiBi both ways', passes: prompt(40), alibi: true, causal: false },
  { name: 'sinks', passes: MIXED, sinks: true },
  { name: 'sinks with a window', passes: LONG, sinks: true, window: 4, heads: [6, 2] },
  { name: 'softcap and window', passes: LONG, softcap: 2, window: 9, heads: [6, 3], kvType: 'f16' },
  { name: 'relative bias', passes: prompt(100), causal: false, relativeBuckets: 32 },
  { name: 'relative bias of few buckets', passes: prompt(20), causal: false, relativeBuckets: 8 },
  { name: 'query scale by row', passes: MIXED, queryScale: true },
  { name: 'query scale of few rows', passes: [rowsOf(0, 0, 3), rowsOf(0, 3, 1)], queryScale: true },
  { name: 'views', passes: MIXED, margin: 3, heads: [4, 2] },
];

/**
 * Integer caches round queries to 12 bits and keys to 13, or keys and values to 7: half a step of a value of at most 5 is then
 * 0.02, and as much comes from the scores, which are below 10. What 4 bits keep is computed here too (`nibbles`), and only
 * the queries' and weights' rounding is left.
 */
const ALLOWANCES: Readonly<Record<KvType, number>> = { f32: 2e-5, f16: 2e-5, i16: 3e-3, q8_0: 0.08, q4_0: 3e-3 };

/** Everything once more over integers, the kinds of dimensions that they cannot hold included. */
const INTEGER_SETTINGS = SETTINGS.filter(({ kvType }) => kvType !== 'f16')
  .flatMap((settings) => (['i16', 'q8_0', 'q4_0'] as const).map((kvType): AttentionSettings => (
    { ...settings, name: `${settings.name}, ${kvType}`, kvType })));

/** Rotated by Hadamard's matrix, whose run is the greatest power of two that divides `dim`. */
function rotate(head: readonly number[]): number[] {
  const run = head.length & -head.length;
  const sign = (i: number, j: number): number => [...(i & j).toString(2)].filter((bit) => bit === '1').length % 2 === 0 ? 1 : -1;
  return head.map((_, i) => {
    const first = i - (i % run);
    return head.slice(first, first + run).reduce((sum, value, j) => sum + sign(i - first, j) * value, 0) / Math.sqrt(run);
  });
}

/** What ggml's Q4_0 makes of each rotated head's `dim` elements, 32 at a time, with a scale of 32 bits. */
function nibbles(row: readonly number[], dim: number): number[] {
  return Array.from({ length: row.length / dim }, (_, h) => rotate(row.slice(h * dim, (h + 1) * dim))).flatMap((head) => (
    rotate(Array.from({ length: Math.ceil(dim / 32) }, (_, g) => head.slice(32 * g, 32 * (g + 1))).flatMap((group) => {
      const scale = group.reduce((most, value) => (Math.abs(value) > Math.abs(most) ? value : most)) / -8;
      return group.map((value) => Math.min(7, Math.round(value / scale)) * scale);
    }))));
}

function attentionCase(settings: AttentionSettings): ContractCase {
  const {
    passes, heads: [numHeads, numKvHeads] = [4, 2], dims: [keyDim, valueDim] = [8, 12], kvType = 'f32', causal = true,
    window, softcap, alibi, sinks, relativeBuckets, queryScale, margin = 0,
  } = settings;
  return {
    name: `attention: ${settings.name}`,
    kvType,
    prepare(on) {
      const scale = Math.fround(1.3 / Math.sqrt(keyDim));
      const keptAsHalf = isIntegerKv(kvType) && (keyDim % 4 !== 0 || valueDim % 4 !== 0);
      const stored = (rows: Rows, dim: number): number[][] => {
        if (kvType === 'f16' || keptAsHalf) return mapRows(rows, (value) => halfToFloat(floatToHalf(value)));
        return rows.map((row) => (kvType === 'q4_0' ? nibbles(row, dim) : [...row]));
      };
      const cache = on.kvLayer({ numHeads, numKvHeads, keyDim, valueDim });
      const [slopes, sinkLogits] = [normalRows(1, numHeads, 51)[0].map(Math.abs), normalRows(1, numHeads, 52)[0]];
      const table = normalRows(relativeBuckets ?? 1, numHeads, 53);
      const vectors = {
        alibiSlopes: alibi ? on.vector(slopes) : undefined,
        sinks: sinks ? on.vector(sinkLogits) : undefined,
        relativeBias: relativeBuckets ? { table: on.vector(table.flat()), numBuckets: relativeBuckets } : undefined,
      };
      const oracle: AttentionOracle = {
        numHeads, numKvHeads, scale, causal, window, softcap,
        slopes: alibi ? slopes : undefined, sinks: sinks ? sinkLogits : undefined,
        bias: relativeBuckets ? (head, distance) => table[bucketOf(distance, relativeBuckets)][head] : undefined,
      };
      const histories = BLOCKS.map(() => ({ keys: [] as number[][], values: [] as number[][] }));
      const steps = passes.map((rows, pass) => {
        const n = rows.length;
        const [q, k, v, factors] = [numHeads * keyDim, numKvHeads * keyDim, numKvHeads * valueDim, 1]
          .map((cols, i) => normalRows(n, cols, 60 + 10 * pass + i));
        const [sk, sv] = [stored(k, keyDim), stored(v, valueDim)];
        rows.forEach(({ sequence }, r) => {
          histories[sequence].keys.push(sk[r]);
          histories[sequence].values.push(sv[r]);
        });
        const past = histories.map(({ keys, values }) => ({ keys: [...keys], values: [...values] }));
        return {
          rows, q, factors, past,
          batch: on.batch(rows, BLOCKS) satisfies Batch,
          qx: on.matrix(q, margin), kx: on.matrix(k, margin), vx: on.matrix(v, margin),
          scales: queryScale ? on.matrix(factors) : undefined,
          out: on.space(n, numHeads * valueDim, margin),
        };
      });
      return {
        run: () => {
          for (const step of steps) {
            on.backend.storeKv(cache, step.kx, step.vx, step.batch);
            on.backend.attention(step.out, step.qx, cache, step.batch, {
              numHeads, scale, causal, window, softcap, queryScale: step.scales, ...vectors,
            });
          }
        },
        matrices: steps.map((step) => ({
          x: step.out, absolute: ALLOWANCES[kvType], relative: 1e-5,
          rows: () => step.rows.map(({ sequence, position }, r) => attend(step.q[r], position, step.past[sequence], {
            ...oracle, scale: scale * (queryScale ? step.factors[r][0] : 1),
          })),
        })),
      };
    },
  };
}

/** T5's buckets as its paper's code has them: half per direction, of these half exact, then logarithmic to 128. */
function bucketOf(distance: number, numBuckets: number): number {
  const half = numBuckets / 2;
  const exact = half / 2;
  const size = Math.abs(distance);
  const logarithmic = exact + Math.floor((Math.log(size / exact) / Math.log(128 / exact)) * (half - exact) + 1e-9);
  return (distance > 0 ? half : 0) + (size < exact ? size : Math.min(half - 1, logarithmic));
}

/** Scores so large that an unshifted exp overflows, and a maximum that keeps rising from block to block. */
const largeScores: ContractCase = {
  name: 'attention: large rising scores',
  prepare(on) {
    const length = 70;
    const keys = Array.from({ length }, (_, p) => [Math.fround(-300 + 9 * p), 1]);
    const [values, q] = [normalRows(length, 2, 54), Array.from({ length }, () => [1, 0.5])];
    const batch = on.batch(rowsOf(0, 0, length), BLOCKS);
    const cache = on.kvLayer({ numHeads: 1, numKvHeads: 1, keyDim: 2, valueDim: 2 });
    const [kx, vx, qx, out] = [on.matrix(keys), on.matrix(values), on.matrix(q), on.space(length, 2)];
    return {
      run: () => {
        on.backend.storeKv(cache, kx, vx, batch);
        on.backend.attention(out, qx, cache, batch, { numHeads: 1, scale: 1, causal: true });
      },
      matrices: [{
        x: out, absolute: 1e-4,
        rows: () => q.map((row, p) => attend(row, p, { keys, values }, {
          numHeads: 1, numKvHeads: 1, scale: 1, causal: true,
        })),
      }],
    };
  },
};

/** A NaN key spoils the rows and heads that see it; a NaN value only its own column of these. */
const nanCases = (['key', 'value', 'query'] as const).map((where): ContractCase => ({
  name: `attention: a NaN ${where}`,
  prepare(on) {
    const [length, bad] = [40, 35];
    const [q, k, v] = [normalRows(length, 8, 55), normalRows(length, 8, 56), normalRows(length, 8, 57)];
    ({ key: k, value: v, query: q })[where][bad][5] = NaN;
    const batch = on.batch(rowsOf(0, 0, length), BLOCKS);
    const cache = on.kvLayer({ numHeads: 2, numKvHeads: 2, keyDim: 4, valueDim: 4 });
    const [kx, vx, qx, out] = [on.matrix(k), on.matrix(v), on.matrix(q), on.space(length, 8)];
    return {
      run: () => {
        on.backend.storeKv(cache, kx, vx, batch);
        on.backend.attention(out, qx, cache, batch, { numHeads: 2, scale: 0.5, causal: true, window: 3 });
      },
      matrices: [{
        x: out, absolute: 1e-5,
        rows: () => q.map((row, p) => attend(row, p, { keys: k, values: v }, {
          numHeads: 2, numKvHeads: 2, scale: 0.5, causal: true, window: 3,
        })),
      }],
    };
  },
}));

export const ATTENTION_CASES: readonly ContractCase[] = [
  ...[...SETTINGS, ...INTEGER_SETTINGS].map(attentionCase), largeScores, ...nanCases,
];

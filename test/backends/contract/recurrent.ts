// Contract of layers with state: short convolutions and selective scans over sequences that come in pieces.
import { normalRows, rowsOf } from '../bench.ts';
import type { BenchRow } from '../bench.ts';
import { dot } from '../oracle.ts';
import type { ContractCase } from '../run-case.ts';

/** Whole, in pieces, row by row, several sequences at once, and a slot that a new sequence takes over. */
const PASSES: Readonly<Record<string, readonly (readonly BenchRow[])[]>> = {
  whole: [rowsOf(0, 0, 9)],
  'in pieces': [rowsOf(1, 0, 2), rowsOf(1, 2, 5), rowsOf(1, 7, 1)],
  'row by row': Array.from({ length: 6 }, (_, i) => rowsOf(0, i, 1)),
  'sequences mixed': [
    [...rowsOf(2, 0, 3), ...rowsOf(0, 0, 1)], [...rowsOf(0, 1, 4), ...rowsOf(1, 0, 2), ...rowsOf(2, 3, 1)],
  ],
  'a slot taken over': [rowsOf(0, 0, 5), rowsOf(0, 0, 3)],
};

interface Stage { readonly input: readonly number[]; readonly pass: number; readonly row: number }

/** For each row of each pass, its sequence's rows up to it since position 0. */
function histories(passes: readonly (readonly BenchRow[])[], inputs: readonly number[][][]): Stage[][][] {
  const open = new Map<number, Stage[]>();
  return passes.map((rows, pass) => rows.map(({ sequence, position }, row) => {
    const before = position === 0 ? [] : open.get(sequence)!;
    const history = [...before, { input: inputs[pass][row], pass, row }];
    open.set(sequence, history);
    return history;
  }));
}

function convCase(title: string, width: number, channels: number, withBias: boolean, margin: number): ContractCase {
  return {
    name: `shortConv of width ${width}, ${channels} channels${withBias ? ', bias' : ''}, ${title}`,
    prepare(on) {
      const passes = PASSES[title];
      const inputs = passes.map((rows, i) => normalRows(rows.length, channels, 90 + i));
      const [taps, [shift]] = [normalRows(channels, width, 88), normalRows(1, channels, 89)];
      const [kernel, bias] = [on.vector(taps.flat()), withBias ? on.vector(shift) : undefined];
      const state = on.recurrentState((width - 1) * channels);
      const steps = passes.map((rows, i) => (
        { batch: on.batch(rows), x: on.matrix(inputs[i], margin), out: on.space(rows.length, channels, margin) }));
      const past = histories(passes, inputs);
      return {
        run: () => steps.forEach(({ out, x, batch }) =>
          on.backend.shortConv!(out, x, kernel, width, bias, state, batch)),
        matrices: steps.map(({ out }, pass) => ({
          x: out, absolute: 1e-5,
          rows: () => past[pass].map((history) => taps.map((tap, c) => tap.reduce(
            (sum, weight, t) => sum + weight * (history[history.length - width + t]?.input[c] ?? 0),
            withBias ? shift[c] : 0,
          ))),
        })),
      };
    },
  };
}

function scanCase(title: string, inner: number, stateSize: number, margin: number): ContractCase {
  return {
    name: `selectiveScan of (${inner}, ${stateSize}), ${title}`,
    prepare(on) {
      const passes = PASSES[title];
      const make = (cols: number, seed: number): number[][][] =>
        passes.map((rows, i) => normalRows(rows.length, cols, seed + i));
      const [x, dt, b, c] = [make(inner, 110), make(inner, 120), make(stateSize, 130), make(stateSize, 140)];
      // Steps at which a naive softplus overflows or vanishes.
      dt[0][0][0] = 90;
      dt[0][0][1] = -90;
      const a = normalRows(inner, stateSize, 101).map((row) => row.map((value) => -Math.abs(value)));
      const [d] = normalRows(1, inner, 102);
      const [decay, skip] = [on.vector(a.flat()), on.vector(d)];
      const state = on.recurrentState(inner * stateSize);
      const steps = passes.map((rows, i) => ({
        batch: on.batch(rows), out: on.space(rows.length, inner, margin),
        operands: [x, dt, b, c].map((values) => on.matrix(values[i], margin)),
      }));
      const past = histories(passes, x);
      const softplus = (value: number): number => (value > 30 ? value : Math.log1p(Math.exp(value)));
      const output = (history: readonly Stage[], i: number): number => {
        const hidden = new Array<number>(stateSize).fill(0);
        for (const { pass, row } of history) {
          const step = softplus(dt[pass][row][i]);
          hidden.forEach((h, s) => {
            hidden[s] = h * Math.exp(step * a[i][s]) + step * b[pass][row][s] * x[pass][row][i];
          });
        }
        const { pass, row } = history.at(-1)!;
        return dot(hidden, c[pass][row]) + d[i] * x[pass][row][i];
      };
      return {
        run: () => steps.forEach(({ out, operands: [xs, dts, bs, cs], batch }) =>
          on.backend.selectiveScan!(out, xs, dts, bs, cs, decay, skip, stateSize, state, batch)),
        matrices: steps.map(({ out }, pass) => ({
          x: out, absolute: 3e-5, relative: 1e-5,
          rows: () => past[pass].map((history) => Array.from({ length: inner }, (_, i) => output(history, i))),
        })),
      };
    },
  };
}

export const RECURRENT_CASES: readonly ContractCase[] = Object.keys(PASSES).flatMap((title) => [
  convCase(title, 4, 8, true, 0), convCase(title, 3, 5, false, 0), convCase(title, 2, 33, false, 2),
  scanCase(title, 8, 4, 0), scanCase(title, 5, 16, 0), scanCase(title, 33, 3, 2),
]);

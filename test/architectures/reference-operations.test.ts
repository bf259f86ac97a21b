// The reference operations against values worked out by hand, where no reference model reaches them.
import { describe, expect, it } from 'vitest';
import type { ActivationKind, RouteOptions } from '../../src/backends/backend.ts';
import type { Activation, Batch, IndexVector, Vector } from '../../src/backends/tensors.ts';
import { columns } from '../../src/backends/tensors.ts';
import { referenceTestBackend } from '../support/reference-backend.ts';

function bench() {
  const { backend, arena, memory } = referenceTestBackend({ kv: { type: 'f32', numBlocks: 2 }, maxSlots: 2 });
  const floats = (ptr: number, length: number): Float32Array => new Float32Array(memory, ptr, length);
  return {
    backend,
    matrix(rows: readonly (readonly number[])[]): Activation {
      const x = backend.activation(rows.length, rows[0].length, 'x');
      rows.forEach((row, r) => floats(x.ptr + 4 * r * x.stride, x.cols).set(row));
      return x;
    },
    vector: (values: readonly number[]): Vector => backend.constant(Float32Array.from(values), 'v'),
    indices(values: readonly number[]): IndexVector {
      const x = backend.indices(values.length, 'i');
      new Int32Array(memory, x.ptr, values.length).set(values);
      return x;
    },
    read: (x: Activation): number[][] =>
      Array.from({ length: x.rows }, (_, r) => [...floats(x.ptr + 4 * r * x.stride, x.cols)]),
    readIndices: (x: IndexVector): number[] => [...new Int32Array(memory, x.ptr, x.length)],
    table: (): number => {
      const ptr = arena.allocate(8, 'table');
      new Int32Array(memory, ptr, 2).set([1, 0]);
      return ptr;
    },
  };
}

function batchOf(on: ReturnType<typeof bench>, positions: readonly number[], slots = positions.map(() => 0)): Batch {
  const table = on.table();
  const length = Math.max(...positions) + 1;
  return {
    numTokens: positions.length, numOutputs: 0,
    tokens: on.indices(positions), positions: on.indices(positions),
    blockTables: [on.indices(positions.map(() => table))], sequenceLengths: on.indices(positions.map(() => length)),
    slots: on.indices(slots), outputs: on.indices(positions),
  };
}

describe('activations', () => {
  it.each<[ActivationKind, number[]]>([
    ['silu', [-0.2689414, 0, 1.7615942]],
    ['gelu', [-0.1588080, 0, 1.9545977]],
    ['gelu_erf', [-0.1586553, 0, 1.9544997]],
    ['gelu_quick', [-0.1542049, 0, 1.9356600]],
    ['relu', [0, 0, 2]],
    ['relu2', [0, 0, 4]],
    ['sigmoid', [0.2689414, 0.5, 0.8807971]],
    ['tanh', [-0.7615942, 0, 0.9640276]],
  ])('%s at -1, 0 and 2', (kind, expected) => {
    const on = bench();
    const x = on.matrix([[-1, 0, 2]]);
    on.backend.activate(x, x, kind, 1);
    on.read(x)[0].forEach((value, i) => expect(value).toBeCloseTo(expected[i], 5));
  });

  it('has an exact erf far out', () => {
    const on = bench();
    const x = on.matrix([[-5, 4.5, 9]]);
    on.backend.activate(x, x, 'gelu_erf', 1);
    const [[low, high, far]] = on.read(x);
    expect(low).toBeCloseTo(-1.4332579e-6, 11);
    expect([high, far]).toEqual([Math.fround(4.4999847), 9]);
  });

  it('clamps the gates of gpt-oss', () => {
    const on = bench();
    const [gate, up] = [on.matrix([[9, -1]]), on.matrix([[9, -9]])];
    on.backend.gateClamped(gate, gate, up, 1, 7, 1);
    const [[first, second]] = on.read(gate);
    expect(first).toBeCloseTo(7 / (1 + Math.exp(-7)) * 8, 4);
    expect(second).toBeCloseTo(-1 / (1 + Math.exp(1)) * -6, 5);
  });
});

describe('route', () => {
  const choose = (logits: number[], numUsed: number, options: Partial<RouteOptions> & { bias?: number[] } = {}) => {
    const on = bench();
    const selection = {
      ids: on.indices(Array(numUsed).fill(-1)), weights: on.matrix([Array(numUsed).fill(0)]),
      numExperts: logits.length, numUsed,
    };
    on.backend.route(selection, on.matrix([logits]), 1, {
      gating: 'softmax', normalize: false, scale: 1, ...options, selectionBias: options.bias && on.vector(options.bias),
    });
    return { ids: on.readIndices(selection.ids), weights: on.read(selection.weights)[0] };
  };

  it('takes the likeliest; ties go to the lower id', () => {
    expect(choose([1, 3, 3, 2], 3).ids).toEqual([1, 2, 3]);
  });

  it('weighs over all experts, or over the chosen ones, or renormalized, and scales', () => {
    const [ln2, ln3] = [Math.log(2), Math.log(3)];
    const near = (options: Partial<RouteOptions>, expected: number[]): void =>
      choose([0, ln3, ln2], 2, options).weights.forEach((weight, i) => expect(weight).toBeCloseTo(expected[i], 6));
    near({}, [3 / 6, 2 / 6]);
    near({ normalize: true, scale: 10 }, [6, 4]);
    near({ gating: 'softmax_selected' }, [3 / 5, 2 / 5]);
    near({ gating: 'sigmoid' }, [3 / 4, 2 / 3]);
  });

  it('lets a bias choose without weighing', () => {
    const { ids, weights } = choose([0, 0, 0, 0], 1, { gating: 'sigmoid', bias: [0, 0, 1, 0] });
    expect(ids).toEqual([2]);
    expect(weights).toEqual([0.5]);
  });

  it('stays within the best groups, by their best expert or with a bias by their best two', () => {
    const logits = [5, 0, 4, 4];
    expect(choose(logits, 2, { numGroups: 2, topGroups: 1 }).ids).toEqual([0, 1]);
    const bias = [0, 0, 0, 0];
    expect(choose(logits, 2, { gating: 'sigmoid', bias, numGroups: 2, topGroups: 1 }).ids).toEqual([2, 3]);
  });
});

describe('attention', () => {
  /** Values equal to their position tell which positions a row mixed: all keys are alike. */
  interface MixedOptions {
    causal?: boolean; window?: number; softcap?: number; sink?: number; queryScale?: number[]; keys?: number[];
  }

  function mixed(positions: number[], options: MixedOptions = {}): number[] {
    const on = bench();
    const { sink, queryScale, keys = positions.map(() => 0), ...rest } = options;
    const column = (values: number[]): Activation => on.matrix(values.map((value) => [value]));
    const cache = on.backend.kvLayer({ numHeads: 1, numKvHeads: 1, keyDim: 1, valueDim: 1 });
    const batch = batchOf(on, positions);
    on.backend.storeKv(cache, column(keys), column(positions), batch);
    const out = column(positions.map(() => NaN));
    on.backend.attention(out, column(positions.map(() => 1)), cache, batch, {
      numHeads: 1, scale: 1, causal: true, ...rest,
      queryScale: queryScale && column(queryScale),
      sinks: sink === undefined ? undefined : on.vector([sink]),
    });
    return on.read(out).flat();
  }
  const upTo = (last: number): number[] => Array.from({ length: last + 1 }, (_, p) => p);

  it('sees what came before, within a window, and across blocks', () => {
    expect(mixed(upTo(3))).toEqual([0, 0.5, 1, 1.5]);
    expect(mixed(upTo(3), { window: 2 })).toEqual([0, 0.5, 1.5, 2.5]);
    expect(mixed(upTo(40), { window: 3 })[33]).toBeCloseTo(32, 6);
  });

  it('sees both sides, up to half a window', () => {
    expect(mixed(upTo(3), { causal: false })).toEqual([1.5, 1.5, 1.5, 1.5]);
    expect(mixed(upTo(3), { causal: false, window: 3 })).toEqual([0.5, 1, 2, 2.5]);
  });

  it('gives a sink its share', () => {
    expect(mixed([0, 1], { sink: Math.log(2) })[1]).toBeCloseTo(1 / 4, 6);
    expect(mixed([0, 1], { sink: 1000 })[1]).toBe(0);
  });

  it('scales single queries and caps scores', () => {
    const keys = [0, 1];
    const share = (score: number): number => 1 / (1 + Math.exp(-score));
    expect(mixed([0, 1], { keys })[1]).toBeCloseTo(share(1), 6);
    expect(mixed([0, 1], { keys, queryScale: [1, 3] })[1]).toBeCloseTo(share(3), 6);
    expect(mixed([0, 1], { keys, softcap: 0.5 })[1]).toBeCloseTo(share(0.5 * Math.tanh(2)), 6);
  });
});

describe('recurrent layers', () => {
  it('convolves with what a sequence said before, and starts anew at position 0', () => {
    const on = bench();
    const state = on.backend.recurrentState!(2);
    const kernel = on.vector([100, 10, 1]);
    const run = (values: number[], positions: number[], slots: number[]): number[] => {
      const wide = on.matrix(values.map((value) => [value, -1]));
      const x = columns(wide, 0, 1);
      on.backend.shortConv!(x, x, kernel, 3, on.vector([0.5]), state, batchOf(on, positions, slots));
      return on.read(x).flat();
    };
    expect(run([1, 2, 7], [0, 1, 0], [0, 0, 1])).toEqual([1.5, 12.5, 7.5]);
    expect(run([3, 8], [2, 1], [0, 1])).toEqual([123.5, 78.5]);
    expect(run([4], [0], [0])).toEqual([4.5]);
  });

  it('scans by the recurrence', () => {
    const on = bench();
    const state = on.backend.recurrentState!(2);
    const batch = batchOf(on, [0, 1]);
    const step = Math.log(2);
    const out = on.matrix([[0], [0]]);
    const raw = Math.log(Math.exp(step) - 1);
    on.backend.selectiveScan!(
      out, on.matrix([[1], [2]]), on.matrix([[raw], [raw]]), on.matrix([[1, 1], [1, 0]]), on.matrix([[1, 0], [1, 1]]),
      on.vector([-1, -2]), on.vector([10]), 2, state, batch,
    );
    const first = step;
    const second = first / 2 + 2 * step + first / 4;
    const [[a], [b]] = on.read(out);
    expect(a).toBeCloseTo(10 + first, 5);
    expect(b).toBeCloseTo(20 + second, 5);
  });
});

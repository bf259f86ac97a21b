// The Backend operations on one thread: declare what is read and written, then call kernels on this thread's share.
import { MAX_LIKELIEST } from '../backend.ts';
import type { ActivationKind, Backend, RopeOptions } from '../backend.ts';
import type { Activation, Batch, IndexVector, KvLayer, Vector, Weight } from '../tensors.ts';
import { isIntegerKv } from '../tensors.ts';
import { writeAttentionParams } from './attention-params.ts';
import { createExpertOperations } from './expert-operations.ts';
import { LikeliestSearch } from './likeliest.ts';
import { activationFormat, getRows, matmulRows, repackRows, rowGrain } from './matmul.ts';
import { asMatrix, bytes, ptrOf } from './operands.ts';
import { createRecurrentOperations } from './recurrent-operations.ts';
import { ITEMS, ROWS, WHOLE, byColumns, byHeads } from './shares.ts';
import type { Partition } from './shares.ts';
import { PRIVATE_ROWS } from './thread.ts';
import type { WasmThread } from './thread.ts';
import type { Scratch } from './scratch.ts';

const ACTIVATION_KINDS: readonly ActivationKind[] =
  ['silu', 'gelu', 'gelu_erf', 'gelu_quick', 'relu', 'relu2', 'sigmoid', 'tanh'];

/** From so many rows of activations on, a weight's rows are dealt out: then that is worth the barriers it takes. */
const DEALT_ROWS = 12;
/** Rows of a weight that the tiles for so many take at once. */
const DEALT_GRAIN = 8;

/** What only this backend tells. */
export interface Findings {
  /** The rows of `likeliest`'s last result that are not −Infinity, if they are known and few. All threads must have met since. */
  foundRows(): readonly number[] | undefined;
}

type Storage = 'activation' | 'indices' | 'constant' | 'kvLayer' | 'layoutFor' | 'headLayoutFor' | 'completeLayout' | 'recurrentState';
type Operations = Omit<Backend, 'name' | Storage>;

export function createOperations(thread: WasmThread, scratch: Scratch): Required<Operations> & Findings {
  const { kernels, exports: k } = thread;

  /** Rows in shares when there are many, otherwise all of them in parts of a row. */
  type Range = readonly [from: number, to: number];
  const divide = (n: number, parts: number, partition: Partition): { partition: Partition; rows: Range; parts: Range } =>
    n > PRIVATE_ROWS
      ? { partition: ROWS, rows: thread.share(n), parts: [0, parts] }
      : { partition, rows: [0, n], parts: thread.share(parts, 1) };

  const norm = (
    out: Activation, x: Activation, weight: Vector | undefined, bias: Vector | undefined, centred: boolean,
    epsilon: number, n: number, groups: number,
  ): void => {
    const part = x.cols / groups;
    const step = (weight ?? bias)?.length === part && groups > 1 ? 0 : 4 * part;
    const run = (to: Activation, from: Activation, rows: readonly [number, number], parts: readonly [number, number]): void => {
      if (rows[0] >= rows[1] || parts[0] >= parts[1]) return;
      k['norm_f32']!(
        to.ptr + rows[0] * bytes(to), bytes(to), from.ptr + rows[0] * bytes(from), bytes(from), ptrOf(weight), ptrOf(bias), step,
        Number(centred), epsilon, part, parts[0], parts[1], rows[1] - rows[0],
      );
    };
    if (groups === 1 && out.allocation !== x.allocation && thread.canBePrivate(out, n)) {
      thread.begin([[x, WHOLE]], []);
      const from = thread.local(x);
      run(thread.makePrivate(out, n), from, [0, n], [0, 1]);
      return;
    }
    const { partition, rows, parts } = divide(n, groups, byHeads(groups, x.cols));
    const from = thread.local(x);
    thread.begin([[x, partition]], [[out, partition]]);
    run(out, from, rows, parts);
  };

  /** Rows that can only be taken together are no columns in multiples of four. */
  const columnsOf = (weight: Weight): Partition => (rowGrain(weight) === 4 ? byColumns(weight.rows) : WHOLE);

  const matmul: Backend['matmul'] = (out, weight, x, n, options = {}) => {
    const packedPtr = thread.pack(x, activationFormat(weight), n, scratch.packed, scratch.packedBuffers);
    const from = thread.local(x);
    const { bias, accumulate, scale } = options;
    const run = (first: number, end: number): void => {
      matmulRows(kernels, weight, from, packedPtr, out, n, first, end, { biasPtr: ptrOf(bias), accumulate, scale }, scratch.rowsPtr);
    };
    if (thread.numThreads > 1 && n >= DEALT_ROWS) {
      thread.begin([], [[out, WHOLE]]);
      thread.deal(weight.rows, Math.max(DEALT_GRAIN, rowGrain(weight)), run);
      return;
    }
    thread.begin([], [[out, columnsOf(weight)]]);
    run(...thread.share(weight.rows, rowGrain(weight)));
  };

  let search: LikeliestSearch | undefined;
  const searchOf = ({ rows }: Weight): LikeliestSearch =>
    (search ??= new LikeliestSearch(kernels, thread.index, thread.numThreads, scratch.likeliest, rows));

  const likeliest: Backend['likeliest'] = (out, weight, x, count) => {
    if (weight.layout !== 'halves64' || count > MAX_LIKELIEST) {
      matmul(out, weight, x, 1);
      return;
    }
    const packedPtr = thread.pack(x, activationFormat(weight), 1, scratch.packed, scratch.packedBuffers);
    const from = thread.local(x);
    thread.begin([], [[out, columnsOf(weight)]]);
    const rows = thread.share(weight.rows, rowGrain(weight));
    thread.live(() => searchOf(weight).run({ out, weight, x: from, packedPtr, count, scratchPtr: scratch.rowsPtr }, rows));
  };

  const rope = (x: Activation, angles: Activation, n: number, options: RopeOptions): void => {
    const { numHeads, headStride, offset, dims, style } = options;
    const { partition, rows, parts } = divide(n, numHeads, byHeads(numHeads, x.cols));
    const turns = thread.local(angles);
    const run = (to: Activation, [firstRow, endRow]: readonly [number, number], [firstHead, endHead]: readonly [number, number]): void => {
      if (firstRow >= endRow || firstHead >= endHead) return;
      k['rope_f32']!(
        to.ptr + firstRow * bytes(to), bytes(to), turns.ptr + firstRow * bytes(turns), bytes(turns), firstHead, endHead,
        4 * headStride, 4 * offset, dims / 2, Number(style === 'neox'), endRow - firstRow,
      );
    };
    if (thread.isPrivate(x)) {
      thread.begin([[angles, WHOLE]], []);
      run(thread.changePrivate(x), [0, n], [0, numHeads]);
      return;
    }
    thread.begin([[angles, n > PRIVATE_ROWS ? ROWS : WHOLE]], [[x, partition]]);
    run(x, rows, parts);
  };

  const storeHeads = (cache: KvLayer, part: 'key' | 'value', x: Activation, batch: Batch): void => {
    const [ptr, dim] = part === 'key' ? [cache.keyPtr, cache.keyDim] : [cache.valuePtr, cache.valueDim];
    const n = batch.numTokens;
    const { partition, rows, parts } = divide(n, cache.numKvHeads, byHeads(cache.numKvHeads, x.cols));
    const from = thread.local(x);
    thread.begin([[x, partition]], [[asMatrix({ ptr }), partition]]);
    if (rows[0] >= rows[1] || parts[0] >= parts[1]) return;
    const isInteger = isIntegerKv(cache.type);
    const room = cache.type === 'q4_0' ? [scratch.attentionPtr] : [];
    k[isInteger ? `store_kv_${cache.type}` : 'store_kv']!(
      ptr, from.ptr, bytes(from), batch.positions.ptr, batch.blockTables[cache.group]!.ptr, cache.numBlocks, dim,
      Number(isInteger ? part === 'value' : cache.type === 'f16'), rows[0], rows[1], parts[0], parts[1], ...room,
    );
  };

  const attention: Backend['attention'] = (out, q, cache, batch, options) => {
    const queries = thread.local(q);
    const queryScale = options.queryScale && thread.local(options.queryScale);
    thread.begin([
      [q, WHOLE], [asMatrix({ ptr: cache.keyPtr }), WHOLE], [asMatrix({ ptr: cache.valuePtr }), WHOLE],
      ...(options.queryScale ? [[options.queryScale, WHOLE] as const] : []),
    ], [[out, ITEMS]]);
    const settings = { ...options, queryScale };
    // The record lies in memory that layers share.
    thread.live(() => writeAttentionParams(kernels.memory, scratch, out, queries, cache, batch, settings));
    const n = batch.numTokens;
    if (isIntegerKv(cache.type)) k[`attention_${cache.type}`]!(scratch.attentionParamsPtr, thread.index, thread.numThreads, n);
    else k['attention_f32']!(scratch.attentionParamsPtr, thread.index, thread.numThreads, n * cache.numKvHeads);
  };

  /** out = f(x) or f(x) · up. */
  const activate = (out: Activation, x: Activation, up: Activation | undefined, kind: ActivationKind, n: number): void =>
    thread.elementwise(out, up ? [x, up] : [x], (to, [source, factor], from, count) => {
      k['activate_f32']!(
        ACTIVATION_KINDS.indexOf(kind), to.ptr + 4 * from, bytes(to), source!.ptr + 4 * from, bytes(source!),
        factor ? factor.ptr + 4 * from : 0, factor ? bytes(factor) : 0, count, n,
      );
    });

  return {
    ...createExpertOperations(thread, scratch),
    ...createRecurrentOperations(thread),

    repack(weight) {
      const [from, to] = thread.share(weight.rows * weight.depth, rowGrain(weight));
      const head = weight.layout === 'halves64' ? searchOf(weight) : undefined;
      repackRows(kernels, weight, from, to, scratch.rowsPtr, head?.boundsPtr);
      head?.warmUp(weight, scratch.packedBuffers.privatePtr, scratch.rowsPtr, [from, to]);
    },

    getRows(out, table, ids, n, scale = 1) {
      thread.begin([], [[out, ROWS]]);
      const [from, to] = thread.share(n);
      thread.live(() => {
        getRows(kernels, table, new Int32Array(kernels.memory.buffer, ids.ptr, n), out, from, to, scale, scratch.rowsPtr);
      });
    },

    gather(out, x, indices, n) {
      thread.elementwise(out, [x], (to, [source], from, count) => {
        k['gather_f32']!(to.ptr + 4 * from, bytes(to), source!.ptr + 4 * from, bytes(source!), indices.ptr, count, n);
      });
    },

    matmul,
    likeliest,
    foundRows: () => search?.found(),
    rmsNorm: (out, x, weight, epsilon, n, groups = 1) => norm(out, x, weight, undefined, false, epsilon, n, groups),
    layerNorm: (out, x, weight, bias, epsilon, n, groups = 1) => norm(out, x, weight, bias, true, epsilon, n, groups),

    ropeAngles(out: Activation, positions: IndexVector, frequencies: Vector, scale: number, n: number, factors?: Vector) {
      const isPrivate = thread.canBePrivate(out, n);
      if (!isPrivate) thread.begin([], [[out, ROWS]]);
      const to = isPrivate ? thread.makePrivate(out, n) : out;
      const [first, end] = isPrivate ? [0, n] : thread.share(n);
      if (first >= end) return;
      k['rope_angles_f32']!(
        to.ptr + first * bytes(to), bytes(to), positions.ptr + 4 * first, frequencies.ptr, ptrOf(factors), frequencies.length,
        scale, end - first,
      );
    },

    rope,

    storeKv(cache, keys, values, batch) {
      storeHeads(cache, 'key', keys, batch);
      storeHeads(cache, 'value', values, batch);
    },

    attention,
    activate: (out, x, kind, n) => activate(out, x, undefined, kind, n),
    gate: (out, gates, up, kind, n) => activate(out, gates, up, kind, n),

    gateClamped(out, gates, up, alpha, limit, n) {
      thread.elementwise(out, [gates, up], (to, [g, u], from, count) => {
        k['gate_clamped_f32']!(
          to.ptr + 4 * from, bytes(to), g!.ptr + 4 * from, bytes(g!), u!.ptr + 4 * from, bytes(u!), alpha, limit, count, n,
        );
      });
    },

    add(out, a, b, n, scale = 1) {
      thread.elementwise(out, [a, b], (to, [left, right], from, count) => {
        k['add_f32']!(
          to.ptr + 4 * from, bytes(to), left!.ptr + 4 * from, bytes(left!), right!.ptr + 4 * from, bytes(right!), scale, count, n,
        );
      });
    },

    addVector(x, vector, n) {
      thread.elementwise(x, [x], (to, _, from, count) => {
        k['add_f32']!(to.ptr + 4 * from, bytes(to), to.ptr + 4 * from, bytes(to), vector.ptr + 4 * from, 0, 1, count, n);
      });
    },

    multiply(out, a, b, n) {
      const single = b.cols === 1 && a.cols > 1;
      thread.elementwise(out, [a, b], (to, [left, right], from, count) => {
        k['multiply_f32']!(
          to.ptr + 4 * from, bytes(to), left!.ptr + 4 * from, bytes(left!), right!.ptr + (single ? 0 : 4 * from), bytes(right!),
          Number(single), count, n,
        );
      });
    },

    scale(out, x, factor, n) {
      thread.elementwise(out, [x], (to, [source], from, count) => {
        k['scale_f32']!(to.ptr + 4 * from, bytes(to), source!.ptr + 4 * from, bytes(source!), factor, count, n);
      });
    },

    softcap(x, cap, n) {
      thread.elementwise(x, [x], (to, _, from, count) => k['softcap_f32']!(to.ptr + 4 * from, bytes(to), cap, count, n));
    },

    clamp(x, limit, n) {
      thread.elementwise(x, [x], (to, _, from, count) => k['clamp_f32']!(to.ptr + 4 * from, bytes(to), limit, count, n));
    },
  };
}

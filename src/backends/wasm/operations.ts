// The Backend operations on one thread: declare what is read and written, then call kernels on this thread's share.
import type { ActivationKind, Backend, RopeOptions, RouteOptions } from '../backend.ts';
import type { Activation, Batch, ExpertSelection, IndexVector, KvLayer, Vector } from '../tensors.ts';
import { isIntegerKv, sliceDepth } from '../tensors.ts';
import { writeAttentionParams } from './attention-params.ts';
import { activationBytes, activationFormat, getRows, matmulRows, packActivations, repackRows } from './matmul.ts';
import { FIRST_THREAD, ITEMS, ROWS, WHOLE, byColumns, byHeads } from './shares.ts';
import type { Partition } from './shares.ts';
import { PRIVATE_ROWS } from './thread.ts';
import type { WasmThread } from './thread.ts';
import type { Scratch } from './scratch.ts';

const ACTIVATION_KINDS: readonly ActivationKind[] =
  ['silu', 'gelu', 'gelu_erf', 'gelu_quick', 'relu', 'relu2', 'sigmoid', 'tanh'];
const GATINGS: readonly RouteOptions['gating'][] = ['softmax', 'sigmoid', 'softmax_selected'];

/** From so many rows of activations on, a weight's rows are dealt out: then that is worth the barriers it takes. */
const DEALT_ROWS = 12;
/** Rows of a weight that the tiles for so many take at once. */
const DEALT_GRAIN = 8;

type Operations = Omit<Backend, 'name' | 'activation' | 'indices' | 'constant' | 'kvLayer' | 'layoutFor' | 'completeLayout' | 'recurrentState'>;

const bytes = (x: Activation): number => 4 * x.stride;
const ptrOf = (vector: Vector | undefined): number => vector?.ptr ?? 0;
/** Index vectors and caches take part in hazards as matrices of one row. */
const asMatrix = (x: { ptr: number }): Activation => ({ ptr: x.ptr, rows: 1, cols: 1, stride: 1, allocation: x.ptr });

export function createOperations(thread: WasmThread, scratch: Scratch): Required<Operations> {
  const { kernels, exports: k } = thread;

  /** Rows in shares when there are many, otherwise all of them in parts of a row. */
  const divide = (n: number, parts: number, partition: Partition): { partition: Partition; rows: readonly [number, number]; parts: readonly [number, number] } =>
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

  const matmul: Backend['matmul'] = (out, weight, x, n, options = {}) => {
    const packedPtr = thread.pack(x, activationFormat(weight), n, scratch.packed, scratch.packedBuffers);
    const from = thread.local(x);
    const { bias, accumulate, scale } = options;
    const run = (first: number, end: number): void => {
      matmulRows(kernels, weight, from, packedPtr, out, n, first, end, { biasPtr: ptrOf(bias), accumulate, scale }, scratch.rowsPtr);
    };
    if (thread.numThreads > 1 && n >= DEALT_ROWS) {
      thread.begin([], [[out, WHOLE]]);
      thread.deal(weight.rows, DEALT_GRAIN, run);
      return;
    }
    thread.begin([], [[out, byColumns(weight.rows)]]);
    run(...thread.share(weight.rows));
  };

  const expertMatmul: Backend['expertMatmul'] = (out, weight, x, selection, n, options = {}) => {
    const { numUsed } = selection;
    const { perExpert = false, bias } = options;
    const format = activationFormat(weight);
    const numInputs = perExpert ? n * numUsed : n;
    const inputBytes = activationBytes(format, 1, weight.cols);
    thread.begin([[asMatrix(selection.ids), WHOLE]], []);
    const packed = scratch.packed;
    thread.begin([[x, ROWS]], [[packed, ROWS]]);
    thread.forgetPacked();
    const source = thread.local(x);
    const row = (r: number): Activation => ({ ...source, ptr: source.ptr + r * bytes(source), rows: 1 });
    if (format !== 'f32') {
      const [first, end] = thread.share(numInputs);
      for (let r = first; r < end; r++) {
        packActivations(kernels, format, scratch.packedBuffers.sharedPtr + r * inputBytes, row(r), 0, 1, 1);
      }
    }
    thread.begin([[packed, WHOLE], [x, WHOLE]], [[out, byColumns(weight.rows)]]);
    const [first, end] = thread.share(weight.rows);
    thread.live(() => {
      const ids = new Int32Array(kernels.memory.buffer, selection.ids.ptr, n * numUsed);
      for (let item = 0; item < n * numUsed; item++) {
        const input = perExpert ? item : Math.floor(item / numUsed);
        const expert = ids[item]!;
        const target = { ...out, ptr: out.ptr + item * bytes(out), rows: 1 };
        const biasPtr = bias ? bias.ptr + 4 * expert * weight.rows : 0;
        matmulRows(
          kernels, sliceDepth(weight, expert), row(input), scratch.packedBuffers.sharedPtr + input * inputBytes, target, 1,
          first, end, { biasPtr }, scratch.rowsPtr,
        );
      }
    });
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
    repack(weight) {
      const [from, to] = thread.share(weight.rows * weight.depth);
      repackRows(kernels, weight, from, to, scratch.rowsPtr);
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

    route(selection: ExpertSelection, logits: Activation, n: number, options: RouteOptions) {
      const { ids, weights, numExperts, numUsed } = selection;
      const { gating, normalize, scale, selectionBias, numGroups = 1, topGroups = numGroups } = options;
      const source = thread.local(logits);
      const partition = n > PRIVATE_ROWS ? ROWS : FIRST_THREAD;
      thread.begin([[logits, partition]], [[asMatrix(ids), partition], [weights, partition]]);
      const [from, to] = partition === ROWS ? thread.share(n) : [0, thread.index === 0 ? n : 0];
      if (from >= to) return;
      k['route_f32']!(
        ids.ptr, weights.ptr, source.ptr, bytes(source), ptrOf(selectionBias), scratch.expertsPtr, numExperts, numUsed,
        GATINGS.indexOf(gating), Number(normalize), scale, numGroups, topGroups, from, to,
      );
    },

    expertMatmul,

    combineExperts(out, y, selection, n) {
      const { weights, numUsed } = selection;
      thread.begin([[y, byColumns(out.cols)], [weights, WHOLE]], [[out, byColumns(out.cols)]]);
      const [from, to] = thread.share(out.cols);
      if (from >= to) return;
      k['combine_experts_f32']!(out.ptr + 4 * from, bytes(out), y.ptr + 4 * from, bytes(y), weights.ptr, numUsed, to - from, n);
    },

    shortConv(out, x, kernel, width, bias, state, batch) {
      const source = thread.local(x);
      const partition = byColumns(x.cols);
      thread.begin([[x, partition]], [[state, partition], [out, partition]]);
      const [from, to] = thread.share(x.cols);
      k['short_conv_f32']!(
        out.ptr, bytes(out), source.ptr, bytes(source), kernel.ptr, width, ptrOf(bias), state.ptr, x.cols,
        batch.positions.ptr, batch.slots.ptr, from, to, batch.numTokens,
      );
    },

    selectiveScan(out, x, dt, b, c, a, d, stateSize, state, batch) {
      const [input, step, write, read] = [x, dt, b, c].map((matrix) => thread.local(matrix)) as [Activation, Activation, Activation, Activation];
      const partition = byColumns(x.cols);
      thread.begin([[x, partition], [dt, partition], [b, WHOLE], [c, WHOLE]], [[state, partition], [out, partition]]);
      const [from, to] = thread.share(x.cols);
      k['selective_scan_f32']!(
        out.ptr, bytes(out), input.ptr, bytes(input), step.ptr, bytes(step), write.ptr, bytes(write), read.ptr, bytes(read),
        a.ptr, d.ptr, stateSize, state.ptr, x.cols, batch.positions.ptr, batch.slots.ptr, from, to, batch.numTokens,
      );
    },
  };
}

// The operations of mixtures of experts on one thread: which experts a row takes, their matrices, and the sum of what they say.
import type { Backend, RouteOptions } from '../backend.ts';
import type { Activation, ExpertSelection } from '../tensors.ts';
import { sliceDepth } from '../tensors.ts';
import { activationBytes, activationFormat, matmulRows, packActivations } from './matmul.ts';
import { asMatrix, bytes, ptrOf } from './operands.ts';
import type { Scratch } from './scratch.ts';
import { FIRST_THREAD, ROWS, WHOLE, byColumns } from './shares.ts';
import { PRIVATE_ROWS } from './thread.ts';
import type { WasmThread } from './thread.ts';

const GATINGS: readonly RouteOptions['gating'][] = ['softmax', 'sigmoid', 'softmax_selected'];

export function createExpertOperations(
  thread: WasmThread, scratch: Scratch,
): Pick<Required<Backend>, 'route' | 'expertMatmul' | 'combineExperts'> {
  const { kernels, exports: k } = thread;

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

  return {
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
  };
}

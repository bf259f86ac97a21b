// The operations with a state that goes from token to token, on one thread.
import type { Backend } from '../backend.ts';
import type { Activation } from '../tensors.ts';
import { bytes, ptrOf } from './operands.ts';
import { WHOLE, byColumns } from './shares.ts';
import type { WasmThread } from './thread.ts';

export function createRecurrentOperations(thread: WasmThread): Pick<Required<Backend>, 'shortConv' | 'selectiveScan'> {
  const { exports: k } = thread;
  return {
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

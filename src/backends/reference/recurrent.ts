// Layers that carry state from row to row of a sequence: short causal convolutions and Mamba's selective scan.
import type { Activation, Batch, Vector } from '../tensors.ts';
import type { ReferenceMemory } from './memory.ts';
import { indicesOf, rowOf, valuesOf } from './memory.ts';

export function shortConv(
  memory: ReferenceMemory, out: Activation, x: Activation, kernel: Vector, width: number, bias: Vector | undefined,
  state: Activation, batch: Batch,
): void {
  const taps = valuesOf(memory, kernel);
  const shifts = bias && valuesOf(memory, bias);
  const channels = x.cols;
  forEachStep(memory, state, batch, (past, r) => {
    const input = Float32Array.from(rowOf(memory, x, r));
    const target = rowOf(memory, out, r);
    for (let c = 0; c < channels; c++) {
      let sum = shifts ? shifts[c] : 0;
      for (let t = 0; t < width - 1; t++) sum += taps[c * width + t] * past[t * channels + c];
      target[c] = sum + taps[c * width + width - 1] * input[c];
    }
    past.copyWithin(0, channels);
    past.set(input, (width - 2) * channels);
  });
}

export function selectiveScan(
  memory: ReferenceMemory, out: Activation, x: Activation, dt: Activation, b: Activation, c: Activation, a: Vector,
  d: Vector, stateSize: number, state: Activation, batch: Batch,
): void {
  const decay = valuesOf(memory, a);
  const skip = valuesOf(memory, d);
  forEachStep(memory, state, batch, (hidden, r) => {
    const [input, steps, writes, reads] = [x, dt, b, c].map((matrix) => rowOf(memory, matrix, r));
    const target = rowOf(memory, out, r);
    for (let i = 0; i < input.length; i++) {
      const step = softplus(steps[i]);
      let sum = skip[i] * input[i];
      for (let s = 0; s < stateSize; s++) {
        const place = i * stateSize + s;
        hidden[place] = hidden[place] * Math.exp(step * decay[place]) + step * writes[s] * input[i];
        sum += hidden[place] * reads[s];
      }
      target[i] = sum;
    }
  });
}

/** Rows in order, each with its sequence's state, which is cleared at position 0. */
function forEachStep(
  memory: ReferenceMemory, state: Activation, batch: Batch, step: (state: Float32Array, r: number) => void,
): void {
  const positions = indicesOf(memory, batch.positions, batch.numTokens);
  const slots = indicesOf(memory, batch.slots, batch.numTokens);
  for (let r = 0; r < batch.numTokens; r++) {
    const own = rowOf(memory, state, slots[r]);
    if (positions[r] === 0) own.fill(0);
    step(own, r);
  }
}

function softplus(x: number): number {
  return x > 20 ? x : Math.log1p(Math.exp(x));
}

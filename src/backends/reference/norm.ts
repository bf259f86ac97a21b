// RMSNorm and LayerNorm over rows or over equal parts of rows.
import type { Activation, Vector } from '../tensors.ts';
import type { ReferenceMemory } from './memory.ts';
import { rowOf, valuesOf } from './memory.ts';

export function rmsNorm(
  memory: ReferenceMemory, out: Activation, x: Activation, weight: Vector | undefined, epsilon: number, n: number,
  groups = 1,
): void {
  const scales = weight && valuesOf(memory, weight);
  forEachPart(memory, out, x, n, groups, (target, source, first) => {
    let squares = 0;
    for (const value of source) squares += value * value;
    const factor = 1 / Math.sqrt(squares / source.length + epsilon);
    for (let i = 0; i < source.length; i++) target[i] = source[i] * factor * at(scales, first + i, 1);
  });
}

export function layerNorm(
  memory: ReferenceMemory, out: Activation, x: Activation, weight: Vector | undefined, bias: Vector | undefined,
  epsilon: number, n: number, groups = 1,
): void {
  const scales = weight && valuesOf(memory, weight);
  const shifts = bias && valuesOf(memory, bias);
  forEachPart(memory, out, x, n, groups, (target, source, first) => {
    let sum = 0;
    for (const value of source) sum += value;
    const mean = sum / source.length;
    let squares = 0;
    for (const value of source) squares += (value - mean) * (value - mean);
    const factor = 1 / Math.sqrt(squares / source.length + epsilon);
    for (let i = 0; i < source.length; i++) {
      target[i] = (source[i] - mean) * factor * at(scales, first + i, 1) + at(shifts, first + i, 0);
    }
  });
}

function forEachPart(
  memory: ReferenceMemory, out: Activation, x: Activation, n: number, groups: number,
  normalize: (target: Float32Array, source: Float32Array, first: number) => void,
): void {
  const length = x.cols / groups;
  for (let r = 0; r < n; r++) {
    const target = rowOf(memory, out, r);
    const source = rowOf(memory, x, r);
    for (let first = 0; first < x.cols; first += length) {
      normalize(target.subarray(first, first + length), source.subarray(first, first + length), first);
    }
  }
}

/** A vector as long as one part repeats over the parts. */
function at(values: Float32Array | undefined, index: number, otherwise: number): number {
  return values ? values[index % values.length] : otherwise;
}

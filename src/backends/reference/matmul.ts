// Products with weights, and lookups in them: the weight row is dequantized to floats, sums are float64.
import type { Activation, ExpertSelection, IndexVector, Vector, Weight } from '../tensors.ts';
import type { MatmulOptions } from '../backend.ts';
import type { ReferenceMemory } from './memory.ts';
import { sliceDepth } from '../tensors.ts';
import { indicesOf, rowOf, valuesOf } from './memory.ts';
import { weightRow } from './weight-row.ts';

export function getRows(
  memory: ReferenceMemory, out: Activation, table: Weight, ids: IndexVector, n: number, scale = 1,
): void {
  const rows = indicesOf(memory, ids, n);
  for (let r = 0; r < n; r++) {
    const source = weightRow(memory, table, rows[r]);
    const target = rowOf(memory, out, r);
    for (let c = 0; c < table.cols; c++) target[c] = source[c] * scale;
  }
}

export function gather(memory: ReferenceMemory, out: Activation, x: Activation, indices: IndexVector, n: number): void {
  const rows = indicesOf(memory, indices, n);
  for (let r = 0; r < n; r++) rowOf(memory, out, r).set(rowOf(memory, x, rows[r]));
}

export function matmul(
  memory: ReferenceMemory, out: Activation, weight: Weight, x: Activation, n: number, options: MatmulOptions = {},
): void {
  const bias = options.bias && valuesOf(memory, options.bias);
  const factor = options.scale ?? 1;
  const sources = Array.from({ length: n }, (_, r) => rowOf(memory, x, r));
  const targets = Array.from({ length: n }, (_, r) => rowOf(memory, out, r));
  for (let row = 0; row < weight.rows; row++) {
    const features = weightRow(memory, weight, row);
    for (let r = 0; r < n; r++) {
      const product = (dot(features, sources[r]) + (bias ? bias[row] : 0)) * factor;
      targets[r][row] = options.accumulate ? targets[r][row] + product : product;
    }
  }
}

export function expertMatmul(
  memory: ReferenceMemory, out: Activation, weight: Weight, x: Activation, selection: ExpertSelection, n: number,
  options: { readonly perExpert?: boolean; readonly bias?: Vector } = {},
): void {
  const { numUsed, numExperts } = selection;
  const chosen = indicesOf(memory, selection.ids, n * numUsed);
  const bias = options.bias && valuesOf(memory, options.bias);
  for (let expert = 0; expert < numExperts; expert++) {
    const places = [...chosen.keys()].filter((place) => chosen[place] === expert);
    if (places.length === 0) continue;
    const matrix = sliceDepth(weight, expert);
    for (let row = 0; row < weight.rows; row++) {
      const features = weightRow(memory, matrix, row);
      for (const place of places) {
        const source = rowOf(memory, x, options.perExpert ? place : Math.floor(place / numUsed));
        rowOf(memory, out, place)[row] = dot(features, source) + (bias ? bias[expert * weight.rows + row] : 0);
      }
    }
  }
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

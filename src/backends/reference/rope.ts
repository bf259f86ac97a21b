// Rotary position embedding: a table of cosines and sines per batch row, and the rotation by it.
import type { Activation, IndexVector, Vector } from '../tensors.ts';
import type { RopeOptions } from '../backend.ts';
import type { ReferenceMemory } from './memory.ts';
import { indicesOf, rowOf, valuesOf } from './memory.ts';

export function ropeAngles(
  memory: ReferenceMemory, out: Activation, positions: IndexVector, frequencies: Vector, scale: number, n: number,
  factors?: Vector,
): void {
  const places = indicesOf(memory, positions, n);
  const rates = valuesOf(memory, frequencies);
  const divisors = factors && valuesOf(memory, factors);
  for (let r = 0; r < n; r++) {
    const target = rowOf(memory, out, r);
    for (let i = 0; i < rates.length; i++) {
      const angle = places[r] * (divisors ? rates[i] / divisors[i] : rates[i]);
      target[2 * i] = Math.cos(angle) * scale;
      target[2 * i + 1] = Math.sin(angle) * scale;
    }
  }
}

export function rope(
  memory: ReferenceMemory, x: Activation, angles: Activation, n: number, options: RopeOptions,
): void {
  const { numHeads, headStride, offset, dims, style } = options;
  for (let r = 0; r < n; r++) {
    const row = rowOf(memory, x, r);
    const turns = rowOf(memory, angles, r);
    for (let h = 0; h < numHeads; h++) {
      const first = h * headStride + offset;
      for (let i = 0; i < dims / 2; i++) {
        const a = style === 'norm' ? first + 2 * i : first + i;
        const b = style === 'norm' ? a + 1 : a + dims / 2;
        const [u, v, cosine, sine] = [row[a], row[b], turns[2 * i], turns[2 * i + 1]];
        row[a] = u * cosine - v * sine;
        row[b] = u * sine + v * cosine;
      }
    }
  }
}

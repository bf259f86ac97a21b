// Operations on each float by itself: activations, gates, sums, products and limits.
import type { ActivationKind } from '../backend.ts';
import type { Activation, Vector } from '../tensors.ts';
import type { ReferenceMemory } from './memory.ts';
import { rowOf, valuesOf } from './memory.ts';

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

const FUNCTIONS: Readonly<Record<ActivationKind, (x: number) => number>> = {
  silu: (x) => x * sigmoid(x),
  gelu: (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * x * (1 + 0.044715 * x * x))),
  gelu_erf: (x) => 0.5 * x * (1 + errorFunction(x / Math.SQRT2)),
  gelu_quick: (x) => x * sigmoid(1.702 * x),
  relu: (x) => Math.max(0, x),
  relu2: (x) => Math.max(0, x) ** 2,
  sigmoid,
  tanh: Math.tanh,
};

export function activate(
  memory: ReferenceMemory, out: Activation, x: Activation, kind: ActivationKind, n: number,
): void {
  const f = FUNCTIONS[kind];
  forEachRow(memory, out, n, (target, r) => {
    const source = rowOf(memory, x, r);
    for (let i = 0; i < target.length; i++) target[i] = f(source[i]);
  });
}

export function gate(
  memory: ReferenceMemory, out: Activation, gates: Activation, up: Activation, kind: ActivationKind, n: number,
): void {
  const f = FUNCTIONS[kind];
  forEachRow(memory, out, n, (target, r) => {
    const [g, u] = [rowOf(memory, gates, r), rowOf(memory, up, r)];
    for (let i = 0; i < target.length; i++) target[i] = f(g[i]) * u[i];
  });
}

export function gateClamped(
  memory: ReferenceMemory, out: Activation, gates: Activation, up: Activation, alpha: number, limit: number, n: number,
): void {
  forEachRow(memory, out, n, (target, r) => {
    const [g, u] = [rowOf(memory, gates, r), rowOf(memory, up, r)];
    for (let i = 0; i < target.length; i++) {
      const held = Math.min(g[i], limit);
      target[i] = held * sigmoid(alpha * held) * (Math.min(Math.max(u[i], -limit), limit) + 1);
    }
  });
}

export function add(
  memory: ReferenceMemory, out: Activation, a: Activation, b: Activation, n: number, scale = 1,
): void {
  forEachRow(memory, out, n, (target, r) => {
    const [left, right] = [rowOf(memory, a, r), rowOf(memory, b, r)];
    for (let i = 0; i < target.length; i++) target[i] = left[i] + right[i] * scale;
  });
}

export function addVector(memory: ReferenceMemory, x: Activation, vector: Vector, n: number): void {
  const values = valuesOf(memory, vector);
  forEachRow(memory, x, n, (target) => {
    for (let i = 0; i < target.length; i++) target[i] += values[i];
  });
}

export function multiply(memory: ReferenceMemory, out: Activation, a: Activation, b: Activation, n: number): void {
  forEachRow(memory, out, n, (target, r) => {
    const [left, right] = [rowOf(memory, a, r), rowOf(memory, b, r)];
    const whole = right.length === 1;
    for (let i = 0; i < target.length; i++) target[i] = left[i] * right[whole ? 0 : i];
  });
}

export function scale(memory: ReferenceMemory, out: Activation, x: Activation, factor: number, n: number): void {
  forEachRow(memory, out, n, (target, r) => {
    const source = rowOf(memory, x, r);
    for (let i = 0; i < target.length; i++) target[i] = source[i] * factor;
  });
}

export function softcap(memory: ReferenceMemory, x: Activation, cap: number, n: number): void {
  forEachRow(memory, x, n, (target) => {
    for (let i = 0; i < target.length; i++) target[i] = cap * Math.tanh(target[i] / cap);
  });
}

export function clamp(memory: ReferenceMemory, x: Activation, limit: number, n: number): void {
  forEachRow(memory, x, n, (target) => {
    for (let i = 0; i < target.length; i++) target[i] = Math.min(Math.max(target[i], -limit), limit);
  });
}

function forEachRow(
  memory: ReferenceMemory, x: Activation, n: number, apply: (row: Float32Array, r: number) => void,
): void {
  for (let r = 0; r < n; r++) apply(rowOf(memory, x, r), r);
}

/** erf by its Taylor series below 3 and a continued fraction above; error under 1e-13. */
function errorFunction(x: number): number {
  if (x < 0) return -errorFunction(-x);
  if (x >= 6) return 1;
  if (x < 3) {
    let term = x;
    let sum = x;
    for (let k = 1; Math.abs(term) > 1e-17 && k < 100; k++) {
      term *= (-x * x) / k;
      sum += term / (2 * k + 1);
    }
    return (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = 0;
  for (let k = 60; k > 0; k--) fraction = k / 2 / (x + fraction);
  return 1 - Math.exp(-x * x) / Math.sqrt(Math.PI) / (x + fraction);
}

// Products with weights by tensor name: single ones, and several that read the same input and write side by side.
import type { Activation, Vector, Weight } from '../backends/tensors.ts';
import { columns } from '../backends/tensors.ts';
import type { Into, ModelBuild } from './model-build.ts';

/** out (n, rows) = x (n, cols) · weightᵀ + bias. */
export type Linear = (out: Activation, x: Activation, n: number, into?: Into) => void;

interface Product {
  readonly weight: Weight;
  readonly bias: Vector | undefined;
}

/** `<name>.weight` (rows, cols) with `<name>.bias` where there is one. */
export function linear(build: ModelBuild, name: string, cols: number, rows: number): Linear {
  const { backend } = build;
  const { weight, bias } = product(build, name, cols, rows);
  return (out, x, n, into) => backend.matmul(out, weight, x, n, { bias, ...into });
}

export interface StackPart {
  readonly name: string;
  readonly rows: number;
}

/** The parts' outputs side by side in `out` (n, sum of rows). Neighbours in memory become one product. */
export function stackedLinear(build: ModelBuild, cols: number, parts: readonly StackPart[]): Linear {
  const { backend, weights } = build;
  const matrices = parts.map(({ name, rows }) => weights.matrix(`${name}.weight`, cols, rows));
  const biases = parts.map(({ name, rows }) => weights.optionalVector(`${name}.bias`, rows));
  const products = mergeNeighbours(matrices.map((weight, index) => ({ weight, bias: biases[index] })));
  return (out, x, n) => {
    let first = 0;
    for (const { weight, bias } of products) {
      backend.matmul(columns(out, first, weight.rows), weight, x, n, { bias });
      first += weight.rows;
    }
  };
}

function product(build: ModelBuild, name: string, cols: number, rows: number): Product {
  return {
    weight: build.weights.matrix(`${name}.weight`, cols, rows),
    bias: build.weights.optionalVector(`${name}.bias`, rows),
  };
}

/** Joins products whose weights (and biases) follow one another in memory: fewer operations, so fewer barriers. */
function mergeNeighbours(products: readonly Product[]): readonly Product[] {
  const merged: Product[] = [];
  for (const next of products) {
    const last = merged.at(-1);
    if (last && canMerge(last, next)) merged.splice(-1, 1, merge(last, next));
    else merged.push(next);
  }
  return merged;
}

function canMerge(a: Product, b: Product): boolean {
  const sameKind = a.weight.type === b.weight.type && a.weight.layout === b.weight.layout;
  const weightsTouch = a.weight.ptr + a.weight.rows * a.weight.rowBytes === b.weight.ptr;
  const biasesTouch = a.bias && b.bias ? a.bias.ptr + 4 * a.bias.length === b.bias.ptr : a.bias === b.bias;
  return sameKind && weightsTouch && biasesTouch;
}

function merge(a: Product, b: Product): Product {
  return {
    weight: { ...a.weight, name: `${a.weight.name} + ${b.weight.name}`, rows: a.weight.rows + b.weight.rows },
    bias: a.bias && b.bias && { ...a.bias, length: a.bias.length + b.bias.length },
  };
}

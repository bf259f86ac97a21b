// Where contract cases place their operands: matrices with guarded margins, weights, caches and batches on any backend.
import type { Arena } from '../../src/backends/arena.ts';
import type { Backend } from '../../src/backends/backend.ts';
import type { Activation, Batch, IndexVector, KvLayer, KvShape, Vector, Weight } from '../../src/backends/tensors.ts';
import { columns, kvBlockBytes } from '../../src/backends/tensors.ts';
import type { GgmlType } from '../../src/gguf/ggml-types.ts';
import { dequantize, quantize, rowBytes } from '../../src/quant/quant.ts';
import { randomNumbers } from '../kernels/kernel-memory.ts';
import type { TestBackend } from '../support/run-model.ts';

export type Rows = readonly (readonly number[])[];

/** One row of a batch, as the engine would describe it. */
export interface BenchRow {
  readonly sequence: number;
  readonly position: number;
}

export interface PlacedWeight {
  readonly weight: Weight;
  /** Rows of all matrices in turn, as the stored bits say (where they were stored: on a bench that fills). */
  readonly values: Rows;
}

interface Guarded {
  readonly x: Activation;
  /** Rows of `x` that may be written; everything else of the allocation must stay as it was. */
  readonly n: number;
}

export class Bench {
  readonly backend: Backend;
  readonly #arena: Arena;
  readonly #memory: ArrayBufferLike;
  readonly #fill: boolean;
  readonly #guarded: Guarded[] = [];
  readonly #weights: Weight[] = [];

  /** Without `fill` everything is allocated as before and memory is left as it is. */
  constructor({ backend, arena, memory }: TestBackend, fill = true) {
    this.backend = backend;
    this.#arena = arena;
    this.#memory = memory;
    this.#fill = fill;
  }

  /** A matrix holding `rows`, with `margin` floats on both sides of each row and a row below; NaN lies around it. */
  matrix(rows: Rows, margin = 0): Activation {
    const x = this.space(rows.length, rows[0]?.length ?? 4, margin);
    if (this.#fill) rows.forEach((row, r) => this.row(x, r).set(row));
    return x;
  }

  /** Room for (n, cols) results, all NaN. */
  space(n: number, cols: number, margin = 0): Activation {
    const whole = this.backend.activation(n + 1, cols + 2 * margin, 'matrix');
    if (this.#fill) this.#floats(whole.ptr, whole.rows * whole.stride).fill(NaN);
    const x = margin === 0 ? whole : columns(whole, margin, cols);
    this.#guarded.push({ x, n });
    return x;
  }

  vector(values: readonly number[]): Vector {
    return this.backend.constant(Float32Array.from(values), 'vector');
  }

  indices(values: readonly number[]): IndexVector {
    const x = this.backend.indices(Math.max(1, values.length), 'indices');
    if (this.#fill) new Int32Array(this.#memory, x.ptr, values.length).set(values);
    return x;
  }

  /** `depth` matrices of `rows` rows in `type`, as near to `values` (all rows in turn) as the type comes. */
  weight(type: GgmlType, values: Rows, depth = 1, isHead = false): PlacedWeight {
    const [rows, cols] = [values.length / depth, values[0].length];
    const bytesPerRow = rowBytes(type, cols);
    const ptr = this.#arena.allocate(values.length * bytesPerRow, 'weight');
    const weight: Weight = {
      name: type, type, rows, cols, depth, ptr, rowBytes: bytesPerRow,
      layout: isHead ? this.backend.headLayoutFor(type, rows, cols) : this.backend.layoutFor(type, rows, cols, depth),
    };
    this.#weights.push(weight);
    if (!this.#fill) return { weight, values };
    const bytes = quantize(type, Float32Array.from(values.flat()));
    new Uint8Array(this.#memory, ptr, bytes.length).set(bytes);
    const stored = new Float32Array(values.length * cols);
    dequantize(type, bytes, stored, stored.length);
    return { weight, values: values.map((_, r) => [...stored.subarray(r * cols, (r + 1) * cols)]) };
  }

  /** A cache in which every position that nobody stores is NaN. */
  kvLayer(shape: KvShape): KvLayer {
    const layer = this.backend.kvLayer(shape);
    if (!this.#fill) return layer;
    for (const [ptr, dim] of [[layer.keyPtr, layer.keyDim], [layer.valuePtr, layer.valueDim]] as const) {
      // All ones are NaN in every type of float.
      new Uint8Array(this.#memory, ptr, layer.numBlocks * kvBlockBytes(layer, dim)).fill(0xff);
    }
    return layer;
  }

  /** State that a sequence must not take over from the slot's last owner: all NaN. */
  recurrentState(floatsPerSlot: number): Activation {
    const state = this.backend.recurrentState!(floatsPerSlot);
    if (this.#fill) this.#floats(state.ptr, state.rows * state.stride).fill(NaN);
    return state;
  }

  /** Rows with block tables `blocks[sequence]`; sequences end behind their last row unless `lengths` says otherwise. */
  batch(rows: readonly BenchRow[], blocks: Rows = [[0], [1], [2]], lengths?: readonly number[]): Batch {
    const tables = blocks.map((numbers) => this.indices(numbers).ptr);
    const end = (sequence: number): number =>
      1 + Math.max(...rows.filter((row) => row.sequence === sequence).map((row) => row.position));
    const positions = rows.map((row) => row.position);
    const zeros = this.indices(rows.map(() => 0));
    return {
      numTokens: rows.length, numOutputs: 0, tokens: zeros, outputs: zeros,
      positions: this.indices(positions),
      blockTables: [this.indices(rows.map((row) => tables[row.sequence]))],
      sequenceLengths: this.indices(rows.map((row) => lengths?.[row.sequence] ?? end(row.sequence))),
      slots: this.indices(rows.map((row) => row.sequence)),
    };
  }

  repack(): void {
    for (const weight of this.#weights) this.backend.repack(weight);
  }

  /** Rows that were placed in `x`, or for which there is space. */
  numRows(x: Activation): number {
    return this.#guarded.find((guarded) => guarded.x.allocation === x.allocation)!.n;
  }

  row(x: Activation, r: number): Float32Array {
    return this.#floats(x.ptr + 4 * r * x.stride, x.cols);
  }

  read(x: Activation, n: number): number[][] {
    return Array.from({ length: n }, (_, r) => [...this.row(x, r)]);
  }

  readIndices(x: IndexVector, count: number): number[] {
    return [...new Int32Array(this.#memory, x.ptr, count)];
  }

  /** How many floats were written outside of the rows and columns that operations were given. */
  countStrayWrites(): number {
    let stray = 0;
    for (const { x, n } of this.#guarded) {
      const first = (x.ptr - x.allocation) / 4;
      this.#floats(x.allocation, x.rows * x.stride).forEach((value, i) => {
        const isInside = i < n * x.stride && i % x.stride >= first && i % x.stride < first + x.cols;
        if (!isInside && !Number.isNaN(value)) stray++;
      });
    }
    return stray;
  }

  #floats(ptr: number, length: number): Float32Array {
    return new Float32Array(this.#memory, ptr, length);
  }
}

/** (n, cols) normally distributed floats times `size`; the same for the same seed. */
export function normalRows(n: number, cols: number, seed: number, size = 1): number[][] {
  const random = randomNumbers(seed);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return Array.from({ length: n }, () => Array.from({ length: cols }, () => Math.fround(size * normal())));
}

/** Rows first … first + count of a sequence. */
export function rowsOf(sequence: number, first: number, count: number): BenchRow[] {
  return Array.from({ length: count }, (_, i) => ({ sequence, position: first + i }));
}

// Working memory: each thread's own part apart from everybody else's, room for the largest operation.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Arena } from '../../src/backends/arena.ts';
import type { Weight } from '../../src/backends/tensors.ts';
import { activationBytes, activationFormat, layoutFor, scratchBytes } from '../../src/backends/wasm/matmul.ts';
import { ScratchNeeds } from '../../src/backends/wasm/scratch.ts';
import type { Scratch } from '../../src/backends/wasm/scratch.ts';
import { PRIVATE_ROWS } from '../../src/backends/wasm/thread.ts';
import { GGML_TYPES } from '../../src/gguf/ggml-types.ts';

const BASE = 1024;

const anyWeight = fc.record({
  type: fc.constantFrom('F32', 'F16', 'Q4_0', 'Q8_0', 'Q4_K', 'IQ2_S' as const), rows: fc.integer({ min: 1, max: 40 }),
  blocks: fc.integer({ min: 1, max: 3 }), depth: fc.constantFrom(1, 1, 4),
}).map(({ type, rows, blocks, depth }): Weight => {
  const { blockSize, blockBytes } = GGML_TYPES[type];
  const cols = blocks * Math.max(blockSize, 8);
  return {
    name: type, type, rows, cols, depth, ptr: 0,
    rowBytes: (cols / blockSize) * blockBytes, layout: layoutFor(type, rows, cols),
  };
});

const anyModel = fc.record({
  maxRows: fc.integer({ min: 1, max: 70 }), numThreads: fc.integer({ min: 1, max: 5 }),
  weights: fc.array(anyWeight, { minLength: 1, maxLength: 4 }),
});

type Model = typeof anyModel extends fc.Arbitrary<infer M> ? M : never;

/** What every thread allocates for a model, and where memory ends for each. */
function allocate({ maxRows, numThreads, weights }: Model): { threads: Scratch[]; ends: number[] } {
  const ends: number[] = [];
  const threads = Array.from({ length: numThreads }, (_, index) => {
    const needs = new ScratchNeeds();
    needs.activation(maxRows);
    weights.forEach((weight) => needs.weight(weight));
    const arena = new Arena(BASE);
    const scratch = {} as Scratch;
    needs.allocate(scratch, arena, index, numThreads);
    ends.push(arena.end);
    return scratch;
  });
  return { threads, ends };
}

/** [begin, end) of what operations use, by thread. */
function usedBy(scratch: Scratch, { weights }: Model): [number, number][] {
  const most = (sizes: readonly number[]): number => Math.max(0, ...sizes);
  const packed = (n: number): number =>
    most(weights.map((weight) => activationBytes(activationFormat(weight), n, weight.cols)));
  return [
    [scratch.rowsPtr, scratch.rowsPtr + most(weights.map(scratchBytes))],
    [scratch.packedBuffers.privatePtr, scratch.packedBuffers.privatePtr + packed(PRIVATE_ROWS)],
    [scratch.expertsPtr, scratch.expertsPtr + 12 * most(weights.map((weight) => weight.depth))],
  ];
}

describe('scratch memory', () => {
  it('is laid out alike by every thread', () => {
    fc.assert(fc.property(anyModel, (model) => {
      const { threads, ends } = allocate(model);
      expect(new Set(ends).size).toBe(1);
      expect(new Set(threads.map((scratch) => scratch.packedBuffers.sharedPtr)).size).toBe(1);
      for (const scratch of threads) expect(scratch.packed.ptr).toBe(threads[0].packedBuffers.sharedPtr);
    }));
  });

  it('gives no two threads, and no two uses, the same byte', () => {
    fc.assert(fc.property(anyModel, (model) => {
      const { threads, ends } = allocate(model);
      const shared = threads[0].packedBuffers.sharedPtr;
      const packedRows = Math.max(...model.weights.map((weight) =>
        activationBytes(activationFormat(weight), model.maxRows, weight.cols)));
      const ranges = threads.flatMap((scratch) => usedBy(scratch, model));
      ranges.push([shared, shared + packedRows]);
      ranges.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
      ranges.forEach(([begin, end], i) => {
        expect(begin).toBeGreaterThanOrEqual(i === 0 ? BASE : ranges[i - 1][1]);
        expect(end).toBeLessThanOrEqual(ends[0]);
      });
    }));
  });

  it('has room for one packed input per chosen expert', () => {
    const numUsed = 8;
    const cols = 256;
    const needs = new ScratchNeeds();
    const weight: Weight = {
      name: 'w', type: 'Q8_0', layout: 'interleaved4', rows: 8, cols, depth: 16, ptr: 0, rowBytes: 272,
    };
    needs.weight(weight);
    // The rows of expert results: one per row and expert.
    needs.activation(5 * numUsed);
    const scratch = {} as Scratch;
    needs.allocate(scratch, new Arena(BASE), 0, 1);
    const inputs = 5 * numUsed * activationBytes('q16', 1, cols);
    expect(scratch.packedBuffers.privatePtr - scratch.packedBuffers.sharedPtr).toBeGreaterThanOrEqual(inputs);
  });
});

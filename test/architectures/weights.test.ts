// The weight source: addresses, shape checks and what it records for the loader.
import { describe, expect, it } from 'vitest';
import type { TensorDeclaration } from '../../src/architectures/architecture.ts';
import { createWeightSource } from '../../src/architectures/weights.ts';
import { Arena } from '../../src/backends/arena.ts';
import { GgufError, OutOfMemoryError, UnsupportedModelError } from '../../src/errors.ts';

const declarations: readonly TensorDeclaration[] = [
  { name: 'q', type: 'Q4_0', shape: [64, 3] },
  { name: 'experts', type: 'F16', shape: [8, 4, 2] },
  { name: 'norm', type: 'F16', shape: [64] },
  { name: 'flat', type: 'F32', shape: [64] },
  { name: 'types', type: 'F32', shape: [64, 2] },
  { name: 'ragged', type: 'Q4_0', shape: [48, 2] },
  { name: 'counts', type: 'I32', shape: [64] },
];

function source(limit?: number) {
  const arena = new Arena(1024, limit);
  const tensors = new Map(declarations.map((declaration) => [declaration.name, declaration]));
  return { arena, weights: createWeightSource(tensors, arena, { layoutFor: () => 'gguf', headLayoutFor: () => 'gguf' }) };
}

describe('weight source', () => {
  it('lays weights out one after another, 64-byte aligned', () => {
    const { arena, weights } = source();
    expect(weights.matrix('q', 64, 3)).toEqual({
      name: 'q', type: 'Q4_0', layout: 'gguf', cols: 64, rows: 3, depth: 1, ptr: 1024, rowBytes: 36,
    });
    expect(weights.matrix('experts', 8, 4, 2)).toMatchObject({ ptr: 1152, depth: 2, rowBytes: 16 });
    expect(weights.vector('norm', 64)).toEqual({ name: 'norm', ptr: 1280, length: 64 });
    expect(arena.end).toBe(1536);
    expect(weights.requests.map(({ kind, name, byteLength }) => [kind, name, byteLength])).toEqual([
      ['matrix', 'q', 108], ['matrix', 'experts', 128], ['vector', 'norm', 256],
    ]);
  });

  it('gives the same tensor for the same name', () => {
    const { arena, weights } = source();
    const first = weights.matrix('q', 64, 3);
    const { end } = arena;
    expect(weights.matrix('q', 64, 3)).toBe(first);
    expect(weights.vector('norm', 64)).toBe(weights.vector('norm', 64));
    expect(arena.end).toBe(end + 256);
    expect(weights.requests).toHaveLength(2);
  });

  it('takes dimensions of 1 that a file leaves out, and vectors of any dimensions', () => {
    const { weights } = source();
    expect(weights.matrix('flat', 64, 1)).toMatchObject({ cols: 64, rows: 1 });
    expect(weights.vector('types', 128)).toMatchObject({ length: 128 });
  });

  it('answers what is there and what is not', () => {
    const { weights } = source();
    expect([weights.has('q'), weights.has('v')]).toEqual([true, false]);
    expect([weights.shape('q'), weights.shape('v')]).toEqual([[64, 3], undefined]);
    expect(weights.optionalMatrix('v', 64, 3)).toBeUndefined();
    expect(weights.optionalVector('bias', 64)).toBeUndefined();
    expect(weights.optionalVector('norm', 64)).toBeDefined();
    expect(() => weights.optionalMatrix('q', 64, 4)).toThrow(GgufError);
  });

  it.each<[string, () => unknown, RegExp]>([
    ['missing', () => source().weights.matrix('v', 1, 1), /no tensor "v"/],
    ['other columns', () => source().weights.matrix('q', 32, 3), /"q" has shape \[64, 3\].*\[32, 3\]/],
    ['other depth', () => source().weights.matrix('experts', 8, 4, 3), /\[8, 4, 2\].*\[8, 4, 3\]/],
    ['unexpected depth', () => source().weights.matrix('experts', 8, 4), /\[8, 4, 2\].*\[8, 4\]/],
    ['other length', () => source().weights.vector('norm', 63), /"norm" has shape \[64\].*\[63\]/],
    ['broken blocks', () => source().weights.matrix('ragged', 48, 2), /Q4_0 blocks of 32/],
  ])('refuses a tensor with a problem: %s', (_, ask, message) => {
    expect(ask).toThrow(GgufError);
    expect(ask).toThrow(message);
  });

  it('refuses types that are not weights, and what does not fit', () => {
    expect(() => source().weights.vector('counts', 64)).toThrow(UnsupportedModelError);
    expect(() => source(1100).weights.matrix('q', 64, 3)).toThrow(OutOfMemoryError);
  });
});

// Configurations from metadata: sensible ones are read, hostile ones end in an error that names the key.
import { describe, expect, it } from 'vitest';
import type { TensorDeclaration } from '../../src/architectures/architecture.ts';
import type { ModelConfig } from '../../src/architectures/config.ts';
import { ARCHITECTURES, findArchitecture } from '../../src/architectures/registry.ts';
import { GgufError, UnsupportedModelError } from '../../src/errors.ts';
import type { GgufValue } from '../../src/gguf/metadata.ts';
import { Metadata } from '../../src/gguf/metadata.ts';

const LLAMA: Readonly<Record<string, GgufValue>> = {
  block_count: 2, embedding_length: 64, 'attention.head_count': 4, 'attention.head_count_kv': 2,
  context_length: 256, feed_forward_length: 96, 'attention.layer_norm_rms_epsilon': 1e-5,
};

function read(
  changes: Readonly<Record<string, GgufValue | undefined>> = {}, id = 'llama', tensors: TensorDeclaration[] = [],
): ModelConfig {
  const entries = Object.entries({ ...LLAMA, ...changes })
    .filter((entry): entry is [string, GgufValue] => entry[1] !== undefined)
    .map(([key, value]): [string, GgufValue] => [`${id}.${key}`, value]);
  const table: TensorDeclaration[] = [{ name: 'token_embd.weight', type: 'F32', shape: [64, 320] }, ...tensors];
  return findArchitecture(id).config(new Metadata(new Map(entries)), new Map(table.map((t) => [t.name, t])));
}

describe('registry', () => {
  it('knows every architecture by its own id', () => {
    expect(ARCHITECTURES.size).toBe(43);
    for (const [id, architecture] of ARCHITECTURES) expect(findArchitecture(id)).toBe(architecture);
  });

  it('names an unknown architecture and the known ones', () => {
    expect(() => findArchitecture('rwkv9')).toThrow(UnsupportedModelError);
    expect(() => findArchitecture('rwkv9')).toThrow(/"rwkv9".*llama/);
    expect(() => findArchitecture('__proto__')).toThrow(UnsupportedModelError);
  });
});

describe('configuration', () => {
  it('reads the usual keys', () => {
    expect(read()).toEqual({
      architecture: 'llama', kind: 'decoder', vocabSize: 320, hiddenSize: 64, numLayers: 2, numHeads: 4,
      numKvHeads: [2, 2], headDim: 16, valueDim: 16, intermediateSize: [96, 96], contextLength: 256, normEpsilon: 1e-5,
      rope: { theta: 10_000, dims: 16, style: 'norm', scaling: undefined }, experts: undefined,
      slidingWindow: undefined, pooling: undefined, extra: {},
    });
  });

  it('is plain data that can be sent to a worker', () => {
    const experts = { expert_count: 4, expert_used_count: 2 };
    const config = read({ 'rope.scaling.type': 'yarn', 'rope.scaling.factor': 4, ...experts });
    expect(structuredClone(config)).toEqual(config);
    expect(config.rope?.scaling).toMatchObject({ kind: 'yarn', factor: 4, originalContextLength: 256 });
    expect(config.experts).toMatchObject({ numExperts: 4, numUsed: 2, intermediateSize: 96, normalize: true });
  });

  it('reads values per layer', () => {
    const config = read({
      'attention.head_count_kv': new Int32Array([4, 1]), feed_forward_length: new Uint32Array([8, 9]),
    });
    expect(config.numKvHeads).toEqual([4, 1]);
    expect(config.intermediateSize).toEqual([8, 9]);
  });

  it('reads which layers have a window, as a rhythm or one by one', () => {
    const windowed = { 'attention.sliding_window': 8 };
    expect(read(windowed, 'gemma2').extra.windowPattern).toBe(2);
    const flags = { ...windowed, 'attention.sliding_window_pattern': [true, false] };
    expect(read(flags, 'gemma2').extra.windowPattern).toEqual([true, false]);
    expect(() => read({ 'attention.sliding_window_pattern': [true] }, 'gemma2')).toThrow(/sliding_window_pattern/);
  });

  it.each<[string, GgufValue | undefined]>([
    ['block_count', 0],
    ['block_count', 1025],
    ['block_count', 2 ** 53],
    ['block_count', 1.5],
    ['block_count', NaN],
    ['block_count', 'two'],
    ['block_count', 2n ** 60n],
    ['block_count', undefined],
    ['embedding_length', 0],
    ['embedding_length', -64],
    ['embedding_length', 2 ** 31],
    ['embedding_length', undefined],
    ['attention.head_count', 0],
    ['attention.head_count', 3],
    ['attention.head_count', 2 ** 20],
    ['attention.head_count', undefined],
    ['attention.head_count_kv', 0],
    ['attention.head_count_kv', 3],
    ['attention.head_count_kv', 8],
    ['attention.head_count_kv', new Int32Array([2])],
    ['attention.head_count_kv', new Int32Array([2, 0])],
    ['attention.key_length', 0],
    ['attention.key_length', 2 ** 20],
    ['attention.value_length', -1],
    ['context_length', 0],
    ['context_length', 2 ** 40],
    ['context_length', undefined],
    ['feed_forward_length', 0],
    ['feed_forward_length', 2 ** 30],
    ['feed_forward_length', undefined],
    ['attention.layer_norm_rms_epsilon', 0],
    ['attention.layer_norm_rms_epsilon', -1],
    ['attention.layer_norm_rms_epsilon', NaN],
    ['attention.layer_norm_rms_epsilon', Infinity],
    ['attention.sliding_window', -1],
    ['rope.dimension_count', 0],
    ['rope.dimension_count', 7],
    ['rope.dimension_count', 18],
    ['rope.freq_base', 0],
    ['rope.freq_base', Infinity],
    ['rope.scaling.factor', -2],
    ['rope.scaling.original_context_length', 0],
    ['rope.scaling.type', 3],
    ['pooling_type', 9],
    ['expert_count', 2 ** 20],
    ['expert_count', -1],
  ])('refuses %s = %s', (key, value) => {
    expect(() => read({ [key]: value })).toThrow(GgufError);
    expect(() => read({ [key]: value })).toThrow(`llama.${key}`);
  });

  it.each<[string, Readonly<Record<string, GgufValue>>]>([
    ['expert_used_count', { expert_count: 4 }],
    ['expert_used_count', { expert_count: 4, expert_used_count: 5 }],
    ['expert_used_count', { expert_count: 4, expert_used_count: 0 }],
    ['expert_group_count', { expert_count: 4, expert_used_count: 2, expert_group_count: 3 }],
    ['expert_used_count', { expert_count: 8, expert_used_count: 5, expert_group_count: 4, expert_group_used_count: 2 }],
  ])('refuses experts that cannot be chosen: %s', (key, changes) => {
    expect(() => read(changes)).toThrow(`llama.${key}`);
  });

  it('refuses an embedding table that is missing or of a hostile size', () => {
    const { config } = findArchitecture('llama');
    const metadata = new Metadata(new Map(Object.entries(LLAMA).map(([key, value]) => [`llama.${key}`, value])));
    const name = 'token_embd.weight';
    const table = (shape: number[]) => new Map([[name, { name, type: 'F32', shape }]] as const);
    expect(() => config(metadata, new Map())).toThrow(/token_embd.weight/);
    expect(() => config(metadata, table([64]))).toThrow(/token_embd.weight/);
    expect(() => config(metadata, table([64, 0]))).toThrow(GgufError);
    expect(() => config(metadata, table([64, 2 ** 40]))).toThrow(GgufError);
  });
});

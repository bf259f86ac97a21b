// Building a model: with no memory behind it, from incomplete files, and beyond what it was trained for.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { BuildLimits, TensorDeclaration } from '../../src/architectures/architecture.ts';
import { findArchitecture } from '../../src/architectures/registry.ts';
import { createWeightSource } from '../../src/architectures/weights.ts';
import { Arena } from '../../src/backends/arena.ts';
import { createReferenceBackend } from '../../src/backends/reference/reference-backend.ts';
import { ContextLengthError, GgufError, UnsupportedModelError } from '../../src/errors.ts';
import { bytesSource } from '../../src/gguf/memory-source.ts';
import type { GgufFile } from '../../src/gguf/reader.ts';
import { readGguf } from '../../src/gguf/reader.ts';
import { ARCHITECTURE_CASES, caseFile } from '../support/architecture-cases.ts';
import { inRepository } from '../support/fixtures.ts';

const LIMITS: BuildLimits = { maxBatchTokens: 16, maxOutputs: 4, contextLength: 64 };

async function open(file: string): Promise<GgufFile> {
  return readGguf(bytesSource(new Uint8Array(readFileSync(file))));
}

function build(file: GgufFile, buffer: ArrayBuffer, changes: Partial<BuildLimits> = {}, without?: string) {
  const tensors = new Map<string, TensorDeclaration>(file.tensors.map((tensor) => [tensor.name, tensor]));
  if (without) tensors.delete(without);
  const architecture = findArchitecture(file.metadata.string('general.architecture')!);
  const config = architecture.config(file.metadata, tensors);
  const arena = new Arena(64);
  const backend = createReferenceBackend({ memory: buffer, arena, kv: { type: 'f16', numBlocks: 2 }, maxSlots: 2 });
  const weights = createWeightSource(tensors, arena, backend);
  architecture.build(config, weights, backend, { ...LIMITS, ...changes });
  return { end: arena.end, requests: weights.requests };
}

describe.each(ARCHITECTURE_CASES.filter(({ name }) => name !== 'llama-split3'))('$name', ({ file }) => {
  it('takes the same addresses with and without memory, and asks for every tensor of the file', async () => {
    const gguf = await open(caseFile(file));
    const dry = build(gguf, new ArrayBuffer(0));
    const real = build(gguf, new ArrayBuffer(dry.end));
    expect(real).toEqual(dry);
    const unused = gguf.tensors.map(({ name }) => name).filter((name) => !dry.requests.some((r) => r.name === name));
    expect(unused).toEqual(unused.filter((name) => name.startsWith('rope_factors_')));
  });
});

describe('incomplete and unfit files', () => {
  it('names a missing tensor', async () => {
    const file = await open(inRepository('test/data/arch/llama-tied.gguf'));
    expect(() => build(file, new ArrayBuffer(0), {}, 'blk.1.ffn_down.weight')).toThrow(GgufError);
    expect(() => build(file, new ArrayBuffer(0), {}, 'blk.1.ffn_down.weight')).toThrow(/"blk\.1\.ffn_down\.weight"/);
  });

  it('refuses more positions than there are embeddings for', async () => {
    const file = await open(inRepository('test/data/arch/gpt2.gguf'));
    expect(() => build(file, new ArrayBuffer(0), { contextLength: 65 })).toThrow(ContextLengthError);
  });

  it('refuses recurrent layers on a backend without state', async () => {
    const tensors = new Map<string, TensorDeclaration>();
    const arena = new Arena(64);
    const whole = createReferenceBackend({
      memory: new ArrayBuffer(0), arena, kv: { type: 'f32', numBlocks: 1 }, maxSlots: 1,
    });
    const backend = { ...whole, recurrentState: undefined };
    const config = {
      architecture: 'mamba', kind: 'decoder', vocabSize: 8, hiddenSize: 8, numLayers: 1, numHeads: 0, numKvHeads: [0],
      headDim: 0, valueDim: 0, intermediateSize: [0], contextLength: 8, normEpsilon: 1e-5,
      extra: { innerSize: 8, stateSize: 2, timeStepRank: 2, convWidth: 4 },
    } as const;
    tensors.set('blk.0.attn_norm.weight', { name: 'blk.0.attn_norm.weight', type: 'F32', shape: [8] });
    const weights = createWeightSource(tensors, arena, backend);
    expect(() => findArchitecture('mamba').build(config, weights, backend, LIMITS)).toThrow(UnsupportedModelError);
  });
});

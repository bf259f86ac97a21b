// Runs a model file on any backend, one forward pass at a time: what the architecture suite drives.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { BuildLimits } from '../../src/architectures/architecture.ts';
import type { ModelConfig } from '../../src/architectures/config.ts';
import { findArchitecture } from '../../src/architectures/registry.ts';
import type { LoadedTensor } from '../../src/architectures/weights.ts';
import { createWeightSource } from '../../src/architectures/weights.ts';
import type { Arena } from '../../src/backends/arena.ts';
import type { Backend } from '../../src/backends/backend.ts';
import type { Activation, Batch, KvType } from '../../src/backends/tensors.ts';
import { KV_BLOCK_SIZE } from '../../src/backends/tensors.ts';
import { bytesSource } from '../../src/gguf/memory-source.ts';
import { readGgufParts, splitPartNames } from '../../src/gguf/split.ts';
import { dequantize } from '../../src/quant/quant.ts';

export interface BackendSetup {
  readonly kv: { readonly type: KvType; readonly numBlocks: number };
  readonly maxSlots: number;
}

/** A backend on memory of its own: `arena` hands out addresses in `memory`. */
export interface TestBackend {
  readonly backend: Backend;
  readonly arena: Arena;
  readonly memory: ArrayBufferLike;
}

export type BackendFactory = (setup: BackendSetup) => TestBackend | Promise<TestBackend>;

/** One row of a forward pass. Rows of one sequence are in ascending order of position. */
export interface TestRow {
  readonly sequence: number;
  readonly position: number;
  readonly token: number;
  /** Whether the row's result is wanted; true by default. */
  readonly output?: boolean;
}

export interface TestModel {
  readonly config: ModelConfig;
  readonly backend: Backend;
  /** Logits of the wanted rows, or hidden states where the model has no head. */
  forward(rows: readonly TestRow[]): Float32Array[];
}

export interface OpenOptions {
  readonly kvType?: KvType;
  readonly maxSequences?: number;
  readonly limits?: Partial<BuildLimits>;
}

/** Loads the model at `file` (the first part of a split one) onto a backend from `createBackend`. */
export async function openModel(
  file: string, createBackend: BackendFactory, options: OpenOptions = {},
): Promise<TestModel> {
  const names = splitPartNames(path.basename(file)) ?? [path.basename(file)];
  const parts = names.map((name) => new Uint8Array(readFileSync(path.join(path.dirname(file), name))));
  const gguf = await readGgufParts(parts.map((bytes, index) => bytesSource(bytes, names[index])));
  const architecture = findArchitecture(gguf.metadata.string('general.architecture') ?? '');
  const tensors = new Map(gguf.tensors.map((tensor) => [tensor.name, tensor]));
  const config = architecture.config(gguf.metadata, tensors);
  const limits: BuildLimits = {
    maxBatchTokens: 64, maxOutputs: 64, contextLength: Math.min(256, config.contextLength), ...options.limits,
  };
  const maxSequences = options.maxSequences ?? 1;
  const blocksPerSequence = Math.ceil(limits.contextLength / KV_BLOCK_SIZE);
  const { backend, arena, memory } = await createBackend({
    kv: { type: options.kvType ?? 'f32', numBlocks: blocksPerSequence * maxSequences },
    maxSlots: maxSequences,
  });
  const source = createWeightSource(tensors, arena, backend);
  const model = architecture.build(config, source, backend, limits);
  backend.completeLayout?.();
  for (const request of source.requests) {
    const tensor = gguf.tensor(request.name);
    if (!tensor) throw new Error(`${request.name} was asked for and is not there.`);
    const bytes = parts[tensor.partIndex].subarray(tensor.offset, tensor.offset + tensor.byteLength);
    load(request, bytes, memory, backend);
  }
  const batches = createBatches(backend, arena, memory, limits, maxSequences, blocksPerSequence);
  return {
    config,
    backend,
    forward(rows) {
      const batch = batches(rows);
      const hidden = model.forward(batch);
      const result = model.logits ? model.logits(hidden, batch.numOutputs) : hidden;
      return copyRows(memory, result, batch.numOutputs);
    },
  };
}

function load(request: LoadedTensor, bytes: Uint8Array, memory: ArrayBufferLike, backend: Backend): void {
  if (request.kind === 'matrix') {
    new Uint8Array(memory, request.weight.ptr, bytes.length).set(bytes);
    backend.repack(request.weight);
  } else {
    const { ptr, length } = request.vector;
    dequantize(request.declaration.type, bytes, new Float32Array(memory, ptr, length), length);
  }
}

/** Sequences' blocks are dealt in turn and backwards, so that no test passes by blocks lying in order. */
function createBatches(
  backend: Backend, arena: Arena, memory: ArrayBufferLike, limits: BuildLimits, maxSequences: number,
  blocksPerSequence: number,
): (rows: readonly TestRow[]) => Batch {
  const numBlocks = blocksPerSequence * maxSequences;
  const tables = Array.from({ length: maxSequences }, (_, sequence) => {
    const ptr = arena.allocate(4 * blocksPerSequence, 'block table');
    const order = (_: unknown, i: number): number => numBlocks - 1 - (i * maxSequences + sequence);
    new Int32Array(memory, ptr, blocksPerSequence).set(Int32Array.from({ length: blocksPerSequence }, order));
    return ptr;
  });
  const [tokens, positions, blockTables, sequenceLengths, slots, outputs] = [
    'tokens', 'positions', 'tables', 'lengths', 'slots', 'outputs',
  ].map((label) => backend.indices(limits.maxBatchTokens, label));
  return (rows) => {
    const write = (target: { readonly ptr: number }, values: readonly number[]): void => {
      new Int32Array(memory, target.ptr, values.length).set(values);
    };
    const lengths = rows.map((row) => (
      1 + Math.max(...rows.filter(({ sequence }) => sequence === row.sequence).map(({ position }) => position))
    ));
    const wanted = [...rows.keys()].filter((index) => rows[index].output ?? true);
    write(tokens, rows.map((row) => row.token));
    write(positions, rows.map((row) => row.position));
    write(blockTables, rows.map((row) => tables[row.sequence]));
    write(sequenceLengths, lengths);
    write(slots, rows.map((row) => row.sequence));
    write(outputs, wanted);
    return {
      numTokens: rows.length, numOutputs: wanted.length,
      tokens, positions, blockTables: [blockTables], sequenceLengths, slots, outputs,
    };
  };
}

function copyRows(memory: ArrayBufferLike, x: Activation, n: number): Float32Array[] {
  return Array.from({ length: n }, (_, r) => new Float32Array(memory, x.ptr + 4 * r * x.stride, x.cols).slice());
}

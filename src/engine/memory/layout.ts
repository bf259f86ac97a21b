// Where everything of a model, or of one shard of it, lies in a linear memory.
import type { LayerRange, Model } from '../../architectures/architecture.ts';
import { findArchitecture } from '../../architectures/registry.ts';
import { createWeightSource } from '../../architectures/weights.ts';
import type { LoadedTensor } from '../../architectures/weights.ts';
import { Arena } from '../../backends/arena.ts';
import type { KvGroup } from '../../backends/kv-groups.ts';
import type { KvLayer } from '../../backends/tensors.ts';
import { createWasmBackend } from '../../backends/wasm/backend.ts';
import type { WasmBackend } from '../../backends/wasm/backend.ts';
import { ARENA_BASE } from '../../backends/wasm/memory-map.ts';
import type { ComputePlan } from '../compute/protocol.ts';
import { allocateRegions, allocateTables } from './regions.ts';
import type { Regions } from './regions.ts';

/** One shard laid out in linear memory, or only measured when there is none. */
export interface Layout {
  readonly layers: LayerRange;
  readonly arena: Arena;
  readonly regions: Regions;
  readonly backend: WasmBackend;
  readonly model: Model;
  readonly tensors: readonly LoadedTensor[];
  readonly kvLayers: readonly KvLayer[];
  readonly kvGroups: readonly KvGroup[];
}

export interface ThreadMemory {
  readonly memory: WebAssembly.Memory;
  readonly instance: WebAssembly.Instance;
}

/**
 * Lays a range of layers out: addresses depend on the plan and the range alone, so every thread and the dry run without memory
 * agree. The engine's own areas lie at the same addresses in every shard. A dry run may come out larger than a memory.
 */
export function layOut(
  plan: Omit<ComputePlan, 'shards'>, layers: LayerRange, threadIndex: number, thread: ThreadMemory | undefined,
): Layout {
  const arena = new Arena(ARENA_BASE, thread ? undefined : Infinity);
  const sizes = { ...plan.limits, maxSequences: plan.maxSequences };
  const regions = allocateRegions(arena, sizes);
  const backend = createWasmBackend({
    memory: thread?.memory,
    instance: thread?.instance,
    arena,
    threadIndex,
    numThreads: plan.numThreads,
    controlPtr: regions.controlPtr,
    kv: plan.kv,
    maxSlots: plan.maxSequences,
  });
  const { kvLayers, kvGroups } = backend;
  const allocateMissingTables = (): void => {
    while (regions.tables.length < kvGroups.length) regions.tables.push(allocateTables(arena, sizes));
  };
  allocateMissingTables();
  const table = new Map(plan.tensors.map((tensor) => [tensor.name, tensor]));
  const weights = createWeightSource(table, arena, backend);
  const model = findArchitecture(plan.config.architecture).build(plan.config, weights, backend, { ...plan.limits, layers });
  backend.completeLayout();
  allocateMissingTables();
  return { layers, arena, regions, backend, model, tensors: weights.requests, kvLayers, kvGroups };
}

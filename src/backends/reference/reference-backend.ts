// The plain TypeScript backend: one thread, no layouts of its own. It specifies what every other backend must compute.
import type { Arena } from '../arena.ts';
import type { Backend } from '../backend.ts';
import type { KvSizes } from '../kv-groups.ts';
import { KvGroups } from '../kv-groups.ts';
import { kvCacheBytes, kvTypeFor } from '../tensors.ts';
import { attention } from './attention.ts';
import * as elementwise from './elementwise.ts';
import { combineExperts, route } from './experts.ts';
import { storeKv } from './kv-cache.ts';
import { expertMatmul, gather, getRows, matmul } from './matmul.ts';
import type { ReferenceMemory } from './memory.ts';
import { createReferenceMemory } from './memory.ts';
import { layerNorm, rmsNorm } from './norm.ts';
import { shortConv, selectiveScan } from './recurrent.ts';
import { rope, ropeAngles } from './rope.ts';

export interface ReferenceBackendOptions {
  /** What addresses point into; its size may be 0 for a dry run that only allocates. */
  readonly memory: ArrayBufferLike;
  readonly arena: Arena;
  readonly kv: KvSizes;
  /** Sequences with recurrent state at a time. */
  readonly maxSlots: number;
}

export function createReferenceBackend(options: ReferenceBackendOptions): Backend {
  const memory = createReferenceMemory(options.memory);
  return { name: 'reference', ...storage(options, memory), ...operations(memory) };
}

function storage(options: ReferenceBackendOptions, memory: ReferenceMemory) {
  const { arena, kv, maxSlots } = options;
  const kvGroups = new KvGroups(kv);
  const activation: Backend['activation'] = (rows, cols, label) => {
    const ptr = arena.allocate(4 * rows * cols, label);
    return { ptr, rows, cols, stride: cols, allocation: ptr };
  };
  return {
    activation,
    indices: (length, label) => ({ ptr: arena.allocate(4 * length, label), length }),
    constant(values, label) {
      const ptr = arena.allocate(4 * values.length, label);
      if (memory.bytes.length > 0) memory.floats.set(values, ptr / 4);
      return { name: label, ptr, length: values.length };
    },
    kvLayer(shape) {
      const group = kvGroups.indexOf(shape.window);
      const sized = { ...shape, type: kvTypeFor(kv.type, shape), group, numBlocks: kvGroups.groups[group]!.numBlocks };
      const keyPtr = arena.allocate(kvCacheBytes(sized, shape.keyDim), 'keys');
      const valuePtr = arena.allocate(kvCacheBytes(sized, shape.valueDim), 'values');
      return { ...sized, keyPtr, valuePtr };
    },
    layoutFor: () => 'gguf',
    headLayoutFor: () => 'gguf',
    repack: () => undefined,
    recurrentState: (floatsPerSlot) => activation(maxSlots, floatsPerSlot, 'recurrent state'),
  } satisfies Partial<Backend>;
}

function operations(memory: ReferenceMemory) {
  return {
    getRows: getRows.bind(undefined, memory),
    gather: gather.bind(undefined, memory),
    matmul: matmul.bind(undefined, memory),
    likeliest: (out, weight, x) => matmul(memory, out, weight, x, 1),
    rmsNorm: rmsNorm.bind(undefined, memory),
    layerNorm: layerNorm.bind(undefined, memory),
    ropeAngles: ropeAngles.bind(undefined, memory),
    rope: rope.bind(undefined, memory),
    storeKv: storeKv.bind(undefined, memory),
    attention: attention.bind(undefined, memory),
    activate: elementwise.activate.bind(undefined, memory),
    gate: elementwise.gate.bind(undefined, memory),
    gateClamped: elementwise.gateClamped.bind(undefined, memory),
    add: elementwise.add.bind(undefined, memory),
    addVector: elementwise.addVector.bind(undefined, memory),
    multiply: elementwise.multiply.bind(undefined, memory),
    scale: elementwise.scale.bind(undefined, memory),
    softcap: elementwise.softcap.bind(undefined, memory),
    clamp: elementwise.clamp.bind(undefined, memory),
    route: route.bind(undefined, memory),
    expertMatmul: expertMatmul.bind(undefined, memory),
    combineExperts: combineExperts.bind(undefined, memory),
    shortConv: shortConv.bind(undefined, memory),
    selectiveScan: selectiveScan.bind(undefined, memory),
  } satisfies Partial<Backend>;
}

// The WebAssembly backend on one of its threads: storage while a model is built, operations.ts afterwards.
import type { Arena } from '../arena.ts';
import type { Backend } from '../backend.ts';
import type { KvGroup, KvSizes } from '../kv-groups.ts';
import { KvGroups } from '../kv-groups.ts';
import type { Activation, KvLayer, WeightLayout } from '../tensors.ts';
import { kvCacheBytes, kvTypeFor } from '../tensors.ts';
import { GGML_TYPES } from '../../gguf/ggml-types.ts';
import type { GgmlType } from '../../gguf/ggml-types.ts';
import type { KernelExports, Kernels } from './kernels.ts';
import { headLayoutFor, layoutFor } from './matmul.ts';
import { createOperations } from './operations.ts';
import type { Findings } from './operations.ts';
import { Recorder } from './recorder.ts';
import type { Scratch } from './scratch.ts';
import { ScratchNeeds } from './scratch.ts';
import { byColumns } from './shares.ts';
import { PRIVATE_ROWS, WasmThread } from './thread.ts';

export interface WasmBackendOptions {
  /** Both absent for a dry run, which only allocates. */
  readonly memory?: WebAssembly.Memory;
  readonly instance?: WebAssembly.Instance;
  readonly arena: Arena;
  readonly threadIndex: number;
  readonly numThreads: number;
  /** CONTROL_BYTES bytes, zero at first. */
  readonly controlPtr: number;
  readonly kv: KvSizes;
  /** Sequences with recurrent state at a time. */
  readonly maxSlots: number;
}

export interface WasmBackend extends Backend, Findings {
  readonly kvLayers: readonly KvLayer[];
  /** Found while the model is built. */
  readonly kvGroups: readonly KvGroup[];
  /** What layers with recurrent state keep: a row per slot. */
  readonly recurrentStates: readonly Activation[];
  /** Barriers passed so far. */
  readonly numBarriers: number;
  /** Allocates working memory; call once, after the model was built and before the first operation. */
  completeLayout(): void;
  /**
   * One forward pass. With a key, the kernel calls are kept and made again for the same key, without what decided them:
   * `run` must do the same each time but for the contents of memory.
   */
  pass<T>(key: string | undefined, run: () => T): T;
  /**
   * Copies `n` rows of `from`, in another memory, to `out`; before it, all threads must have met after `from` was written, and
   * no private copy of it may be newer.
   */
  receive(out: Activation, memory: WebAssembly.Memory, from: Activation, n: number): void;
  /** A barrier: what any thread wrote is visible to all afterwards. */
  synchronize(): void;
  /** Makes the other threads throw at their next barrier, since this one has failed. */
  poison(): void;
}

export function createWasmBackend(options: WasmBackendOptions): WasmBackend {
  const { arena, kv, threadIndex, numThreads } = options;
  const privatePtrs = new Map<number, number>();
  const recorder = new Recorder((options.instance?.exports ?? {}) as KernelExports);
  const kernels = { exports: recorder.exports, memory: options.memory } as Kernels;
  const thread = new WasmThread(kernels, recorder, threadIndex, numThreads, options.controlPtr, privatePtrs);
  const scratch = {} as Scratch;
  const needs = new ScratchNeeds();
  const kvLayers: KvLayer[] = [];
  const kvGroups = new KvGroups(kv);
  const recurrentStates: Activation[] = [];

  const activation = (rows: number, cols: number, label: string): Activation => {
    const ptr = arena.allocate(4 * rows * cols, label);
    if (numThreads > 1) {
      const size = Math.ceil((4 * Math.min(rows, PRIVATE_ROWS) * cols) / 64) * 64;
      privatePtrs.set(ptr, arena.allocate(size * numThreads, label) + size * threadIndex);
    }
    needs.activation(rows);
    return { ptr, rows, cols, stride: cols, allocation: ptr };
  };

  const needed = (layout: WeightLayout, type: GgmlType, rows: number, cols: number, depth: number): WeightLayout => {
    const { blockSize, blockBytes } = GGML_TYPES[type];
    needs.weight({ name: '', type, layout, cols, rows, depth, ptr: 0, rowBytes: (cols / blockSize) * blockBytes });
    return layout;
  };

  return {
    name: 'wasm',
    kvLayers,
    kvGroups: kvGroups.groups,
    recurrentStates,
    get numBarriers() {
      return thread.numBarriers;
    },
    activation,
    indices: (length, label) => ({ ptr: arena.allocate(4 * length, label), length }),
    constant(values, label) {
      const ptr = arena.allocate(4 * values.length, label);
      if (options.memory) new Float32Array(options.memory.buffer, ptr, values.length).set(values);
      return { name: label, ptr, length: values.length };
    },
    kvLayer(shape) {
      const group = kvGroups.indexOf(shape.window);
      const sized = { ...shape, type: kvTypeFor(kv.type, shape), group, numBlocks: kvGroups.groups[group]!.numBlocks };
      const keyPtr = arena.allocate(kvCacheBytes(sized, shape.keyDim), 'keys');
      const valuePtr = arena.allocate(kvCacheBytes(sized, shape.valueDim), 'values');
      const layer = { ...sized, keyPtr, valuePtr };
      kvLayers.push(layer);
      needs.kvLayer(layer);
      return layer;
    },
    layoutFor: (type, rows, cols, depth = 1) => needed(layoutFor(type, rows, cols), type, rows, cols, depth),
    headLayoutFor(type, rows, cols) {
      const layout = headLayoutFor(type, rows, cols);
      needed(layout, type, rows, cols, 1);
      // Working memory is the same for every build, so that addresses are.
      return layout === 'halves64' && recorder.exports['halve_q8_0'] === undefined ? needed(layoutFor(type, rows, cols), type, rows, cols, 1) : layout;
    },
    recurrentState(floatsPerSlot) {
      const state = activation(options.maxSlots, floatsPerSlot, 'recurrent state');
      recurrentStates.push(state);
      return state;
    },
    completeLayout: () => needs.allocate(scratch, arena, threadIndex, numThreads),
    pass(key, run) {
      thread.beginPass();
      return key === undefined ? run() : recorder.replay(key, run);
    },
    receive(out, memory, from, n) {
      thread.begin([], [[out, byColumns(out.cols)]]);
      const [first, end] = thread.share(out.cols);
      if (first >= end) return;
      thread.live(() => {
        for (let row = 0; row < n; row++) {
          const source = new Float32Array(memory.buffer, from.ptr + 4 * (row * from.stride + first), end - first);
          new Float32Array(options.memory!.buffer, out.ptr + 4 * (row * out.stride + first), end - first).set(source);
        }
      });
    },
    synchronize: () => thread.synchronize(),
    poison: () => thread.poison(),
    ...createOperations(thread, scratch),
  };
}


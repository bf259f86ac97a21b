// One compute thread: the model built over linear memory, and the loop in which helper threads follow the first one.
import { findArchitecture } from '../architectures/registry.ts';
import type { Model } from '../architectures/architecture.ts';
import { createWeightSource } from '../architectures/weights.ts';
import type { LoadedTensor } from '../architectures/weights.ts';
import { Arena } from '../backends/arena.ts';
import type { KvGroup } from '../backends/kv-groups.ts';
import type { Activation, KvLayer } from '../backends/tensors.ts';
import { ARENA_BASE } from '../backends/wasm/memory-map.ts';
import { createWasmBackend } from '../backends/wasm/backend.ts';
import type { WasmBackend } from '../backends/wasm/backend.ts';
import type { ComputePlan } from './protocol.ts';
import { COMMAND, RegionBatch, STEP, allocateRegions, allocateTables } from './regions.ts';
import type { Regions } from './regions.ts';

/** A model laid out in linear memory, or only measured when there is none. */
export interface Layout {
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

/** Lays a model out: addresses depend on the plan alone, so every thread and the dry run without memory agree. */
export function layOut(plan: ComputePlan, threadIndex: number, thread: ThreadMemory | undefined): Layout {
  const arena = new Arena(ARENA_BASE);
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
  const table = new Map(plan.tensors.map((tensor) => [tensor.name, tensor]));
  const weights = createWeightSource(table, arena, backend);
  const model = findArchitecture(plan.config.architecture).build(plan.config, weights, backend, plan.limits);
  backend.completeLayout();
  const { kvLayers, kvGroups } = backend;
  while (regions.tables.length < kvGroups.length) regions.tables.push(allocateTables(arena, sizes));
  return { arena, regions, backend, model, tensors: weights.requests, kvLayers, kvGroups };
}

export class ComputeThread {
  readonly layout: Layout;
  readonly batch: RegionBatch;
  readonly step: Int32Array;
  /** Result of the last forward pass. */
  hidden: Activation | undefined;
  logits: Activation | undefined;
  readonly #stepIndex: number;
  readonly #control: Int32Array;
  readonly #draft: ComputeThread | undefined;
  /** The thread of the large model, whose step words the helper threads watch. */
  #leader: ComputeThread | undefined;

  /** `draft` is the same thread's part of the draft model, whose commands this one passes on. */
  constructor(plan: ComputePlan, threadIndex: number, thread: ThreadMemory, draft?: ComputeThread) {
    this.#draft = draft;
    if (draft) draft.#leader = this;
    this.layout = layOut(plan, threadIndex, thread);
    this.batch = new RegionBatch(this.layout.regions);
    this.#control = new Int32Array(thread.memory.buffer);
    this.#stepIndex = this.layout.regions.stepPtr / 4;
    this.step = this.#control.subarray(this.#stepIndex, this.#stepIndex + STEP.length);
  }

  /** Runs this thread's share of the command in the step words. */
  execute(): void {
    try {
      this.#execute();
    } catch (error) {
      this.layout.backend.poison();
      throw error;
    }
  }

  #execute(): void {
    if (this.step[STEP.command] === COMMAND.draft) {
      this.#draft!.execute();
      return;
    }
    if (this.step[STEP.command] === COMMAND.repack) {
      this.#repack();
    } else {
      this.batch.numTokens = this.step[STEP.numTokens]!;
      this.batch.numOutputs = this.step[STEP.numOutputs]!;
      const { backend } = this.layout;
      const { numTokens, numOutputs } = this.batch;
      const wantLogits = this.step[STEP.wantLogits] === 1;
      const key = numTokens <= RECORDED_ROWS ? `${numTokens} ${numOutputs} ${wantLogits}` : undefined;
      Object.assign(this, backend.pass(key, () => this.#forward(wantLogits)));
    }
    this.layout.backend.synchronize();
  }

  /** Repacks each tensor as soon as it has been read. */
  #repack(): void {
    const { backend, tensors } = this.layout;
    tensors.forEach((tensor, i) => {
      if (tensor.kind !== 'matrix' || tensor.weight.layout === 'gguf') return;
      this.#awaitArrival(i + 1);
      backend.repack(tensor.weight);
    });
    this.#awaitArrival(tensors.length + 1);
  }

  #awaitArrival(count: number): void {
    const index = this.#stepIndex + STEP.arrived;
    for (let arrived; (arrived = Atomics.load(this.#control, index)) < count;) Atomics.wait(this.#control, index, arrived);
  }

  #forward(wantLogits: boolean): { readonly hidden: Activation; readonly logits: Activation | undefined } {
    const { model } = this.layout;
    const hidden = model.forward(this.batch);
    return { hidden, logits: wantLogits ? model.logits?.(hidden, this.batch.numOutputs) : undefined };
  }

  /** Starts the command on the helper threads; the first thread then calls `execute` itself. */
  announce(): void {
    if (this.#leader) {
      this.#leader.step[STEP.command] = COMMAND.draft;
      this.#leader.announce();
      return;
    }
    Atomics.add(this.#control, this.#stepIndex + STEP.generation, 1);
    Atomics.notify(this.#control, this.#stepIndex + STEP.generation);
  }

  /** Follows the first thread's commands until the worker is terminated. Blocks the thread. */
  follow(): never {
    const generationIndex = this.#stepIndex + STEP.generation;
    for (let seen = 0; ; seen++) {
      this.#awaitGeneration(generationIndex, seen);
      this.execute();
    }
  }

  /** Between two tokens the first thread is away for some 0.3 ms: spin longer than that before sleeping. */
  #awaitGeneration(index: number, seen: number): void {
    for (let spins = 0; spins < SPINS_BEFORE_WAIT; spins++) {
      if (Atomics.load(this.#control, index) !== seen) return;
    }
    while (Atomics.load(this.#control, index) === seen) Atomics.wait(this.#control, index, seen);
  }
}

/** Passes of up to this many rows are recorded: decoding and speculation, where deciding costs most beside computing. */
const RECORDED_ROWS = 16;

/** About 1 ms of Atomics.load on a 3 GHz core: longer than the first thread takes to sample, post and receive. */
const SPINS_BEFORE_WAIT = 200_000;

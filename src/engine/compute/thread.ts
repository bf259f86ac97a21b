// One compute thread: the model built over its memories, and the loop in which helper threads follow the first one.
import type { ThreadMemory } from '../memory/layout.ts';
import type { ComputePlan } from './protocol.ts';
import { COMMAND, RegionBatch, STEP } from '../memory/regions.ts';
import { ShardChain } from '../memory/shard-chain.ts';
import type { ForwardResult, Shard } from '../memory/shard-chain.ts';

export class ComputeThread {
  readonly chain: ShardChain;
  readonly batch: RegionBatch;
  readonly step: Int32Array;
  /** Of the last forward pass. */
  result: ForwardResult | undefined;
  readonly #stepIndex: number;
  readonly #control: Int32Array;
  readonly #draft: ComputeThread | undefined;
  /** The thread of the large model, whose step words the helper threads watch. */
  #leader: ComputeThread | undefined;

  /** `draft` is the same thread's part of the draft model, whose commands this one passes on. */
  constructor(plan: ComputePlan, threadIndex: number, memories: readonly ThreadMemory[], draft?: ComputeThread) {
    this.#draft = draft;
    if (draft) draft.#leader = this;
    this.chain = new ShardChain(plan, threadIndex, memories);
    const { regions, memory } = this.chain.shards[0]!;
    this.batch = new RegionBatch(regions);
    this.#control = new Int32Array(memory.buffer);
    this.#stepIndex = regions.stepPtr / 4;
    this.step = this.#control.subarray(this.#stepIndex, this.#stepIndex + STEP.length);
  }

  /** Runs this thread's share of the command in the step words. */
  execute(): void {
    try {
      this.#execute();
    } catch (error) {
      this.chain.poison();
      throw error;
    }
  }

  #execute(): void {
    if (this.step[STEP.command] === COMMAND.draft) {
      this.#draft!.execute();
      return;
    }
    if (this.step[STEP.command] === COMMAND.repack) {
      for (const shard of this.chain.shards) repack(shard);
      return;
    }
    this.batch.numTokens = this.step[STEP.numTokens]!;
    this.batch.numOutputs = this.step[STEP.numOutputs]!;
    const wanted = this.step[STEP.wantLogits] === 1 ? this.step[STEP.numLikeliest]! || 'all' : 'none';
    this.result = this.chain.forward(this.batch, wanted);
  }

  /** Repacks each tensor once it has been read, on a thread that is alone and may not block. */
  async repackWhenRead(whenRead: (shard: number, count: number) => Promise<void>): Promise<void> {
    for (const [i, shard] of this.chain.shards.entries()) {
      for (const count of repacking(shard)) await whenRead(i, count);
      shard.backend.synchronize();
    }
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

/** Repacks each tensor as soon as it has been read. */
function repack(shard: Shard): void {
  const { backend, memory, regions } = shard;
  const words = new Int32Array(memory.buffer, regions.stepPtr, STEP.length);
  const awaitArrival = (count: number): void => {
    for (let arrived; (arrived = Atomics.load(words, STEP.arrived)) < count;) Atomics.wait(words, STEP.arrived, arrived);
  };
  for (const count of repacking(shard)) awaitArrival(count);
  backend.synchronize();
}

/** Repacks a shard's tensors; goes on once as many as it yields have been read. */
function* repacking({ backend, tensors }: Shard): Generator<number, void, void> {
  for (const [i, tensor] of tensors.entries()) {
    if (tensor.kind !== 'matrix' || tensor.weight.layout === 'gguf') continue;
    yield i + 1;
    backend.repack(tensor.weight);
  }
  yield tensors.length + 1;
}

/** About 1 ms of Atomics.load on a 3 GHz core: longer than the first thread takes to sample, post and receive. */
const SPINS_BEFORE_WAIT = 200_000;

// A model on one thread as a chain of shards: each a linear memory with a range of layers, kernels on it and a barrier in it.
// Only the hidden states of a batch's rows cross from one to the next.
import type { KvGroup } from '../../backends/kv-groups.ts';
import type { Activation, Batch } from '../../backends/tensors.ts';
import { layOut } from './layout.ts';
import type { Layout, ThreadMemory } from './layout.ts';
import type { ComputePlan } from '../compute/protocol.ts';

export type Shard = Layout & Pick<ThreadMemory, 'memory'>;

/** All logits, none, or of one row so many of the highest. */
export type LogitsWanted = 'all' | 'none' | number;

/** What lies where after a forward pass. */
export interface ForwardResult {
  readonly hidden: Activation;
  readonly logits: Activation | undefined;
}

/** Passes of up to this many rows are recorded: decoding and speculation, where deciding costs most beside computing. */
const RECORDED_ROWS = 16;

export class ShardChain {
  /** In the order of their layers; the first one holds the step command. */
  readonly shards: readonly Shard[];
  /** The last one, which holds the hidden states that come out. */
  readonly last: Shard;
  /** The same in every shard. */
  readonly kvGroups: readonly KvGroup[];
  /** The one with the language-model head, hence the logits. */
  readonly head: Shard;

  constructor(plan: ComputePlan, threadIndex: number, memories: readonly ThreadMemory[]) {
    this.shards = plan.shards.map((layers, i) => ({ ...layOut(plan, layers, threadIndex, memories[i]), memory: memories[i]!.memory }));
    this.last = this.shards.at(-1)!;
    this.kvGroups = this.last.kvGroups;
    this.head = this.shards.find(({ model }) => model.logits) ?? this.last;
  }

  /** Runs this thread's share of all layers; all threads have met when it returns. `wanted` is what is wanted of the logits. */
  forward(batch: Batch, wanted: LogitsWanted): ForwardResult {
    const { shards, last, head } = this;
    const { numTokens, numOutputs } = batch;
    const wantLogits = wanted !== 'none', numLikeliest = typeof wanted === 'number' ? wanted : undefined;
    const key = numTokens <= RECORDED_ROWS ? `${numTokens} ${numOutputs} ${wanted}` : undefined;
    let result: ForwardResult | undefined;
    shards.forEach((shard, i) => {
      const { backend, model } = shard;
      const before = result?.hidden;
      result = backend.pass(key, () => {
        if (before) backend.receive(model.residual, shards[i - 1]!.memory, before, numTokens);
        const hidden = model.forward(batch);
        const logits = wantLogits && shard === last ? model.logits?.(hidden, numOutputs, numLikeliest) : undefined;
        return { hidden, logits };
      });
      backend.synchronize();
    });
    const { hidden, logits } = result!;
    return { hidden, logits: wantLogits && head !== last ? this.#tiedLogits(hidden, numOutputs, numLikeliest, key) : logits };
  }

  /** The embeddings lie in another shard than the last layers: the wanted rows go there. */
  #tiedLogits(hidden: Activation, numOutputs: number, numLikeliest: number | undefined, key: string | undefined): Activation {
    const { backend, model } = this.head;
    const logits = backend.pass(key && `head ${key}`, () => {
      backend.receive(model.hidden!, this.last.memory, hidden, numOutputs);
      return model.logits!(model.hidden!, numOutputs, numLikeliest);
    });
    backend.synchronize();
    return logits;
  }

  /** Makes the other threads throw at their next barrier, wherever that is. */
  poison(): void {
    for (const { backend } of this.shards) backend.poison();
  }
}

// One vector for a text: every position's final hidden state, pooled.
import type { ComputePlan } from '../compute/protocol.ts';
import type { PassOptions, Runner } from './runner.ts';
import type { Sequence } from './sequence.ts';

/** The pooled hidden state (hiddenSize), not normalized; undefined when `isCancelled` says so between two passes. */
export async function embedIds(
  runner: Runner, sequence: Sequence, plan: ComputePlan & PassOptions,
  pooling: 'mean' | 'cls' | 'last', isCancelled: () => Promise<boolean>,
): Promise<Float32Array | undefined> {
  const numIds = sequence.ids.length;
  const sum = new Float64Array(plan.config.hiddenSize);
  while (sequence.numComputed < numIds) {
    const start = sequence.numComputed;
    // An encoder's rows see each other, so they share one pass.
    const most = plan.config.kind === 'encoder' ? Infinity : plan.maxRows();
    const numTokens = Math.min(numIds - start, plan.limits.maxBatchTokens, most);
    runner.forward([{ sequence, numTokens, numOutputs: numTokens }], 'none', plan.onComputed);
    for (let row = 0; row < numTokens; row++) {
      const position = start + row;
      const wanted = pooling === 'mean' || (pooling === 'cls' ? position === 0 : position === numIds - 1);
      if (!wanted) continue;
      const hidden = runner.hidden(row);
      for (let i = 0; i < sum.length; i++) sum[i] = sum[i]! + hidden[i]!;
    }
    if (await isCancelled()) return undefined;
  }
  const count = pooling === 'mean' ? numIds : 1;
  return Float32Array.from(sum, (value) => value / count);
}

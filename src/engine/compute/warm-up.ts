// What happens to a model before its first request: weights are repacked as they arrive, and the code is warmed up.
import { BlockPool } from '../memory/block-pool.ts';
import { countParameters } from './protocol.ts';
import type { ComputePlan } from './protocol.ts';
import type { Runner } from '../steps/runner.ts';
import { Sequence } from '../steps/sequence.ts';
import { windowPools } from '../memory/window-blocks.ts';

/** Models up to this size are warmed up. */
const WARMED_UP_PARAMETERS = 5e8;
/** Enough for a full panel, a partial one and a single row. */
const WARM_UP_TOKENS = 7;

/** Resolves once so many of a shard's tensors have been read. */
type WhenRead = (shard: number, count: number) => Promise<void>;

/** `whenRead` is for threads that may not block; without it the thread waits in memory. */
export async function makeReady(runner: Runner, plan: ComputePlan, whenRead: WhenRead | undefined, warm: boolean): Promise<void> {
  if (whenRead) await runner.repackWhenRead(whenRead);
  else runner.repack();
  if (warm) warmUp(runner, plan);
}

/**
 * Runs a model on dummy rows, so that the first request meets optimized code (measured: Liftoff is 5× slower).
 * A large model's first rows take so long that kernels are optimized within its first layers: there the dummy rows would cost
 * more than they gain (measured, 1.1B Q4_0: first token of a cold process 1.70 → 1.40 s).
 */
function warmUp(runner: Runner, plan: ComputePlan): void {
  const { config, limits, kv } = plan;
  if (countParameters(plan) > WARMED_UP_PARAMETERS) return;
  if (config.kind !== 'decoder' || limits.contextLength < WARM_UP_TOKENS + 1) return;
  const windows = windowPools(runner.thread.chain.kvGroups);
  const sequence = new Sequence(0, new Array<number>(WARM_UP_TOKENS + 1).fill(0), new BlockPool(kv.numBlocks), windows);
  runner.forward([{ sequence, numTokens: Math.min(WARM_UP_TOKENS, limits.maxBatchTokens), numOutputs: 1 }], 1);
  runner.forward([{ sequence, numTokens: 1, numOutputs: 1 }], 1);
}

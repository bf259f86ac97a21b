// Gets a sequence's blocks ready for the caller's hands: computed to their end, or empty, to be filled from a session.
import type { BuildLimits } from '../../architectures/architecture.ts';
import { KV_BLOCK_SIZE } from '../../backends/tensors.ts';
import type { PassOptions, Runner } from '../steps/runner.ts';
import type { Sequence } from '../steps/sequence.ts';

/**
 * Afterwards `sequence` has blocks for all its ids and, unless they are `toFill`, the keys and values of all of them. These
 * depend on nothing but the ids: what lies behind them in the last block is zero, not what another sequence left there.
 * False when `isCancelled` says so between two passes.
 */
export async function holdBlocks(
  runner: Runner, sequence: Sequence, limits: BuildLimits & PassOptions, toFill: boolean,
  isCancelled: () => Promise<boolean>,
): Promise<boolean> {
  const numIds = sequence.ids.length;
  if (toFill) {
    for (const window of sequence.windows) window.trim(numIds - 1);
    sequence.reserve(numIds);
    return true;
  }
  // A partly filled block is a copy that has more in it.
  sequence.numComputed = sequence.cached.length * KV_BLOCK_SIZE;
  const lastBlock = KV_BLOCK_SIZE * Math.floor(numIds / KV_BLOCK_SIZE);
  while (sequence.numComputed < numIds) {
    const numTokens = Math.min(numIds - sequence.numComputed, limits.maxBatchTokens, limits.maxRows());
    if (lastBlock < numIds && sequence.numComputed <= lastBlock && sequence.numComputed + numTokens > lastBlock) {
      runner.writeTable(sequence, sequence.reserve(numIds));
      runner.clearLastBlock(sequence);
    }
    runner.forward([{ sequence, numTokens, numOutputs: 0 }], 'none', limits.onComputed);
    if (await isCancelled()) return false;
  }
  return true;
}

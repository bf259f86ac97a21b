// A request with one answer (a score, an embedding, blocks to hold): its passes and the message it comes to.
import { embedIds } from './embedding.ts';
import type { ComputePlan, EmbeddedMessage, GenerateMessage, HeldMessage, ScoredMessage } from '../compute/protocol.ts';
import type { PassOptions, Runner } from './runner.ts';
import { scoreIds } from './scoring.ts';
import type { Sequence } from './sequence.ts';
import { holdBlocks } from '../session/hold-blocks.ts';
import type { Job } from './waiting-jobs.ts';

/** Undefined when `isCancelled` says so between two passes. */
export async function computeJob(
  runner: Runner, sequence: Sequence, plan: ComputePlan & PassOptions, job: Exclude<Job, GenerateMessage>,
  isCancelled: () => Promise<boolean>,
): Promise<ScoredMessage | EmbeddedMessage | HeldMessage | undefined> {
  const { requestId } = job;
  const limits = { ...plan.limits, maxRows: plan.maxRows, onComputed: plan.onComputed };
  if (job.type === 'score') {
    const scored = await scoreIds(runner, sequence, limits, job, isCancelled);
    return scored && { type: 'scored', requestId, ...scored };
  }
  if (job.type === 'hold') {
    const isReady = await holdBlocks(runner, sequence, limits, job.toFill, isCancelled);
    return isReady ? { type: 'held', requestId, blocks: sequence.blocksByGroup() } : undefined;
  }
  const embedding = await embedIds(runner, sequence, plan, job.pooling, isCancelled);
  return embedding && { type: 'embedded', requestId, embedding };
}

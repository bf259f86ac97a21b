// Likelihood of given ids: one prefill whose every wanted position is compared with the id that follows it.
import type { BuildLimits } from '../../architectures/architecture.ts';
import type { ScoreMessage } from '../compute/protocol.ts';
import type { PassOptions, Runner } from './runner.ts';
import { samplingError } from '../sampler/errors.ts';
import type { Sequence } from './sequence.ts';

export interface Scores {
  readonly tokenNlls: Float64Array;
  readonly lastIds: readonly number[];
  readonly lastLogprobs: readonly number[];
  readonly logits?: Float32Array;
}

/** Scores `sequence`'s ids from index `job.from`; undefined when `isCancelled` says so between two passes. */
export async function scoreIds(
  runner: Runner, sequence: Sequence, limits: BuildLimits & PassOptions, job: ScoreMessage,
  isCancelled: () => Promise<boolean>,
): Promise<Scores | undefined> {
  const { ids } = sequence;
  const tokenNlls = new Float64Array(ids.length - job.from);
  for (;;) {
    const start = sequence.numComputed;
    const chunk = Math.min(ids.length - start, limits.maxBatchTokens, limits.maxRows());
    // Row p predicts id p + 1, so rows before from − 1 need no logits.
    const unwanted = Math.max(0, Math.min(chunk, job.from - 1 - start));
    const numTokens = unwanted > 0 ? unwanted : Math.min(chunk, limits.maxOutputs);
    const numOutputs = unwanted > 0 ? 0 : numTokens;
    runner.forward([{ sequence, numTokens, numOutputs }], 'all', limits.onComputed);
    for (let row = 0; row < numOutputs; row++) {
      const next = start + row + 1;
      const logits = runner.logits(row);
      const total = logSumExp(logits);
      if (!Number.isFinite(total)) throw samplingError(logits);
      if (next < ids.length) tokenNlls[next - job.from] = total - logits[ids[next]!]!;
      else return { tokenNlls, ...lastPosition(logits, job) };
    }
    if (await isCancelled()) return undefined;
  }
}

function lastPosition(logits: Float32Array, job: ScoreMessage): Omit<Scores, 'tokenNlls'> {
  const total = logSumExp(logits);
  const lastIds = topIds(logits, job.topK);
  return {
    lastIds,
    lastLogprobs: lastIds.map((id) => logits[id]! - total),
    ...(job.wantLogits && { logits: Float32Array.from(logits) }),
  };
}

/** ln Σ exp(x), without overflow. */
function logSumExp(x: Float32Array): number {
  let max = -Infinity;
  for (let i = 0; i < x.length; i++) if (x[i]! > max) max = x[i]!;
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += Math.exp(x[i]! - max);
  return max + Math.log(sum);
}

/** Indices of the k greatest values, greatest first, the lower index first among equals. Sorts where k is large. */
function topIds(x: Float32Array, k: number): number[] {
  if (k > 64) return Array.from(x.keys()).sort((a, b) => x[b]! - x[a]! || a - b).slice(0, k);
  const best: number[] = [];
  for (let i = 0; i < x.length; i++) {
    if (best.length === k && !(x[i]! > x[best[k - 1]!]!)) continue;
    let at = best.length;
    while (at > 0 && x[i]! > x[best[at - 1]!]!) at--;
    best.splice(at, 0, i);
    if (best.length > k) best.pop();
  }
  return best;
}

// Jobs that wait for a place, in fair order: clients take turns, so that one's burst holds nobody else up.
import { blocksFor } from '../memory/block-pool.ts';
import type { EmbedMessage, GenerateMessage, HoldMessage, ScoreMessage } from '../compute/protocol.ts';

export type Job = GenerateMessage | ScoreMessage | EmbedMessage | HoldMessage;

/** Blocks that must be free for a job; choices beyond what fits together run one after another. */
export function blocksNeeded(job: Job): number {
  if (job.type !== 'generate') return blocksFor(job.ids.length);
  return blocksFor(Math.min(job.promptIds.length + job.maxTokens, job.slide?.contextLength ?? Infinity));
}

/** Places that a job takes up, one after another or at once. */
const placesOf = (job: Job): number => (job.type === 'generate' ? job.numChoices - job.firstChoice : 1);

interface Waiting {
  readonly job: Job;
  /** In rounds, of which each gives every client one place. */
  readonly start: number;
  readonly end: number;
}

/** Start-time fair queueing: a client's jobs follow each other in rounds, and those of a round come first come first served. */
export class WaitingJobs {
  /** In order. */
  readonly #waiting: Waiting[] = [];
  /** The round of what was taken last, which newcomers join. */
  #round = 0;

  get length(): number {
    return this.#waiting.length;
  }

  at(index: number): Job {
    return this.#waiting[index]!.job;
  }

  push(job: Job): void {
    const last = this.#waiting.findLast((other) => other.job.client === job.client);
    const start = Math.max(this.#round, last?.end ?? 0);
    const before = this.#waiting.findLastIndex((other) => other.start <= start);
    this.#waiting.splice(before + 1, 0, { job, start, end: start + placesOf(job) });
  }

  take(index: number): Job {
    const { job, start } = this.#waiting.splice(index, 1)[0]!;
    this.#round = Math.max(this.#round, start);
    return job;
  }

  /** What is left of a job that was taken, before everything else. */
  putBack(job: Job): void {
    this.#waiting.unshift({ job, start: this.#round, end: this.#round + placesOf(job) });
  }

  remove(requestId: number): void {
    const index = this.#waiting.findIndex(({ job }) => job.requestId === requestId);
    if (index >= 0) this.#waiting.splice(index, 1);
  }
}

// Requests with one answer (scores, embeddings, blocks to hold): computed one at a time, a pass at a time, between the steps of
// the running choices.
import { computeJob } from './compute-job.ts';
import { failed } from '../compute/failed-message.ts';
import type { Places } from '../memory/places.ts';
import type { CommitMessage, ComputePlan, FromCompute, GenerateMessage } from '../compute/protocol.ts';
import type { PassOptions, Runner } from './runner.ts';
import type { Sequence } from './sequence.ts';
import { blocksNeeded } from './waiting-jobs.ts';
import type { Job } from './waiting-jobs.ts';

export type SingleJob = Exclude<Job, GenerateMessage>;

interface Computing {
  readonly requestId: number;
  /** Blocks that it will still take. */
  readonly numBlocksLeft: () => number;
  cancelled: boolean;
  /** Continues it with its next pass. */
  resume?: () => void;
}

export class SingleJobs {
  readonly #runner: Runner;
  readonly #plan: ComputePlan & PassOptions;
  readonly #places: Places;
  readonly #post: (message: FromCompute) => void;
  #computing: Computing | undefined;
  /** Sequences whose blocks are in the caller's hands, by request. */
  readonly #held = new Map<number, Sequence>();

  constructor(runner: Runner, plan: ComputePlan & PassOptions, places: Places, post: (message: FromCompute) => void) {
    this.#runner = runner;
    this.#plan = plan;
    this.#places = places;
    this.#post = post;
  }

  get isComputing(): boolean {
    return this.#computing !== undefined;
  }

  /** Blocks that the one being computed may still take. */
  get numBlocksLeft(): number {
    return this.#computing?.numBlocksLeft() ?? 0;
  }

  /** Sequences that have a place. */
  get numSequences(): number {
    return this.#held.size + (this.#computing ? 1 : 0);
  }

  /** Gives the one being computed its next pass. */
  goOn(): void {
    const resume = this.#computing?.resume;
    if (!resume) return;
    this.#computing!.resume = undefined;
    resume();
  }

  async start(job: SingleJob): Promise<void> {
    const { requestId } = job;
    const sequence = this.#places.begin(job.ids);
    const computing: Computing = (this.#computing = {
      requestId, cancelled: false, numBlocksLeft: () => blocksNeeded(job) - sequence.blocks.length,
    });
    const isCancelled = async (): Promise<boolean> => {
      await new Promise<void>((resolve) => (computing.resume = resolve));
      return computing.cancelled;
    };
    try {
      if (job.type === 'hold' && !job.toFill) this.#places.recall(sequence);
      const message = await computeJob(this.#runner, sequence, this.#plan, job, isCancelled);
      if (message?.type === 'held') this.#held.set(requestId, sequence);
      if (message) this.#post(message);
    } catch (error) {
      this.#post(failed(error, requestId));
    } finally {
      this.#computing = undefined;
      if (!this.#held.has(requestId)) this.#places.release(sequence);
    }
  }

  /** The caller has filled the blocks that a request holds. */
  commit({ requestId }: CommitMessage): void {
    const sequence = this.#held.get(requestId);
    if (!sequence) return;
    sequence.numComputed = sequence.ids.length;
    this.#letGo(requestId, sequence);
    this.#post({ type: 'committed', requestId });
  }

  cancel(requestId: number): void {
    if (this.#computing?.requestId === requestId) this.#computing.cancelled = true;
    const held = this.#held.get(requestId);
    if (held) this.#letGo(requestId, held);
  }

  #letGo(requestId: number, sequence: Sequence): void {
    this.#held.delete(requestId);
    this.#places.giveBack(sequence);
  }
}

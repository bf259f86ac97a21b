// The engine on the first compute thread: takes requests, admits them, schedules, runs, samples, reports.
// One step is: schedule → run → sample. Between steps messages are handled, so a cancellation acts within one step.
import { ClawdbotError } from '../errors.ts';
import { BlockPool, blocksFor } from './block-pool.ts';
import { Choice } from './choice.ts';
import type { ComputeThread } from './compute-thread.ts';
import { embedIds } from './embedding.ts';
import type {
  CancelMessage, ComputePlan, EmbedMessage, FromCompute, GenerateMessage, ScoreMessage, ToCompute,
} from './protocol.ts';
import { Runner } from './runner.ts';
import { createSampler, SamplerMemory } from './sampler/sampler.ts';
import { schedule } from './scheduler.ts';
import { scoreIds } from './scoring.ts';
import { Sequence } from './sequence.ts';

export interface CoreOptions {
  readonly plan: ComputePlan;
  readonly thread: ComputeThread;
  readonly memory: WebAssembly.Memory;
  readonly post: (message: FromCompute, transfer?: ArrayBuffer[]) => void;
  /** Lets queued messages be received. */
  readonly yieldNow: () => Promise<void>;
}

/** Enough for a full panel, a partial one and a single row. */
const WARM_UP_TOKENS = 7;

type Job = GenerateMessage | ScoreMessage | EmbedMessage;

export class EngineCore {
  readonly #options: CoreOptions;
  readonly #runner: Runner;
  readonly #pool: BlockPool;
  readonly #freeSlots: number[];
  readonly #samplerMemory: SamplerMemory;
  readonly #waiting: Job[] = [];
  /** The score or embed request being computed, and whether it was cancelled meanwhile. */
  #computing: { readonly requestId: number; cancelled: boolean } | undefined;
  #running: Choice[] = [];
  #working = false;

  constructor(options: CoreOptions) {
    this.#options = options;
    this.#runner = new Runner(options.thread, options.memory, options.plan.config.vocabSize);
    this.#pool = new BlockPool(options.plan.kv.numBlocks);
    this.#samplerMemory = new SamplerMemory(options.plan.config.vocabSize);
    this.#freeSlots = Array.from({ length: options.plan.maxSequences }, (_, i) => options.plan.maxSequences - 1 - i);
  }

  receive(message: ToCompute): void {
    switch (message.type) {
      case 'prepare':
        this.#runner.repack();
        this.#warmUp();
        this.#options.post({ type: 'prepared' });
        return;
      case 'stop':
        this.#waiting.length = 0;
        for (const choice of this.#running) this.#release(choice.sequence);
        this.#running = [];
        this.#runner.stopHelpers();
        return;
      case 'cancel':
        this.#cancel(message);
        return;
      case 'generate':
      case 'score':
      case 'embed':
        this.#waiting.push(message);
        void this.#work();
        return;
      case 'init':
        throw new Error('A compute worker is initialized once.');
    }
  }

  async #work(): Promise<void> {
    if (this.#working) return;
    this.#working = true;
    try {
      while (this.#waiting.length > 0 || this.#running.length > 0) {
        await this.#admit();
        if (this.#running.length > 0) this.#step();
        await this.#options.yieldNow();
      }
    } catch (error) {
      this.#options.post({ type: 'failed', ...describe(error) });
    } finally {
      this.#working = false;
    }
  }

  /** Starts waiting jobs, first come first served, while slots and blocks last. */
  async #admit(): Promise<void> {
    while (this.#waiting.length > 0) {
      const job = this.#waiting[0]!;
      const { positions, slots } = this.#needs(job);
      if (slots > this.#freeSlots.length || positions > this.#unreservedBlocks()) return;
      this.#waiting.shift();
      try {
        if (job.type === 'generate') this.#start(job, job.firstChoice);
        else await this.#compute(job);
      } catch (error) {
        this.#options.post({ type: 'failed', requestId: job.requestId, ...describe(error) });
      }
    }
  }

  /** Blocks and slots that must be free for a job; choices beyond what fits together run one after another. */
  #needs(job: Job): { positions: number; slots: number } {
    if (job.type !== 'generate') return { positions: blocksFor(job.ids.length), slots: 1 };
    return { positions: blocksFor(job.promptIds.length + job.maxTokens), slots: 1 };
  }

  /** Free blocks that no running choice may still need. */
  #unreservedBlocks(): number {
    let promised = 0;
    for (const { request, sequence } of this.#running) {
      promised += blocksFor(request.promptIds.length + request.maxTokens) - sequence.blocks.length;
    }
    return this.#pool.numFree - promised;
  }

  #start(request: GenerateMessage, choiceIndex: number, source?: Sequence): void {
    const sequence = new Sequence(this.#freeSlots.pop()!, request.promptIds, this.#pool);
    try {
      const seed = (request.seed + choiceIndex) % 2 ** 32;
      const sampler = createSampler({ ...request.sampling, seed }, this.#samplerMemory);
      if (source) this.#runner.share(source, sequence);
      this.#running.push(new Choice(request, choiceIndex, sequence, sampler));
    } catch (error) {
      this.#release(sequence);
      throw error;
    }
  }

  async #compute(job: ScoreMessage | EmbedMessage): Promise<void> {
    const sequence = new Sequence(this.#freeSlots.pop()!, job.ids, this.#pool);
    const { limits } = this.#options.plan;
    const computing = (this.#computing = { requestId: job.requestId, cancelled: false });
    const isCancelled = async (): Promise<boolean> => {
      await this.#options.yieldNow();
      return computing.cancelled;
    };
    try {
      if (job.type === 'score') {
        const scored = await scoreIds(this.#runner, sequence, limits, job, isCancelled);
        if (scored) this.#options.post({ type: 'scored', requestId: job.requestId, ...scored });
      } else {
        const embedding = await embedIds(this.#runner, sequence, this.#options.plan, job.pooling, isCancelled);
        if (embedding) this.#options.post({ type: 'embedded', requestId: job.requestId, embedding });
      }
    } finally {
      this.#computing = undefined;
      this.#release(sequence);
    }
  }

  #step(): void {
    const { maxBatchTokens, maxOutputs } = this.#options.plan.limits;
    const parts = schedule(this.#running.map((choice) => choice.sequence), maxBatchTokens, maxOutputs);
    this.#runner.forward(parts, true);
    let row = 0;
    for (const { sequence, numOutputs } of parts) {
      if (numOutputs === 0) continue;
      const choice = this.#running.find((candidate) => candidate.sequence === sequence)!;
      this.#advance(choice, this.#runner.logits(row++));
    }
  }

  #advance(choice: Choice, logits: Float32Array): void {
    const { request, index, sequence } = choice;
    const isFirstToken = sequence.ids.length === request.promptIds.length;
    if (isFirstToken && index === request.firstChoice) this.#startSiblings(choice, logits);
    try {
      const message = choice.advance(logits);
      if (message.finishReason) this.#finish(choice);
      this.#options.post(message);
    } catch (error) {
      this.#cancel({ type: 'cancel', requestId: request.requestId });
      this.#options.post({ type: 'failed', requestId: request.requestId, ...describe(error) });
    }
  }

  /** The other choices begin from the same computed prompt and the same logits. */
  #startSiblings(first: Choice, logits: Float32Array): void {
    const { request } = first;
    for (let index = request.firstChoice + 1; index < request.numChoices; index++) {
      const blocks = blocksFor(request.promptIds.length + request.maxTokens);
      if (this.#freeSlots.length === 0 || blocks > this.#unreservedBlocks()) {
        this.#waiting.unshift({ ...request, firstChoice: index });
        return;
      }
      this.#start(request, index, first.sequence);
      this.#advance(this.#running.at(-1)!, logits);
    }
  }

  #cancel({ requestId, choiceIndex }: CancelMessage): void {
    const waiting = this.#waiting.findIndex((job) => job.requestId === requestId);
    if (choiceIndex === undefined) {
      if (waiting >= 0) this.#waiting.splice(waiting, 1);
      if (this.#computing?.requestId === requestId) this.#computing.cancelled = true;
    }
    for (const choice of [...this.#running]) {
      const matches = choice.request.requestId === requestId;
      if (matches && (choiceIndex === undefined || choiceIndex === choice.index)) this.#finish(choice);
    }
  }

  #finish(choice: Choice): void {
    this.#running = this.#running.filter((other) => other !== choice);
    this.#release(choice.sequence);
  }

  #release(sequence: Sequence): void {
    sequence.release();
    this.#freeSlots.push(sequence.slot);
  }

  /** Runs the kernels on dummy rows so that the first request meets optimized code (measured: Liftoff is 5× slower). */
  #warmUp(): void {
    const { kind } = this.#options.plan.config;
    const { contextLength, maxBatchTokens } = this.#options.plan.limits;
    if (kind !== 'decoder' || contextLength < WARM_UP_TOKENS + 1) return;
    const sequence = new Sequence(this.#freeSlots.pop()!, new Array<number>(WARM_UP_TOKENS + 1).fill(0), this.#pool);
    const numTokens = Math.min(WARM_UP_TOKENS, maxBatchTokens);
    this.#runner.forward([{ sequence, numTokens, numOutputs: 1 }], true);
    this.#runner.forward([{ sequence, numTokens: 1, numOutputs: 1 }], true);
    this.#release(sequence);
  }
}

function describe(error: unknown): { code: string; message: string } {
  if (error instanceof ClawdbotError) return { code: error.code, message: error.message };
  return { code: 'ERR_INTERNAL', message: error instanceof Error ? error.message : String(error) };
}

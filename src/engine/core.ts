// The engine on the first compute thread: takes requests, admits them, schedules, runs, samples, reports.
// One step is: schedule → run → sample. Between steps messages are handled, so a cancellation acts within one step.
import { BlockPool } from './block-pool.ts';
import { Choice } from './choice.ts';
import { computeJob } from './compute-job.ts';
import type { ComputeThread } from './compute-thread.ts';
import { StatsRecord } from './engine-stats.ts';
import { failed } from './failed-message.ts';
import type {
  CancelMessage, CommitMessage, ComputePlan, FromCompute, GenerateMessage, ModelInMemory, ToCore,
} from './protocol.ts';
import { FEWEST_ROWS_BESIDE_DECODE, Pace, promptRows } from './pace.ts';
import { GrammarStore } from './grammar-store.ts';
import { PrefixCache } from './prefix-cache.ts';
import { Runner } from './runner.ts';
import type { BatchPart, PassOptions } from './runner.ts';
import { createSampler, SamplerMemory } from './sampler/sampler.ts';
import { schedule } from './scheduler.ts';
import { Sequence } from './sequence.ts';
import { ModelDrafter } from './speculation/model-drafter.ts';
import { WaitingJobs, blocksNeeded } from './waiting-jobs.ts';
import type { Job } from './waiting-jobs.ts';
import { windowPools } from './window-blocks.ts';
import { warmUp } from './warm-up.ts';
import type { WindowPool } from './window-blocks.ts';

export interface CoreOptions {
  readonly plan: ComputePlan;
  readonly thread: ComputeThread;
  /** The draft model, if there is one. */
  readonly draft?: ModelInMemory & { readonly thread: ComputeThread };
  readonly post: (message: FromCompute) => void;
  /** Lets queued messages be received. */
  readonly yieldNow: () => Promise<void>;
  /** Set on a thread that may not be blocked: see `WorkerPort`. */
  readonly whenRead?: (model: 'main' | 'draft', shard: number, count: number) => Promise<void>;
  readonly isCallersThread?: boolean;
  /** No other thread has its memory. */
  readonly isAlone?: boolean;
}

interface Computing {
  readonly requestId: number;
  /** Blocks that it will still take. */
  readonly numBlocksLeft: () => number;
  cancelled: boolean;
  resume?: () => void;
}

export class EngineCore {
  readonly #options: CoreOptions;
  readonly #runner: Runner;
  readonly #draftRunner: Runner | undefined;
  readonly #drafter: ModelDrafter | undefined;
  readonly #pool: BlockPool;
  readonly #windows: readonly WindowPool[];
  readonly #prefixes: PrefixCache | undefined;
  readonly #freeSlots: number[];
  readonly #samplerMemory: SamplerMemory;
  readonly #grammars = new GrammarStore();
  readonly #stats: StatsRecord;
  readonly #waiting = new WaitingJobs();
  /** The score, embed or hold request being computed; `resume` continues it with its next pass. */
  #computing: Computing | undefined;
  /** Sequences whose blocks are in the caller's hands, by request. */
  readonly #held = new Map<number, Sequence>();
  readonly #pace: Pace;
  #running: Choice[] = [];
  #working = false;

  constructor(options: CoreOptions) {
    this.#options = options;
    this.#pace = new Pace(options.isCallersThread ? FEWEST_ROWS_BESIDE_DECODE : undefined);
    const { memory, regions } = options.thread.chain.shards[0]!;
    this.#stats = new StatsRecord(memory, regions.statsPtr, options.isAlone ? options.post : undefined);
    this.#runner = new Runner(options.thread, options.plan.config.vocabSize);
    this.#pool = new BlockPool(options.plan.kv.numBlocks);
    this.#windows = windowPools(options.thread.chain.kvGroups);
    const { cachedBlocks, cachedWindowBlocks } = options.plan;
    if (cachedBlocks > 0) {
      const windows = this.#windows.map((window, i) => ({ ...window, maxKept: cachedWindowBlocks[i]! }));
      this.#prefixes = new PrefixCache(this.#pool, this.#runner, cachedBlocks, windows);
    }
    if (options.draft) {
      const { plan, thread } = options.draft;
      this.#draftRunner = new Runner(thread, plan.config.vocabSize);
      this.#drafter = new ModelDrafter(this.#draftRunner, plan, options.plan.numTokens);
    }
    this.#samplerMemory = new SamplerMemory(options.plan.config.vocabSize);
    this.#freeSlots = Array.from({ length: options.plan.maxSequences }, (_, i) => options.plan.maxSequences - 1 - i);
  }

  receive(message: ToCore): void {
    switch (message.type) {
      case 'prepare':
        void this.#prepare();
        return;
      case 'cancel':
        this.#cancel(message);
        this.#publish();
        return;
      case 'commit':
        this.#commit(message);
        return;
      case 'generate':
        this.#grammars.learn(message.grammar?.tokens);
        this.#waiting.push(message);
        void this.#work();
        return;
      case 'score':
      case 'embed':
      case 'hold':
        this.#waiting.push(message);
        void this.#work();
        return;
    }
  }

  async #prepare(): Promise<void> {
    try {
      const { plan, draft, whenRead, isCallersThread } = this.#options;
      const makeReady = async (runner: Runner, model: 'main' | 'draft'): Promise<void> => {
        if (whenRead) await runner.repackWhenRead((...read) => whenRead(model, ...read));
        else runner.repack();
        if (!isCallersThread) warmUp(runner, model === 'main' ? plan : draft!.plan);
      };
      await makeReady(this.#runner, 'main');
      if (this.#draftRunner) await makeReady(this.#draftRunner, 'draft');
      this.#runner.onPass = (parts) => this.#count(parts);
      this.#options.post({ type: 'prepared' });
    } catch (error) {
      this.#options.post(failed(error));
    }
  }

  async #work(): Promise<void> {
    // On the caller's thread each request keeps the work going by itself: where requests end for good (workerd cancels their
    // timers), one must not wait for another's turn. Steps are never interrupted, so that several may take turns.
    if (this.#working && !this.#options.isCallersThread) return;
    this.#working = true;
    try {
      while (this.#waiting.length > 0 || this.#running.length > 0 || this.#computing) {
        this.#admit();
        const resume = this.#computing?.resume;
        if (resume) {
          this.#computing!.resume = undefined;
          resume();
        }
        if (this.#running.length > 0) this.#step();
        this.#publish();
        await this.#options.yieldNow();
      }
    } catch (error) {
      this.#options.post(failed(error));
    } finally {
      this.#working = false;
      this.#publish();
    }
  }

  #publish(): void {
    const usedBlocks = this.#pool.numBlocks - this.#pool.numFree;
    const running = this.#running.length + this.#held.size + (this.#computing ? 1 : 0);
    this.#stats.publish({ running, waiting: this.#waiting.length, usedBlocks, cachedBlocks: this.#prefixes?.numKept ?? 0 });
  }

  #count(parts: readonly BatchPart[]): void {
    this.#stats.countPass(parts.length);
    const decoding = new Set(this.#running.filter((choice) => choice.isDecoding).map(({ sequence }) => sequence));
    for (const { sequence, numTokens } of parts) if (!decoding.has(sequence)) this.#stats.add('prefilled', numTokens);
  }

  /** Lets a sequence begin with what is remembered of it. */
  #recall(sequence: Sequence): void {
    const before = sequence.numSpared;
    const numSpared = this.#prefixes?.extend(sequence) ?? 0;
    this.#stats.add('cached', numSpared);
    if (before === 0 && numSpared > 0) this.#stats.add('prefixHits', 1);
  }

  /**
   * Starts waiting jobs, clients taking turns, while slots and blocks last. One score, embed or hold request is computed at
   * a time, beside the running choices; others wait for it without holding up what comes after them.
   */
  #admit(): void {
    for (let at = 0; at < this.#waiting.length;) {
      const job = this.#waiting.at(at);
      if (job.type !== 'generate' && this.#computing) {
        at++;
        continue;
      }
      if (this.#freeSlots.length === 0 || blocksNeeded(job) > this.#unreservedBlocks()) return;
      this.#waiting.take(at);
      this.#stats.add('sequences', 1);
      try {
        if (job.type === 'generate') this.#start(job, job.firstChoice);
        else void this.#compute(job);
      } catch (error) {
        this.#options.post(failed(error, job.requestId));
      }
    }
  }

  /** Free blocks that no running choice may still need. */
  #unreservedBlocks(): number {
    let promised = 0;
    for (const { request, sequence } of this.#running) {
      promised += blocksNeeded(request) - sequence.blocks.length;
    }
    if (this.#computing) promised += this.#computing.numBlocksLeft();
    return this.#pool.numFree - promised;
  }

  #start(request: GenerateMessage, choiceIndex: number, source?: Sequence): void {
    const sequence = new Sequence(this.#freeSlots.pop()!, request.promptIds, this.#pool, this.#windows);
    try {
      const seed = (request.seed + choiceIndex) % 2 ** 32;
      const constraint = this.#grammars.constraint(request);
      const sampler = createSampler({ ...request.sampling, seed }, this.#samplerMemory, constraint);
      if (source) this.#runner.share(source, sequence);
      else this.#recall(sequence);
      this.#running.push(new Choice(request, choiceIndex, sequence, sampler, constraint));
    } catch (error) {
      this.#release(sequence);
      throw error;
    }
  }

  async #compute(job: Exclude<Job, GenerateMessage>): Promise<void> {
    const sequence = new Sequence(this.#freeSlots.pop()!, job.ids, this.#pool, this.#windows);
    const computing: Computing = (this.#computing = {
      requestId: job.requestId, cancelled: false, numBlocksLeft: () => blocksNeeded(job) - sequence.blocks.length,
    });
    const isCancelled = async (): Promise<boolean> => {
      await new Promise<void>((resolve) => (computing.resume = resolve));
      return computing.cancelled;
    };
    const passes: PassOptions = {
      maxRows: () => this.#promptRows(), onComputed: (computed) => this.#prefixes?.note(computed),
    };
    try {
      if (job.type === 'hold' && !job.toFill) this.#recall(sequence);
      const message = await computeJob(this.#runner, sequence, { ...this.#options.plan, ...passes }, job, isCancelled);
      if (message?.type === 'held') this.#held.set(job.requestId, sequence);
      if (message) this.#options.post(message);
    } catch (error) {
      this.#options.post(failed(error, job.requestId));
    } finally {
      this.#computing = undefined;
      if (!this.#held.has(job.requestId)) this.#release(sequence);
    }
  }

  #commit({ requestId }: CommitMessage): void {
    const sequence = this.#held.get(requestId);
    if (!sequence) return;
    sequence.numComputed = sequence.ids.length;
    this.#letGo(requestId, sequence);
    this.#options.post({ type: 'committed', requestId });
  }

  #letGo(requestId: number, sequence: Sequence): void {
    this.#held.delete(requestId);
    this.#giveBack(sequence);
  }

  #step(): void {
    const { maxBatchTokens, maxOutputs } = this.#options.plan.limits;
    const startedAt = performance.now();
    for (const choice of this.#running) {
      choice.propose();
      // What others have computed since it was admitted.
      this.#recall(choice.sequence);
    }
    const numDecoding = this.#running.filter((choice) => choice.isDecoding).length;
    this.#drafter?.propose(this.#running.flatMap(({ draftWish }) => draftWish ?? []), numDecoding);
    for (const choice of this.#running) this.#attempt(choice, () => choice.trimDraft());
    if (this.#running.length === 0) return;
    const parts = schedule(this.#running.map((choice) => choice.sequence), {
      maxTokens: maxBatchTokens, maxOutputs,
      repeats: (sequence, part) => this.#prefixes?.repeats(sequence, part.sequence, part.numTokens) ?? false,
      promptRows: this.#promptRows(),
      promptRowsBesideDecode: this.#promptRows(true),
    });
    const forwardAt = performance.now();
    this.#runner.forward(parts, true, (sequence) => this.#prefixes?.note(sequence));
    this.#pace.observe(parts.reduce((sum, part) => sum + part.numTokens, 0), performance.now() - forwardAt);
    let row = 0;
    let numNew = 0;
    for (const part of parts) {
      numNew += this.#chooseFrom(part, row);
      row += part.numOutputs;
    }
    if (numDecoding === parts.length) this.#drafter?.learn(numDecoding, numNew, performance.now() - startedAt);
  }

  /** Chooses from a part's result rows, the first of them `row`, as long as the draft says what is chosen; returns how many. */
  #chooseFrom({ sequence, numOutputs }: BatchPart, row: number): number {
    // A choice may have been cancelled since: a sibling's failure ends the whole request.
    const choice = this.#running.find((candidate) => candidate.sequence === sequence);
    if (!choice) return 0;
    const { requestId, wantsPromptProgress, firstChoice } = choice.request;
    if (wantsPromptProgress && choice.index === firstChoice && !choice.isDecoding) {
      this.#options.post({ type: 'prompt', requestId, numComputed: sequence.numComputed });
    }
    if (numOutputs === 0) return 0;
    const draft = sequence.draft.slice(0, numOutputs - 1);
    choice.drafted(draft.length);
    this.#stats.add('drafted', draft.length);
    let numNew = 0;
    for (let i = 0; i < numOutputs; i++) {
      numNew++;
      if (i > 0) this.#stats.add('accepted', 1);
      this.#advance(choice, this.#runner.logits(row + i).subarray(0, this.#options.plan.numTokens), draft[i]);
      if (sequence.ids.at(-1) !== draft[i] || !this.#running.includes(choice)) break;
    }
    choice.settle();
    if (choice.mustSlide && this.#running.includes(choice)) {
      choice.slide();
      this.#drafter?.release(sequence.slot);
    }
    return numNew;
  }

  #promptRows(isBesideDecode = false): number {
    const rows = promptRows(this.#pace, { isInline: this.#options.isCallersThread ?? false, isBesideDecode });
    return Math.min(rows, this.#options.plan.limits.maxBatchTokens);
  }

  #advance(choice: Choice, logits: Float32Array, draftId?: number): void {
    const { request, index } = choice;
    const isFirstToken = !choice.isDecoding;
    if (isFirstToken && index === request.firstChoice) this.#startSiblings(choice, logits);
    if (!this.#running.includes(choice)) return;
    this.#attempt(choice, () => {
      const message = choice.advance(logits, draftId);
      this.#stats.add('decoded', 1);
      if (message.finishReason) this.#finish(choice);
      this.#options.post(message);
    });
  }

  /** What fails for one choice ends its request and no other. */
  #attempt({ request: { requestId } }: Choice, work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#cancel({ type: 'cancel', requestId });
      this.#options.post(failed(error, requestId));
    }
  }

  /** The other choices begin from the same computed prompt and the same logits. */
  #startSiblings(first: Choice, logits: Float32Array): void {
    const { request } = first;
    for (let index = request.firstChoice + 1; index < request.numChoices; index++) {
      if (!this.#running.includes(first)) return;
      if (this.#freeSlots.length === 0 || blocksNeeded(request) > this.#unreservedBlocks()) {
        this.#waiting.putBack({ ...request, firstChoice: index });
        return;
      }
      this.#start(request, index, first.sequence);
      this.#advance(this.#running.at(-1)!, logits);
    }
  }

  #cancel({ requestId, choiceIndex }: CancelMessage): void {
    if (choiceIndex === undefined) {
      this.#waiting.remove(requestId);
      if (this.#computing?.requestId === requestId) this.#computing.cancelled = true;
      const held = this.#held.get(requestId);
      if (held) this.#letGo(requestId, held);
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
    sequence.settle();
    this.#giveBack(sequence);
  }

  #giveBack(sequence: Sequence): void {
    this.#prefixes?.noteLast(sequence);
    sequence.release();
    this.#drafter?.release(sequence.slot);
    this.#freeSlots.push(sequence.slot);
  }
}

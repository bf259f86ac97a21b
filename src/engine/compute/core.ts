// The engine on the first compute thread: takes requests, admits them, schedules, runs, samples, reports.
// One step is: schedule → run → sample. Between steps messages are handled, so a cancellation acts within one step.
import { Choice } from '../steps/choice.ts';
import type { KnownOfRow } from '../steps/choice.ts';
import type { ComputeThread } from './thread.ts';
import { StatsRecord } from '../engine-stats.ts';
import { failed } from './failed-message.ts';
import type {
  CancelMessage, ComputePlan, FromCompute, GenerateMessage, ModelInMemory, ToCore,
} from './protocol.ts';
import { FEWEST_ROWS_BESIDE_DECODE, Pace, promptRows } from '../steps/pace.ts';
import { GrammarStore } from '../steps/grammar-store.ts';
import { Places } from '../memory/places.ts';
import type { LogitsWanted } from '../memory/shard-chain.ts';
import { Runner } from '../steps/runner.ts';
import type { BatchPart } from '../steps/runner.ts';
import { createSampler, SamplerMemory } from '../sampler/sampler.ts';
import { schedule } from '../steps/scheduler.ts';
import type { Sequence } from '../steps/sequence.ts';
import { SingleJobs } from '../steps/single-jobs.ts';
import { ModelDrafter } from '../speculation/model-drafter.ts';
import { WaitingJobs, blocksNeeded } from '../steps/waiting-jobs.ts';
import { makeReady } from './warm-up.ts';

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

export class EngineCore {
  readonly #options: CoreOptions;
  readonly #runner: Runner;
  readonly #draftRunner: Runner | undefined;
  readonly #drafter: ModelDrafter | undefined;
  readonly #places: Places;
  readonly #samplerMemory: SamplerMemory;
  readonly #grammars = new GrammarStore();
  readonly #stats: StatsRecord;
  readonly #waiting = new WaitingJobs();
  readonly #single: SingleJobs;
  readonly #pace: Pace;
  #running: Choice[] = [];
  #working = false;

  constructor(options: CoreOptions) {
    this.#options = options;
    this.#pace = new Pace(options.isCallersThread ? FEWEST_ROWS_BESIDE_DECODE : undefined);
    const { memory, regions } = options.thread.chain.shards[0]!;
    this.#stats = new StatsRecord(memory, regions.statsPtr, options.isAlone ? options.post : undefined);
    this.#runner = new Runner(options.thread, options.plan.config.vocabSize);
    this.#places = new Places(options.plan, this.#runner, this.#stats);
    if (options.draft) {
      const { plan, thread } = options.draft;
      this.#draftRunner = new Runner(thread, plan.config.vocabSize);
      const drafter = (this.#drafter = new ModelDrafter(this.#draftRunner, plan, options.plan.numTokens));
      this.#places.onFree = (slot) => drafter.release(slot);
    }
    this.#samplerMemory = new SamplerMemory(options.plan.config.vocabSize);
    const passes = { maxRows: () => this.#promptRows(), onComputed: (sequence: Sequence) => this.#places.note(sequence) };
    this.#single = new SingleJobs(this.#runner, { ...options.plan, ...passes }, this.#places, options.post);
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
        this.#single.commit(message);
        return;
      default:
        if (message.type === 'generate') this.#grammars.learn(message.grammar?.tokens);
        this.#waiting.push(message);
        void this.#work();
    }
  }

  async #prepare(): Promise<void> {
    try {
      const { plan, draft, whenRead, isCallersThread } = this.#options;
      await makeReady(this.#runner, plan, whenRead?.bind(undefined, 'main'), !isCallersThread);
      if (this.#draftRunner) await makeReady(this.#draftRunner, draft!.plan, whenRead?.bind(undefined, 'draft'), !isCallersThread);
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
      while (this.#waiting.length > 0 || this.#running.length > 0 || this.#single.isComputing) {
        this.#admit();
        this.#single.goOn();
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
    const { used: usedBlocks, cached: cachedBlocks } = this.#places.blocks;
    const running = this.#running.length + this.#single.numSequences;
    this.#stats.publish({ running, waiting: this.#waiting.length, usedBlocks, cachedBlocks });
  }

  #count(parts: readonly BatchPart[]): void {
    this.#stats.countPass(parts.length);
    const decoding = new Set(this.#running.filter((choice) => choice.isDecoding).map(({ sequence }) => sequence));
    for (const { sequence, numTokens } of parts) if (!decoding.has(sequence)) this.#stats.add('prefilled', numTokens);
  }

  /**
   * Starts waiting jobs, clients taking turns, while slots and blocks last. One score, embed or hold request is computed at
   * a time, beside the running choices; others wait for it without holding up what comes after them.
   */
  #admit(): void {
    for (let at = 0; at < this.#waiting.length;) {
      const job = this.#waiting.at(at);
      if (job.type !== 'generate' && this.#single.isComputing) {
        at++;
        continue;
      }
      if (!this.#places.hasSlot || blocksNeeded(job) > this.#unreservedBlocks()) return;
      this.#waiting.take(at);
      this.#stats.add('sequences', 1);
      try {
        if (job.type === 'generate') this.#start(job, job.firstChoice);
        else void this.#single.start(job);
      } catch (error) {
        this.#options.post(failed(error, job.requestId));
      }
    }
  }

  /** Free blocks that nothing in work may still need. */
  #unreservedBlocks(): number {
    const promised = this.#running.reduce((sum, { request, sequence }) => sum + blocksNeeded(request) - sequence.blocks.length, 0);
    return this.#places.blocks.free - promised - this.#single.numBlocksLeft;
  }

  #start(request: GenerateMessage, choiceIndex: number, source?: Sequence): void {
    const sequence = this.#places.begin(request.promptIds);
    try {
      const seed = (request.seed + choiceIndex) % 2 ** 32;
      const constraint = this.#grammars.constraint(request);
      const sampler = createSampler({ ...request.sampling, seed }, this.#samplerMemory, constraint);
      if (source) this.#runner.share(source, sequence);
      else this.#places.recall(sequence);
      this.#running.push(new Choice(request, choiceIndex, sequence, sampler, constraint));
    } catch (error) {
      this.#places.release(sequence);
      throw error;
    }
  }

  #step(): void {
    const { maxBatchTokens, maxOutputs } = this.#options.plan.limits;
    const startedAt = performance.now();
    for (const choice of this.#running) {
      choice.propose();
      // What others have computed since it was admitted.
      this.#places.recall(choice.sequence);
    }
    const numDecoding = this.#running.filter((choice) => choice.isDecoding).length;
    this.#drafter?.propose(this.#running.flatMap(({ draftWish }) => draftWish ?? []), numDecoding);
    for (const choice of this.#running) this.#attempt(choice, () => choice.trimDraft());
    if (this.#running.length === 0) return;
    const parts = schedule(this.#running.map((choice) => choice.sequence), {
      maxTokens: maxBatchTokens, maxOutputs,
      repeats: (sequence, part) => this.#places.repeats(sequence, part),
      promptRows: this.#promptRows(),
      promptRowsBesideDecode: this.#promptRows(true),
    });
    const forwardAt = performance.now();
    this.#runner.forward(parts, this.#wantedLogits(parts), (sequence) => this.#places.note(sequence));
    this.#pace.observe(parts.reduce((sum, part) => sum + part.numTokens, 0), performance.now() - forwardAt);
    let row = 0;
    let numNew = 0;
    for (const part of parts) {
      numNew += this.#chooseFrom(part, row);
      row += part.numOutputs;
    }
    if (numDecoding === parts.length) this.#drafter?.learn(numDecoding, numNew, performance.now() - startedAt);
  }

  /** Where there is one row to choose from, no more of the highest logits than the choice depends on. */
  #wantedLogits(parts: readonly BatchPart[]): LogitsWanted {
    const { numTokens, config } = this.#options.plan;
    const [part, ...others] = parts.filter(({ numOutputs }) => numOutputs > 0);
    if (part?.numOutputs !== 1 || others.length > 0 || numTokens !== config.vocabSize) return 'all';
    return this.#running.find(({ sequence }) => sequence === part.sequence)?.sampler.numLikeliest ?? 'all';
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
    const ids = this.#runner.likeliestIds();
    for (let i = 0; i < numOutputs; i++) {
      numNew++;
      if (i > 0) this.#stats.add('accepted', 1);
      this.#advance(choice, this.#runner.logits(row + i).subarray(0, this.#options.plan.numTokens), { draftId: draft[i], ids });
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

  #advance(choice: Choice, logits: Float32Array, known: KnownOfRow): void {
    const { request, index } = choice;
    const isFirstToken = !choice.isDecoding;
    if (isFirstToken && index === request.firstChoice) this.#startSiblings(choice, logits, known);
    if (!this.#running.includes(choice)) return;
    this.#attempt(choice, () => {
      const message = choice.advance(logits, known);
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
  #startSiblings(first: Choice, logits: Float32Array, known: KnownOfRow): void {
    const { request } = first;
    for (let index = request.firstChoice + 1; index < request.numChoices; index++) {
      if (!this.#running.includes(first)) return;
      if (!this.#places.hasSlot || blocksNeeded(request) > this.#unreservedBlocks()) {
        this.#waiting.putBack({ ...request, firstChoice: index });
        return;
      }
      this.#start(request, index, first.sequence);
      this.#advance(this.#running.at(-1)!, logits, { ids: known.ids });
    }
  }

  #cancel({ requestId, choiceIndex }: CancelMessage): void {
    if (choiceIndex === undefined) {
      this.#waiting.remove(requestId);
      this.#single.cancel(requestId);
    }
    for (const choice of [...this.#running]) {
      const matches = choice.request.requestId === requestId;
      if (matches && (choiceIndex === undefined || choiceIndex === choice.index)) this.#finish(choice);
    }
  }

  #finish(choice: Choice): void {
    this.#running = this.#running.filter((other) => other !== choice);
    this.#places.release(choice.sequence);
  }
}

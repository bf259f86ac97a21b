// One continuation of a request: its sequence, its sampler, and when it ends.
import type { Constraint } from '../../grammar/constraint.ts';
import type { Sampler } from '../sampler/sampler.ts';
import type { GenerateMessage, StepTimings, TokenMessage } from '../compute/protocol.ts';
import type { Sequence } from './sequence.ts';
import { LookupDrafter } from '../speculation/lookup-drafter.ts';
import type { DraftWish } from '../speculation/model-drafter.ts';

/** What is known of a row of logits: the id that the next row was computed with, and the ids whose logits are not −Infinity. */
export interface KnownOfRow {
  readonly draftId?: number;
  readonly ids?: readonly number[];
}

export class Choice {
  readonly request: GenerateMessage;
  readonly index: number;
  readonly sequence: Sequence;
  readonly sampler: Sampler;
  readonly #constraint: Constraint | undefined;
  readonly #startedAt: number;
  #firstTokenAt = 0;
  #numNew = 0;
  #drafter: LookupDrafter | undefined;
  /** Whether the sequence's draft was looked up. */
  #lookedUp = false;
  /** Draft ids of the last pass. */
  #numDrafted = 0;
  #acceptedBefore = 0;
  #draftTokens = 0;
  #acceptedDraftTokens = 0;
  #numDropped: number;

  constructor(request: GenerateMessage, index: number, sequence: Sequence, sampler: Sampler, constraint?: Constraint) {
    this.request = request;
    this.index = index;
    this.sequence = sequence;
    this.sampler = sampler;
    this.#constraint = constraint;
    this.#startedAt = performance.now();
    this.#numDropped = request.numDropped;
    if (request.lookup) this.#drafter = new LookupDrafter(request.lookup);
    for (const id of sequence.ids) sampler.accept(id);
  }

  /** Gives the sequence a draft, no longer than what may still be said: blocks are promised for that and no more. */
  propose(): void {
    if (!this.#drafter || this.#numNew === 0) return;
    this.sequence.draft = this.#drafter.draft(this.sequence.ids, this.#draftLimit);
    this.#lookedUp = this.sequence.draft.length > 0;
  }

  /** Shortens the draft to what the grammar lets through; what it does not would never be chosen. */
  trimDraft(): void {
    const { draft } = this.sequence;
    if (this.#constraint && draft.length > 0) this.sequence.draft = draft.slice(0, this.#constraint.fitting(draft));
  }

  /** Whether its next row is one of decoding, not of the prompt. */
  get isDecoding(): boolean {
    return this.#numNew > 0;
  }

  /** What the draft model may guess, where it is to and nothing was looked up. */
  get draftWish(): DraftWish | undefined {
    const { draft: settings } = this.request;
    if (!settings || this.#numNew === 0 || this.sequence.draft.length > 0) return undefined;
    return { sequence: this.sequence, limit: this.#draftLimit, settings };
  }

  get #draftLimit(): number {
    const { maxTokens, slide } = this.request;
    return Math.min(maxTokens - this.#numNew, (slide?.contextLength ?? Infinity) - this.sequence.ids.length) - 1;
  }

  /** Whether its context is full and it is to go on all the same. */
  get mustSlide(): boolean {
    const { slide } = this.request;
    return slide !== undefined && this.sequence.ids.length >= slide.contextLength;
  }

  /**
   * Leaves out the older half of what follows the first ids. The rest is computed anew: its keys and values know of what is
   * gone, and stand at other positions.
   */
  slide(): void {
    const { contextLength, numSinks: wanted } = this.request.slide!;
    const { ids } = this.sequence;
    // However long a system message is, the text must be able to go on.
    const numSinks = Math.min(wanted, contextLength - 2, Math.floor(contextLength * 0.75));
    const kept = [...ids.slice(0, numSinks), ...ids.slice(ids.length - Math.max(1, Math.floor((contextLength - numSinks) / 2)))];
    this.#numDropped += ids.length - kept.length;
    this.sequence.restart(kept);
    if (this.request.lookup) this.#drafter = new LookupDrafter(this.request.lookup);
  }

  /** Chooses the next id from `logits` and says what became of it. */
  advance(logits: Float32Array, { draftId, ids }: KnownOfRow): TokenMessage {
    const { id, logprob, top } = this.sampler.sample(logits, ids);
    if (id === draftId) this.#acceptedDraftTokens++;
    this.sampler.accept(id);
    this.#constraint?.accept(id);
    if (this.#numNew++ === 0) this.#firstTokenAt = performance.now();
    const stopped = this.request.stopIds.includes(id);
    const completed = stopped || (this.#constraint?.isOver ?? false);
    const ended = completed || this.#numNew >= this.request.maxTokens;
    this.sequence.ids.push(id);
    return {
      type: 'token',
      requestId: this.request.requestId,
      choiceIndex: this.index,
      id,
      ...(logprob !== undefined && { logprob, top: top ?? [] }),
      timings: this.timings(),
      ...(ended && { finishReason: completed ? 'stop' : 'length', stopped }),
    };
  }

  /** Notes that a pass computed `numDrafted` draft ids; their results are looked at next. */
  drafted(numDrafted: number): void {
    this.#numDrafted = numDrafted;
    this.#acceptedBefore = this.#acceptedDraftTokens;
    this.#draftTokens += numDrafted;
  }

  /** Ends what `drafted` began: the drafter learns from it and the sequence forgets the ids that were not chosen. */
  settle(): void {
    if (this.#lookedUp) this.#drafter!.learn(this.#numDrafted, this.#acceptedDraftTokens - this.#acceptedBefore);
    else this.#drafter?.learn(0, 0);
    this.#lookedUp = false;
    this.sequence.settle();
  }

  timings(): StepTimings {
    const now = performance.now();
    return {
      prefillTokens: this.request.promptIds.length,
      cachedTokens: this.sequence.numSpared,
      prefillMs: this.#firstTokenAt - this.#startedAt,
      decodeTokens: this.#numNew - 1,
      decodeMs: now - this.#firstTokenAt,
      draftTokens: this.#draftTokens,
      acceptedDraftTokens: this.#acceptedDraftTokens,
      droppedTokens: this.#numDropped,
    };
  }
}

// Drafts sequences' next ids with a smaller model of the same vocabulary, which follows every sequence it drafts for.
import { BlockPool } from '../memory/block-pool.ts';
import { Pace } from '../steps/pace.ts';
import type { ComputePlan } from '../compute/protocol.ts';
import type { BatchPart, Runner } from '../steps/runner.ts';
import { Sequence } from '../steps/sequence.ts';
import { windowPools } from '../memory/window-blocks.ts';
import type { WindowPool } from '../memory/window-blocks.ts';
import { DraftWorth } from './draft-worth.ts';
import type { DraftSettings } from './options.ts';

/** A decoding sequence of the large model that may get a draft of at most `settings.maxDraft` and `limit` ids. */
export interface DraftWish {
  readonly sequence: Sequence;
  readonly limit: number;
  readonly settings: DraftSettings;
}

/** The small model's copy of a sequence. */
interface Follower {
  readonly sequence: Sequence;
  /** Ids known to be those of the large model's sequence. */
  numSame: number;
}

interface Drafting {
  readonly wish: DraftWish;
  readonly follower: Follower;
  readonly limit: number;
  readonly ids: number[];
}

/** How long one step may spend on text that the small model has not seen: the rest is for the next steps. */
const CATCH_UP_MS = 100;
/** More than a step with drafts can leave to compute. */
const MOST_ROWS_OF_A_DRAFT = 16;

export class ModelDrafter {
  readonly #runner: Runner;
  readonly #plan: ComputePlan;
  readonly #pool: BlockPool;
  readonly #windows: readonly WindowPool[];
  /** Ids of the large model's vocabulary. */
  readonly #numTokens: number;
  readonly #followers = new Map<number, Follower>();
  readonly #worth = new DraftWorth();
  readonly #pace = new Pace();
  /** What the small model did in the step under way. */
  #did: 'nothing' | 'drafted' | 'caught up' = 'nothing';

  constructor(runner: Runner, plan: ComputePlan, numTokens: number) {
    this.#runner = runner;
    this.#plan = plan;
    this.#numTokens = Math.min(plan.numTokens, numTokens);
    this.#pool = new BlockPool(plan.kv.numBlocks);
    this.#windows = windowPools(runner.thread.chain.kvGroups);
  }

  /** Gives every sequence a draft that the small model finds likely, unless that has not been worth its time. */
  propose(wishes: readonly DraftWish[], numDecoding: number): void {
    this.#did = 'nothing';
    if (wishes.length === 0 || !this.#worth.paysFor(numDecoding)) return;
    let drafting = wishes.flatMap((wish) => this.#begin(wish) ?? []);
    drafting = drafting.slice(0, Math.min(this.#plan.limits.maxOutputs, this.#plan.limits.maxBatchTokens));
    while (drafting.length > 0) drafting = this.#pass(drafting);
  }

  /** Hears that `numTokens` came of a step in which `numDecoding` sequences and nothing else were computed. */
  learn(numDecoding: number, numTokens: number, ms: number): void {
    // What catching up costs, later steps bring in.
    if (this.#did !== 'caught up') this.#worth.learn(numDecoding, numTokens, ms, this.#did === 'drafted');
  }

  /** Forgets the sequence of a slot. */
  release(slot: number): void {
    this.#followers.get(slot)?.sequence.release();
    this.#followers.delete(slot);
  }

  /** Brings the small model's copy up to date; undefined where it cannot follow, or there is no room for a draft. */
  #begin(wish: DraftWish): Drafting | undefined {
    const { sequence, settings } = wish;
    const limit = Math.min(wish.limit, settings.maxDraft, this.#plan.limits.contextLength - sequence.ids.length);
    if (limit <= 0 || sequence.slot >= this.#plan.maxSequences) return undefined;
    let follower = this.#followers.get(sequence.slot);
    if (!follower) {
      follower = { sequence: new Sequence(sequence.slot, [], this.#pool, this.#windows), numSame: 0 };
      this.#followers.set(sequence.slot, follower);
    }
    const own = follower.sequence;
    while (follower.numSame < sequence.ids.length && own.ids[follower.numSame] === sequence.ids[follower.numSame]) follower.numSame++;
    own.ids.length = follower.numSame;
    for (let i = follower.numSame; i < sequence.ids.length; i++) {
      // A vocabulary may be padded differently: what the small model has no embedding for ends its drafts.
      if (sequence.ids[i]! >= this.#plan.config.vocabSize) return undefined;
      own.ids.push(sequence.ids[i]!);
    }
    own.numComputed = Math.min(own.numComputed, follower.numSame, own.ids.length - 1);
    follower.numSame = own.numFirm = own.ids.length;
    return { wish, follower, limit, ids: [] };
  }

  /** One pass of the small model; returns those whose draft goes on. */
  #pass(drafting: readonly Drafting[]): Drafting[] {
    let budget = Math.min(this.#pace.rowsFor(CATCH_UP_MS), this.#plan.limits.maxBatchTokens);
    const computed: Drafting[] = [];
    const parts: BatchPart[] = [];
    for (const draft of drafting) {
      const { sequence } = draft.follower;
      const pending = sequence.ids.length - sequence.numComputed;
      const numTokens = Math.min(pending, budget);
      if (numTokens === 0) continue;
      budget -= numTokens;
      const isComplete = numTokens === pending;
      parts.push({ sequence, numTokens, numOutputs: isComplete ? 1 : 0 });
      if (isComplete) computed.push(draft);
      if (pending > MOST_ROWS_OF_A_DRAFT) this.#did = 'caught up';
    }
    if (this.#did === 'nothing') this.#did = 'drafted';
    const startedAt = performance.now();
    this.#runner.forward(parts, 'all');
    this.#pace.observe(parts.reduce((sum, part) => sum + part.numTokens, 0), performance.now() - startedAt);
    return computed.filter((draft, row) => this.#extend(draft, this.#runner.logits(row)));
  }

  /** Appends the likeliest id if it is likely enough; whether there may be another. */
  #extend({ wish, follower, limit, ids }: Drafting, logits: Float32Array): boolean {
    const { id, probability } = likeliest(logits, this.#numTokens);
    // A damaged model's NaN is no probability either.
    if (!(probability >= wish.settings.minProbability)) return false;
    ids.push(id);
    follower.sequence.ids.push(id);
    wish.sequence.draft = ids;
    return ids.length < limit;
  }
}

/** Logits further below the highest than this change a probability by less than 2^-17 of it, even 2^18 of them together. */
const NEGLIGIBLE = 24.3;

/** The likeliest of the first `count` ids; NaN where a logit is. */
function likeliest(logits: Float32Array, count: number): { readonly id: number; readonly probability: number } {
  let id = 0;
  for (let i = 1; i < count; i++) if (logits[i]! > logits[id]!) id = i;
  const highest = logits[id]!;
  let sum = 0;
  for (let i = 0; i < count; i++) {
    const below = highest - logits[i]!;
    if (!(below > NEGLIGIBLE)) sum += Math.exp(-below);
  }
  return { id, probability: 1 / sum };
}

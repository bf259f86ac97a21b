// Drafts a sequence's next ids from its own text (prompt lookup), as long as that has been worth its time.
import { NgramIndex } from './ngram-index.ts';
import type { LookupSettings } from './options.ts';

/**
 * What rows beyond the first cost, in passes of a single row (measured: 2.2 to 2.8 times a single row's time for 2 to 4
 * rows, 3.1 for 8, 5 to 6 for 13; SmolLM2 Q4_1 on 2 threads, which others shared).
 */
const ROWS_TOGETHER = 8;
const COST_TOGETHER = 2.1;
/** A first draft fills the rows that are computed together anyway; the others are that and longer ones. */
const FIRST_LENGTH = ROWS_TOGETHER - 1;

/** Passes that drafts may lose before any of them was right, and those that they may save up to lose later. */
const FIRST_CREDIT = 5;
const MOST_CREDIT = 8;
/** And the share of a pass that each id may lose after that. */
const CREDIT_PER_ID = 0.03;

export class LookupDrafter {
  readonly #settings: LookupSettings;
  readonly #index: NgramIndex;
  /** Ids that the next draft may have. */
  #length: number;
  /** Passes that may be lost. */
  #credit = FIRST_CREDIT;

  constructor(settings: LookupSettings) {
    this.#settings = settings;
    this.#index = new NgramIndex(settings.maxNgram);
    this.#length = Math.min(FIRST_LENGTH, settings.maxDraft);
  }

  /** At most `limit` ids that may follow `ids`, which must begin as they did at the last call. */
  draft(ids: readonly number[], limit: number): number[] {
    while (this.#index.length < ids.length) this.#index.push(ids[this.#index.length]!);
    const length = Math.min(this.#length, limit);
    if (this.#credit < passesFor(length)) return [];
    return this.#index.continuation(this.#settings.minNgram, length);
  }

  /** Hears what became of a draft, or that there was none. */
  learn(numDrafted: number, numAccepted: number): void {
    const gained = numAccepted - passesFor(numDrafted) + CREDIT_PER_ID;
    this.#credit = Math.min(this.#credit + gained, MOST_CREDIT);
    if (numDrafted === 0) return;
    const { maxDraft } = this.#settings;
    if (numAccepted === numDrafted) this.#length = Math.min(2 * this.#length + 1, maxDraft);
    else if (2 * numAccepted < numDrafted) this.#length = Math.min(FIRST_LENGTH, maxDraft);
  }
}

/** What computing `numDrafted` more rows costs, in passes. */
function passesFor(numDrafted: number): number {
  return numDrafted === 0 ? 0 : COST_TOGETHER * Math.ceil((numDrafted + 1) / ROWS_TOGETHER);
}

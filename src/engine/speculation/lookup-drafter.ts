// Drafts a sequence's next ids from its own text (prompt lookup), as many as have been worth computing lately.
import { NgramIndex } from './ngram-index.ts';
import type { LookupSettings } from './options.ts';

/** After so many drafts in a row of which nothing was accepted, 2, 4, … tokens pass without one. */
const FAILURES_BEFORE_PAUSE = 2;
const LONGEST_PAUSE = 32;

export class LookupDrafter {
  readonly #settings: LookupSettings;
  readonly #index: NgramIndex;
  /** Ids that the next draft may have. */
  #length: number;
  #failures = 0;
  #pause = 0;

  constructor(settings: LookupSettings) {
    this.#settings = settings;
    this.#index = new NgramIndex(settings.maxNgram);
    this.#length = Math.min(2, settings.maxDraft);
  }

  /** At most `limit` ids that may follow `ids`, which must begin as they did at the last call. */
  draft(ids: readonly number[], limit: number): number[] {
    while (this.#index.length < ids.length) this.#index.push(ids[this.#index.length]!);
    if (this.#pause > 0) {
      this.#pause--;
      return [];
    }
    return this.#index.continuation(this.#settings.minNgram, Math.min(this.#length, limit));
  }

  /** Hears what became of a draft. */
  learn(numDrafted: number, numAccepted: number): void {
    if (numDrafted === 0) return;
    if (numAccepted === numDrafted) this.#length = Math.min(2 * this.#length, this.#settings.maxDraft);
    else this.#length = Math.max(1, Math.min(this.#length, numAccepted + 1));
    this.#failures = numAccepted === 0 ? this.#failures + 1 : 0;
    if (this.#failures < FAILURES_BEFORE_PAUSE) return;
    this.#pause = Math.min(2 ** (this.#failures - FAILURES_BEFORE_PAUSE + 1), LONGEST_PAUSE);
  }
}

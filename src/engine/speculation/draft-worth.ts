// Whether drafting with a model pays: compares the time of steps with drafts to that of steps without.

/** Steps without drafts that may be lost before drafting pauses: at first, and after each pause. */
const FIRST_CREDIT = 4;
const LATER_CREDIT = 2;
const MOST_CREDIT = 8;
/** Steps of a pause: what is lost per try is then a few percent. */
const PAUSE_STEPS = 64;

export class DraftWorth {
  /** Of a step without drafts, by the number of sequences in it. */
  readonly #plainMs = new Map<number, number>();
  /** What drafting may still lose, in steps without drafts. */
  #credit = FIRST_CREDIT;
  #pause = 0;

  /** Whether to draft in a step for so many sequences: not before it is known what one without drafts takes. */
  paysFor(numSequences: number): boolean {
    return this.#pause === 0 && this.#plainMs.has(numSequences);
  }

  /** Hears of a step for `numSequences` decoding sequences that brought `numTokens` in `ms`, drafting included. */
  learn(numSequences: number, numTokens: number, ms: number, drafted: boolean): void {
    const plainMs = this.#plainMs.get(numSequences);
    if (!drafted) {
      this.#plainMs.set(numSequences, plainMs === undefined ? ms : 0.75 * plainMs + 0.25 * ms);
      this.#pause = Math.max(0, this.#pause - 1);
      return;
    }
    if (plainMs === undefined) return;
    this.#credit = Math.min(MOST_CREDIT, this.#credit + numTokens / numSequences - ms / plainMs);
    if (this.#credit >= 0) return;
    this.#pause = PAUSE_STEPS;
    this.#credit = LATER_CREDIT;
  }
}

// When a search for the highest products is worth it, and when a column is to become known. All threads decide by the same numbers,
// and so alike.
import { MAX_KNOWN } from './known-columns.ts';

/** Columns without which no search is tried. */
const FIRST_COLUMNS = 4;
/** Part of a column that must be left of it for it to become known. */
const LEAST_REST = 0.1;
/** Share of groups that had to be computed from which on another column is added: while there is room, and in place of the oldest. */
const ADD_ABOVE = 0.03, REPLACE_ABOVE = 0.06;
/** Products between two replacements. */
const REPLACE_AFTER = 8;
/** Share of groups above which a search that has got so far computes all rows, since that takes no longer. */
export const HOPELESS_ABOVE = 0.35;
/** Share above which, on average of the last searches, none is worth beginning; the weight of the last one in that average. */
const POOR_ABOVE = 0.1, LAST_WEIGHT = 0.2;
/** So many products are then computed without a search; from one time to the next twice as many, and half as many where one paid. */
const LEAST_PLAIN = 2, MOST_PLAIN = 64;

export class SearchPolicy {
  #sinceAdded = 0;
  #plainLeft = 0;
  #plainProducts = LEAST_PLAIN;
  #averageShare = 0;
  #lastWasNew = true;

  /**
   * Whether the next products are computed without a search, whatever the column. `lastShare` is the largest share of groups that a thread
   * had to compute for the last column, 0 where there was no search.
   */
  givesUp(lastShare: number, numKnown: number): boolean {
    this.#sinceAdded++;
    if (lastShare > 0) this.#judge(lastShare, numKnown);
    if (this.#plainLeft === 0) return false;
    this.#plainLeft--;
    return true;
  }

  /** Whether a column of length `norm`, of which `rest` is not made of known ones, is to become known. */
  keeps({ norm, rest }: { readonly norm: number; readonly rest: number }, lastShare: number, numKnown: number): boolean {
    this.#lastWasNew = rest > LEAST_REST * norm && norm < Infinity;
    const isWanted = numKnown < FIRST_COLUMNS
      || (numKnown < MAX_KNOWN ? lastShare > ADD_ABOVE : lastShare > REPLACE_ABOVE && this.#sinceAdded > REPLACE_AFTER);
    if (!isWanted || !this.#lastWasNew) return false;
    this.#sinceAdded = 0;
    return true;
  }

  #judge(lastShare: number, numKnown: number): void {
    this.#averageShare += LAST_WEIGHT * (lastShare - this.#averageShare);
    if (this.#averageShare <= POOR_ABOVE) {
      if (lastShare <= POOR_ABOVE) this.#plainProducts = Math.max(LEAST_PLAIN, this.#plainProducts / 2);
    } else if (numKnown === MAX_KNOWN || !this.#lastWasNew) {
      this.#plainLeft = this.#plainProducts;
      this.#plainProducts = Math.min(2 * this.#plainProducts, MOST_PLAIN);
      this.#averageShare = POOR_ABOVE / 2;
    }
  }
}

// How many prompt rows one forward pass may take, from how long rows have taken: a cancellation, another stream's next
// token or a new request waits for one pass at most.

/** Fewer rows than this use the kernels badly. */
const FEWEST_ROWS = 16;
/** Rows of the first pass, of whose cost nothing is known. */
const FIRST_ROWS = 64;

export class Pace {
  #msPerRow: number | undefined;

  /** Notes that a pass of `rows` rows took `ms`. Passes of few rows say little about prompts. */
  observe(rows: number, ms: number): void {
    if (rows < FEWEST_ROWS) return;
    const now = ms / rows;
    this.#msPerRow = this.#msPerRow === undefined ? now : 0.5 * (this.#msPerRow + now);
  }

  /** Rows that take about `ms`, a multiple of FEWEST_ROWS. */
  rowsFor(ms: number): number {
    if (this.#msPerRow === undefined) return FIRST_ROWS;
    return Math.max(1, Math.floor(ms / this.#msPerRow / FEWEST_ROWS)) * FEWEST_ROWS;
  }
}

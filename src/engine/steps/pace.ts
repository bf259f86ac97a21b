// How many prompt rows one forward pass may take, from how long rows have taken: a cancellation, another stream's next
// token or a new request waits for one pass at most.

/** Fewer rows than this use the kernels badly (measured, 1.1B Q4_0: 16 rows 44 tokens/s, 32 and 64 rows 47). */
const FEWEST_ROWS = 32;
/** While others wait for their next token. */
export const FEWEST_ROWS_BESIDE_DECODE = 16;
const GRAIN = 16;
/** How long a pass over a prompt may hold up what else happens, and how long while others wait for their next token. */
const PROMPT_MS = 500;
const PROMPT_BESIDE_DECODE_MS = 100;
/** Likewise on the caller's thread: what browsers call a long task begins here. */
const PROMPT_INLINE_MS = 50;
/** Rows of the first pass, of whose cost nothing is known. */
const FIRST_ROWS = 64;

export class Pace {
  readonly #firstRows: number;
  #msPerRow: number | undefined;

  constructor(firstRows = FIRST_ROWS) {
    this.#firstRows = firstRows;
  }

  /**
   * Notes that a pass of `rows` rows took `ms`. Passes of few rows say little about prompts, and nothing is learnt from clocks
   * that stand still while code runs (Cloudflare Workers, against timing attacks).
   */
  observe(rows: number, ms: number): void {
    if (rows < GRAIN || ms === 0) return;
    const now = ms / rows;
    this.#msPerRow = this.#msPerRow === undefined ? now : 0.5 * (this.#msPerRow + now);
  }

  /** Rows that take about `ms`, a multiple of 16, and at least `fewest`. */
  rowsFor(ms: number, fewest = FEWEST_ROWS): number {
    if (this.#msPerRow === undefined) return this.#firstRows;
    return Math.max(fewest, Math.floor(ms / this.#msPerRow / GRAIN) * GRAIN);
  }
}

/** Rows of prompts that a pass may have. */
export function promptRows(pace: Pace, { isInline, isBesideDecode }: { isInline: boolean; isBesideDecode: boolean }): number {
  if (isInline) return pace.rowsFor(PROMPT_INLINE_MS, FEWEST_ROWS_BESIDE_DECODE);
  return isBesideDecode ? pace.rowsFor(PROMPT_BESIDE_DECODE_MS, FEWEST_ROWS_BESIDE_DECODE) : pace.rowsFor(PROMPT_MS);
}

// Finds the highest products of a weight in halves with one column, on one thread's rows: most lower halves stay unread. What can be
// left out is proved, not guessed; assembly/likeliest.ts says how. Here is how much rounding may add.
import { MAX_LIKELIEST } from '../backend.ts';
import type { Activation, Weight } from '../tensors.ts';
import type { Kernels } from './kernels.ts';
import { KnownColumns, MAX_KNOWN } from './known-columns.ts';
import { UNIT_ROWS } from './layouts-halves.ts';
import { matmulRows } from './matmul.ts';
import { HOPELESS_ABOVE, SearchPolicy } from './search-policy.ts';

/** The record that the kernel reads, and where its float fields and coefficients are in it. */
const RECORD_BYTES = 52 + 2 * MAX_KNOWN, REST_AT = 40, SHARES_AT = 48, FOUND_AT = 48 + 2 * MAX_KNOWN;
/** Floats of products from upper halves: four units of 64 rows. */
const ROOM_FLOATS = 256;

/** What 8 bits say of e · x_j, relative to a row's bound times the column's norm (Gemma 3 270M has up to 0.21), and their unit. */
const KNOWN_RANGE = 0.25, KNOWN_UNIT = KNOWN_RANGE / 127;
/** Sum of the magnitudes that a product is made of, relative to bound and norm: √32 · 135.5 against √32 / 2. */
const MAGNITUDE = 271;

/** What is computed so that kernels are compiled for speed: four streams of a unit each. */
const WARM_UP_ROWS = 4 * UNIT_ROWS, WARM_UPS = 16;

/** `sharedPtr` is the same for all threads. */
export interface LikeliestMemory {
  readonly sharedPtr: number;
  readonly ownPtr: number;
}

/** Bytes of a thread's own memory for a weight of that size. */
export function ownLikeliestBytes(rows: number, cols: number): number {
  return RECORD_BYTES + 4 * (ROOM_FLOATS + MAX_LIKELIEST + (MAX_KNOWN + 1) * cols + 2 * (rows / UNIT_ROWS));
}

/** More rows than this are not listed: looking through all of them takes no longer. */
const MOST_FOUND = 8192;
/** Sets of the threads' thresholds and shares: of the last search, which all still read, of this one, and of the next. */
const TURNS = 3;

/**
 * Bytes that all threads share: bounds and e · x_j of a weight's rows, which groups were computed, and for each turn each thread's
 * threshold and share.
 */
export function sharedLikeliestBytes(rows: number, numThreads: number): number {
  return rows * (4 + MAX_KNOWN) + foundBytes(rows) + 8 * TURNS * numThreads;
}

/** A bit for each group of 4 rows, 16 for each unit, in whole words. */
function foundBytes(rows: number): number {
  return 4 * Math.ceil(rows / UNIT_ROWS / 2);
}

export interface Search {
  /** (1, weight.rows) */
  readonly out: Activation;
  readonly weight: Weight;
  /** The column as it is, and as packActivations packed it. */
  readonly x: Activation;
  readonly packedPtr: number;
  /** At most MAX_LIKELIEST. */
  readonly count: number;
  /** As for matmulRows. */
  readonly scratchPtr: number;
}

/** A column x and what is known of it. */
interface ExplainedColumn {
  /** x · x_j of all columns there is room for, and last x · x. */
  readonly products: Float32Array;
  readonly norm: number;
  readonly coefficients: Float32Array;
  /** |x − Σ coefficients[j] · x_j| */
  readonly rest: number;
}

type Rows = readonly [from: number, to: number];

export class LikeliestSearch {
  readonly #kernels: Kernels;
  readonly #threadIndex: number;
  readonly #numThreads: number;
  readonly #memory: LikeliestMemory;
  readonly #rows: number;
  readonly #known = new KnownColumns();
  readonly #policy = new SearchPolicy();
  #turn = 0;

  /** For a weight with so many rows; before the first search all threads must meet. */
  constructor(kernels: Kernels, threadIndex: number, numThreads: number, memory: LikeliestMemory, rows: number) {
    this.#kernels = kernels;
    this.#threadIndex = threadIndex;
    this.#numThreads = numThreads;
    this.#memory = memory;
    this.#rows = rows;
    for (let turn = 0; turn < TURNS; turn++) this.#beginTurn(turn);
  }

  /** Where the rows' bounds lie, for repacking. */
  get boundsPtr(): number {
    return this.#memory.sharedPtr;
  }

  /**
   * Calls the kernels on so few rows, so many times, that engines compile them for speed before the first search, which would take
   * tens of milliseconds in code that is not. `packedPtr` has zeros, and `outPtr` room for that many floats.
   */
  warmUp({ ptr, rowBytes, cols }: Weight, packedPtr: number, outPtr: number, [from, to]: Rows): void {
    const { exports } = this.#kernels;
    const w = ptr + from * rowBytes, rows = Math.min(WARM_UP_ROWS, to - from), blocks = cols / 32;
    const bounds = this.boundsPtr + 4 * from, known = this.#knownPtr + MAX_KNOWN * from;
    this.#writeRecord(1, from, cols);
    for (let i = 0; i < WARM_UPS; i++) {
      exports['matmul_q8_0_q8_halves_single']!(w, packedPtr, outPtr, 0, rows, blocks, 1, 0);
      exports['know_q8_0']!(w, packedPtr, outPtr, rows, blocks, bounds, known, 0, 1, this.#roomPtr);
      exports['likeliest_q8_0']!(w, packedPtr, outPtr, rows, blocks, this.#memory.ownPtr, rows);
    }
    this.#beginTurn(this.#turn);
  }

  /**
   * out (1, rows) for rows [from, to): the products that may be among the `count` highest of all threads' rows, −Infinity for others.
   * All threads call it the same number of times and meet in between. They decide alike, by what all of them met the last time.
   */
  run(search: Search, rows: Rows): void {
    const shares = this.#shares(this.#turn);
    const last = shares.reduce((most, share) => Math.max(most, share), 0);
    this.#turn = (this.#turn + 1) % TURNS;
    this.#beginTurn((this.#turn + 1) % TURNS);
    if (this.#policy.givesUp(last, this.#known.length)) {
      this.#computeAll(search, rows);
      return;
    }
    const column = this.#explain(search);
    if (this.#policy.keeps(column, last, this.#known.length)) this.#know(search, rows, column);
    else this.#shares(this.#turn)[this.#threadIndex] = this.#find(search, rows, column);
  }

  /**
   * The rows that the last run of all threads computed, ascending, if they are few; after that, all threads must have met.
   */
  found(): readonly number[] | undefined {
    const words = new Uint32Array(this.#kernels.memory.buffer, this.#foundPtr, foundBytes(this.#rows) / 4);
    const rows: number[] = [];
    for (let word = 0; word < words.length; word++) {
      for (let bits = words[word]!; bits !== 0; bits &= bits - 1) {
        const first = 4 * (32 * word + 31 - Math.clz32(bits & -bits));
        rows.push(first, first + 1, first + 2, first + 3);
      }
      if (rows.length > MOST_FOUND) return undefined;
    }
    return rows;
  }

  #computeAll({ out, weight, x, packedPtr, scratchPtr }: Search, rows: Rows): void {
    const [from, to] = rows;
    this.#noteAllFound(rows);
    matmulRows(this.#kernels, weight, x, packedPtr, out, 1, from, to, {}, scratchPtr);
  }

  /** Computes all products and keeps the column. */
  #know({ out, weight, packedPtr }: Search, [from, to]: Rows, { products, norm }: ExplainedColumn): void {
    const { memory, exports } = this.#kernels;
    this.#noteAllFound([from, to]);
    const index = this.#known.next;
    products[index] = norm ** 2;
    this.#known.add(products);
    const column = new Float32Array(memory.buffer, this.#columnPtr(MAX_KNOWN, weight.cols), weight.cols);
    new Float32Array(memory.buffer, this.#columnPtr(index, weight.cols), weight.cols).set(column);
    exports['know_q8_0']!(
      weight.ptr + from * weight.rowBytes, packedPtr, out.ptr + 4 * from, to - from, weight.cols / 32, this.boundsPtr + 4 * from,
      this.#knownPtr + MAX_KNOWN * from, index, 1 / (KNOWN_UNIT * norm), this.#roomPtr,
    );
  }

  /** Returns the share of groups of rows that had to be computed. */
  #find(search: Search, rows: Rows, column: ExplainedColumn): number {
    const { out, weight, packedPtr, count } = search;
    const [from, to] = rows;
    // Too few units for each of the highest to be expected in one of its own.
    if ((to - from) / UNIT_ROWS < count) {
      this.#computeAll(search, rows);
      return 0;
    }
    this.#writeRecord(count, from, weight.cols);
    this.#writeExplanation(weight.cols, column);
    const groups = (to - from) / 4, limit = Math.floor(HOPELESS_ABOVE * groups);
    const needed = this.#kernels.exports['likeliest_q8_0']!(
      weight.ptr + from * weight.rowBytes, packedPtr, out.ptr + 4 * from, to - from, weight.cols / 32, this.#memory.ownPtr, limit,
    );
    if (needed > limit) this.#computeAll(search, rows);
    return groups > 0 ? needed / groups : 0;
  }

  /** The record but for what is known of x, for rows from `from` on. */
  #writeRecord(count: number, from: number, cols: number): void {
    const { memory } = this.#kernels;
    new Float32Array(memory.buffer, this.#bestPtr, count).fill(-Infinity);
    new Uint32Array(memory.buffer, this.#memory.ownPtr, 10).set([
      this.boundsPtr + 4 * from, this.#knownPtr + MAX_KNOWN * from, Math.ceil(this.#known.length / 2), count,
      this.#turnPtr(this.#turn), this.#numThreads, this.#threadIndex, this.#roomPtr, this.#bestPtr, this.#columnPtr(MAX_KNOWN + 1, cols),
    ]);
    new Uint32Array(memory.buffer, this.#memory.ownPtr + FOUND_AT, 1)[0] = this.#foundPtr + from / 32;
  }

  /** How x is made of the known columns. */
  #explain({ weight: { cols }, packedPtr }: Search): ExplainedColumn {
    const { memory, exports } = this.#kernels;
    const columnPtr = this.#columnPtr(MAX_KNOWN, cols), columnBytes = 4 * cols;
    exports['unpack_q8_halves']!(packedPtr, columnPtr, cols / 32);
    exports['matmul_f32_f32']!(
      this.#columnPtr(0, cols), columnPtr, this.#roomPtr, 0, MAX_KNOWN + 1, 1, cols, columnBytes, columnBytes, 4 * (MAX_KNOWN + 1), 1, 0,
    );
    const products = new Float32Array(memory.buffer, this.#roomPtr, MAX_KNOWN + 1).slice();
    const coefficients = Float32Array.from(this.#known.solve(products));
    new Float32Array(memory.buffer, this.#roomPtr, coefficients.length).set(coefficients);
    const rest = exports['distance_f32']!(columnPtr, this.#columnPtr(0, cols), this.#roomPtr, coefficients.length, cols);
    return { products, norm: Math.sqrt(products[MAX_KNOWN]!), coefficients, rest: Math.sqrt(rest) };
  }

  /** That, and how far e · x may be from what it says, relative to a row's bound. */
  #writeExplanation(cols: number, { norm, coefficients, rest }: ExplainedColumn): void {
    const { memory } = this.#kernels;
    const { ownPtr } = this.#memory;
    const shares = Array.from(coefficients, (coefficient, j) => coefficient * this.#known.norm(j));
    const total = shares.reduce((sum, share) => sum + Math.abs(share), 0);
    const unit = shares.reduce((most, share) => Math.max(most, Math.abs(share)), 0) / 32_767;
    // Float32 products of two terms a block, two for each column and one sum more for x; then the distance, whose sums are as long;
    // e · x_j in 8 bits; the shares in 16.
    const rounding = ((2 * cols) / 32 + 4) * 2 ** -24 * MAGNITUDE;
    const margin = 5 * rounding * norm + (3 * rounding + 0.51 * KNOWN_UNIT) * total + 0.51 * unit * KNOWN_RANGE * shares.length;
    new Float32Array(memory.buffer, ownPtr + REST_AT, 2).set([rest * (1 + cols * 2 ** -23) + margin, unit * KNOWN_UNIT]);
    new Int16Array(memory.buffer, ownPtr + SHARES_AT, MAX_KNOWN).fill(0).set(unit > 0 ? shares.map((share) => Math.round(share / unit)) : []);
  }

  get #roomPtr(): number {
    return this.#memory.ownPtr + RECORD_BYTES;
  }

  get #bestPtr(): number {
    return this.#roomPtr + 4 * ROOM_FLOATS;
  }

  /** Column `index` as float32; the one at hand is behind those that are known. */
  #columnPtr(index: number, cols: number): number {
    return this.#bestPtr + 4 * (MAX_LIKELIEST + index * cols);
  }

  #noteAllFound([from, to]: Rows): void {
    new Uint16Array(this.#kernels.memory.buffer, this.#foundPtr + from / 32, (to - from) / UNIT_ROWS).fill(0xffff);
  }

  get #foundPtr(): number {
    return this.#knownPtr + MAX_KNOWN * this.#rows;
  }

  /** What is known of e · x_j. */
  get #knownPtr(): number {
    return this.boundsPtr + 4 * this.#rows;
  }

  /** Each thread's threshold, and then its share of groups that a search had to compute. */
  #turnPtr(turn: number): number {
    return this.#foundPtr + foundBytes(this.#rows) + 8 * this.#numThreads * turn;
  }

  #shares(turn: number): Float32Array {
    return new Float32Array(this.#kernels.memory.buffer, this.#turnPtr(turn) + 4 * this.#numThreads, this.#numThreads);
  }

  #beginTurn(turn: number): void {
    new Float32Array(this.#kernels.memory.buffer, this.#turnPtr(turn), this.#numThreads)[this.#threadIndex] = -Infinity;
    this.#shares(turn)[this.#threadIndex] = 0;
  }
}

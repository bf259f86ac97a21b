// The search for the highest products: whatever it leaves out, the highest are those of the whole product, to the bit. The judge is
// matmulRows on the same weight, which test/kernels/halves.test.ts holds against the interleaved layout.
import { describe, expect, it } from 'vitest';
import { LikeliestSearch, ownLikeliestBytes, sharedLikeliestBytes } from '../../src/backends/wasm/likeliest.ts';
import type { Activation, Weight } from '../../src/backends/tensors.ts';
import { activationBytes, matmulRows, packActivations, repackRows, scratchBytes } from '../../src/backends/wasm/matmul.ts';
import { BUILDS, openKernels, placeActivation, placeBytes, randomNumbers } from './kernel-memory.ts';
import type { KernelMemory } from './kernel-memory.ts';
import { randomWeights } from './random-weights.ts';

const COLS = 160;
const bytesOf = (rows: number): number => rows * (COLS / 32) * 34;

/** A weight, and a search on each of `numThreads` threads' shares of its rows. */
class Head {
  readonly kernels: KernelMemory;
  readonly weight: Weight;
  readonly #searches: readonly LikeliestSearch[];
  readonly #x: Activation;
  readonly #packed: number;
  readonly #scratch: number;
  readonly #out: Activation;
  readonly #whole: Activation;

  constructor(build: (typeof BUILDS)[number], bytes: Uint8Array, numThreads = 1) {
    const kernels = (this.kernels = openKernels(build, 256));
    const rowBytes = 34 * (COLS / 32), rows = bytes.length / rowBytes;
    const allocate = (size: number): number => kernels.arena.allocate(size, 'head');
    this.weight = { name: 'head', type: 'Q8_0', layout: 'halves64', rows, cols: COLS, depth: 1, ptr: placeBytes(kernels, bytes), rowBytes };
    const sharedPtr = allocate(sharedLikeliestBytes(rows, numThreads));
    this.#searches = Array.from({ length: numThreads }, (_, i) =>
      new LikeliestSearch(kernels, i, numThreads, { sharedPtr, ownPtr: allocate(ownLikeliestBytes(rows, COLS)) }, rows));
    this.#scratch = allocate(scratchBytes(this.weight));
    repackRows(kernels, this.weight, 0, rows, this.#scratch, sharedPtr);
    this.#packed = allocate(activationBytes('q8_halves', 1, COLS));
    this.#x = placeActivation(kernels, 1, COLS);
    this.#out = placeActivation(kernels, 1, rows);
    this.#whole = placeActivation(kernels, 1, rows);
  }

  /** What is found and what the whole product is. `order` is that in which threads run. */
  find(x: ArrayLike<number>, count: number, order = this.#searches.map((_, i) => i)): { found: Float32Array; whole: Float32Array } {
    const { kernels, weight } = this;
    kernels.floats(this.#x.ptr, COLS).set(x);
    packActivations(kernels, 'q8_halves', this.#packed, this.#x, 0, 1, 1);
    kernels.floats(this.#out.ptr, weight.rows).fill(12345);
    const units = weight.rows / 64;
    const end = (thread: number): number => 64 * Math.floor((units * thread) / this.#searches.length);
    const search = { out: this.#out, weight, x: this.#x, packedPtr: this.#packed, count, scratchPtr: this.#scratch };
    for (const i of order) this.#searches[i].run(search, [end(i), end(i + 1)]);
    matmulRows(kernels, weight, this.#x, this.#packed, this.#whole, 1, 0, weight.rows, {}, this.#scratch);
    return { found: kernels.floats(this.#out.ptr, weight.rows).slice(), whole: kernels.floats(this.#whole.ptr, weight.rows).slice() };
  }

  /** Finds, checks, and says which share of the rows was left out. */
  check(x: ArrayLike<number>, count: number, order?: number[]): number {
    const { found, whole } = this.find(x, count, order);
    const least = whole.slice().sort().at(-Math.min(count, whole.length))!;
    let numLeftOut = 0;
    for (let row = 0; row < whole.length; row++) {
      if (found[row] === -Infinity && whole[row] < least) numLeftOut++;
      else if (!Object.is(found[row], whole[row])) expect.fail(`row ${row} is ${found[row]} instead of ${whole[row]}; the least wanted is ${least}`);
    }
    return numLeftOut / whole.length;
  }
}

/** Columns like the states of a text: much in common, and something of its own in each. */
function columns(seed: number, own = 0.2): () => Float32Array {
  const random = randomNumbers(seed);
  const common = Float32Array.from({ length: COLS }, () => random() - 0.5);
  return () => common.map((value) => value + own * (random() - 0.5));
}

describe.each(BUILDS.filter((build) => build !== 'baseline'))('%s kernels', (build) => {
  it.each([1, 8, 40, 64])('find the %i highest products of columns like those of a text, and leave most rows out', (count) => {
    const head = new Head(build, randomWeights('Q8_0', 8192 * COLS, 1));
    const next = columns(count);
    const shares = Array.from({ length: 60 }, () => head.check(next(), count));
    // The first columns are computed whole, and known afterwards.
    expect(shares[0]).toBe(0);
    const later = shares.slice(30).sort();
    expect(later[15]).toBeGreaterThan(count === 1 ? 0.9 : 0.5);
  });

  it('find them in columns that have nothing in common, where whole products are as good', () => {
    const head = new Head(build, randomWeights('Q8_0', 1024 * COLS, 2));
    const random = randomNumbers(3);
    for (let i = 0; i < 80; i++) head.check(Float32Array.from({ length: COLS }, () => (random() - 0.5) * 10 ** (6 * random() - 3)), 1 + (i % 64));
  });

  it('find them where columns come again, change by little, or turn round', () => {
    const head = new Head(build, randomWeights('Q8_0', 1024 * COLS, 4));
    const next = columns(5);
    const [a, b] = [next(), next()];
    for (let i = 0; i < 40; i++) head.check(i % 3 === 0 ? a : i % 3 === 1 ? b.map((v) => v * (1 + i)) : a.map((v, j) => v + 1e-4 * b[j]), 8);
    for (let i = 0; i < 10; i++) head.check(a.map((v) => -v), 8);
  });

  it('find them where only the lower bits tell rows apart, and all that are equal', () => {
    const rows = 512;
    const bytes = randomWeights('Q8_0', COLS, 6);
    const same = new Uint8Array(bytesOf(rows));
    for (let row = 0; row < rows; row++) same.set(bytes, row * bytes.length);
    const head = new Head(build, same), next = columns(7);
    for (let i = 0; i < 25; i++) expect(head.check(next(), 3)).toBe(0);
    const random = randomNumbers(8);
    const lowerOnly = same.map((byte, at) => (at % 34 < 2 ? byte : (byte & 0xf0) | (random() * 16)));
    const other = new Head(build, lowerOnly);
    for (let i = 0; i < 60; i++) other.check(next(), 1 + (i % 5));
  });

  it('find them where nothing is left of columns but what rounding may add, and what 8 bits do not say', () => {
    let numSearched = 0;
    for (let seed = 0; seed < 12; seed++) {
      // Quants of five bits: the upper ones differ, but say little more than the lower ones.
      const bytes = randomWeights('Q8_0', 2048 * COLS, 20 + seed).map((byte, at) => (at % 34 < 2 ? byte : (byte & 31) - 16));
      const head = new Head(build, bytes), next = columns(seed, 2);
      const known = Array.from({ length: 12 }, next);
      for (let i = 0; i < 120; i++) numSearched += head.check(known[i % 12], 1) > 0.9 ? 1 : 0;
    }
    expect(numSearched).toBeGreaterThan(500);
  });

  it('find them although a column says more of a row than is kept', () => {
    const rows = 512;
    const bytes = randomWeights('Q8_0', rows * COLS, 9);
    const head = new Head(build, bytes);
    // What row 77 deviates by from its upper bits, so that it does so along this column as much as can be.
    const quants = new Int8Array(bytes.buffer, 77 * (COLS / 32) * 34, (COLS / 32) * 34);
    const sign = (block: number): number => (quants[34 * block + 1] < 0 ? -1 : 1);
    const x = Float32Array.from({ length: COLS }, (_, i) => sign(i >> 5) * ((quants[34 * (i >> 5) + 2 + (i & 31)] & 15) - 7.5));
    const next = columns(10);
    for (let i = 0; i < 40; i++) {
      head.check(x, 4);
      head.check(next(), 4);
    }
    expect(head.find(next(), 4).found[77]).not.toBe(-Infinity);
  });

  it('compute what is not a number, so that it is heard of', () => {
    const rows = 512;
    const bytes = randomWeights('Q8_0', rows * COLS, 11);
    // A scale of infinity times zero: NaN, which kernels for f16 without infinities make of it or not, as the whole product does.
    const rowBytes = bytesOf(1);
    for (const row of [3, 200]) bytes.set([0xff, 0x7f], row * rowBytes);
    const head = new Head(build, bytes), next = columns(12);
    for (let i = 0; i < 25; i++) head.check(next(), 2);
    for (const value of [NaN, Infinity]) {
      const { found, whole } = head.find(next().fill(value, 5, 6), 2);
      expect(found.some((product) => !Number.isFinite(product))).toBe(whole.some((product) => !Number.isFinite(product)));
      expect(found.findIndex(Number.isNaN)).toBe(whole.findIndex(Number.isNaN));
    }
    for (let i = 0; i < 25; i++) head.check(next(), 2);
  });

  it('stand zeros in weights and columns', () => {
    const bytes = randomWeights('Q8_0', 512 * COLS, 13);
    bytes.fill(0, bytesOf(100), bytesOf(300));
    const head = new Head(build, bytes), next = columns(14);
    for (let i = 0; i < 30; i++) head.check(i % 4 === 2 ? new Float32Array(COLS) : next(), 2);
  });

  it('give the same whichever thread is first, fewer rows than are looked for among them', () => {
    const bytes = randomWeights('Q8_0', 320 * COLS, 15);
    const next = columns(16), inputs = Array.from({ length: 40 }, next);
    for (const numThreads of [2, 3, 7]) {
      const [first, last] = [new Head(build, bytes, numThreads), new Head(build, bytes, numThreads)];
      const order = Array.from({ length: numThreads }, (_, i) => i);
      for (const x of inputs) {
        first.check(x, 5);
        last.check(x, 5, [...order].reverse());
        first.check(x, 64);
        last.check(x, 64, [...order].reverse());
      }
    }
  });
});

// The tokens still in the running and what the truncating samplers do to them. They stay in order of id and nothing of
// the vocabulary's size is sorted or allocated per token; semantics follow the papers and llama.cpp's chain, where
// likelihood decides and the lower id wins a tie.
import { BlockMaxima } from './block-maxima.ts';
import { samplingError } from './errors.ts';
import { exponentials } from './exponential.ts';
import { Head } from './head.ts';
import type { Random } from './random.ts';

/** Above this a temperature's inverse overflows. */
const STEEPEST = 1e300;

export interface Drawn {
  readonly id: number;
  /** Among the candidates that were left. */
  readonly probability: number;
}

/** Reusable memory for one vocabulary; every use begins with `reset`. */
export class Candidates {
  readonly #everyId: Int32Array;
  readonly #keptIds: Int32Array;
  readonly #keptLogits: Float32Array;
  readonly #blocks: BlockMaxima;
  readonly #head: Head;
  #ids: Int32Array;
  #logits: Float32Array;
  #size = 0;
  #highest = -Infinity;

  constructor(vocabSize: number) {
    this.#everyId = Int32Array.from({ length: vocabSize }, (_, id) => id);
    this.#keptIds = new Int32Array(vocabSize);
    this.#keptLogits = new Float32Array(vocabSize);
    this.#blocks = new BlockMaxima(vocabSize);
    this.#head = new Head(vocabSize);
    this.#ids = this.#keptIds;
    this.#logits = this.#keptLogits;
  }

  get size(): number {
    return this.#size;
  }

  /** All tokens of `logits` (vocabSize), which must not change before the draw. Throws where none can be chosen. */
  reset(logits: Float32Array): void {
    const highest = this.#blocks.take(logits);
    if (!Number.isFinite(highest)) throw samplingError(logits);
    this.#ids = this.#everyId;
    this.#logits = logits;
    this.#size = logits.length;
    this.#highest = highest;
  }

  /** Instead of `reset`: only the tokens `ids`, ascending. False where none of them can be chosen. */
  resetTo(logits: Float32Array, ids: ArrayLike<number>): boolean {
    let kept = 0;
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i];
      if (logits[id] > -Infinity) this.#keep(id, logits[id], kept++);
    }
    this.#keepFirst(kept);
    return kept > 0;
  }

  /** Likewise; false unless the logits of all of them are finite. */
  resetToAll(logits: Float32Array, ids: readonly number[]): boolean {
    return this.resetTo(logits, ids) && this.#size === ids.length && Number.isFinite(this.#highest);
  }

  /**
   * Likewise, the tokens whose bit is set (bit id % 32 of word id / 32), and of those at least the `k` likeliest: 0 is all of
   * them.
   */
  resetToMask(logits: Float32Array, mask: Uint32Array, k: number): boolean {
    this.#blocks.takeMasked(logits, mask);
    const [maxima, words] = [this.#blocks.values, this.#blocks.blockSize / 32];
    const least = this.#blocks.nth(k === 0 ? maxima.length : k);
    let kept = 0;
    for (let block = 0; block < maxima.length; block++) {
      if (maxima[block] < least) continue;
      for (let word = block * words; word < Math.min((block + 1) * words, mask.length); word++) {
        for (let bits = mask[word]; bits !== 0; bits &= bits - 1) {
          const id = 32 * word + 31 - Math.clz32(bits & -bits);
          if (logits[id] >= least && logits[id] > -Infinity) this.#keep(id, logits[id], kept++);
        }
      }
    }
    this.#keepFirst(kept);
    return kept > 0;
  }

  /** Ids of at least the `count` likeliest, ascending; right after `reset` only. Undefined where there is no short way. */
  atLeast(count: number): Int32Array | undefined {
    if (this.#ids !== this.#everyId || count > this.#blocks.values.length / 2) return undefined;
    return this.#keptIds.slice(0, this.#aboveBlocks(count));
  }

  /** The likeliest of all tokens; right after a reset only. */
  likeliest(): number {
    if (this.#ids !== this.#everyId) return this.#ids[this.#logits.indexOf(this.#highest)];
    const block = this.#blocks.values.indexOf(this.#highest);
    return this.#logits.indexOf(this.#highest, block * this.#blocks.blockSize);
  }

  /** The `k` likeliest; right after a reset only. */
  keepTopK(k: number): void {
    if (k >= this.#size) return;
    if (this.#ids === this.#everyId) this.#narrowByBlocks(k);
    if (this.#size <= k) return;
    const { weights } = this.#head;
    this.#keysByLogit();
    for (let i = 0; i < this.#size; i++) weights[i] = this.#logits[i] > -Infinity ? 1 : 0;
    this.#keepUpTo(this.#head.end(this.#size, -this.#highest, k, false));
  }

  /**
   * The likeliest that together have at least probability `p` (Holtzman et al. 2019). Tokens so light that together
   * they cannot fill the rest are dropped before the search: most of a large vocabulary.
   */
  keepTopP(p: number): void {
    if (p >= 1 || this.#size === 1) return;
    const total = this.#weigh(1);
    this.#dropLight(((1 - p) * total) / this.#size);
    this.#keysByLogit();
    this.#keepUpTo(this.#head.end(this.#size, -this.#highest, p * total, false));
  }

  /**
   * Those whose surprise is nearest to the entropy, until they have more than probability `p` (Meister et al. 2022).
   */
  keepTypical(p: number): void {
    if (p >= 1 || this.#size === 1) return;
    const total = this.#weigh(1);
    const { keys, weights } = this.#head;
    const [logits, size, highest] = [this.#logits, this.#size, this.#highest];
    // −ln p and the entropy both contain ln(total), which their difference loses.
    let expected = 0;
    for (let i = 0; i < size; i++) if (weights[i] > 0) expected += weights[i] * (highest - logits[i]);
    expected /= total;
    for (let i = 0; i < size; i++) keys[i] = Math.abs(highest - logits[i] - expected);
    this.#keepUpTo(this.#head.end(this.#size, 0, p * total, true));
  }

  /** Those at least `p` times as likely as the likeliest. */
  keepMinP(p: number): void {
    if (p > 0) this.#keepFrom(this.#highest + Math.log(p));
  }

  /**
   * Those whose surprise −log2 p at `temperature` is at most `bits`, or the likeliest alone. Right after a reset
   * only.
   */
  keepSurprise(bits: number, temperature: number): void {
    const range = (bits * Math.LN2 - Math.log(this.#weigh(temperature))) * temperature;
    if (range < 0) {
      this.#keep(this.likeliest(), this.#highest, 0);
      this.#keepFirst(1);
    } else {
      this.#keepFrom(this.#highest - range);
    }
  }

  /** XTC: drops those of probability `threshold` and more, but for the least likely of them. */
  excludeTopChoices(threshold: number): void {
    const least = this.#weigh(1) * threshold;
    const { weights } = this.#head;
    const [ids, logits, size] = [this.#ids, this.#logits, this.#size];
    let spared = -1;
    for (let i = 0; i < size; i++) {
      if (weights[i] > 0 && weights[i] >= least && !(spared >= 0 && logits[i] > logits[spared])) spared = i;
    }
    let kept = 0;
    for (let i = 0; i < size; i++) {
      if (i === spared || weights[i] < least) this.#keep(ids[i], logits[i], kept++);
    }
    this.#keepFirst(kept);
  }

  /** One of those left, by its probability at `temperature`. */
  draw(temperature: number, random: Random): Drawn {
    const total = this.#weigh(temperature);
    const { weights } = this.#head;
    const target = random.next() * total;
    let passed = 0;
    let last = 0;
    for (let i = 0; i < this.#size; i++) {
      if (weights[i] === 0) continue;
      last = i;
      passed += weights[i];
      if (passed > target) break;
    }
    return { id: this.#ids[last], probability: weights[last] / total };
  }

  /** ln Σ e^logit of those left. */
  logSumExp(): number {
    return this.#highest + Math.log(this.#weigh(1));
  }

  /** Ids of those left, likeliest first. */
  sorted(): number[] {
    const [ids, logits] = [this.#ids, this.#logits];
    const order = Array.from({ length: this.#size }, (_, i) => i).filter((i) => logits[i] > -Infinity);
    return order.sort((a, b) => logits[b] - logits[a] || a - b).map((i) => ids[i]);
  }

  /** Fills in e^((logit − highest) / temperature) as weights and returns their sum. */
  #weigh(temperature: number): number {
    const scale = Math.min(1 / temperature, STEEPEST);
    return exponentials(this.#logits, this.#size, this.#highest, scale, this.#head.weights);
  }

  /**
   * Drops those of weight at most `weight`, but never the likeliest, whose weight is 1; the others' weights stay
   * beside them.
   */
  #dropLight(weight: number): void {
    const { weights } = this.#head;
    const [ids, logits, size] = [this.#ids, this.#logits, this.#size];
    let kept = 0;
    for (let i = 0; i < size; i++) {
      if (weights[i] <= weight && weights[i] < 1) continue;
      this.#keep(ids[i], logits[i], kept);
      weights[kept++] = weights[i];
    }
    this.#keepFirst(kept);
  }

  #keysByLogit(): void {
    const { keys } = this.#head;
    const [logits, size] = [this.#logits, this.#size];
    for (let i = 0; i < size; i++) keys[i] = -logits[i];
  }

  #narrowByBlocks(k: number): void {
    if (k <= this.#blocks.values.length / 2) this.#keepFirst(this.#aboveBlocks(k));
  }

  /**
   * Notes the tokens that may be among the `k` likeliest and returns how many they are: of the blocks, k have a maximum at or above
   * the k-th greatest one, so that nothing beneath it is.
   */
  #aboveBlocks(k: number): number {
    const [maxima, size, logits] = [this.#blocks.values, this.#blocks.blockSize, this.#logits];
    const least = this.#blocks.nth(k);
    let kept = 0;
    for (let block = 0; block < maxima.length; block++) {
      if (maxima[block] < least) continue;
      const end = Math.min((block + 1) * size, logits.length);
      for (let id = block * size; id < end; id++) {
        if (logits[id] >= least && logits[id] > -Infinity) this.#keep(id, logits[id], kept++);
      }
    }
    return kept;
  }

  /** Keeps those before index `end` in the order of the keys, and that one; −1 keeps all. */
  #keepUpTo(end: number): void {
    if (end < 0) return;
    const { keys } = this.#head;
    const [ids, logits, size] = [this.#ids, this.#logits, this.#size];
    const last = keys[end];
    let kept = 0;
    for (let i = 0; i < size; i++) {
      if (keys[i] < last || (keys[i] === last && i <= end)) this.#keep(ids[i], logits[i], kept++);
    }
    this.#keepFirst(kept);
  }

  #keepFrom(least: number): void {
    const [ids, logits, size] = [this.#ids, this.#logits, this.#size];
    let kept = 0;
    for (let i = 0; i < size; i++) if (logits[i] >= least) this.#keep(ids[i], logits[i], kept++);
    this.#keepFirst(kept);
  }

  #keep(id: number, logit: number, at: number): void {
    this.#keptIds[at] = id;
    this.#keptLogits[at] = logit;
  }

  #keepFirst(count: number): void {
    this.#ids = this.#keptIds;
    this.#logits = this.#keptLogits;
    this.#size = count;
    let highest = -Infinity;
    for (let i = 0; i < count; i++) if (this.#keptLogits[i] > highest) highest = this.#keptLogits[i];
    this.#highest = highest;
  }
}

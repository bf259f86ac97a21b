// How far results are from the reference, in units that do not depend on the model's scale.

/** Root mean square difference in standard deviations of `expected`. */
export function relativeRms(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  const n = expected.length;
  let mean = 0;
  for (let i = 0; i < n; i++) mean += expected[i] / n;
  let error = 0;
  let variance = 0;
  for (let i = 0; i < n; i++) {
    error += (actual[i] - expected[i]) ** 2;
    variance += (expected[i] - mean) ** 2;
  }
  return Math.sqrt(error / variance);
}

/** 1 − cosine similarity. */
export function cosineGap(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [product, squaresA, squaresB] = [0, 0, 0];
  for (let i = 0; i < b.length; i++) {
    product += a[i] * b[i];
    squaresA += a[i] * a[i];
    squaresB += b[i] * b[i];
  }
  return 1 - product / Math.sqrt(squaresA * squaresB);
}

/** Index of the largest value; the first of equals. */
export function argmax(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i] > values[best]) best = i;
  return best;
}

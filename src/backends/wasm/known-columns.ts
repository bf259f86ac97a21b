// The earlier columns that a search for the highest products refers to, and how a new one is made of them: least squares, by the
// Cholesky factor of their products with each other.

/** Columns kept at a time. */
export const MAX_KNOWN = 16;
/**
 * A column of which less than the root of this is left that the ones before it do not say is not referred to: it would be multiplied
 * with large numbers.
 */
const LEAST_NEW = 0.01;

export class KnownColumns {
  /** x_i · x_j */
  readonly #products = new Float64Array(MAX_KNOWN * MAX_KNOWN);
  /** L of L · Lᵀ, which these products are; 0 on its diagonal where a column is not referred to. */
  readonly #factor = new Float64Array(MAX_KNOWN * MAX_KNOWN);
  #length = 0;
  #next = 0;

  get length(): number {
    return this.#length;
  }

  /** Index of the column that is added next: the oldest one's where there is no room. */
  get next(): number {
    return this.#next;
  }

  /** |x_j| */
  norm(j: number): number {
    return Math.sqrt(this.#products[MAX_KNOWN * j + j]!);
  }

  /** Notes that the column at index `next` is known now; `products` are those with all columns, itself included. */
  add(products: ArrayLike<number>): void {
    const at = this.#next;
    this.#length = Math.max(this.#length, at + 1);
    this.#next = (at + 1) % MAX_KNOWN;
    for (let j = 0; j < this.#length; j++) {
      this.#products[MAX_KNOWN * at + j] = products[j]!;
      this.#products[MAX_KNOWN * j + at] = products[j]!;
    }
    this.#decompose();
  }

  /** α for which |x − Σ α_j x_j| is least, or nearly so, from the products x · x_j. */
  solve(products: ArrayLike<number>): Float64Array {
    const n = this.#length, factor = this.#factor;
    const result = new Float64Array(n);
    for (let i = 0; i < n; i++) {
      if (factor[MAX_KNOWN * i + i] === 0) continue;
      let sum = products[i]!;
      for (let j = 0; j < i; j++) sum -= factor[MAX_KNOWN * i + j]! * result[j]!;
      result[i] = sum / factor[MAX_KNOWN * i + i]!;
    }
    for (let i = n - 1; i >= 0; i--) {
      if (factor[MAX_KNOWN * i + i] === 0) continue;
      let sum = result[i]!;
      for (let j = i + 1; j < n; j++) sum -= factor[MAX_KNOWN * j + i]! * result[j]!;
      result[i] = sum / factor[MAX_KNOWN * i + i]!;
    }
    return result;
  }

  #decompose(): void {
    const factor = this.#factor;
    for (let i = 0; i < this.#length; i++) {
      for (let j = 0; j <= i; j++) {
        let sum = this.#products[MAX_KNOWN * i + j]!;
        for (let k = 0; k < j; k++) sum -= factor[MAX_KNOWN * i + k]! * factor[MAX_KNOWN * j + k]!;
        const pivot = factor[MAX_KNOWN * j + j]!;
        if (j < i) factor[MAX_KNOWN * i + j] = pivot === 0 ? 0 : sum / pivot;
        else factor[MAX_KNOWN * i + i] = sum > LEAST_NEW * this.#products[MAX_KNOWN * i + i]! ? Math.sqrt(sum) : 0;
      }
    }
  }
}

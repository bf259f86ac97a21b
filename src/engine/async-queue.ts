// Values pushed by events, taken one by one by a consumer that waits.

export class AsyncQueue<T> {
  readonly #values: T[] = [];
  #error: Error | undefined;
  #wake: (() => void) | undefined;

  push(value: T): void {
    this.#values.push(value);
    this.#wake?.();
  }

  /** Makes the next `next()` throw, before any values still queued. */
  fail(error: Error): void {
    this.#error ??= error;
    this.#wake?.();
  }

  async next(): Promise<T> {
    for (;;) {
      if (this.#error) throw this.#error;
      if (this.#values.length > 0) return this.#values.shift()!;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}

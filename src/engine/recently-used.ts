// The few things that were used last, so that a server that meets the same ones over and over need not make them anew.

export class RecentlyUsed<V> {
  readonly #most: number;
  /** The one that was used longest ago first. */
  readonly #values = new Map<string, V>();

  constructor(most: number) {
    this.#most = most;
  }

  /** What is remembered by that key, which is now the last one used. */
  find(key: string): V | undefined {
    const value = this.#values.get(key);
    if (value !== undefined) this.put(key, value);
    return value;
  }

  put(key: string, value: V): void {
    this.#values.delete(key);
    this.#values.set(key, value);
    if (this.#values.size > this.#most) this.#values.delete(this.#values.keys().next().value!);
  }

  /** What is remembered by that key, or `make`'s result, which is remembered from now on. */
  get(key: string, make: () => V): V {
    const value = this.#values.get(key) ?? make();
    this.put(key, value);
    return value;
  }
}

// Which of a model's tensors have been read, on a thread that waits for them without being blocked.

export class Arrivals {
  readonly #numRead = { main: [] as number[], draft: [] as number[] };
  #wake: (() => void) | undefined;

  arrived(model: 'main' | 'draft', shard: number, count: number): void {
    this.#numRead[model][shard] = count;
    this.#wake?.();
  }

  /** Resolves once `count` tensors of a shard have been read. */
  async whenRead(model: 'main' | 'draft', shard: number, count: number): Promise<void> {
    while ((this.#numRead[model][shard] ?? 0) < count) await new Promise<void>((resolve) => (this.#wake = resolve));
  }
}

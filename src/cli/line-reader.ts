// Lines as they are asked for, from a readline interface that goes on reading while nobody asks.
import type { Interface } from 'node:readline';

export class LineReader {
  readonly #lines: string[] = [];
  #ended = false;
  #waiting: (() => void) | undefined;

  constructor(lines: Interface) {
    lines.on('line', (line) => {
      this.#lines.push(line);
      this.#waiting?.();
    });
    lines.on('close', () => this.end());
  }

  /** The next line; undefined after the last one. */
  async next(): Promise<string | undefined> {
    while (this.#lines.length === 0 && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
      });
    }
    return this.#lines.shift();
  }

  /** No more lines will come. */
  end(): void {
    this.#ended = true;
    this.#waiting?.();
  }
}

// Work that several requests wait for at the same time: each takes it further when it has its turn, and it is done once.
import type { Steps } from '../steps.ts';

export class SharedSteps<T> {
  readonly #steps: Steps<T>;
  #ended: (() => T) | undefined;

  constructor(steps: Steps<T>) {
    this.#steps = steps;
  }

  /** Its result, or what it throws, for each of them. */
  *whole(): Steps<T> {
    while (!this.#isOver()) yield;
    return this.#ended!();
  }

  /** Takes one step, if there is one left. */
  #isOver(): boolean {
    if (this.#ended) return true;
    try {
      const { done, value } = this.#steps.next();
      if (done) this.#ended = () => value;
    } catch (error) {
      this.#ended = () => {
        throw error;
      };
    }
    return this.#ended !== undefined;
  }
}

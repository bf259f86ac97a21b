// What one continuation may say: where it stands in its grammar, and which tokens fit there.
import type { Position } from './automaton.ts';
import type { TokenMask, TokenMasks } from './token-masks.ts';

export class Constraint {
  readonly #masks: TokenMasks;
  readonly #mayEnd: boolean;
  #position: Position;

  /** `mayEnd`: the model's own ends of text are allowed where the grammar may end. */
  constructor(masks: TokenMasks, mayEnd = true) {
    this.#masks = masks;
    this.#mayEnd = mayEnd;
    this.#position = masks.automaton.start;
  }

  /** Nothing may follow: the text is complete. */
  get isOver(): boolean {
    return this.#position.isOver;
  }

  /** Takes note of a chosen token. */
  accept(id: number): void {
    if (this.#ends(id)) return;
    const next = this.#masks.after(this.#position, id);
    if (!next) throw new Error(`Token ${id} was chosen against the grammar.`);
    this.#position = next;
  }

  allows(id: number): boolean {
    return this.#allowsAt(this.#position, id);
  }

  /** How many of `ids`, which would follow one after the other, fit. */
  fitting(ids: readonly number[]): number {
    let position = this.#position;
    for (let i = 0; i < ids.length; i++) {
      const next = this.#masks.after(position, ids[i]);
      if (!next) return i + (this.#allowsAt(position, ids[i]) ? 1 : 0);
      position = next;
    }
    return ids.length;
  }

  /** The tokens that may follow, ascending, if they are few; else undefined. */
  few(): readonly number[] | undefined {
    return this.#masks.few(this.#position, this.#mayEnd);
  }

  /** Whether `all` is known already. */
  get knowsAll(): boolean {
    return this.#masks.knowsAll(this.#position);
  }

  all(): TokenMask {
    return this.#masks.all(this.#position, this.#mayEnd);
  }

  #ends(id: number): boolean {
    return this.#masks.isEnd(id);
  }

  #allowsAt(position: Position, id: number): boolean {
    if (this.#ends(id)) return this.#mayEnd && position.canEnd;
    return this.#masks.after(position, id) !== null;
  }
}

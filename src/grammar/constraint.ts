// What one continuation may say: where it stands in its grammar, and the restriction of its logits to what fits there.
import { SamplingError } from '../errors.ts';
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

  /** The tokens that may follow, if they are known or few; else undefined. */
  cheapMask(): TokenMask | undefined {
    return this.#masks.cheap(this.#position, this.#mayEnd);
  }

  mask(): TokenMask {
    return this.#masks.full(this.#position, this.#mayEnd);
  }

  #ends(id: number): boolean {
    return this.#masks.isEnd(id);
  }

  #allowsAt(position: Position, id: number): boolean {
    if (this.#ends(id)) return this.#mayEnd && position.canEnd;
    return this.#masks.after(position, id) !== null;
  }
}

/** Sets the logits (vocabSize) of all other tokens to −∞. Throws SamplingError where none is left. */
export function applyMask(logits: Float32Array, mask: TokenMask): void {
  let isEmpty = true;
  for (let word = 0; word < mask.length; word++) {
    const bits = mask[word];
    const end = Math.min(32 * word + 32, logits.length);
    if (bits === 0) logits.fill(-Infinity, 32 * word, end);
    else for (let id = 32 * word; id < end; id++) {
      if ((bits & (1 << (id & 31))) === 0) logits[id] = -Infinity;
      else if (logits[id] > -Infinity) isEmpty = false;
    }
  }
  if (isEmpty) {
    throw new SamplingError('No token of the model goes on as the grammar demands: ' +
      'its vocabulary cannot write what comes next, or logitBias rules it out.');
  }
  logits.fill(-Infinity, 32 * mask.length);
}

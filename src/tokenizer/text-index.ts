// Finds a text's place in a list by its UTF-8: a hash table of numbers, 8 to 16 bytes a text where a Map of strings takes over 100.
import type { StringList } from '../gguf/string-list.ts';

const LEAST_SLOTS = 16;

export class TextIndex {
  readonly #texts: StringList;
  /** Place + 1 of a text, 0 where there is none; a text that finds its slot taken goes to the next free one. */
  readonly #slots: Int32Array;
  /** Chosen anew each time, so that no file can hold texts that all get the same slot. */
  readonly #seed = Math.floor(Math.random() * 2 ** 32);

  /** Nothing is found before it is added. */
  constructor(texts: StringList) {
    this.#texts = texts;
    this.#slots = new Int32Array(Math.max(LEAST_SLOTS, 2 ** Math.ceil(Math.log2(2 * texts.length))));
  }

  /** Adds the text at `place`. An equal one that was added before stays, and its place is returned. */
  add(place: number): number {
    const { bytes, starts } = this.#texts;
    const slot = this.#slotOf(bytes, starts[place]!, starts[place + 1]!);
    return (this.#slots[slot] ||= place + 1) - 1;
  }

  /** The place of the text bytes[from … to), or -1. */
  find(bytes: Uint8Array, from: number, to: number): number {
    return this.#slots[this.#slotOf(bytes, from, to)]! - 1;
  }

  /** Where the text is, or would be. */
  #slotOf(bytes: Uint8Array, from: number, to: number): number {
    const slots = this.#slots;
    const last = slots.length - 1;
    let hash = this.#seed;
    for (let i = from; i < to; i++) {
      hash = Math.imul(hash ^ bytes[i]!, 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    let slot = hash & last;
    while (slots[slot] !== 0 && !this.#isAt(slots[slot]! - 1, bytes, from, to)) slot = (slot + 1) & last;
    return slot;
  }

  #isAt(place: number, bytes: Uint8Array, from: number, to: number): boolean {
    const { bytes: texts, starts } = this.#texts;
    const start = starts[place]!;
    if (starts[place + 1]! - start !== to - from) return false;
    for (let i = from, at = start; i < to; i++, at++) if (bytes[i] !== texts[at]) return false;
    return true;
  }
}

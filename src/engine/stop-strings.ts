// Finds stop strings in text that comes in pieces. Text that may be the beginning of one is held back, so that no part
// of a stop string is ever shown.

/** A stop string prepared for matching; matchers may share it. */
export interface StopString {
  readonly text: string;
  /** At [n]: the length of the longest beginning of `text` that its first n units end with, n itself aside. */
  readonly fallback: Uint16Array;
}

/** `text` has 1 … 65535 units. */
export function stopString(text: string): StopString {
  const fallback = new Uint16Array(text.length + 1);
  for (let n = 2, length = 0; n <= text.length; n++) {
    while (length > 0 && text[length] !== text[n - 1]) length = fallback[length];
    if (text[length] === text[n - 1]) length++;
    fallback[n] = length;
  }
  return { text, fallback };
}

/**
 * The stop string that is complete first ends the text, which is cut before it; of several that end at the same place,
 * the longest. So what is shown does not depend on how the text was cut into pieces.
 */
export class StopStringMatcher {
  readonly #stops: readonly StopString[];
  /** How much of the beginning of each stop string the text so far ends with (Knuth, Morris, Pratt 1977). */
  readonly #matched: Uint16Array;
  #held = '';
  #stopped = false;

  constructor(stops: readonly StopString[]) {
    this.#stops = stops;
    this.#matched = new Uint16Array(stops.length);
  }

  /** Text that can be shown now; `stopped` once a stop string is complete. */
  push(text: string): { readonly text: string; readonly stopped: boolean } {
    if (this.#stopped) return { text: '', stopped: true };
    const seen = this.#held + text;
    for (let at = this.#held.length; at < seen.length; at++) {
      const complete = this.#advance(seen[at]);
      if (complete === 0) continue;
      this.#stopped = true;
      this.#held = '';
      return { text: seen.slice(0, at + 1 - complete), stopped: true };
    }
    const numShown = seen.length - Math.max(0, ...this.#matched);
    this.#held = seen.slice(numShown);
    return { text: seen.slice(0, numShown), stopped: false };
  }

  /** What was held back, when no more text comes. */
  flush(): string {
    const held = this.#held;
    this.#held = '';
    this.#matched.fill(0);
    return held;
  }

  /** The length of the longest stop string that `unit` completes, or 0. */
  #advance(unit: string): number {
    let complete = 0;
    this.#stops.forEach(({ text, fallback }, i) => {
      let length = this.#matched[i];
      while (length > 0 && text[length] !== unit) length = fallback[length];
      if (text[length] === unit) length++;
      this.#matched[i] = length;
      if (length === text.length) complete = Math.max(complete, length);
    });
    return complete;
  }
}

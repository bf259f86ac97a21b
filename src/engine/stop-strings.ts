// Finds stop strings in text that comes in pieces. Text that may be the beginning of one is held back, so that no part
// of a stop string is ever shown.

export class StopStringMatcher {
  readonly #stops: readonly string[];
  #held = '';
  #stopped = false;

  constructor(stops: readonly string[]) {
    this.#stops = stops;
  }

  /** Text that can be shown now; `stopped` once a stop string is complete. The earliest match wins. */
  push(text: string): { readonly text: string; readonly stopped: boolean } {
    if (this.#stopped) return { text: '', stopped: true };
    const seen = this.#held + text;
    const matches = this.#stops.map((stop) => seen.indexOf(stop)).filter((at) => at >= 0);
    if (matches.length > 0) {
      this.#stopped = true;
      this.#held = '';
      return { text: seen.slice(0, Math.min(...matches)), stopped: true };
    }
    const held = Math.max(0, ...this.#stops.map((stop) => overlap(seen, stop)));
    this.#held = seen.slice(seen.length - held);
    return { text: seen.slice(0, seen.length - held), stopped: false };
  }

  /** What was held back, when no more text comes. */
  flush(): string {
    const held = this.#stopped ? '' : this.#held;
    this.#held = '';
    return held;
  }
}

/** Length of the longest proper beginning of `stop` that `text` ends with. */
function overlap(text: string, stop: string): number {
  for (let length = Math.min(stop.length - 1, text.length); length > 0; length--) {
    if (text.endsWith(stop.slice(0, length))) return length;
  }
  return 0;
}

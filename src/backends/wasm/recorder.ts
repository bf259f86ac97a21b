// Kernel calls of one forward pass, kept to be made again: which kernels run, and on which addresses, depends on the number
// of rows alone, so decoding need not decide it anew for every token (measured: a twelfth of SmolLM2's time per token).
import type { KernelExports } from './kernels.ts';

type Action = () => void;

/** Passes kept at a time; the shapes of decoding with few sequences and of speculation. */
const MAX_RECORDINGS = 32;

export class Recorder {
  /** The kernels, whose calls are noted while a recording is made. */
  readonly exports: KernelExports;
  readonly #recordings = new Map<string, { readonly actions: readonly Action[]; readonly result: unknown }>();
  #actions: Action[] | undefined;

  constructor(exports: KernelExports) {
    this.exports = Object.fromEntries(Object.entries(exports).map(([name, kernel]) => {
      if (typeof kernel !== 'function') return [name, kernel];
      return [name, (...args: number[]) => {
        const result = kernel(...args);
        this.#actions?.push(bound(kernel, args));
        return result;
      }];
    }));
  }

  /** The result of `run`, or of the run with the same `key` before it, of which only the kernel calls are made again. */
  replay<T>(key: string, run: () => T): T {
    const known = this.#recordings.get(key);
    if (known) {
      // What was replayed last comes last: the first is what has not been for longest.
      this.#recordings.delete(key);
      this.#recordings.set(key, known);
      for (const action of known.actions) action();
      return known.result as T;
    }
    if (this.#recordings.size >= MAX_RECORDINGS) this.#recordings.delete(this.#recordings.keys().next().value!);
    const actions: Action[] = (this.#actions = []);
    try {
      const result = run();
      this.#recordings.set(key, { actions, result });
      return result;
    } finally {
      this.#actions = undefined;
    }
  }

  /** Does something that depends on what lies in memory: it is done anew each time, and its kernel calls are not noted. */
  live(action: Action): void {
    const actions = this.#actions;
    this.#actions = undefined;
    action();
    actions?.push(action);
    this.#actions = actions;
  }
}

/** `kernel(...args)` without spreading, which costs more than the call. */
function bound(kernel: (...args: number[]) => number, args: readonly number[]): Action {
  const [a, b, c, d, e, f, g, h, i, j, k, l] = args as number[];
  switch (args.length) {
    case 3: return () => void kernel(a!, b!, c!);
    case 4: return () => void kernel(a!, b!, c!, d!);
    case 5: return () => void kernel(a!, b!, c!, d!, e!);
    case 6: return () => void kernel(a!, b!, c!, d!, e!, f!);
    case 7: return () => void kernel(a!, b!, c!, d!, e!, f!, g!);
    case 8: return () => void kernel(a!, b!, c!, d!, e!, f!, g!, h!);
    case 9: return () => void kernel(a!, b!, c!, d!, e!, f!, g!, h!, i!);
    case 10: return () => void kernel(a!, b!, c!, d!, e!, f!, g!, h!, i!, j!);
    case 11: return () => void kernel(a!, b!, c!, d!, e!, f!, g!, h!, i!, j!, k!);
    case 12: return () => void kernel(a!, b!, c!, d!, e!, f!, g!, h!, i!, j!, k!, l!);
    default: return () => void kernel(...args);
  }
}

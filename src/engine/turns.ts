// Takes turns on the caller's thread: prompts and grammars that take long are prepared in slices of some milliseconds, between which
// other events have theirs. What is short is done at once.
import type { Platform } from '../platform/platform.ts';
import type { Steps } from '../steps.ts';

/** What work that was begun earlier may take of one turn of the event loop, and all that is new in it. */
const SLICE_MS = 4;
/** What each that is new may take at once. */
const FIRST_MS = 2;
/** In a slice, where the clock stands still while code runs (workerd) or is coarse. */
const MOST_STEPS = 256;

interface Waiting {
  readonly steps: Steps<unknown>;
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

export class Turns {
  readonly #yieldNow: () => Promise<void>;
  /** Who waits longest first. */
  readonly #waiting: Waiting[] = [];
  /** Milliseconds that what is new may still take in this turn. */
  #left = SLICE_MS;
  #isNextTurnDue = false;

  /** `yieldNow` resolves after events that were due have had their turn. */
  constructor(yieldNow: () => Promise<void>) {
    this.#yieldNow = yieldNow;
  }

  /** The result: now, where that is soon, and without a promise. An abort counts wherever the work pauses, and rejects with its reason. */
  run<T>(steps: Steps<T>, signal?: AbortSignal): T | Promise<T> {
    if (this.#left <= 0) return this.#wait(steps, signal);
    const startedAt = performance.now();
    let result: IteratorResult<undefined, T>;
    try {
      result = advance(steps, startedAt + Math.min(FIRST_MS, this.#left));
    } finally {
      this.#left -= performance.now() - startedAt;
      this.#expectNextTurn();
    }
    return result.done ? result.value : this.#wait(steps, signal);
  }

  #wait<T>(steps: Steps<T>, signal: AbortSignal | undefined): Promise<T> {
    // What is no signal is refused when the other options are checked.
    const given = typeof signal?.addEventListener === 'function' ? signal : undefined;
    let abort: () => void;
    const ended = new Promise<T>((resolve, reject) => {
      const waiting: Waiting = { steps, resolve: resolve as (result: unknown) => void, reject };
      this.#waiting.push(waiting);
      abort = () => {
        const at = this.#waiting.indexOf(waiting);
        if (at >= 0) this.#waiting.splice(at, 1);
        steps.return(undefined as T);
        reject(given!.reason as Error);
      };
    });
    given?.addEventListener('abort', abort!);
    if (given?.aborted) abort!();
    return given ? ended.finally(() => given.removeEventListener('abort', abort)) : ended;
  }

  #expectNextTurn(): void {
    if (this.#isNextTurnDue) return;
    this.#isNextTurnDue = true;
    void this.#yieldNow().then(() => {
      this.#isNextTurnDue = false;
      this.#left = SLICE_MS;
      this.#goOn();
    });
  }

  #goOn(): void {
    const until = performance.now() + SLICE_MS;
    for (let numLeft = this.#waiting.length; numLeft > 0 && performance.now() < until; numLeft--) {
      const next = this.#waiting.shift()!;
      try {
        const result = advance(next.steps, until);
        if (result.done) next.resolve(result.value);
        else this.#waiting.push(next);
      } catch (error) {
        next.reject(error);
      }
    }
    if (this.#waiting.length > 0) this.#expectNextTurn();
  }
}

/** Goes on until that time; one step is always taken. */
function advance<T>(steps: Steps<T>, until: number): IteratorResult<undefined, T> {
  for (let i = 1; ; i++) {
    const result = steps.next();
    if (result.done || i === MOST_STEPS || performance.now() >= until) return result;
  }
}

const byPlatform = new WeakMap<Platform, Turns>();

/** One for all engines of a thread, which is one platform's. */
export function turnsOf(platform: Platform): Turns {
  let turns = byPlatform.get(platform);
  if (!turns) byPlatform.set(platform, (turns = new Turns(platform.yieldNow ?? nextTask)));
  return turns;
}

export const nextTask = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

// Takes turns on the caller's thread: prompts and grammars that take long are prepared in slices of some milliseconds, between which
// other events have theirs. What is short is done at once.
import type { Platform } from '../platform/platform.ts';
import type { Steps } from '../steps.ts';

/** What work that was begun earlier may take of one turn of the event loop, and all that is new in it. */
const SLICE_MS = 4;
/** What each that is new may take at once. */
const FIRST_MS = 2;
/** The same where it has to begin anew if that is not enough. */
const TRY_MS = 1;
/** In a slice, where the clock stands still while code runs (workerd) or is coarse. */
const MOST_STEPS = 256;
/** At the same time: each may hold much, such as 44 bytes for each UTF-16 unit of a long word (symbol-merger.ts). */
const MOST_BEGUN = 4;

export interface RunOptions {
  /** An abort counts wherever the work pauses, and rejects with its reason. */
  readonly signal?: AbortSignal;
  /** For whom it is, see `end`. */
  readonly owner?: object;
}

interface Work {
  begin(): Steps<unknown>;
  steps: Steps<unknown> | undefined;
  readonly owner: object | undefined;
  isOver: boolean;
  resolve(result: unknown): void;
  reject(error: unknown): void;
  stopListening(): void;
}

export class Turns {
  readonly #yieldNow: () => Promise<void>;
  /** Has its turns, who waits longest first. */
  readonly #begun = new Set<Work>();
  /** Came when there was no time left for what is new. */
  readonly #untried = new Set<Work>();
  /** Took longer than a first slice while MOST_BEGUN were begun; begins anew in the order it came. */
  readonly #tried = new Set<Work>();
  #running: Work | undefined;
  /** Milliseconds that what is new may still take in this turn. */
  #left = SLICE_MS;
  #isNextTurnDue = false;

  /** `yieldNow` resolves after events that were due have had their turn. */
  constructor(yieldNow: () => Promise<void>) {
    this.#yieldNow = yieldNow;
  }

  /** The result: now, where that is soon, and without a promise. `begin` may be called twice, and must come to the same then. */
  run<T>(begin: () => Steps<T>, { signal, owner }: RunOptions = {}): T | Promise<T> {
    // What was aborted before takes one step all the same: what is wrong with it comes before that.
    if (this.#left <= 0 && !signal?.aborted) return this.#wait(begin, undefined, signal, owner);
    const steps = begin();
    const result = this.#takeFirst(steps);
    return result.done ? result.value : this.#wait(begin, steps, signal, owner);
  }

  /** Ends what waits for this owner: it rejects with `reason`, and what it holds is let go. */
  end(owner: object, reason: Error): void {
    for (const work of this.#all()) if (work.owner === owner) this.#giveUp(work, reason);
  }

  #wait<T>(begin: () => Steps<T>, steps: Steps<T> | undefined, signal: AbortSignal | undefined, owner: object | undefined): Promise<T> {
    // What is no signal is refused when the other options are checked.
    const given = typeof signal?.addEventListener === 'function' ? signal : undefined;
    return new Promise<T>((resolve, reject) => {
      const abort = (): void => this.#giveUp(work, given!.reason);
      const stopListening = (): void => given?.removeEventListener('abort', abort);
      const work: Work = { begin, steps, owner, isOver: false, resolve: resolve as (result: unknown) => void, reject, stopListening };
      if (given?.aborted) return abort();
      given?.addEventListener('abort', abort);
      if (steps) this.#queue(work);
      else this.#untried.add(work);
    });
  }

  /** After a first slice that was not enough. */
  #queue(work: Work): void {
    if (this.#begun.size < MOST_BEGUN) {
      this.#begun.add(work);
      return;
    }
    this.#tried.add(work);
    const { steps } = work;
    work.steps = undefined;
    steps!.return(undefined);
  }

  #takeFirst<T>(steps: Steps<T>): IteratorResult<undefined, T> {
    const startedAt = performance.now();
    const most = this.#begun.size < MOST_BEGUN ? FIRST_MS : TRY_MS;
    try {
      return advance(steps, startedAt + Math.min(most, this.#left));
    } finally {
      this.#left -= performance.now() - startedAt;
      this.#expectNextTurn();
    }
  }

  #expectNextTurn(): void {
    if (this.#isNextTurnDue) return;
    this.#isNextTurnDue = true;
    void this.#takeNextTurn();
  }

  async #takeNextTurn(): Promise<void> {
    let failure: { readonly error: unknown } | undefined;
    try {
      await this.#yieldNow();
    } catch (error) {
      failure = { error };
    }
    this.#isNextTurnDue = false;
    this.#left = SLICE_MS;
    if (failure) for (const work of this.#all()) this.#giveUp(work, failure.error);
    this.#goOn();
  }

  #goOn(): void {
    const until = performance.now() + SLICE_MS;
    for (let numLeft = this.#begun.size; numLeft > 0 && performance.now() < until; numLeft--) {
      const [work] = this.#begun;
      this.#goOnWith(work!, (steps) => advance(steps, until), () => {
        this.#begun.delete(work!);
        this.#begun.add(work!);
      });
    }
    for (const work of this.#untried) {
      if (this.#left <= 0) break;
      this.#untried.delete(work);
      this.#goOnWith(work, (steps) => this.#takeFirst(steps), () => this.#queue(work));
    }
    if (this.#begun.size + this.#untried.size > 0) this.#expectNextTurn();
  }

  #goOnWith(work: Work, go: (steps: Steps<unknown>) => IteratorResult<undefined, unknown>, queue: () => void): void {
    this.#running = work;
    try {
      work.steps ??= work.begin();
      const { done, value } = go(work.steps);
      if (work.isOver) work.steps.return(undefined);
      else if (!done) return queue();
      this.#forget(work);
      work.resolve(value);
    } catch (error) {
      this.#forget(work);
      work.reject(error);
    } finally {
      this.#running = undefined;
    }
  }

  #giveUp(work: Work, reason: unknown): void {
    this.#forget(work);
    try {
      // Where the work itself brought that about, it is let go once its slice is over.
      if (work !== this.#running) work.steps?.return(undefined);
    } catch (error) {
      work.reject(error);
    }
    work.reject(reason);
  }

  #forget(work: Work): void {
    work.isOver = true;
    work.stopListening();
    for (const works of [this.#begun, this.#untried, this.#tried]) works.delete(work);
    const [next] = this.#tried;
    if (!next || this.#begun.size >= MOST_BEGUN) return;
    this.#tried.delete(next);
    this.#begun.add(next);
  }

  #all(): Work[] {
    return [...this.#begun, ...this.#untried, ...this.#tried];
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

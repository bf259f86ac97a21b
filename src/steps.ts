// Work that can pause: generators that yield wherever something else may have its turn, every few hundred microseconds or so. Run
// at once they are plain functions; engine/turns.ts runs them beside each other without holding up their thread.

export type Steps<T> = Generator<undefined, T, undefined>;

/** The result, without a pause. */
export function atOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

// Where threads meet: a counter of arrivals and a generation word. Spins for a while, then sleeps. And where they take
// parts of an operation, each when it is done with the last one.
//
//   control + 0    arrivals of the current generation
//   control + 64   generation; changes when all have arrived, or when the barrier is poisoned
//   control + 128  threads asleep on the generation
//   control + 192  1 once poisoned: a thread failed and will never arrive
//   control + 256  counters of what is dealt out, see src/backends/wasm/thread.ts
const GENERATION: usize = 64;
const SLEEPERS: usize = 128;
const POISON: usize = 192;

/** Waits until `numThreads` threads have come here. Returns 1 when the barrier is poisoned, 0 otherwise. */
export function barrier(control: usize, numThreads: i32, spins: i32): i32 {
  if (!ASC_FEATURE_THREADS) return 0;
  if (atomic.load<i32>(control, POISON)) return 1;
  const generation = atomic.load<i32>(control, GENERATION);
  if (atomic.add<i32>(control, 1) == numThreads - 1) {
    atomic.store<i32>(control, 0);
    atomic.add<i32>(control, 1, GENERATION);
    if (atomic.load<i32>(control, SLEEPERS)) atomic.notify(control + GENERATION, -1);
    return atomic.load<i32>(control, POISON);
  }
  for (let i = 0; i < spins; i++) {
    if (atomic.load<i32>(control, GENERATION) != generation) return atomic.load<i32>(control, POISON);
  }
  atomic.add<i32>(control, 1, SLEEPERS);
  while (atomic.load<i32>(control, GENERATION) == generation) atomic.wait<i32>(control + GENERATION, generation, -1);
  atomic.sub<i32>(control, 1, SLEEPERS);
  return atomic.load<i32>(control, POISON);
}

/** Lets everybody go, now and at every later barrier: they learn that a thread failed. */
export function poison(control: usize): void {
  if (!ASC_FEATURE_THREADS) return;
  atomic.store<i32>(control, 1, POISON);
  atomic.add<i32>(control, 1, GENERATION);
  atomic.notify(control + GENERATION, -1);
}

/**
 * Takes the next of the parts of an operation that are dealt out: how many were left, that one included, or 0. `counter`
 * ran up to `end` minus the number of parts before; every thread takes until there is none.
 */
export function deal(counter: usize, end: i32): i32 {
  if (!ASC_FEATURE_THREADS) return 0;
  return max<i32>(end - atomic.add<i32>(counter, 1), 0);
}

// How an operation's work is divided among threads. A partition says which thread touches which part of a matrix; two
// operations with the same partition of the same matrix need no barrier between them.

/** Kinds of division; equal numbers mean that each thread touches the same elements. */
export type Partition = number;

/** Every thread may touch all of it. */
export const WHOLE: Partition = 0;
/** Rows in multiples of four. */
export const ROWS: Partition = 1;
/** Rows one by one, thread t takes t, t + numThreads, …, per head: attention's results. */
export const ITEMS: Partition = 2;
/** One thread does all. */
export const FIRST_THREAD: Partition = 3;

/** Columns of a matrix of that many, in multiples of four. */
export function byColumns(cols: number): Partition {
  return 16 + 2 * cols;
}

/** Heads (equal parts of a row) of that many. */
export function byHeads(heads: number, cols: number): Partition {
  return 17 + 2 * (heads * 2 ** 20 + cols);
}

/** Thread `index`'s part [from, to) of `count`, in multiples of `grain` except at the end. */
export function share(count: number, index: number, numThreads: number, grain: number): readonly [number, number] {
  const units = Math.ceil(count / grain);
  const from = Math.floor((units * index) / numThreads) * grain;
  const to = Math.floor((units * (index + 1)) / numThreads) * grain;
  return [Math.min(from, count), Math.min(to, count)];
}

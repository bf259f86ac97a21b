// Barriers stand where two threads could meet on one float, and nowhere else: against a model that tracks every float.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Hazards } from '../../src/backends/wasm/hazards.ts';
import { FIRST_THREAD, ITEMS, ROWS, WHOLE, byColumns, byHeads } from '../../src/backends/wasm/shares.ts';
import type { Activation } from '../../src/backends/tensors.ts';
import { columns } from '../../src/backends/tensors.ts';

const COLS = 24;
const NUM_HEADS = 6;
const ROW_COUNT = 12;
const NUM_THREADS = 3;

const matrix = (allocation: number): Activation =>
  ({ ptr: allocation, allocation, rows: ROW_COUNT, cols: COLS, stride: COLS });

interface Access {
  readonly x: Activation;
  readonly partition: number;
  readonly isWrite: boolean;
}

/** Whether `thread` may touch column `c` (of its view) in row `r` under a partition. */
function touches(partition: number, thread: number, r: number, c: number, cols: number): boolean {
  if (partition === WHOLE) return true;
  if (partition === ROWS) return Math.floor(r / 4) === thread;
  if (partition === FIRST_THREAD) return thread === 0;
  if (partition === byColumns(cols)) return Math.floor(c / (cols / NUM_THREADS)) === thread;
  if (partition === byHeads(NUM_HEADS, cols)) return Math.floor((c / cols) * NUM_HEADS) % NUM_THREADS === thread;
  return (r + Math.floor((c / cols) * NUM_HEADS)) % NUM_THREADS === thread;
}

/** Float `i` of the allocation as seen in view x: [row, column], or undefined where it is not part of it. */
function place(x: Activation, i: number): readonly [number, number] | undefined {
  const c = (i % x.stride) - (x.ptr - x.allocation) / 4;
  return c >= 0 && c < x.cols ? [Math.floor(i / x.stride), c] : undefined;
}

/** Two different threads may touch the same float, one of them writing. */
function mayMeet(a: Access, b: Access): boolean {
  if (a.x.allocation !== b.x.allocation || !(a.isWrite || b.isWrite)) return false;
  for (let i = 0; i < ROW_COUNT * COLS; i++) {
    const [at, bt] = [place(a.x, i), place(b.x, i)];
    if (!at || !bt) continue;
    for (let s = 0; s < NUM_THREADS; s++) {
      for (let t = 0; t < NUM_THREADS; t++) {
        const both = touches(a.partition, s, ...at, a.x.cols) && touches(b.partition, t, ...bt, b.x.cols);
        if (s !== t && both) return true;
      }
    }
  }
  return false;
}

const views = [
  matrix(1024), columns(matrix(1024), 0, 12), columns(matrix(1024), 12, 12), columns(matrix(1024), 6, 12), matrix(8192),
];

const PARTITIONS: Readonly<Record<string, (cols: number) => number>> = {
  whole: () => WHOLE, rows: () => ROWS, items: () => ITEMS, first: () => FIRST_THREAD,
  columns: byColumns, heads: (cols) => byHeads(NUM_HEADS, cols),
};

const anyAccess: fc.Arbitrary<Access> = fc.record({
  x: fc.constantFrom(...views), partition: fc.constantFrom(...Object.keys(PARTITIONS)), isWrite: fc.boolean(),
}).map(({ x, partition, isWrite }) => ({ x, isWrite, partition: PARTITIONS[partition](x.cols) }));

describe('hazards', () => {
  it('ask for a barrier wherever two threads could meet since the last one', () => {
    fc.assert(fc.property(fc.array(anyAccess, { minLength: 1, maxLength: 12 }), (accesses) => {
      const hazards = new Hazards();
      let open: Access[] = [];
      for (const access of accesses) {
        const { x, partition, isWrite } = access;
        if (hazards.conflicts(x, partition, isWrite)) {
          hazards.clear();
          open = [];
        }
        expect(open.some((earlier) => mayMeet(earlier, access))).toBe(false);
        hazards.note(x, partition, isWrite);
        open.push(access);
      }
    }), { numRuns: 500 });
  });

  it('ask for none between accesses of different matrices, of different columns, or that only read', () => {
    fc.assert(fc.property(anyAccess, anyAccess, (a, b) => {
      const apart = a.x.allocation !== b.x.allocation
        || a.x.ptr + 4 * a.x.cols <= b.x.ptr || b.x.ptr + 4 * b.x.cols <= a.x.ptr;
      fc.pre(apart || !(a.isWrite || b.isWrite));
      const hazards = new Hazards();
      hazards.note(a.x, a.partition, a.isWrite);
      expect(hazards.conflicts(b.x, b.partition, b.isWrite)).toBe(false);
    }));
  });

  it.each(['rows', 'items', 'first', 'columns', 'heads'])('ask for none between equal shares (%s)', (name) => {
    const partition = PARTITIONS[name](COLS);
    const hazards = new Hazards();
    hazards.note(views[0], partition, true);
    expect(hazards.conflicts(views[0], partition, false)).toBe(false);
    expect(hazards.conflicts(views[0], partition, true)).toBe(false);
  });

  it('ask for one between everybody writing and anybody reading', () => {
    const hazards = new Hazards();
    hazards.note(views[0], WHOLE, true);
    expect(hazards.conflicts(views[0], WHOLE, false)).toBe(true);
    expect(hazards.conflicts(views[0], ROWS, false)).toBe(true);
  });

  it('see a matrix that is split into rows of another length as one with all of it', () => {
    const hazards = new Hazards();
    hazards.note(views[0], byColumns(COLS), true);
    const halves = { ...views[0], rows: 2 * ROW_COUNT, cols: COLS / 2, stride: COLS / 2 };
    expect(hazards.conflicts(halves, byColumns(COLS / 2), false)).toBe(true);
  });

  it('forget all at a barrier', () => {
    const hazards = new Hazards();
    hazards.note(views[0], ROWS, true);
    expect(hazards.conflicts(views[0], WHOLE, false)).toBe(true);
    hazards.clear();
    expect(hazards.conflicts(views[0], WHOLE, false)).toBe(false);
  });
});

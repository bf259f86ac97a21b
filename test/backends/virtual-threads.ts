// Runs the wasm backend's threads one after the other, phase by phase between barriers, in an order of the test's
// choice: of whatever two threads do between the same two barriers, each does its part first once. What a missing
// barrier allows to go wrong therefore does go wrong, and the same way every time.
//
// A phase is reached by replaying the program from its start with kernels switched off; TypeScript decides nothing by
// the contents of memory but for indices, which earlier phases wrote.
import { readFileSync } from 'node:fs';
import v8 from 'node:v8';
import { Arena } from '../../src/backends/arena.ts';
import { instantiateKernels } from '../../src/backends/wasm/kernels.ts';
import type { KernelExports } from '../../src/backends/wasm/kernels.ts';
import { createWasmBackend } from '../../src/backends/wasm/backend.ts';
import type { WasmBackend } from '../../src/backends/wasm/backend.ts';
import { ARENA_BASE, writeTables } from '../../src/backends/wasm/memory-map.ts';
import { CONTROL_BYTES } from '../../src/backends/wasm/thread.ts';
import { inRepository } from '../support/fixtures.ts';
import type { BackendSetup, TestBackend } from '../support/run-model.ts';

v8.setFlagsFromString('--experimental-wasm-relaxed-simd');

const PAGES = 128;
const ALL_PAGES = 65536;

export type KernelBuild = 'baseline' | 'relaxed' | 'dot';

interface KernelRoom {
  readonly memory: WebAssembly.Memory;
  readonly exports: KernelExports;
  readonly base: number;
  /** End of what the last run has used; from there on all is zero. */
  end: number;
}

const rooms = new Map<string, KernelRoom>();

/** Kernels on a memory that is as if it were new; `isHigh`: of 4 GiB, of which the end is used. */
function freshRoom(build: KernelBuild, isHigh: boolean): KernelRoom {
  const key = `${build} ${isHigh}`;
  const known = rooms.get(key);
  if (known) {
    new Uint8Array(known.memory.buffer, known.base, known.end - known.base).fill(0);
    return known;
  }
  const memory = new WebAssembly.Memory({ initial: isHigh ? ALL_PAGES : PAGES });
  writeTables(memory);
  const module = new WebAssembly.Module(readFileSync(inRepository('dist/kernels', `${build}.wasm`)));
  const base = isHigh ? (ALL_PAGES - PAGES) * 65536 : ARENA_BASE;
  const room = { memory, exports: instantiateKernels(module, memory).exports, base, end: base };
  rooms.set(key, room);
  return room;
}

/** One replay: lay out, fill memory where `isFirst`, and call the operations. */
export type Replay = (on: TestBackend & { readonly backend: WasmBackend }, isFirst: boolean) => void;

export interface VirtualThreads {
  readonly build: KernelBuild;
  readonly numThreads: number;
  /** Whether everything lies in the last MiB below 4 GiB. */
  readonly isHigh?: boolean;
  /** The order in which threads do their work of one phase. */
  readonly order: readonly number[];
  /** Leaves barriers out, for tests of this file: each that this returns true for, counted from 0. */
  readonly skipBarrier?: (index: number) => boolean;
}

/** Runs `replay` to its end on all threads; returns the barriers they met at. */
export function runVirtualThreads(threads: VirtualThreads, setup: BackendSetup, replay: Replay): number {
  const { numThreads, order, skipBarrier = () => false } = threads;
  const room = freshRoom(threads.build, threads.isHigh ?? false);
  const { memory, base } = room;
  let [target, met, called] = [0, 0, 0];
  const barrier = (): number => {
    if (!skipBarrier(called++)) met++;
    return 0;
  };
  const wrap = (name: string, kernel: (...args: number[]) => number) => {
    if (name === 'barrier') return barrier;
    // Kernels without arguments are constants.
    return kernel.length === 0 ? kernel : (...args: number[]): number => (met === target ? kernel(...args) : 0);
  };
  const exports = Object.fromEntries(
    Object.entries(room.exports).map(([name, kernel]) => [name, wrap(name, kernel)]),
  );
  const meetings = new Set<number>();
  let isFirst = true;
  for (target = 0; meetings.size === 0 || target <= Math.max(...meetings); target++) {
    for (const threadIndex of order) {
      [met, called] = [0, 0];
      const arena = new Arena(base, memory.buffer.byteLength);
      const controlPtr = arena.allocate(CONTROL_BYTES, 'control');
      const backend = createWasmBackend({
        memory, arena, threadIndex, numThreads, controlPtr, ...setup,
        instance: { exports } as unknown as WebAssembly.Instance,
      });
      replay({ backend, arena, memory: memory.buffer }, isFirst);
      isFirst = false;
      room.end = Math.max(room.end, arena.end);
      meetings.add(met);
    }
    if (meetings.size > 1) throw new Error(`Threads disagree on the number of barriers: ${[...meetings].join(', ')}.`);
  }
  return Math.max(...meetings);
}

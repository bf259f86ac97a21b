// What a contract case is, and how it runs on the reference backend or on the wasm backend's virtual threads.
import { Arena } from '../../src/backends/arena.ts';
import { createReferenceBackend } from '../../src/backends/reference/reference-backend.ts';
import type { Activation, IndexVector, KvType } from '../../src/backends/tensors.ts';
import type { BackendSetup, TestBackend } from '../support/run-model.ts';
import { Bench } from './bench.ts';
import { BUILDS } from '../kernels/kernel-memory.ts';
import type { Rows } from './bench.ts';
import { runVirtualThreads } from './virtual-threads.ts';
import type { KernelBuild } from './virtual-threads.ts';

export interface Tolerance {
  readonly relative?: number;
  readonly absolute?: number;
}

export interface ExpectedMatrix extends Tolerance {
  readonly x: Activation;
  readonly rows: () => Rows;
  /** Where integer kernels round activations to 8 bits, they get this instead. */
  readonly quantized?: () => Tolerance | undefined;
}

export interface Prepared {
  readonly run: () => void;
  readonly matrices: readonly ExpectedMatrix[];
  readonly indices?: readonly { readonly x: IndexVector; readonly values: readonly number[] }[];
}

export interface ContractCase {
  readonly name: string;
  readonly kvType?: KvType;
  /** Places operands on a bench, says what to run on it and what must come out. */
  readonly prepare: (on: Bench) => Prepared;
}

export interface Outcome {
  readonly prepared: Prepared;
  readonly matrices: readonly Rows[];
  readonly indices: Rows;
  readonly strayWrites: number;
}

export interface BackendUnderTest {
  readonly name: string;
  readonly build?: KernelBuild;
  /** Whether everything lies in the last MiB below 4 GiB. */
  readonly isHigh?: boolean;
  readonly numThreads: number;
  readonly orders: readonly (readonly number[])[];
}

export const BACKENDS: readonly BackendUnderTest[] = [
  { name: 'reference', numThreads: 1, orders: [[0]] },
  ...BUILDS.flatMap((build) => [
    { name: `wasm ${build}`, build, numThreads: 1, orders: [[0]] },
    { name: `wasm ${build}, 3 threads`, build, numThreads: 3, orders: [[0, 1, 2], [2, 1, 0]] },
  ]),
  // How addresses are computed is the same in every build; those of products are tested for each (test/kernels).
  { name: 'wasm relaxed, below 4 GiB', build: 'relaxed', isHigh: true, numThreads: 1, orders: [[0]] },
];

const NUM_BLOCKS = 12;
const NUM_SLOTS = 3;
const REFERENCE_BYTES = 4 * 2 ** 20;

const referenceMemory = new ArrayBuffer(REFERENCE_BYTES);

export function runCase(
  { kvType = 'f32', prepare }: ContractCase, { build, isHigh, numThreads }: BackendUnderTest, order: readonly number[],
): Outcome {
  const setup: BackendSetup = { kv: { type: kvType, numBlocks: NUM_BLOCKS }, maxSlots: NUM_SLOTS };
  let prepared: Prepared | undefined;
  let read: (() => Omit<Outcome, 'prepared'>) | undefined;
  const replay = (place: TestBackend, synchronize: () => void, isFirst: boolean): void => {
    const on = new Bench(place, isFirst);
    const { backend } = on;
    const { run, matrices, indices = [] } = remember(prepare(on));
    // A thread may hold a result for itself alone; the copy is what others would see of it.
    const copies = matrices.map(({ x }) => ({ from: x, x: on.space(on.numRows(x), x.cols), n: on.numRows(x) }));
    backend.completeLayout?.();
    on.repack();
    synchronize();
    run();
    for (const { from, x, n } of copies) backend.scale(x, from, 1, n);
    synchronize();
    read = () => ({
      matrices: copies.map(({ x, n }) => on.read(x, n)),
      indices: indices.map(({ x, values }) => on.readIndices(x, values.length)),
      strayWrites: on.countStrayWrites(),
    });
  };
  /** What the first replay expects: later ones do not store weights and cannot tell. */
  const remember = (made: Prepared): Prepared => {
    prepared ??= made;
    return made;
  };
  if (build) {
    runVirtualThreads({ build, isHigh, numThreads, order }, setup, (place, isFirst) => {
      replay(place, () => place.backend.synchronize(), isFirst);
    });
  } else {
    const memory = referenceMemory;
    new Uint8Array(memory).fill(0);
    const arena = new Arena(64, REFERENCE_BYTES);
    replay({ memory, arena, backend: createReferenceBackend({ memory, arena, ...setup }) }, () => undefined, true);
  }
  return { prepared: prepared!, ...read!() };
}

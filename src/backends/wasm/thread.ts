// One compute thread's state: its share of the work, what it must wait for, and its private copies of small results.
import { EngineStoppedError } from '../../errors.ts';
import type { Activation } from '../tensors.ts';
import { Hazards } from './hazards.ts';
import type { Kernels } from './kernels.ts';
import type { ActivationFormat } from './matmul.ts';
import { packActivations } from './matmul.ts';
import type { Recorder } from './recorder.ts';
import { ROWS, WHOLE, byColumns, share } from './shares.ts';
import type { Partition } from './shares.ts';

/**
 * Up to this many rows a norm is computed by every thread for itself, into private memory, and so is the packed form of
 * an activation: cheaper than a barrier.
 */
export const PRIVATE_ROWS = 4;

/**
 * Spins of a barrier before the thread sleeps: some 0.5 ms. Waking takes about 50 µs in a virtual machine (measured), and
 * while one thread wakes the other waits: with spins of that length, threads kept sending each other to sleep (181 → 206
 * tokens/s on SmolLM2).
 */
const BARRIER_SPINS = 200_000;

/** Counters of what is dealt out, used in turn: threads are never more operations apart than there are between barriers. */
const DEAL_COUNTERS = 128;
const DEAL_PTR = 256;

/** Parts of an operation for each thread: few enough to be long, many enough that no thread waits long for the last. */
const PARTS_PER_THREAD = 8;

/** Bytes at `controlPtr`, zero at first: assembly/barrier.ts says what they hold. */
export const CONTROL_BYTES = DEAL_PTR + 4 * DEAL_COUNTERS;

export interface PackedBuffers {
  /** Where all threads together pack large batches, and where this thread packs small ones. */
  readonly sharedPtr: number;
  readonly privatePtr: number;
}

interface Packed {
  readonly x: Activation;
  readonly format: ActivationFormat;
  readonly n: number;
  readonly ptr: number;
}

export class WasmThread {
  readonly kernels: Kernels;
  readonly index: number;
  readonly numThreads: number;
  /** Barriers passed so far, for measurements. */
  numBarriers = 0;
  readonly #recorder: Recorder;
  readonly #controlPtr: number;
  readonly #hazards = new Hazards();
  readonly #privatePtrs: ReadonlyMap<number, number>;
  /** What each counter has come to once all threads are done with what was dealt out by it last. */
  readonly #dealt = new Int32Array(DEAL_COUNTERS);
  #dealTurn = 0;
  /** Activations whose current contents are private, by allocation. */
  readonly #private = new Map<number, { readonly x: Activation; readonly n: number }>();
  #packed: Packed | undefined;

  constructor(
    kernels: Kernels, recorder: Recorder, index: number, numThreads: number, controlPtr: number,
    privatePtrs: ReadonlyMap<number, number>,
  ) {
    this.kernels = kernels;
    this.#recorder = recorder;
    this.index = index;
    this.numThreads = numThreads;
    this.#controlPtr = controlPtr;
    this.#privatePtrs = privatePtrs;
  }

  get exports(): Kernels['exports'] {
    return this.kernels.exports;
  }

  /** This thread's part of `count`. */
  share(count: number, grain = 4): readonly [number, number] {
    return share(count, this.index, this.numThreads, grain);
  }

  /**
   * Calls `run` with parts [from, to) of `count`, in multiples of `grain`, as long as there are any: a thread that is slow,
   * or held up by its machine, does fewer. What is written needs the partition WHOLE.
   */
  deal(count: number, grain: number, run: (from: number, to: number) => void): void {
    const size = grain * Math.ceil(count / (grain * PARTS_PER_THREAD * this.numThreads));
    const numParts = Math.ceil(count / size);
    this.live(() => {
      const turn = (this.#dealTurn = (this.#dealTurn + 1) % DEAL_COUNTERS);
      const end = (this.#dealt[turn]! + numParts) | 0;
      // Every thread asks once in vain.
      this.#dealt[turn] = end + this.numThreads;
      for (;;) {
        const left = this.exports['deal']!(this.#controlPtr + DEAL_PTR + 4 * turn, end);
        if (left === 0) return;
        const from = (numParts - left) * size;
        run(from, Math.min(from + size, count));
      }
    });
  }

  /** Begins a forward pass: nothing of the last one is private or packed any more. */
  beginPass(): void {
    this.#private.clear();
    this.#packed = undefined;
  }

  /** Does what depends on the contents of memory: also when a pass is replayed, unlike other TypeScript here. */
  live(action: () => void): void {
    this.#recorder.live(action);
  }

  /** Waits for all threads; what they wrote is visible afterwards. */
  synchronize(): void {
    this.#hazards.clear();
    if (this.numThreads > 1) this.live(() => this.#barrier());
  }

  #barrier(): void {
    this.numBarriers++;
    if (this.exports['barrier']!(this.#controlPtr, this.numThreads, BARRIER_SPINS) !== 0) {
      throw new EngineStoppedError('Another compute thread failed. Load the model again.');
    }
  }

  /** Tells the other threads not to wait for this one any more. */
  poison(): void {
    this.exports['poison']!(this.#controlPtr);
  }

  /**
   * Declares an operation's accesses, waits if it must, and says where `reads` and `writes` lie for this thread. A write
   * makes what was private or packed of that allocation void.
   */
  begin(reads: readonly (readonly [Activation, Partition])[], writes: readonly (readonly [Activation, Partition])[]): void {
    for (const [x] of writes) this.#publish(x);
    const conflict = reads.some(([x, partition]) => !this.isPrivate(x) && this.#hazards.conflicts(x, partition, false))
      || writes.some(([x, partition]) => this.#hazards.conflicts(x, partition, true));
    if (conflict) this.synchronize();
    for (const [x, partition] of reads) if (!this.isPrivate(x)) this.#hazards.note(x, partition, false);
    for (const [x, partition] of writes) {
      this.#hazards.note(x, partition, true);
      this.#changed(x);
    }
  }

  isPrivate(x: Activation): boolean {
    return this.#private.has(x.allocation);
  }

  /** `x` where this thread reads it: its private copy if that is current. */
  local(x: Activation): Activation {
    return this.isPrivate(x) ? this.#privateCopy(x) : x;
  }

  /** Makes this thread's private copy of the first `n` rows of `x`, a whole allocation, the current one. */
  makePrivate(x: Activation, n: number): Activation {
    this.#changed(x);
    this.#private.set(x.allocation, { x, n });
    return this.#privateCopy(x);
  }

  /** `x`'s private copy, about to be changed in place by every thread alike. */
  changePrivate(x: Activation): Activation {
    this.#changed(x);
    return this.#privateCopy(x);
  }

  /** Voids packed activations in shared memory: something else is written there. */
  forgetPacked(): void {
    this.#packed = undefined;
  }

  canBePrivate(x: Activation, n: number): boolean {
    return this.numThreads > 1 && n <= PRIVATE_ROWS && x.ptr === x.allocation && x.cols === x.stride && this.#privatePtrs.has(x.allocation);
  }

  /** Before shared memory of a private allocation is written: each thread copies its columns there. */
  #publish(target: Activation): void {
    const entry = this.#private.get(target.allocation);
    if (entry === undefined) return;
    const { x, n } = entry;
    const from = this.#privateCopy(x);
    this.#private.delete(x.allocation);
    const partition = byColumns(x.cols);
    if (this.#hazards.conflicts(x, partition, true)) this.synchronize();
    this.#hazards.note(x, partition, true);
    const [first, end] = this.share(x.cols);
    if (first >= end) return;
    this.exports['scale_f32']!(x.ptr + 4 * first, 4 * x.stride, from.ptr + 4 * first, 4 * from.stride, 1, end - first, n);
  }

  #changed(x: Activation): void {
    if (this.#packed?.x.allocation === x.allocation) this.#packed = undefined;
  }

  #privateCopy(x: Activation): Activation {
    return { ...x, ptr: this.#privatePtrs.get(x.allocation)! + (x.ptr - x.allocation) };
  }

  /**
   * `n` rows of `x` in `format`, packed once as long as x stays the same. Large batches are packed by all threads
   * together into shared memory, small ones by each for itself.
   */
  pack(x: Activation, format: ActivationFormat, n: number, packed: Activation, buffers: PackedBuffers): number {
    if (format === 'f32') {
      this.begin([[x, WHOLE]], []);
      return 0;
    }
    const cached = this.#packed;
    if (cached && cached.format === format && cached.n === n && cached.x.ptr === x.ptr && cached.x.cols === x.cols) {
      this.begin([[packed, WHOLE]], []);
      return cached.ptr;
    }
    const isSmall = n <= PRIVATE_ROWS;
    const ptr = isSmall ? buffers.privatePtr : buffers.sharedPtr;
    if (isSmall) {
      this.begin([[x, WHOLE]], []);
      packActivations(this.kernels, format, ptr, this.local(x), 0, n, n);
    } else {
      this.begin([[x, ROWS]], [[packed, ROWS]]);
      const [from, to] = this.share(n);
      packActivations(this.kernels, format, ptr, this.local(x), from, to, n);
      this.begin([[packed, WHOLE]], []);
    }
    this.#packed = { x, format, n, ptr };
    return ptr;
  }

  /**
   * Runs an elementwise operation on this thread's columns. When `out` is private (it is then also an operand), every
   * thread does all of it on its own copy.
   */
  elementwise(
    out: Activation, operands: readonly Activation[],
    run: (out: Activation, operands: readonly Activation[], from: number, count: number) => void,
  ): void {
    if (this.isPrivate(out) && operands.some((x) => x.allocation === out.allocation)) {
      this.begin(operands.map((x) => [x, WHOLE] as const), []);
      this.#changed(out);
      run(this.#privateCopy(out), operands.map((x) => this.local(x)), 0, out.cols);
      return;
    }
    const partition = byColumns(out.cols);
    const locals = operands.map((x) => this.local(x));
    this.begin(operands.map((x) => [x, x.cols === out.cols ? partition : WHOLE] as const), [[out, partition]]);
    const [from, to] = this.share(out.cols);
    if (from < to) run(out, locals, from, to - from);
  }
}

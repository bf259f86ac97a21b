// A shard's linear memory as the thread that loads into it reaches it: the memory itself, or one that only a worker has.
import { writeTables } from '../../backends/wasm/memory-map.ts';
import type { MemoryRange } from '../../backends/tensors.ts';
import { OutOfMemoryError } from '../../errors.ts';
import type { ComputeHost } from '../compute/host.ts';
import type { InlineWorker } from '../compute/inline-worker.ts';
import type { ShardPlace } from '../compute/protocol.ts';
import { STEP } from '../memory/regions.ts';
import type { Regions } from '../memory/regions.ts';
import { megabytes } from './split-layers.ts';

export interface ModelMemory {
  /** What compute workers are given: the memory, or of how many bytes the only worker is to make one. */
  readonly given: WebAssembly.Memory | number;
  /** Room for the bytes at an address, to be filled and then handed to `filled`. */
  room(ptr: number, byteLength: number): Uint8Array;
  filled(ptr: number, bytes: Uint8Array): void;
  /** Says how many of the shard's tensors, from the first on, have been read. */
  arrived(count: number): void;
  /** The memory's bytes, where this thread has it. */
  readonly buffer?: ArrayBufferLike;
  /** Copies of ranges one after another, where this thread has not. */
  copied?(ranges: readonly MemoryRange[]): Promise<Uint8Array>;
}

const PAGE_BYTES = 65536;

/** A memory of its final size with the kernels' tables. Throws OutOfMemoryError where it cannot be had. */
export function createMemory(totalBytes: number, shared: boolean): WebAssembly.Memory {
  const pages = Math.ceil(totalBytes / PAGE_BYTES);
  try {
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared });
    writeTables(memory);
    return memory;
  } catch (cause) {
    throw new OutOfMemoryError(
      totalBytes, 0,
      `This process could not reserve ${megabytes(totalBytes)} of WebAssembly memory. ` +
        'Close other models, use a smaller contextLength or a smaller model.',
      { cause },
    );
  }
}

/** One that this thread has: it shares it with workers that wait in it, or computes itself (`inline`). */
export function ownMemory(
  totalBytes: number, { stepPtr }: Regions, { model, shard }: ShardPlace, inline: InlineWorker | undefined,
): ModelMemory {
  const memory = createMemory(totalBytes, inline === undefined);
  const words = new Int32Array(memory.buffer, stepPtr, STEP.length);
  return {
    given: memory,
    buffer: memory.buffer,
    room: (ptr, byteLength) => new Uint8Array(memory.buffer, ptr, byteLength),
    filled: () => undefined,
    arrived(count) {
      Atomics.store(words, STEP.arrived, count);
      Atomics.notify(words, STEP.arrived);
      inline?.arrived(model, shard, count);
    },
  };
}

/** One that the only worker has: bytes go there in messages, without being copied on this side. */
export function workerMemory(host: ComputeHost, totalBytes: number, place: ShardPlace): ModelMemory {
  return {
    given: totalBytes,
    room: (_, byteLength) => new Uint8Array(byteLength),
    filled: (ptr, bytes) => host.send({ type: 'write', ...place, ptr, bytes }, [bytes.buffer as ArrayBuffer]),
    arrived: (count) => host.send({ type: 'arrived', ...place, count }),
    copied: (ranges) => host.call(undefined, (requestId) => ({ type: 'read', requestId, ...place, ranges }),
      (reply) => (reply.type === 'copied' ? reply.bytes : undefined)),
  };
}

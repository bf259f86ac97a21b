// Reads the weights a model asked for from its files straight into linear memory.
import type { LoadedTensor } from '../../architectures/weights.ts';
import type { ByteSource } from '../../gguf/byte-source.ts';
import type { GgufFile, GgufTensor } from '../../gguf/reader.ts';
import { dequantize } from '../../quant/quant.ts';
import type { ModelMemory } from './model-memory.ts';

/** Bytes per read: progress moves and an abort acts at this grain. */
const READ_BYTES = 8 * 2 ** 20;
/** Reads under way at once; more does not help a page cache or a disk (measured on Node 20). */
const PARALLEL_READS = 16;

interface Read {
  readonly tensorIndex: number;
  readonly tensor: GgufTensor;
  /** Within the tensor. */
  readonly offset: number;
  readonly byteLength: number;
}

export interface LoadListeners {
  /** Hears of each read's bytes. */
  readonly onBytes: (bytes: number) => void;
  /** Hears the parts of each tensor that is read as it lies in the file; they may change as soon as it returns. */
  readonly onPart: (tensor: GgufTensor, offset: number, bytes: Uint8Array) => void;
}

/** Fills `memory` at the tensors' addresses, and tells it of the tensors that have been read; at the end of one more. */
export async function loadWeights(
  file: GgufFile, sources: readonly ByteSource[], tensors: readonly LoadedTensor[], memory: ModelMemory,
  { onBytes, onPart }: LoadListeners, signal?: AbortSignal,
): Promise<void> {
  const reads: Read[] = [];
  const widened: { tensor: GgufTensor; ptr: number }[] = [];
  const ptrOf = (loaded: LoadedTensor): number => (loaded.kind === 'matrix' ? loaded.weight.ptr : loaded.vector.ptr);
  tensors.forEach((loaded, i) => {
    const tensor = file.tensor(loaded.name)!;
    if (loaded.kind === 'vector' && tensor.type !== 'F32') widened.push({ tensor, ptr: ptrOf(loaded) });
    else reads.push(...split(i, tensor));
  });
  const pending = new Int32Array(tensors.length);
  for (const { tensorIndex } of reads) pending[tensorIndex]!++;
  let arrived = 0;
  const advance = (): void => {
    const before = arrived;
    while (arrived < tensors.length && pending[arrived] === 0) arrived++;
    if (arrived > before) memory.arrived(arrived);
  };
  const fill = async ({ tensorIndex, tensor, offset, byteLength }: Read): Promise<void> => {
    const ptr = ptrOf(tensors[tensorIndex]!) + offset;
    const bytes = memory.room(ptr, byteLength);
    await sources[tensor.partIndex]!.read(tensor.offset + offset, bytes, signal);
    onPart(tensor, offset, bytes);
    memory.filled(ptr, bytes);
    onBytes(byteLength);
    if (--pending[tensorIndex]! === 0) advance();
  };
  await inParallel(reads, fill, signal);
  for (const { tensor, ptr } of widened) {
    const bytes = new Uint8Array(tensor.byteLength);
    await sources[tensor.partIndex]!.read(tensor.offset, bytes, signal);
    const values = new Float32Array(tensor.numElements);
    dequantize(tensor.type, bytes, values, tensor.numElements);
    const room = memory.room(ptr, values.byteLength);
    room.set(new Uint8Array(values.buffer));
    memory.filled(ptr, room);
  }
  memory.arrived(tensors.length + 1);
}

/**
 * `work` for each of `items`, some at a time. A failure is thrown once what was under way has ended, as files are closed then,
 * and nothing is begun after it.
 */
async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  const failures: unknown[] = [];
  let next = 0;
  const goOn = async (): Promise<void> => {
    try {
      while (next < items.length && failures.length === 0) {
        signal?.throwIfAborted();
        await work(items[next++]!);
      }
    } catch (error) {
      failures.push(error);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL_READS }, goOn));
  if (failures.length > 0) throw failures[0];
}

function split(tensorIndex: number, tensor: GgufTensor): Read[] {
  const reads: Read[] = [];
  for (let offset = 0; offset < tensor.byteLength; offset += READ_BYTES) {
    reads.push({ tensorIndex, tensor, offset, byteLength: Math.min(READ_BYTES, tensor.byteLength - offset) });
  }
  return reads;
}

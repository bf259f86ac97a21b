// Reads the weights a model asked for from its files straight into linear memory.
import type { LoadedTensor } from '../architectures/weights.ts';
import type { ByteSource } from '../gguf/byte-source.ts';
import type { GgufFile, GgufTensor } from '../gguf/reader.ts';
import { dequantize } from '../quant/quant.ts';

/** Bytes per read: progress moves and an abort acts at this grain. */
const READ_BYTES = 8 * 2 ** 20;
/** Reads under way at once; more does not help a page cache or a disk (measured on Node 20). */
const PARALLEL_READS = 16;

interface Read {
  readonly tensorIndex: number;
  readonly source: ByteSource;
  readonly offset: number;
  readonly target: Uint8Array;
}

export interface LoadListeners {
  /** Hears of each read's bytes. */
  readonly onBytes: (bytes: number) => void;
  /** Hears the bytes of each tensor that is read as it lies in the file; they may change as soon as it returns. */
  readonly onTensor: (name: string, bytes: Uint8Array) => void;
  /** Hears how many tensors, from the first on, have been read, and at the end that number and one. */
  readonly onArrived: (count: number) => void;
}

/** Fills `memory` at the tensors' addresses. */
export async function loadWeights(
  file: GgufFile, sources: readonly ByteSource[], tensors: readonly LoadedTensor[], memory: WebAssembly.Memory,
  { onBytes, onTensor, onArrived }: LoadListeners, signal?: AbortSignal,
): Promise<void> {
  const reads: Read[] = [];
  const widened: { tensor: GgufTensor; ptr: number }[] = [];
  tensors.forEach((loaded, i) => {
    const tensor = file.tensor(loaded.name)!;
    const ptr = loaded.kind === 'matrix' ? loaded.weight.ptr : loaded.vector.ptr;
    if (loaded.kind === 'vector' && tensor.type !== 'F32') widened.push({ tensor, ptr });
    else reads.push(...split(i, sources[tensor.partIndex]!, tensor, new Uint8Array(memory.buffer, ptr, tensor.byteLength)));
  });
  const pending = new Int32Array(tensors.length);
  for (const { tensorIndex } of reads) pending[tensorIndex]!++;
  let arrived = 0;
  const advance = (): void => {
    const before = arrived;
    for (; arrived < tensors.length && pending[arrived] === 0; arrived++) {
      const { name, declaration, byteLength, ...loaded } = tensors[arrived]!;
      const isAsInFile = loaded.kind === 'matrix' || declaration.type === 'F32';
      const ptr = loaded.kind === 'matrix' ? loaded.weight.ptr : loaded.vector.ptr;
      if (isAsInFile) onTensor(name, new Uint8Array(memory.buffer, ptr, byteLength));
    }
    if (arrived > before) onArrived(arrived);
  };
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < reads.length) {
      signal?.throwIfAborted();
      const { tensorIndex, source, offset, target } = reads[next++]!;
      await source.read(offset, target, signal);
      onBytes(target.byteLength);
      if (--pending[tensorIndex]! === 0) advance();
    }
  };
  await Promise.all(Array.from({ length: PARALLEL_READS }, work));
  for (const { tensor, ptr } of widened) {
    const bytes = new Uint8Array(tensor.byteLength);
    await sources[tensor.partIndex]!.read(tensor.offset, bytes, signal);
    const values = new Float32Array(tensor.numElements);
    dequantize(tensor.type, bytes, values, tensor.numElements);
    new Float32Array(memory.buffer, ptr, tensor.numElements).set(values);
  }
  onArrived(tensors.length + 1);
}

function split(tensorIndex: number, source: ByteSource, tensor: GgufTensor, target: Uint8Array): Read[] {
  const reads: Read[] = [];
  for (let at = 0; at < target.byteLength; at += READ_BYTES) {
    reads.push({
      tensorIndex, source, offset: tensor.offset + at, target: target.subarray(at, Math.min(at + READ_BYTES, target.byteLength)),
    });
  }
  return reads;
}

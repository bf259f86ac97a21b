// Walks the memory of a sequence's blocks in the order of a session file, a view at a time.
import { kvRanges } from '../../backends/tensors.ts';
import type { KvLayer, MemoryRange } from '../../backends/tensors.ts';
import type { ModelMemory } from '../model-memory.ts';

/** Where all layers' keys and values lie: a memory for each range of layers. */
export type KvMemory = readonly { readonly layers: readonly KvLayer[]; readonly memory: ModelMemory }[];

interface PlacedRange {
  readonly buffer: ArrayBufferLike;
  readonly ptr: number;
  readonly byteLength: number;
  /** Takes what was written to the place to where it belongs. */
  readonly store?: () => void;
}

export class MemoryCursor {
  readonly #ranges: readonly PlacedRange[];
  #next = 0;
  #at = 0;

  private constructor(ranges: readonly PlacedRange[]) {
    this.#ranges = ranges;
  }

  /** `blocks` are those of the sequence, for each group of layers; memory of a worker's is copied, unless it is `toFill`. */
  static async open(kv: KvMemory, blocks: readonly (readonly number[])[], toFill: boolean): Promise<MemoryCursor> {
    const ranges: PlacedRange[] = [];
    for (const { layers, memory } of kv) {
      const inMemory = layers.flatMap((layer) => [...kvRanges(layer, blocks[layer.group]!)]);
      const { buffer } = memory;
      ranges.push(...buffer ? inMemory.map((range) => ({ ...range, buffer })) : await copiesOf(memory, inMemory, toFill));
    }
    return new MemoryCursor(ranges);
  }

  /** The next bytes, at most `most` of them; undefined at the end. */
  next(most: number): Uint8Array | undefined {
    const range = this.#ranges[this.#next];
    if (!range) return undefined;
    const view = new Uint8Array(range.buffer, range.ptr + this.#at, Math.min(most, range.byteLength - this.#at));
    this.#at += view.length;
    if (this.#at === range.byteLength) {
      this.#next++;
      this.#at = 0;
    }
    return view;
  }

  /** Call once all is filled. */
  store(): void {
    for (const { store } of this.#ranges) store?.();
  }
}

async function copiesOf(memory: ModelMemory, inMemory: readonly MemoryRange[], toFill: boolean): Promise<PlacedRange[]> {
  const copied = toFill ? undefined : await memory.copied!(inMemory);
  let at = 0;
  return inMemory.map(({ ptr, byteLength }) => {
    const bytes = copied ? copied.subarray(at, at + byteLength) : memory.room(ptr, byteLength);
    at += byteLength;
    return { buffer: bytes.buffer, ptr: bytes.byteOffset, byteLength, store: () => memory.filled(ptr, bytes) };
  });
}

// Walks the memory of a sequence's blocks in the order of a session file, a view at a time.
import { kvRanges } from '../../backends/tensors.ts';
import type { KvLayer, MemoryRange } from '../../backends/tensors.ts';

/** Where all layers' keys and values lie: a memory for each range of layers. */
export type KvMemory = readonly { readonly layers: readonly KvLayer[]; readonly memory: WebAssembly.Memory }[];

type PlacedRange = MemoryRange & { readonly buffer: ArrayBufferLike };

export class MemoryCursor {
  readonly #ranges: Iterator<PlacedRange>;
  #buffer = new ArrayBuffer(0) as ArrayBufferLike;
  #ptr = 0;
  #left = 0;

  /** `blocks` are those of the sequence, for each group of layers. */
  constructor(kv: KvMemory, blocks: readonly (readonly number[])[]) {
    this.#ranges = rangesOf(kv, blocks);
  }

  /** The next bytes, at most `most` of them; undefined at the end. */
  next(most: number): Uint8Array | undefined {
    if (this.#left === 0) {
      const range = this.#ranges.next();
      if (range.done) return undefined;
      this.#buffer = range.value.buffer;
      this.#ptr = range.value.ptr;
      this.#left = range.value.byteLength;
    }
    const view = new Uint8Array(this.#buffer, this.#ptr, Math.min(most, this.#left));
    this.#ptr += view.length;
    this.#left -= view.length;
    return view;
  }
}

function* rangesOf(kv: KvMemory, blocks: readonly (readonly number[])[]): Generator<PlacedRange> {
  for (const { layers, memory: { buffer } } of kv) {
    for (const layer of layers) for (const range of kvRanges(layer, blocks[layer.group]!)) yield { ...range, buffer };
  }
}

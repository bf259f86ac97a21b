// Walks the memory of a sequence's blocks in the order of a session file, a view at a time.
import { kvRanges } from '../../backends/tensors.ts';
import type { KvLayer, MemoryRange } from '../../backends/tensors.ts';

export interface KvMemory {
  readonly layers: readonly KvLayer[];
  readonly memory: WebAssembly.Memory;
}

export class MemoryCursor {
  readonly #buffer: ArrayBufferLike;
  readonly #ranges: Iterator<MemoryRange>;
  #ptr = 0;
  #left = 0;

  /** `blocks` are those of the sequence, for each group of layers. */
  constructor({ layers, memory }: KvMemory, blocks: readonly (readonly number[])[]) {
    this.#buffer = memory.buffer;
    this.#ranges = rangesOf(layers, blocks);
  }

  /** The next bytes, at most `most` of them; undefined at the end. */
  next(most: number): Uint8Array | undefined {
    if (this.#left === 0) {
      const range = this.#ranges.next();
      if (range.done) return undefined;
      this.#ptr = range.value.ptr;
      this.#left = range.value.byteLength;
    }
    const view = new Uint8Array(this.#buffer, this.#ptr, Math.min(most, this.#left));
    this.#ptr += view.length;
    this.#left -= view.length;
    return view;
  }
}

function* rangesOf(layers: readonly KvLayer[], blocks: readonly (readonly number[])[]): Generator<MemoryRange> {
  for (const layer of layers) yield* kvRanges(layer, blocks[layer.group]!);
}

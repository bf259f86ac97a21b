// Walks the memory of a sequence's blocks in the order of a session file, a view at a time.
import { kvRanges } from '../../backends/tensors.ts';
import type { KvLayer, MemoryRange } from '../../backends/tensors.ts';
import type { ModelMemory } from '../load/model-memory.ts';

/** Where all layers' keys and values lie: a memory for each range of layers. */
export type KvMemory = readonly { readonly layers: readonly KvLayer[]; readonly memory: ModelMemory }[];

/** Block numbers of the sequence, for each group of layers. */
export type BlocksByGroup = readonly (readonly number[])[];

export class MemoryCursor {
  readonly #ranges: Iterator<Uint8Array, void>;
  #range: Uint8Array = new Uint8Array(0);
  #at = 0;
  /** Takes what was written to a worker's memory there. */
  readonly #stores: (() => void)[] = [];

  private constructor(kv: KvMemory, blocks: BlocksByGroup, copies: ReadonlyMap<ModelMemory, Uint8Array>) {
    this.#ranges = this.#eachRange(kv, blocks, copies);
  }

  static toFill(kv: KvMemory, blocks: BlocksByGroup): MemoryCursor {
    return new MemoryCursor(kv, blocks, new Map());
  }

  /** A worker's memory is copied first. */
  static async toRead(kv: KvMemory, blocks: BlocksByGroup): Promise<MemoryCursor> {
    const copies = new Map<ModelMemory, Uint8Array>();
    for (const { layers, memory } of kv) {
      if (!memory.buffer) copies.set(memory, await memory.copied!([...rangesOf(layers, blocks)]));
    }
    return new MemoryCursor(kv, blocks, copies);
  }

  /** The next bytes, at most `most` of them; undefined at the end. */
  next(most: number): Uint8Array | undefined {
    if (this.#at === this.#range.length) {
      const { value } = this.#ranges.next();
      if (!value) return undefined;
      this.#range = value;
      this.#at = 0;
    }
    const view = this.#range.subarray(this.#at, this.#at + most);
    this.#at += view.length;
    return view;
  }

  /** Call once all is filled. */
  store(): void {
    for (const store of this.#stores) store();
  }

  /** One after another: a long text in a large model has millions of them. */
  *#eachRange(kv: KvMemory, blocks: BlocksByGroup, copies: ReadonlyMap<ModelMemory, Uint8Array>): Generator<Uint8Array, void> {
    for (const { layers, memory } of kv) {
      const copy = copies.get(memory);
      let at = 0;
      for (const { ptr, byteLength } of rangesOf(layers, blocks)) {
        if (memory.buffer) {
          yield new Uint8Array(memory.buffer, ptr, byteLength);
        } else if (copy) {
          yield copy.subarray(at, (at += byteLength));
        } else {
          const room = memory.room(ptr, byteLength);
          this.#stores.push(() => memory.filled(ptr, room));
          yield room;
        }
      }
    }
  }
}

function* rangesOf(layers: readonly KvLayer[], blocks: BlocksByGroup): Generator<MemoryRange> {
  for (const layer of layers) yield* kvRanges(layer, blocks[layer.group]!);
}

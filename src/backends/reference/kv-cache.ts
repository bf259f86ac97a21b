// Paged keys and values: where a position's floats lie, writing a batch into the pages, reading one back.
import type { Activation, Batch, KvLayer } from '../tensors.ts';
import type { ReferenceMemory } from './memory.ts';
import { floatToHalf, halfToFloat } from '../../quant/half.ts';
import { KV_BLOCK_SIZE } from '../tensors.ts';
import { indicesOf, rowOf } from './memory.ts';

type KeyOrValue = 'key' | 'value';

export function storeKv(memory: ReferenceMemory, cache: KvLayer, k: Activation, v: Activation, batch: Batch): void {
  const positions = indicesOf(memory, batch.positions, batch.numTokens);
  const tables = indicesOf(memory, batch.blockTables, batch.numTokens);
  for (let r = 0; r < batch.numTokens; r++) {
    for (let head = 0; head < cache.numKvHeads; head++) {
      const key = rowOf(memory, k, r).subarray(head * cache.keyDim, (head + 1) * cache.keyDim);
      const value = rowOf(memory, v, r).subarray(head * cache.valueDim, (head + 1) * cache.valueDim);
      page(memory, cache, 'key', tables[r], positions[r], head).set(encode(cache, key));
      page(memory, cache, 'value', tables[r], positions[r], head).set(encode(cache, value));
    }
  }
}

/** The key or value of one head at `position` of the sequence whose block table lies at `table`. */
export function readKv(
  memory: ReferenceMemory, cache: KvLayer, which: KeyOrValue, table: number, position: number, head: number,
): Float32Array {
  const stored = page(memory, cache, which, table, position, head);
  return stored instanceof Float32Array ? stored : Float32Array.from(stored, halfToFloat);
}

function page(
  memory: ReferenceMemory, cache: KvLayer, which: KeyOrValue, table: number, position: number, head: number,
): Float32Array | Uint16Array {
  const dim = which === 'key' ? cache.keyDim : cache.valueDim;
  const ptr = which === 'key' ? cache.keyPtr : cache.valuePtr;
  const block = memory.integers[table / 4 + Math.floor(position / KV_BLOCK_SIZE)];
  const row = (block * cache.numKvHeads + head) * KV_BLOCK_SIZE + (position % KV_BLOCK_SIZE);
  const { buffer } = memory.bytes;
  return cache.type === 'f32'
    ? new Float32Array(buffer, ptr + row * dim * 4, dim)
    : new Uint16Array(buffer, ptr + row * dim * 2, dim);
}

function encode(cache: KvLayer, values: Float32Array): ArrayLike<number> {
  return cache.type === 'f32' ? values : Uint16Array.from(values, floatToHalf);
}

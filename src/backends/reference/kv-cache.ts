// Paged keys and values: where a position's floats lie, writing a batch into the pages, reading one back.
import type { Activation, Batch, IntegerKvType, KvLayer } from '../tensors.ts';
import type { ReferenceMemory } from './memory.ts';
import { floatToHalf, halfToFloat } from '../../quant/half.ts';
import { KV_BLOCK_SIZE } from '../tensors.ts';
import { indicesOf, rowOf } from './memory.ts';

/** Magnitudes of the codes, those that the kernels use. */
const KEY_MAX = 8191;
const VALUE_MAX = 16383;
const I8_MAX = 127;
const NIBBLE_GROUP = 32;

type KeyOrValue = 'key' | 'value';

export function storeKv(memory: ReferenceMemory, cache: KvLayer, k: Activation, v: Activation, batch: Batch): void {
  const positions = indicesOf(memory, batch.positions, batch.numTokens);
  const tables = indicesOf(memory, batch.blockTables[cache.group], batch.numTokens);
  for (let r = 0; r < batch.numTokens; r++) {
    for (let head = 0; head < cache.numKvHeads; head++) {
      const key = rowOf(memory, k, r).subarray(head * cache.keyDim, (head + 1) * cache.keyDim);
      const value = rowOf(memory, v, r).subarray(head * cache.valueDim, (head + 1) * cache.valueDim);
      const row = rowNumber(memory, cache, tables[r], positions[r], head);
      write(memory, cache, 'key', row, key);
      write(memory, cache, 'value', row, value);
    }
  }
}

/** The key or value of one head at `position` of the sequence whose block table lies at `table`. */
export function readKv(
  memory: ReferenceMemory, cache: KvLayer, which: KeyOrValue, table: number, position: number, head: number,
): Float32Array {
  const row = rowNumber(memory, cache, table, position, head);
  const { ptr, dim } = placeOf(cache, which);
  const { buffer } = memory.bytes;
  if (cache.type === 'f32') return new Float32Array(buffer, ptr + row * dim * 4, dim);
  if (cache.type === 'f16') return Float32Array.from(new Uint16Array(buffer, ptr + row * dim * 2, dim), halfToFloat);
  if (cache.type === 'q4_0') return readNibbles(buffer, ptr, row, dim);
  const { steps, codes, group } = integersOf(buffer, cache.type, ptr, row, dim);
  return Float32Array.from(codes, (code, i) => code * steps[Math.floor(i / group)]);
}

function write(memory: ReferenceMemory, cache: KvLayer, which: KeyOrValue, row: number, values: Float32Array): void {
  const { ptr, dim } = placeOf(cache, which);
  const { buffer } = memory.bytes;
  if (cache.type === 'f32') {
    new Float32Array(buffer, ptr + row * dim * 4, dim).set(values);
  } else if (cache.type === 'f16') {
    new Uint16Array(buffer, ptr + row * dim * 2, dim).set(Uint16Array.from(values, floatToHalf));
  } else if (cache.type === 'q4_0') {
    writeNibbles(buffer, ptr, row, values);
  } else {
    const limit = cache.type === 'q8_0' ? I8_MAX : which === 'key' ? KEY_MAX : VALUE_MAX;
    const { steps, codes, group } = integersOf(buffer, cache.type, ptr, row, dim);
    steps.forEach((_, g) => {
      const part = values.subarray(g * group, (g + 1) * group);
      const step = part.reduce((size, value) => Math.max(size, Math.abs(value)), 0) / limit;
      steps[g] = step;
      codes.set(Array.from(part, (value) => (step > 0 ? Math.round(value / step) : 0)), g * group);
    });
  }
}

/** A row of integers: a float step for each group of elements, then the codes. */
function integersOf(
  buffer: ArrayBufferLike, type: Exclude<IntegerKvType, 'q4_0'>, ptr: number, row: number, dim: number,
): { steps: Float32Array; codes: Int16Array | Int8Array; group: number } {
  const isWide = type === 'i16';
  const group = isWide ? dim : 32;
  const numGroups = Math.ceil(dim / group);
  const at = ptr + row * (4 * numGroups + (isWide ? 2 : 1) * dim);
  const codesAt = at + 4 * numGroups;
  const codes = isWide ? new Int16Array(buffer, codesAt, dim) : new Int8Array(buffer, codesAt, dim);
  return { steps: new Float32Array(buffer, at, numGroups), codes, group };
}

/** A row of q4_0: a float step for each group of 32 elements, then two codes a byte, each 8 greater. */
function nibblesOf(buffer: ArrayBufferLike, ptr: number, row: number, dim: number): { steps: DataView; codes: Uint8Array } {
  const stepBytes = 4 * Math.ceil(dim / NIBBLE_GROUP);
  const at = ptr + row * (stepBytes + dim / 2);
  return { steps: new DataView(buffer, at, stepBytes), codes: new Uint8Array(buffer, at + stepBytes, dim / 2) };
}

function readNibbles(buffer: ArrayBufferLike, ptr: number, row: number, dim: number): Float32Array {
  const { steps, codes } = nibblesOf(buffer, ptr, row, dim);
  return rotated(Float64Array.from({ length: dim }, (_, i) => {
    const code = (codes[i >> 1] >> (4 * (i % 2))) & 15;
    return (code - 8) * steps.getFloat32(4 * Math.floor(i / NIBBLE_GROUP), true);
  }));
}

/**
 * Hadamard's rotation of runs whose length is the greatest power of two that divides the row's; its own inverse. It spreads
 * what few elements hold over all of a run, so that they can share a coarse scale.
 */
function rotated(row: Float64Array): Float32Array {
  const run = row.length & -row.length;
  const x = row.map((value) => value / Math.sqrt(run));
  for (let stride = run / 2; stride >= 1; stride /= 2) {
    for (let i = 0; i < x.length; i++) if ((i & stride) === 0) [x[i], x[i + stride]] = [x[i] + x[i + stride], x[i] - x[i + stride]];
  }
  return Float32Array.from(x);
}

/** As in ggml, the element of the greatest magnitude of a group becomes -8; rotated first, as is no matter of ggml's. */
function writeNibbles(buffer: ArrayBufferLike, ptr: number, row: number, plain: Float32Array): void {
  const values = rotated(Float64Array.from(plain));
  const { steps, codes } = nibblesOf(buffer, ptr, row, values.length);
  codes.fill(0);
  for (let first = 0; first < values.length; first += NIBBLE_GROUP) {
    const group = values.subarray(first, first + NIBBLE_GROUP);
    const step = Math.fround(group.reduce((most, value) => (Math.abs(value) > Math.abs(most) ? value : most), 0) / -8);
    steps.setFloat32((4 * first) / NIBBLE_GROUP, step, true);
    group.forEach((value, i) => {
      const code = step === 0 ? 0 : Math.max(-8, Math.min(7, Math.round(value / step)));
      codes[(first + i) >> 1] |= (code + 8) << (4 * (i % 2));
    });
  }
}

/** Of all (head, block, position) rows of the layer. */
function rowNumber(memory: ReferenceMemory, cache: KvLayer, table: number, position: number, head: number): number {
  const block = memory.integers[table / 4 + Math.floor(position / KV_BLOCK_SIZE)];
  return (head * cache.numBlocks + block) * KV_BLOCK_SIZE + (position % KV_BLOCK_SIZE);
}

function placeOf(cache: KvLayer, which: KeyOrValue): { ptr: number; dim: number } {
  return which === 'key' ? { ptr: cache.keyPtr, dim: cache.keyDim } : { ptr: cache.valuePtr, dim: cache.valueDim };
}

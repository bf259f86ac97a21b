// The record that the attention kernel reads: written once per call by each thread into its own scratch.
// Twin of the offsets in assembly/attention-params.ts.
import type { AttentionOptions } from '../backend.ts';
import type { Activation, Batch, KvLayer } from '../tensors.ts';
import type { Scratch } from './scratch.ts';

export const ATTENTION_PARAMS_BYTES = 128;
/** Distances −128 … 128 and their T5 buckets. */
export const BUCKET_TABLE_LENGTH = 257;
const MAX_DISTANCE = 128;

export function writeAttentionParams(
  memory: WebAssembly.Memory, scratch: Scratch, out: Activation, q: Activation, cache: KvLayer, batch: Batch, options: AttentionOptions,
): void {
  const u32 = new Uint32Array(memory.buffer, scratch.attentionParamsPtr, ATTENTION_PARAMS_BYTES / 4);
  const f32 = new Float32Array(memory.buffer, scratch.attentionParamsPtr, ATTENTION_PARAMS_BYTES / 4);
  const { relativeBias, queryScale } = options;
  if (relativeBias) writeBuckets(memory, scratch.bucketsPtr, relativeBias.numBuckets);
  u32.set([
    q.ptr, 4 * q.stride, out.ptr, 4 * out.stride, cache.keyPtr, cache.valuePtr, options.numHeads, cache.numKvHeads,
    cache.keyDim, cache.valueDim, Number(cache.type === 'f16'), 0, Number(options.causal), options.window ?? 0, 0,
    options.alibiSlopes?.ptr ?? 0, options.sinks?.ptr ?? 0, relativeBias?.table.ptr ?? 0, scratch.bucketsPtr,
    queryScale?.ptr ?? 0, queryScale ? 4 * queryScale.stride : 0,
    batch.positions.ptr, batch.sequenceLengths.ptr, batch.blockTables[cache.group]!.ptr, scratch.attentionPtr, cache.numBlocks,
  ]);
  f32[11] = options.scale;
  f32[14] = options.softcap ?? 0;
}

/** T5: half of the buckets per direction; of these the first half exact, the rest logarithmic up to distance 128. */
function writeBuckets(memory: WebAssembly.Memory, ptr: number, numBuckets: number): void {
  const half = Math.floor(numBuckets / 2);
  const numExact = Math.floor(half / 2);
  const table = new Int32Array(memory.buffer, ptr, BUCKET_TABLE_LENGTH);
  for (let distance = -MAX_DISTANCE; distance <= MAX_DISTANCE; distance++) {
    const size = Math.abs(distance);
    const steps = Math.floor((Math.log(size / numExact) / Math.log(MAX_DISTANCE / numExact)) * (half - numExact));
    const bucket = size < numExact ? size : Math.min(half - 1, numExact + steps);
    table[distance + MAX_DISTANCE] = bucket + (distance > 0 ? half : 0);
  }
}

// Scaled dot-product attention over paged keys and values: plain two-pass softmax per row and head, in float64.
import type { AttentionOptions } from '../backend.ts';
import type { Activation, Batch, KvLayer } from '../tensors.ts';
import type { ReferenceMemory } from './memory.ts';
import { readKv } from './kv-cache.ts';
import { indicesOf, rowOf, valuesOf } from './memory.ts';

export function attention(
  memory: ReferenceMemory, out: Activation, q: Activation, cache: KvLayer, batch: Batch, options: AttentionOptions,
): void {
  const { numHeads } = options;
  const { keyDim, valueDim } = cache;
  const n = batch.numTokens;
  const positions = indicesOf(memory, batch.positions, n);
  const lengths = indicesOf(memory, batch.sequenceLengths, n);
  const tables = indicesOf(memory, batch.blockTables[cache.group], n);
  const sinks = options.sinks && valuesOf(memory, options.sinks);
  const bias = positionBias(memory, options);
  for (let r = 0; r < n; r++) {
    const [first, end] = visibleRange(positions[r], lengths[r], options);
    const rowScale = options.scale * (options.queryScale ? rowOf(memory, options.queryScale, r)[0] : 1);
    for (let h = 0; h < numHeads; h++) {
      const kvHead = Math.floor((h * cache.numKvHeads) / numHeads);
      const query = rowOf(memory, q, r).subarray(h * keyDim, (h + 1) * keyDim);
      const scores: number[] = [];
      for (let p = first; p < end; p++) {
        const key = readKv(memory, cache, 'key', tables[r], p, kvHead);
        let score = 0;
        for (let i = 0; i < keyDim; i++) score += query[i] * key[i];
        score *= rowScale;
        if (options.softcap) score = options.softcap * Math.tanh(score / options.softcap);
        scores.push(score + bias(h, p - positions[r]));
      }
      const weights = softmax(scores, sinks?.[h]);
      const target = rowOf(memory, out, r).subarray(h * valueDim, (h + 1) * valueDim);
      const mixed = new Float64Array(valueDim);
      weights.forEach((weight, index) => {
        const value = readKv(memory, cache, 'value', tables[r], first + index, kvHead);
        for (let i = 0; i < valueDim; i++) mixed[i] += weight * value[i];
      });
      target.set(mixed);
    }
  }
}

/** First visible position and the one after the last. */
function visibleRange(position: number, length: number, options: AttentionOptions): [number, number] {
  const { causal, window } = options;
  if (causal) return [window ? Math.max(0, position - window + 1) : 0, position + 1];
  if (!window) return [0, length];
  const reach = Math.floor(window / 2);
  return [Math.max(0, position - reach), Math.min(length, position + reach + 1)];
}

/** What is added to a score for (head, key position − row position). */
function positionBias(
  memory: ReferenceMemory, options: AttentionOptions,
): (head: number, distance: number) => number {
  const slopes = options.alibiSlopes && valuesOf(memory, options.alibiSlopes);
  if (slopes) return (head, distance) => -slopes[head] * Math.abs(distance);
  if (!options.relativeBias) return () => 0;
  const { numBuckets } = options.relativeBias;
  const table = valuesOf(memory, options.relativeBias.table);
  return (head, distance) => table[relativeBucket(distance, numBuckets) * options.numHeads + head];
}

/** T5: half of the buckets per direction; of these, the first half exact, the rest logarithmic up to distance 128. */
function relativeBucket(distance: number, numBuckets: number): number {
  const half = Math.floor(numBuckets / 2);
  const numExact = Math.floor(half / 2);
  const size = Math.abs(distance);
  const direction = distance > 0 ? half : 0;
  if (size < numExact) return direction + size;
  const steps = Math.floor((Math.log(size / numExact) / Math.log(128 / numExact)) * (half - numExact));
  return direction + Math.min(half - 1, numExact + steps);
}

/** Probabilities of `scores`; `sink` is one more logit that takes its share and is dropped. */
function softmax(scores: readonly number[], sink: number | undefined): number[] {
  const highest = scores.reduce((a, b) => Math.max(a, b), sink ?? -Infinity);
  const powers = scores.map((score) => Math.exp(score - highest));
  const total = powers.reduce((a, b) => a + b, sink === undefined ? 0 : Math.exp(sink - highest));
  return powers.map((power) => power / total);
}

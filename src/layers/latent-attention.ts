// Multi-head latent attention (arXiv 2405.04434): the cache holds one small vector and one rotated key per position,
// and each head's key and value matrices are applied to the query and to the mixed latent instead.
import type { Activation, Weight } from '../backends/tensors.ts';
import { columns, sliceDepth } from '../backends/tensors.ts';
import { UnsupportedModelError } from '../errors.ts';
import type { Linear } from './linear.ts';
import { linear } from './linear.ts';
import type { ModelBuild, Transform } from './model-build.ts';
import { rmsNorm } from './norm.ts';
import type { Rope } from './rope.ts';

export interface LatentAttentionSpec {
  readonly prefix: string;
  readonly rope: Rope;
  readonly scale: number;
  /** A head's key, its rotated floats last. */
  readonly headDim: number;
  readonly ropeDims: number;
  readonly valueDim: number;
  /** Rank of the query's own bottleneck, 0 for none. */
  readonly queryRank: number;
  readonly latentRank: number;
}

export function latentAttention(build: ModelBuild, spec: LatentAttentionSpec): Transform {
  const { backend, config, weights } = build;
  const { numHeads, hiddenSize } = config;
  const { prefix, rope, headDim, ropeDims, valueDim, latentRank } = spec;
  if (!weights.has(`${prefix}attn_k_b.weight`) && weights.has(`${prefix}attn_kv_b.weight`)) {
    throw new UnsupportedModelError(
      `The model has "${prefix}attn_kv_b.weight" in one piece, as conversions before April 2025 wrote it. ` +
        'Fetch a newer conversion.',
    );
  }
  const plainDim = headDim - ropeDims;
  const keyDim = latentRank + ropeDims;
  const project = queryProjection(build, spec);
  const compress = linear(build, `${prefix}attn_kv_a_mqa`, hiddenSize, keyDim);
  const norm = rmsNorm(build, `${prefix}attn_kv_a_norm`, latentRank);
  const keyMatrix = weights.matrix(`${prefix}attn_k_b.weight`, plainDim, latentRank, numHeads);
  const valueMatrix = weights.matrix(`${prefix}attn_v_b.weight`, latentRank, valueDim, numHeads);
  const output = linear(build, `${prefix}attn_output`, numHeads * valueDim, hiddenSize);
  const queries = build.scratch('queries', numHeads * headDim);
  const absorbed = build.scratch('queries for latents', numHeads * keyDim);
  const key = build.scratch('latent and rotated key', keyDim);
  const latent = columns(key, 0, latentRank);
  const mixedLatents = build.scratch('mixed latents', numHeads * latentRank);
  const mixed = build.scratch('attention output', numHeads * valueDim);
  const cache = backend.kvLayer({ numHeads, numKvHeads: 1, keyDim, valueDim: latentRank });
  const options = { numHeads, scale: spec.scale, causal: true };
  return (out, x, batch, into) => {
    const n = batch.numTokens;
    project(queries, x, n);
    compress(key, x, n);
    norm(latent, latent, n);
    rope(columns(key, latentRank, ropeDims), n, 1, ropeDims);
    rope(queries, n, numHeads, headDim, plainDim);
    for (let head = 0; head < numHeads; head++) {
      const query = columns(queries, head * headDim, headDim);
      const target = columns(absorbed, head * keyDim, keyDim);
      applyHead(columns(target, 0, latentRank), keyMatrix, head, columns(query, 0, plainDim), n);
      backend.scale(columns(target, latentRank, ropeDims), columns(query, plainDim, ropeDims), 1, n);
    }
    backend.storeKv(cache, key, latent, batch);
    backend.attention(mixedLatents, absorbed, cache, batch, options);
    for (let head = 0; head < numHeads; head++) {
      const source = columns(mixedLatents, head * latentRank, latentRank);
      applyHead(columns(mixed, head * valueDim, valueDim), valueMatrix, head, source, n);
    }
    output(out, mixed, n, into);
  };

  function applyHead(out: Activation, weight: Weight, head: number, x: Activation, n: number): void {
    backend.matmul(out, sliceDepth(weight, head), x, n);
  }
}

/** Queries straight from x, or through a normalized bottleneck of `queryRank`. */
function queryProjection(build: ModelBuild, { prefix, queryRank, headDim }: LatentAttentionSpec): Linear {
  const { hiddenSize, numHeads } = build.config;
  if (queryRank === 0) return linear(build, `${prefix}attn_q`, hiddenSize, numHeads * headDim);
  const down = linear(build, `${prefix}attn_q_a`, hiddenSize, queryRank);
  const norm = rmsNorm(build, `${prefix}attn_q_a_norm`, queryRank);
  const up = linear(build, `${prefix}attn_q_b`, queryRank, numHeads * headDim);
  const narrow = build.scratch('query bottleneck', queryRank);
  return (out, x, n, into) => {
    down(narrow, x, n);
    norm(narrow, narrow, n);
    up(out, narrow, n, into);
  };
}

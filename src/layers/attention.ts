// The attention block: projections, norms and rotation of queries and keys, cache, attention, output projection.
import type { AttentionOptions } from '../backends/backend.ts';
import { columns } from '../backends/tensors.ts';
import type { StackPart } from './linear.ts';
import { linear, stackedLinear } from './linear.ts';
import type { ModelBuild, Norm, Transform } from './model-build.ts';
import type { Rope } from './rope.ts';

export interface AttentionSpec
  extends Pick<AttentionOptions, 'window' | 'softcap' | 'alibiSlopes' | 'relativeBias' | 'queryScale'> {
  /** Name before the tensors', as in `blk.0.`. */
  readonly prefix: string;
  readonly numKvHeads: number;
  /** Factor on q·k; 1 / √headDim by default. */
  readonly scale?: number;
  readonly causal?: boolean;
  readonly rope?: Rope;
  readonly queryNorm?: Norm;
  readonly keyNorm?: Norm;
  /** Limit on the magnitude of queries, keys and values. */
  readonly clamp?: number;
  /** Name of the output projection; `attn_output` by default. */
  readonly outputName?: string;
}

/**
 * Projections are one tensor `attn_qkv` or three, biases are used where the file has them, and so are `attn_sinks`.
 */
export function attention(build: ModelBuild, spec: AttentionSpec): Transform {
  const { backend, config, weights } = build;
  const { numHeads, headDim, valueDim, hiddenSize } = config;
  const { prefix, numKvHeads, rope, queryNorm, keyNorm, clamp } = spec;
  const sizes = [numHeads * headDim, numKvHeads * headDim, numKvHeads * valueDim];
  const project = stackedLinear(build, hiddenSize, projections(build, prefix, sizes));
  const output = linear(build, prefix + (spec.outputName ?? 'attn_output'), numHeads * valueDim, hiddenSize);
  const qkv = build.scratch('queries, keys and values', sizes[0] + sizes[1] + sizes[2]);
  const [q, k, v] = [
    columns(qkv, 0, sizes[0]), columns(qkv, sizes[0], sizes[1]), columns(qkv, sizes[0] + sizes[1], sizes[2]),
  ];
  const mixed = build.scratch('attention output', numHeads * valueDim);
  const causal = spec.causal ?? config.kind === 'decoder';
  const window = causal ? spec.window : undefined;
  const cache = backend.kvLayer({ numHeads, numKvHeads, keyDim: headDim, valueDim, ...(window && { window }) });
  const options: AttentionOptions = {
    numHeads,
    scale: spec.scale ?? 1 / Math.sqrt(headDim),
    causal,
    window: spec.window,
    softcap: spec.softcap,
    alibiSlopes: spec.alibiSlopes,
    sinks: weights.optionalVector(`${prefix}attn_sinks.weight`, numHeads),
    relativeBias: spec.relativeBias,
    queryScale: spec.queryScale,
  };
  return (out, x, batch, into) => {
    const n = batch.numTokens;
    project(qkv, x, n);
    if (clamp) backend.clamp(qkv, clamp, n);
    queryNorm?.(q, q, n);
    keyNorm?.(k, k, n);
    rope?.(q, n, numHeads, headDim);
    rope?.(k, n, numKvHeads, headDim);
    backend.storeKv(cache, k, v, batch);
    backend.attention(mixed, q, cache, batch, options);
    output(out, mixed, n, into);
  };
}

function projections(build: ModelBuild, prefix: string, sizes: readonly number[]): readonly StackPart[] {
  if (build.weights.has(`${prefix}attn_qkv.weight`)) {
    return [{ name: `${prefix}attn_qkv`, rows: sizes.reduce((a, b) => a + b, 0) }];
  }
  return ['attn_q', 'attn_k', 'attn_v'].map((name, index) => ({ name: prefix + name, rows: sizes[index] }));
}

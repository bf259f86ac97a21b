// The one seam between model definitions and compute: operations on tensors in linear memory.
// Model files call these in order and never mention threads; a backend splits each operation over its threads and
// makes sure that an operation sees what earlier ones wrote. `n` is the number of rows in use.
import type {
  Activation, Batch, ExpertSelection, IndexVector, KvLayer, KvShape, Vector, Weight, WeightLayout,
} from './tensors.ts';
import type { GgmlType } from '../gguf/ggml-types.ts';

/** gelu is the tanh form, gelu_erf the exact one, gelu_quick x·σ(1.702x), relu2 the square of relu. */
export type ActivationKind = 'silu' | 'gelu' | 'gelu_erf' | 'gelu_quick' | 'relu' | 'relu2' | 'sigmoid' | 'tanh';

export interface MatmulOptions {
  /** Added to every output row, length `weight.rows`. */
  readonly bias?: Vector;
  /** Add the product to what `out` holds (a residual) instead of overwriting it. */
  readonly accumulate?: boolean;
  /** Factor on product and bias, before accumulation; 1 by default. */
  readonly scale?: number;
}

export interface RopeOptions {
  readonly numHeads: number;
  /** Floats from one head to the next within a row. */
  readonly headStride: number;
  /** First rotated float of each head. */
  readonly offset: number;
  /** Rotated floats per head, even. */
  readonly dims: number;
  /** `norm` rotates pairs (2i, 2i+1), `neox` pairs (i, i + dims/2). */
  readonly style: 'norm' | 'neox';
}

export interface AttentionOptions {
  readonly numHeads: number;
  /** Factor on q·k. */
  readonly scale: number;
  /** Row sees positions ≤ its own; otherwise all of its sequence. */
  readonly causal: boolean;
  /** Sliding window w > 0: causal rows see the last w positions (their own included); non-causal rows |distance| ≤ w / 2. */
  readonly window?: number;
  /** Scores become cap · tanh(score / cap). */
  readonly softcap?: number;
  /** ALiBi slope per head: adds slope · -(|row position − key position|). */
  readonly alibiSlopes?: Vector;
  /** One extra logit per head that takes part in the softmax and carries no value (gpt-oss). */
  readonly sinks?: Vector;
  /** T5 relative position bias, (numBuckets, numHeads) row-major, non-causal bucketing with maxDistance 128. */
  readonly relativeBias?: { readonly table: Vector; readonly numBuckets: number };
  /** Factor on each row of q (attention temperature by position), one float per row: (n, 1). */
  readonly queryScale?: Activation;
}

export interface RouteOptions {
  /** How router logits become probabilities: over all experts, or (gpt-oss) over the chosen ones only. */
  readonly gating: 'softmax' | 'sigmoid' | 'softmax_selected';
  /** Divide the chosen weights by their sum (by 2^-14 where that is smaller). */
  readonly normalize: boolean;
  /** Factor on the chosen weights. */
  readonly scale: number;
  /** Added to the probabilities for the choice only (deepseek v3). */
  readonly selectionBias?: Vector;
  /**
   * Choose within the best `topGroups` of `numGroups` equal groups of experts. A group scores its best probability
   * (deepseek v2), or with `selectionBias` the sum of its two best biased ones (v3).
   */
  readonly numGroups?: number;
  readonly topGroups?: number;
}

/** More highest products than this are not worth a search. */
export const MAX_LIKELIEST = 64;

export interface Backend {
  readonly name: string;

  // --- storage, called while a model is built; every thread makes the same calls in the same order ---

  /** Room for (rows, cols) floats that lives as long as the model. Contents are undefined. */
  activation(rows: number, cols: number, label: string): Activation;
  indices(length: number, label: string): IndexVector;
  /** Constant floats computed at build time (rope frequencies, ALiBi slopes). */
  constant(values: Float32Array, label: string): Vector;
  /** Paged memory of one layer; the number of blocks is the engine's choice. */
  kvLayer(shape: KvShape): KvLayer;
  /** The layout this backend wants a weight of this kind in; the loader calls `repack` once the bytes are there. */
  layoutFor(type: GgmlType, rows: number, cols: number, depth?: number): WeightLayout;
  /** The same for a weight that `likeliest` is to be used with. */
  headLayoutFor(type: GgmlType, rows: number, cols: number): WeightLayout;
  /** (optional) Called once when a model is built and before the first operation: working memory is taken here. */
  completeLayout?(): void;
  /** Turns file order into `weight.layout`, in place. Each thread does its share. */
  repack(weight: Weight): void;

  // --- operations ---

  /** out (n, cols) = rows ids[0 … n) of table, dequantized, times `scale` (default 1). Ids must be within the table. */
  getRows(out: Activation, table: Weight, ids: IndexVector, n: number, scale?: number): void;
  /** out (n, cols) = rows of x named by `indices`. */
  gather(out: Activation, x: Activation, indices: IndexVector, n: number): void;
  /** out (n, weight.rows) = x (n, weight.cols) · weightᵀ. `weight.depth` must be 1. */
  matmul(out: Activation, weight: Weight, x: Activation, n: number, options?: MatmulOptions): void;
  /**
   * As matmul with one row, of which only the `count` highest results are wanted: they are what matmul computes, and so is all that
   * equals the lowest of them; others may be −Infinity instead. Beyond MAX_LIKELIEST all are computed.
   */
  likeliest(out: Activation, weight: Weight, x: Activation, count: number): void;
  /**
   * out = x / rms(x) · weight over each row, or over each of `groups` equal parts of a row. A weight as long as a part is
   * shared by all parts; one as long as the row covers it. out may be x.
   */
  rmsNorm(out: Activation, x: Activation, weight: Vector | undefined, epsilon: number, n: number, groups?: number): void;
  /** out = (x − mean) / sqrt(var + ε) · weight + bias, over rows or parts of rows as in rmsNorm. out may be x. */
  layerNorm(
    out: Activation, x: Activation, weight: Vector | undefined, bias: Vector | undefined,
    epsilon: number, n: number, groups?: number,
  ): void;
  /**
   * out (n, 2 · frequencies.length): for pair i, cos and sin of positions[r] · frequencies[i], times `scale`, stored as
   * out[r][2i], out[r][2i + 1]. With `factors` (from the file, hence unknown while building) frequency i is divided by
   * factors[i].
   */
  ropeAngles(
    out: Activation, positions: IndexVector, frequencies: Vector, scale: number, n: number, factors?: Vector,
  ): void;
  /** Rotates x in place by `angles` (n, dims) from ropeAngles. */
  rope(x: Activation, angles: Activation, n: number, options: RopeOptions): void;
  /** Stores k (n, numKvHeads · keyDim) and v (n, numKvHeads · valueDim) of every batch row at its position. */
  storeKv(cache: KvLayer, k: Activation, v: Activation, batch: Batch): void;
  /** out (n, numHeads · valueDim) = softmax(scale · q·K) · V for every batch row, q (n, numHeads · keyDim). Head h reads
   * KV head h · numKvHeads / numHeads. */
  attention(out: Activation, q: Activation, cache: KvLayer, batch: Batch, options: AttentionOptions): void;
  /** out = f(x); out may be x. */
  activate(out: Activation, x: Activation, kind: ActivationKind, n: number): void;
  /** out = f(gate) · up; out may be either. */
  gate(out: Activation, gate: Activation, up: Activation, kind: ActivationKind, n: number): void;
  /** gpt-oss: out = min(gate, limit) · σ(alpha · min(gate, limit)) · (clamp(up, ±limit) + 1). */
  gateClamped(out: Activation, gate: Activation, up: Activation, alpha: number, limit: number, n: number): void;
  /** out = a + b · scale (default 1); out may be either. */
  add(out: Activation, a: Activation, b: Activation, n: number, scale?: number): void;
  /** x += vector on every row. */
  addVector(x: Activation, vector: Vector, n: number): void;
  /** out = a · b; b may be one column wide and then multiplies whole rows. out may be either. */
  multiply(out: Activation, a: Activation, b: Activation, n: number): void;
  /** out = x · factor; out may be x. */
  scale(out: Activation, x: Activation, factor: number, n: number): void;
  /** x = cap · tanh(x / cap). */
  softcap(x: Activation, cap: number, n: number): void;
  /** x = min(max(x, −limit), limit). */
  clamp(x: Activation, limit: number, n: number): void;

  // --- mixture of experts ---

  /** Chooses `selection.numUsed` experts per row from router logits (n, numExperts). Ties go to the lower id. */
  route(selection: ExpertSelection, logits: Activation, n: number, options: RouteOptions): void;
  /**
   * out (n · numUsed, weight.rows): row r · numUsed + j is expert ids[r][j] of `weight` (depth = experts) applied to
   * x[r], or to x[r · numUsed + j] when x has its rows already per expert (`perExpert`). `bias` is (experts, rows).
   */
  expertMatmul(
    out: Activation, weight: Weight, x: Activation, selection: ExpertSelection, n: number,
    options?: { readonly perExpert?: boolean; readonly bias?: Vector },
  ): void;
  /** out[r] += Σ_j weights[r][j] · y[r · numUsed + j]. */
  combineExperts(out: Activation, y: Activation, selection: ExpertSelection, n: number): void;

  // --- (optional) recurrent layers: short convolutions and state spaces; absent where unsupported ---

  /** Float32 state (slots, floatsPerSlot), zero for a sequence's first position. */
  recurrentState?(floatsPerSlot: number): Activation;
  /**
   * Causal depthwise convolution over each sequence's rows with its last (width − 1) inputs as state:
   * out[r][c] = Σ_t kernel[c][t] · input[r − width + 1 + t][c] + bias[c]. State rows are (width − 1, channels).
   */
  shortConv?(
    out: Activation, x: Activation, kernel: Vector, width: number, bias: Vector | undefined,
    state: Activation, batch: Batch,
  ): void;
  /**
   * Mamba-1 selective scan. x, dt (n, inner); b, c (n, stateSize); a (inner, stateSize) already negative; d (inner).
   * h = h · exp(softplus(dt) · a) + softplus(dt) · b · x; out = h · c + d · x. State rows are (inner, stateSize).
   */
  selectiveScan?(
    out: Activation, x: Activation, dt: Activation, b: Activation, c: Activation, a: Vector, d: Vector,
    stateSize: number, state: Activation, batch: Batch,
  ): void;
}

// What an architecture file exports: how to read its configuration from metadata and how to build its forward pass.
import type { Backend } from '../backends/backend.ts';
import type { Activation, Batch, Vector, Weight } from '../backends/tensors.ts';
import type { GgmlType } from '../gguf/ggml-types.ts';
import type { Metadata } from '../gguf/metadata.ts';
import type { ModelConfig } from './config.ts';

/** A tensor as the file declares it; `shape` in GGUF order, ne0 (fastest) first. */
export interface TensorDeclaration {
  readonly name: string;
  readonly type: GgmlType;
  readonly shape: readonly number[];
}

/** Hands tensors to `build` by GGUF name; checks shapes, and loads only what was asked for. */
export interface WeightSource {
  has(name: string): boolean;
  /** Declared shape, or undefined where the file has no such tensor. */
  shape(name: string): readonly number[] | undefined;
  /** A weight (rows, cols), or (depth, rows, cols). GgufError where it is missing or has another shape. */
  matrix(name: string, cols: number, rows: number, depth?: number): Weight;
  optionalMatrix(name: string, cols: number, rows: number, depth?: number): Weight | undefined;
  /** As matrix, for a language-model head. A tensor that is asked for in both ways must be asked for in this way first. */
  head(name: string, cols: number, rows: number): Weight;
  /** A float vector of that many elements, whatever its declared dimensions; half-precision is widened. */
  vector(name: string, length: number): Vector;
  optionalVector(name: string, length: number): Vector | undefined;
}

/** Layers `from … to − 1`: the part of a model that one memory holds. The first part has the embeddings, the last the output norm. */
export interface LayerRange {
  readonly from: number;
  readonly to: number;
}

/** Sizes the engine fixes before building. */
export interface BuildLimits {
  /** Rows of one forward pass at most. */
  readonly maxBatchTokens: number;
  /** Output rows of one forward pass at most. */
  readonly maxOutputs: number;
  /** Positions of one sequence at most (rope scalings depend on it). */
  readonly contextLength: number;
  /** The layers to build; all of them by default. */
  readonly layers?: LayerRange;
}

/** A model, or the part of it that holds a range of its layers. */
export interface Model {
  /** The residual stream (maxBatchTokens, hiddenSize): where a part without the embeddings expects its input. */
  readonly residual: Activation;
  /** Hidden states of the wanted rows (maxBatchTokens, hiddenSize), in the last part and in the one with `logits`. */
  readonly hidden: Activation | undefined;
  /**
   * Runs the layers; returns (numOutputs, hiddenSize): hidden states after the output norm, of the wanted rows. A part without
   * the last layer returns the residual stream of all rows.
   */
  forward(batch: Batch): Activation;
  /**
   * (numOutputs, vocabSize) from what the last part's forward returns, here in memory; undefined for encoders without a
   * language-model head. Of several parts the last one has it, or the first where it is tied to the embeddings. Where of one row
   * only the `numLikeliest` highest are wanted, others may be −Infinity.
   */
  readonly logits: ((hidden: Activation, numOutputs: number, numLikeliest?: number) => Activation) | undefined;
}

export interface Architecture {
  /** GGUF `general.architecture`. */
  readonly id: string;
  /** `decoder` generates; `encoder` sees a whole text at once (one batch per sequence) and only embeds. */
  readonly kind: 'decoder' | 'encoder';
  /** Structured-clonable configuration; GgufError names a missing or senseless key. */
  config(metadata: Metadata, tensors: ReadonlyMap<string, TensorDeclaration>): ModelConfig;
  /** Allocates through `backend`, asks `weights`; the same on every thread, with or without memory behind it. */
  build(config: ModelConfig, weights: WeightSource, backend: Backend, limits: BuildLimits): Model;
}

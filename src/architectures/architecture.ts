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
  /** A float vector of that many elements, whatever its declared dimensions; half-precision is widened. */
  vector(name: string, length: number): Vector;
  optionalVector(name: string, length: number): Vector | undefined;
}

/** Sizes the engine fixes before building. */
export interface BuildLimits {
  /** Rows of one forward pass at most. */
  readonly maxBatchTokens: number;
  /** Output rows of one forward pass at most. */
  readonly maxOutputs: number;
  /** Positions of one sequence at most (rope scalings depend on it). */
  readonly contextLength: number;
}

export interface Model {
  /** Runs the layers; returns (numOutputs, hiddenSize): hidden states after the output norm, of the wanted rows. */
  forward(batch: Batch): Activation;
  /** (numOutputs, vocabSize) from forward's result; undefined for encoders without a language-model head. */
  readonly logits: ((hidden: Activation, numOutputs: number) => Activation) | undefined;
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

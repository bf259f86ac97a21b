// What the parts of one model share while it is built: sizes, weights, backend and scratch memory.
import type { BuildLimits, LayerRange, WeightSource } from '../architectures/architecture.ts';
import type { ModelConfig } from '../architectures/config.ts';
import type { Backend } from '../backends/backend.ts';
import type { Activation, Batch } from '../backends/tensors.ts';

export interface ModelBuild {
  readonly config: ModelConfig;
  readonly weights: WeightSource;
  readonly backend: Backend;
  readonly limits: BuildLimits;
  /**
   * Room for (maxBatchTokens · rowsPerToken, cols) floats, the same for everyone who asks by the same words:
   * layers run one after another and need no memory of their own.
   */
  scratch(label: string, cols: number, rowsPerToken?: number): Activation;
  /** What `create` makes, made once per key. */
  once<T>(key: string, create: () => T): T;
  /** The layers that are built, and whether the model begins and ends with them. */
  readonly part: LayerRange & { readonly isFirst: boolean; readonly isLast: boolean };
  /** Run at the start of each forward pass, in order (rope angles). */
  readonly preparations: ((batch: Batch) => void)[];
}

export function createModelBuild(
  config: ModelConfig, weights: WeightSource, backend: Backend, limits: BuildLimits,
): ModelBuild {
  const made = new Map<string, unknown>();
  const once = <T>(key: string, create: () => T): T => {
    if (!made.has(key)) made.set(key, create());
    return made.get(key) as T;
  };
  const { from, to } = limits.layers ?? { from: 0, to: config.numLayers };
  return {
    config, weights, backend, limits, once,
    part: { from, to, isFirst: from === 0, isLast: to === config.numLayers },
    preparations: [],
    scratch: (label, cols, rowsPerToken = 1) => once(`scratch ${label} ${cols} ${rowsPerToken}`, () => (
      backend.activation(limits.maxBatchTokens * rowsPerToken, cols, label)
    )),
  };
}

/** A layer's place in the model, and the sizes it has there. */
export interface LayerSite {
  readonly index: number;
  /** Name before its tensors', as in `blk.0.`. */
  readonly prefix: string;
  readonly numKvHeads: number;
  readonly intermediateSize: number;
}

/** Where a transform's last product goes: over what `out` holds, or added to it times `scale`. */
export interface Into {
  readonly accumulate: boolean;
  readonly scale: number;
}

export const OVERWRITE: Into = { accumulate: false, scale: 1 };

/** Computes (n, hiddenSize) from x (n, hiddenSize) for the batch's n rows. `out` may be x. */
export type Transform = (out: Activation, x: Activation, batch: Batch, into: Into) => void;

/** Changes the residual stream x (n, hiddenSize) in place. */
export type Layer = (x: Activation, batch: Batch) => void;

/** Normalizes n rows; `out` may be x. */
export type Norm = (out: Activation, x: Activation, n: number) => void;

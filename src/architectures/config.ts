// A model's configuration in Hugging Face's words; plain data that every thread gets a copy of.

export interface RopeConfig {
  readonly theta: number;
  /** Rotated floats per head. */
  readonly dims: number;
  readonly style: 'norm' | 'neox';
  readonly scaling?:
    | { readonly kind: 'linear'; readonly factor: number }
    | {
        readonly kind: 'yarn'; readonly factor: number; readonly originalContextLength: number;
        readonly attentionFactor: number; readonly extrapolationFactor: number;
        readonly betaFast: number; readonly betaSlow: number; readonly logMultiplier: number;
      }
    | { readonly kind: 'longrope'; readonly originalContextLength: number; readonly attentionFactor: number };
}

/** Mixture of experts: how many, how large, and how each row's experts are chosen and weighted. */
export interface ExpertsConfig {
  readonly numExperts: number;
  readonly numUsed: number;
  readonly intermediateSize: number;
  /** Size of the experts that every row uses, together; 0 where there are none. */
  readonly sharedIntermediateSize: number;
  /** First layers, which have a plain feed-forward block. */
  readonly numDenseLayers: number;
  readonly gating: 'softmax' | 'sigmoid' | 'softmax_selected';
  readonly normalize: boolean;
  readonly weightsScale: number;
  readonly numGroups: number;
  readonly topGroups: number;
}

export interface ModelConfig {
  readonly architecture: string;
  readonly kind: 'decoder' | 'encoder';
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly numLayers: number;
  readonly numHeads: number;
  /** Per layer; 0 where a layer has no attention. */
  readonly numKvHeads: readonly number[];
  readonly headDim: number;
  readonly valueDim: number;
  readonly intermediateSize: readonly number[];
  /** What the model was trained for. */
  readonly contextLength: number;
  readonly normEpsilon: number;
  readonly rope?: RopeConfig;
  readonly experts?: ExpertsConfig;
  readonly slidingWindow?: number;
  /** How an encoder's rows become one vector. */
  readonly pooling?: 'mean' | 'cls' | 'last' | 'none';
  /** Facts that only this architecture's file reads, by its own key. */
  readonly extra: Readonly<Record<string, number | boolean | string | readonly number[] | readonly boolean[]>>;
}

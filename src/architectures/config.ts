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
  readonly slidingWindow?: number;
  /** How an encoder's rows become one vector. */
  readonly pooling?: 'mean' | 'cls' | 'last' | 'none';
  /** Facts that only this architecture's file reads, by its own key. */
  readonly extra: Readonly<Record<string, number | boolean | string | readonly number[] | readonly boolean[]>>;
}

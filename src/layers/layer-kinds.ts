// The usual layers, composed from an attention and a feed-forward transform by the tensor names of their norms.
import { rmsNorm } from './norm.ts';
import type { Layer, LayerSite, ModelBuild, Norm, Transform } from './model-build.ts';
import { residual, sequence } from './residual.ts';

export type NormFactory = (build: ModelBuild, name: string) => Norm;

/** One layer made for each place in the part of the model that is built; `stem` is where tensor names begin, as in `blk.0.`. */
export function mapLayers(build: ModelBuild, make: (layer: LayerSite) => Layer, stem = 'blk'): readonly Layer[] {
  const { numKvHeads, intermediateSize } = build.config;
  const { from, to } = build.part;
  return Array.from({ length: to - from }, (_, i) => from + i).map((index) => make({
    index, prefix: `${stem}.${index}.`, numKvHeads: numKvHeads[index], intermediateSize: intermediateSize[index],
  }));
}

export interface PreNormOptions {
  readonly norm?: NormFactory;
  /** Factor on what each half adds. */
  readonly scale?: number;
  readonly feedForwardNormName?: string;
}

/** x += attention(norm(x)); x += feedForward(norm(x)). */
export function preNormLayer(
  build: ModelBuild, { prefix }: LayerSite, attention: Transform, feedForward: Transform, options: PreNormOptions = {},
): Layer {
  const { norm = rmsNorm, scale, feedForwardNormName = 'ffn_norm' } = options;
  return sequence(
    residual(build, { norm: norm(build, `${prefix}attn_norm`), transform: attention, scale }),
    residual(build, { norm: norm(build, prefix + feedForwardNormName), transform: feedForward, scale }),
  );
}

/** x += norm(attention(norm(x))); x += norm(feedForward(norm(x))). */
export function sandwichLayer(
  build: ModelBuild, { prefix }: LayerSite, attention: Transform, feedForward: Transform,
): Layer {
  return sequence(
    residual(build, {
      norm: rmsNorm(build, `${prefix}attn_norm`),
      transform: attention,
      postNorm: rmsNorm(build, `${prefix}post_attention_norm`),
    }),
    residual(build, {
      norm: rmsNorm(build, `${prefix}ffn_norm`),
      transform: feedForward,
      postNorm: rmsNorm(build, `${prefix}post_ffw_norm`),
    }),
  );
}

/** x += norm(attention(x)); x += norm(feedForward(x)). */
export function postNormLayer(
  build: ModelBuild, { prefix }: LayerSite, attention: Transform, feedForward: Transform,
): Layer {
  return sequence(
    residual(build, { transform: attention, postNorm: rmsNorm(build, `${prefix}post_attention_norm`) }),
    residual(build, { transform: feedForward, postNorm: rmsNorm(build, `${prefix}post_ffw_norm`) }),
  );
}

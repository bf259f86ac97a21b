// How transforms are wired around the residual stream: one after the other, side by side, or normalized afterwards.
import type { Into, Layer, ModelBuild, Norm, Transform } from './model-build.ts';
import { OVERWRITE } from './model-build.ts';

export interface ResidualSpec {
  readonly transform: Transform;
  /** Applied to the transform's input. */
  readonly norm?: Norm;
  /** Applied to its output, before the sum. */
  readonly postNorm?: Norm;
  /** Factor on what is added. */
  readonly scale?: number;
}

/** x += scale · postNorm(transform(norm(x))). */
export function residual(build: ModelBuild, { transform, norm, postNorm, scale = 1 }: ResidualSpec): Layer {
  const { backend, config } = build;
  const normed = build.scratch('normed', config.hiddenSize);
  const into: Into = { accumulate: true, scale };
  if (!postNorm) {
    return (x, batch) => {
      if (norm) norm(normed, x, batch.numTokens);
      transform(x, norm ? normed : x, batch, into);
    };
  }
  const change = build.scratch('change', config.hiddenSize);
  return (x, batch) => {
    const n = batch.numTokens;
    if (norm) norm(normed, x, n);
    transform(change, norm ? normed : x, batch, OVERWRITE);
    postNorm(change, change, n);
    backend.add(x, x, change, n, scale);
  };
}

/** x += f(normF(x)) for all given; a transform without a norm of its own shares the first one's. */
export function parallel(
  build: ModelBuild, norm: Norm, transforms: readonly { readonly transform: Transform; readonly norm?: Norm }[],
): Layer {
  const { config } = build;
  const into: Into = { accumulate: true, scale: 1 };
  const shared = build.scratch('normed', config.hiddenSize);
  const inputs = transforms.map((entry, index) => (
    entry.norm ? build.scratch(`normed ${index}`, config.hiddenSize) : shared
  ));
  return (x, batch) => {
    const n = batch.numTokens;
    norm(shared, x, n);
    transforms.forEach((entry, index) => entry.norm?.(inputs[index], x, n));
    transforms.forEach((entry, index) => entry.transform(x, inputs[index], batch, into));
  };
}

/** x = norm(x + transform(x)), as in BERT. */
export function normedAfter(transform: Transform, norm: Norm): Layer {
  const into: Into = { accumulate: true, scale: 1 };
  return (x, batch) => {
    transform(x, x, batch, into);
    norm(x, x, batch.numTokens);
  };
}

export function sequence(...layers: readonly Layer[]): Layer {
  return (x, batch) => {
    for (const layer of layers) layer(x, batch);
  };
}

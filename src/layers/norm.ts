// Norms by tensor name, over whole rows or per head.
import type { ModelBuild, Norm } from './model-build.ts';

/** `<name>.weight` over rows of `length`. */
export function rmsNorm(build: ModelBuild, name: string, length = build.config.hiddenSize): Norm {
  const { backend, config } = build;
  const weight = build.weights.vector(`${name}.weight`, length);
  return (out, x, n) => backend.rmsNorm(out, x, weight, config.normEpsilon, n);
}

/** `<name>.weight` and, where there is one, `<name>.bias` over rows of `length`. */
export function layerNorm(build: ModelBuild, name: string, length = build.config.hiddenSize): Norm {
  const { backend, config } = build;
  const weight = build.weights.vector(`${name}.weight`, length);
  const bias = build.weights.optionalVector(`${name}.bias`, length);
  return (out, x, n) => backend.layerNorm(out, x, weight, bias, config.normEpsilon, n);
}

/** LayerNorm without weights (olmo). */
export function plainLayerNorm(build: ModelBuild): Norm {
  const { backend, config } = build;
  return (out, x, n) => backend.layerNorm(out, x, undefined, undefined, config.normEpsilon, n);
}

type HeadNormSpec = [kind: 'rms' | 'layer', name: string, numHeads: number, headDim: number];

/** Norm of `numHeads` heads of a row with one weight vector for all of them, or one for the whole row. */
export function headNorm(build: ModelBuild, ...[kind, name, numHeads, headDim]: HeadNormSpec): Norm {
  const { backend, config } = build;
  const isShared = build.weights.shape(`${name}.weight`)?.reduce((a, b) => a * b, 1) === headDim;
  const weight = build.weights.vector(`${name}.weight`, isShared ? headDim : headDim * numHeads);
  if (kind === 'rms') return (out, x, n) => backend.rmsNorm(out, x, weight, config.normEpsilon, n, numHeads);
  return (out, x, n) => backend.layerNorm(out, x, weight, undefined, config.normEpsilon, n, numHeads);
}

/** headNorm where the file has the weights. */
export function optionalHeadNorm(build: ModelBuild, ...spec: HeadNormSpec): Norm | undefined {
  return build.weights.has(`${spec[1]}.weight`) ? headNorm(build, ...spec) : undefined;
}

/** layerNorm where the file has the weights. */
export function optionalRowNorm(build: ModelBuild, name: string): Norm | undefined {
  return build.weights.has(`${name}.weight`) ? layerNorm(build, name) : undefined;
}

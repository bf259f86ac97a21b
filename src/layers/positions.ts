// Positions without rotation: learned embeddings, ALiBi slopes and values looked up by position.
import type { IndexVector, Vector, Weight } from '../backends/tensors.ts';
import { ContextLengthError } from '../errors.ts';
import { pow } from './exact-math.ts';
import type { Layer, ModelBuild } from './model-build.ts';

/** Adds row `position` of `position_embd.weight` (contextLength, hiddenSize) to every row. */
export function learnedPositions(build: ModelBuild): Layer {
  const { backend, config, limits, weights } = build;
  if (limits.contextLength > config.contextLength) {
    throw new ContextLengthError(
      limits.contextLength, config.contextLength,
      `The model has embeddings for ${config.contextLength} positions; a contextLength of ${limits.contextLength} ` +
        'is too much for it. Load it with a smaller one.',
    );
  }
  const table = weights.matrix('position_embd.weight', config.hiddenSize, config.contextLength);
  const rows = build.scratch('positions', config.hiddenSize);
  return (x, batch) => {
    backend.getRows(rows, table, batch.positions, batch.numTokens);
    backend.add(x, x, rows, batch.numTokens);
  };
}

/** One slope per head (arXiv 2108.12409); `maxBias`, 8 in the paper, is the steepest range in powers of two. */
export function alibiSlopes(build: ModelBuild, maxBias: number): Vector {
  const { numHeads } = build.config;
  return build.once('alibi slopes', () => build.backend.constant(slopes(numHeads, maxBias), 'alibi slopes'));
}

/** Geometric for a power of two of heads; further heads take every other slope of twice as many. */
function slopes(numHeads: number, maxBias: number): Float32Array {
  let power = 1;
  while (power * 2 <= numHeads) power *= 2;
  return Float32Array.from({ length: numHeads }, (_, h) => (
    h < power ? pow(2, (-maxBias * (h + 1)) / power) : pow(2, (-maxBias * (2 * (h - power) + 1)) / (2 * power))
  ));
}

/** A float per row of the batch, `value(position)`: a table over all positions, looked up each forward pass. */
export function perPosition(build: ModelBuild, label: string, value: (position: number) => number) {
  const { backend, limits } = build;
  const length = limits.contextLength;
  const { ptr } = backend.constant(Float32Array.from({ length }, (_, position) => value(position)), label);
  const table: Weight = { name: label, type: 'F32', layout: 'gguf', cols: 1, rows: length, depth: 1, ptr, rowBytes: 4 };
  const values = build.scratch(label, 1);
  build.preparations.push((batch: { readonly positions: IndexVector; readonly numTokens: number }) => {
    backend.getRows(values, table, batch.positions, batch.numTokens);
  });
  return values;
}

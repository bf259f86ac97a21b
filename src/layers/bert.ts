// What BERT and its descendants share: embeddings with token types and a norm, and layers normalized after each sum.
import type { Activation } from '../backends/tensors.ts';
import { layerNorm } from './norm.ts';
import type { Layer, LayerSite, ModelBuild, Transform } from './model-build.ts';
import { normedAfter, sequence } from './residual.ts';

/** Adds the embedding of token type 0 (there is one text), then `positions`, then normalizes. */
export function bertEmbeddings(build: ModelBuild, positions?: Layer): Layer {
  const { backend, config, weights } = build;
  const numTypes = weights.shape('token_types.weight')?.[1] ?? 1;
  const types = weights.optionalVector('token_types.weight', config.hiddenSize * numTypes);
  const firstType = types && { ...types, length: config.hiddenSize };
  const norm = layerNorm(build, 'token_embd_norm');
  return (x: Activation, batch) => {
    if (firstType) backend.addVector(x, firstType, batch.numTokens);
    positions?.(x, batch);
    norm(x, x, batch.numTokens);
  };
}

/** x = norm(x + attention(x)); x = norm(x + feedForward(x)). */
export function bertLayer(
  build: ModelBuild, { prefix }: LayerSite, attention: Transform, feedForward: Transform,
): Layer {
  return sequence(
    normedAfter(attention, layerNorm(build, `${prefix}attn_output_norm`)),
    normedAfter(feedForward, layerNorm(build, `${prefix}layer_output_norm`)),
  );
}

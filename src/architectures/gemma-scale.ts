// The attention scale of Gemma 2 and 3, which metadata does not state: the 27B models differ from the others.
import type { ModelConfig } from './config.ts';

/** 1 / √headDim, or 1 / √(hiddenSize / numHeads) for the 27B model, told by its number of layers. */
export function gemmaAttentionScale(config: ModelConfig, numLayersOf27B: number): number {
  const { numLayers, hiddenSize, numHeads, headDim } = config;
  return 1 / Math.sqrt(numLayers === numLayersOf27B ? hiddenSize / numHeads : headDim);
}

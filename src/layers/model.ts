// The frame of every model: token embeddings, layers, the wanted rows, the output norm and the language-model head.
import type { Model } from '../architectures/architecture.ts';
import type { Activation, Vector, Weight } from '../backends/tensors.ts';
import type { Layer, ModelBuild, Norm } from './model-build.ts';

export interface ModelParts {
  /** Factor on token embeddings. */
  readonly embeddingScale?: number;
  /** Changes the embeddings before the layers: positions, token types, a norm. */
  readonly embed?: Layer;
  readonly layers: readonly Layer[];
  readonly outputNorm?: Norm;
  readonly head?: Head;
}

export interface Head {
  readonly weight: Weight;
  readonly bias?: Vector;
  /** Factor on the logits, before `softcap`. */
  readonly scale?: number;
  readonly softcap?: number;
}

/** `output.weight`, or the token embeddings where the file ties them. */
export function outputHead(build: ModelBuild, options: Omit<Head, 'weight' | 'bias'> = {}): Head {
  const { hiddenSize, vocabSize } = build.config;
  const name = build.weights.has('output.weight') ? 'output.weight' : 'token_embd.weight';
  return {
    ...options,
    weight: build.weights.matrix(name, hiddenSize, vocabSize),
    bias: build.weights.optionalVector('output.bias', vocabSize),
  };
}

export function createModel(build: ModelBuild, parts: ModelParts): Model {
  const { backend, config, weights, limits } = build;
  const table = weights.matrix('token_embd.weight', config.hiddenSize, config.vocabSize);
  const x = build.scratch('residual stream', config.hiddenSize);
  const hidden = backend.activation(limits.maxBatchTokens, config.hiddenSize, 'hidden states');
  return {
    forward(batch) {
      backend.getRows(x, table, batch.tokens, batch.numTokens, parts.embeddingScale);
      for (const prepare of build.preparations) prepare(batch);
      parts.embed?.(x, batch);
      for (const layer of parts.layers) layer(x, batch);
      backend.gather(hidden, x, batch.outputs, batch.numOutputs);
      parts.outputNorm?.(hidden, hidden, batch.numOutputs);
      return hidden;
    },
    logits: parts.head && headLogits(build, parts.head),
  };
}

function headLogits(build: ModelBuild, head: Head): (hidden: Activation, numOutputs: number) => Activation {
  const { backend, config, limits } = build;
  const logits = backend.activation(limits.maxOutputs, config.vocabSize, 'logits');
  return (hidden, numOutputs) => {
    backend.matmul(logits, head.weight, hidden, numOutputs, { bias: head.bias, scale: head.scale });
    if (head.softcap) backend.softcap(logits, head.softcap, numOutputs);
    return logits;
  };
}

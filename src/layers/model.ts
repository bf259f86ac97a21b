// The frame of every model: token embeddings, layers, the wanted rows, the output norm and the language-model head.
import type { Model } from '../architectures/architecture.ts';
import type { Vector, Weight } from '../backends/tensors.ts';
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

/** Whether logits are the products with the weight and nothing else: only then are the highest looked for. */
const isPlain = ({ bias, scale = 1, softcap }: Omit<Head, 'weight'>): boolean => !bias && !softcap && scale === 1;

/** `output.weight` with the last layers, or the token embeddings, where they lie, if the file ties them. */
export function outputHead(build: ModelBuild, options: Omit<Head, 'weight' | 'bias'> = {}): Head | undefined {
  const { hiddenSize, vocabSize } = build.config;
  const isTied = !build.weights.has('output.weight');
  if (!(isTied ? build.part.isFirst : build.part.isLast)) return undefined;
  const name = isTied ? 'token_embd.weight' : 'output.weight';
  const isSearched = isPlain(options) && !build.weights.has('output.bias');
  return {
    ...options,
    weight: isSearched ? build.weights.head(name, hiddenSize, vocabSize) : build.weights.matrix(name, hiddenSize, vocabSize),
    bias: build.weights.optionalVector('output.bias', vocabSize),
  };
}

export function createModel(build: ModelBuild, parts: ModelParts): Model {
  const { backend, config, weights, limits, part } = build;
  const table = part.isFirst ? weights.matrix('token_embd.weight', config.hiddenSize, config.vocabSize) : undefined;
  const x = build.scratch('residual stream', config.hiddenSize);
  const hidden = part.isLast || parts.head
    ? backend.activation(limits.maxBatchTokens, config.hiddenSize, 'hidden states') : undefined;
  return {
    residual: x,
    hidden,
    forward(batch) {
      if (table) backend.getRows(x, table, batch.tokens, batch.numTokens, parts.embeddingScale);
      for (const prepare of build.preparations) prepare(batch);
      if (table) parts.embed?.(x, batch);
      for (const layer of parts.layers) layer(x, batch);
      if (!part.isLast || !hidden) return x;
      backend.gather(hidden, x, batch.outputs, batch.numOutputs);
      parts.outputNorm?.(hidden, hidden, batch.numOutputs);
      return hidden;
    },
    logits: parts.head && headLogits(build, parts.head),
  };
}

function headLogits(build: ModelBuild, head: Head): NonNullable<Model['logits']> {
  const { backend, config, limits } = build;
  const logits = backend.activation(limits.maxOutputs, config.vocabSize, 'logits');
  return (hidden, numOutputs, numLikeliest) => {
    if (numLikeliest !== undefined && numOutputs === 1 && isPlain(head)) {
      backend.likeliest(logits, head.weight, hidden, numLikeliest);
      return logits;
    }
    backend.matmul(logits, head.weight, hidden, numOutputs, { bias: head.bias, scale: head.scale });
    if (head.softcap) backend.softcap(logits, head.softcap, numOutputs);
    return logits;
  };
}

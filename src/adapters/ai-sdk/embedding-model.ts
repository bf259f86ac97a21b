// An engine as the AI SDK's embedding model.
import type { EmbeddingModelV4 } from '@ai-sdk/provider';
import type { Engines, ModelOrEngine } from '../engines.ts';
import { nameOf } from '../engines.ts';

export function createEmbeddingModel(engines: Engines, model: ModelOrEngine): EmbeddingModelV4 {
  return {
    specificationVersion: 'v4',
    provider: 'clawdbot',
    modelId: nameOf(model),
    maxEmbeddingsPerCall: undefined,
    supportsParallelCalls: true,
    async doEmbed({ values, dimensions, abortSignal }) {
      const engine = await engines.get(model);
      const texts: number[][] = [];
      for (const value of values) texts.push(await engine.tokenizeAsync(value, { signal: abortSignal }));
      const embeddings: number[][] = [];
      for (const ids of texts) embeddings.push([...(await engine.embed(ids, { signal: abortSignal }))]);
      return {
        embeddings,
        usage: { tokens: texts.reduce((sum, ids) => sum + ids.length, 0) },
        warnings: dimensions === undefined || dimensions === engine.model.hiddenSize ? [] : [
          { type: 'unsupported', feature: 'dimensions', details: `This model's embeddings have ${engine.model.hiddenSize}.` },
        ],
      };
    },
  };
}

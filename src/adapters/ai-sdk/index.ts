// Entry of `@clawdbot/runtime/ai-sdk`: models that run here, as a provider for the Vercel AI SDK.
import { NoSuchModelError } from '@ai-sdk/provider';
import type { EmbeddingModelV4, LanguageModelV4, ProviderV4 } from '@ai-sdk/provider';
import type { LoadOptions } from '@clawdbot/runtime';
import { Engines } from '../engines.ts';
import type { ModelOrEngine } from '../engines.ts';
import { createEmbeddingModel } from './embedding-model.ts';
import { createLanguageModel } from './language-model.ts';

export interface ClawdbotProvider extends ProviderV4 {
  /** A language model: what `Engine.load` takes (loaded at its first call), or an engine. */
  (model: ModelOrEngine): LanguageModelV4;
  languageModel(model: ModelOrEngine): LanguageModelV4;
  embeddingModel(model: ModelOrEngine): EmbeddingModelV4;
  /** Frees the models that this provider has loaded. */
  dispose(): Promise<void>;
}

/** A provider that loads models with these options, each once. */
export function createClawdbot(options: LoadOptions = {}): ClawdbotProvider {
  const engines = new Engines(options);
  const languageModel = (model: ModelOrEngine): LanguageModelV4 => createLanguageModel(engines, model);
  return Object.assign((model: ModelOrEngine) => languageModel(model), {
    specificationVersion: 'v4' as const,
    languageModel,
    embeddingModel: (model: ModelOrEngine) => createEmbeddingModel(engines, model),
    imageModel(modelId: string): never {
      throw new NoSuchModelError({ modelId, modelType: 'imageModel' });
    },
    dispose: () => engines.dispose(),
  });
}

/** A provider with default options. */
export const clawdbot = createClawdbot();

// An engine as LangChain's embeddings.
import { Embeddings } from '@langchain/core/embeddings';
import type { EmbeddingsParams } from '@langchain/core/embeddings';
import type { EmbedOptions, LoadOptions } from '@clawdbot/runtime';
import { Engines } from '../engines.ts';
import type { ModelOrEngine } from '../engines.ts';
import { CALLER, checkFields } from './fields.ts';

export interface ClawdbotEmbeddingsFields extends EmbeddingsParams, Pick<EmbedOptions, 'pooling' | 'normalize'> {
  /** What `Engine.load` takes (loaded when first used), or an engine. */
  readonly model: ModelOrEngine;
  readonly loadOptions?: LoadOptions;
}

/** Every one of them: the compiler sees to it. */
const FIELDS: Readonly<Record<keyof ClawdbotEmbeddingsFields, true>> = {
  model: true, loadOptions: true, pooling: true, normalize: true, ...CALLER,
};

export class ClawdbotEmbeddings extends Embeddings {
  readonly #model: ModelOrEngine;
  readonly #options: EmbedOptions;
  readonly #engines: Engines;

  constructor(fields: ClawdbotEmbeddingsFields) {
    checkFields(fields, FIELDS);
    const { model, loadOptions, pooling, normalize, ...params } = fields;
    super(params);
    this.#model = model;
    this.#options = { pooling, normalize };
    this.#engines = new Engines(loadOptions);
  }

  override async embedQuery(document: string): Promise<number[]> {
    const engine = await this.#engines.get(this.#model);
    return [...(await engine.embed(document, this.#options))];
  }

  override async embedDocuments(documents: string[]): Promise<number[][]> {
    const vectors: number[][] = [];
    for (const document of documents) vectors.push(await this.embedQuery(document));
    return vectors;
  }

  /** Frees the model, if it was loaded here. */
  dispose(): Promise<void> {
    return this.#engines.dispose();
  }
}

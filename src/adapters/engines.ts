// Engines by model source for the adapters: each model is loaded when it is first used, once, and disposed of with the others.
import { Engine } from '@clawdbot/runtime';
import type { LoadOptions, ModelSource } from '@clawdbot/runtime';

/** What stands for a model in an adapter: an engine that its owner disposes of, or what `Engine.load` takes. */
export type ModelOrEngine = Engine | ModelSource;

export class Engines {
  readonly #options: LoadOptions;
  readonly #loads = new Map<ModelSource, Promise<Engine>>();

  constructor(options: LoadOptions = {}) {
    this.#options = options;
  }

  /** The engine of a model; a load that failed is tried again by the next call. */
  async get(model: ModelOrEngine): Promise<Engine> {
    if (model instanceof Engine) return model;
    const key = model instanceof URL ? model.href : model;
    const known = this.#loads.get(key);
    if (known) return known;
    const load = Engine.load(model, this.#options);
    this.#loads.set(key, load);
    load.catch(() => this.#loads.delete(key));
    return load;
  }

  /** Disposes of the engines that were loaded here; models that are used afterwards are loaded again. */
  async dispose(): Promise<void> {
    const loads = [...this.#loads.values()];
    this.#loads.clear();
    for (const load of await Promise.allSettled(loads)) if (load.status === 'fulfilled') await load.value.dispose();
  }
}

/** What to call a model in an adapter's reports. */
export function nameOf(model: ModelOrEngine): string {
  if (model instanceof Engine) return model.model.name;
  if (typeof model === 'string') return model;
  return model instanceof URL ? model.href : 'bytes';
}

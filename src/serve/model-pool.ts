// The models that a server offers: loaded when first asked for, the least recently used unloaded past a limit, and loaded anew
// after their workers died.
import type { Engine } from '../engine/engine.ts';
import { ApiError, isTyped } from './api-error.ts';

/** An engine as the server uses it. */
export type ServeEngine =
  Pick<Engine, 'model' | 'tokenizer' | 'generate' | 'promptIds' | 'embed' | 'tokenize' | 'detokenize' | 'stats' | 'dispose'>;

export interface ServedModel {
  readonly id: string;
  load(): Promise<ServeEngine>;
}

interface Entry extends ServedModel {
  engine?: Promise<ServeEngine>;
  /** The engine once it is there. */
  loaded?: ServeEngine;
  users: number;
  lastUsed: number;
}

export interface Lease {
  readonly id: string;
  readonly engine: ServeEngine;
  /** To be called once, with what ended the use, if anything went wrong. */
  release(error?: unknown): void;
}

export class ModelPool {
  readonly #entries: ReadonlyMap<string, Entry>;
  readonly #maxLoaded: number;
  #uses = 0;

  constructor(models: readonly ServedModel[], maxLoaded = models.length) {
    this.#entries = new Map(models.map((model) => [model.id, { id: model.id, load: () => model.load(), users: 0, lastUsed: 0 }]));
    this.#maxLoaded = Math.max(1, maxLoaded);
  }

  list(): readonly { readonly id: string; readonly engine?: ServeEngine }[] {
    return [...this.#entries.values()].map(({ id, loaded }) => ({ id, engine: loaded }));
  }

  /**
   * The model of that id, or the only one where none is named. Throws ApiError 404 where there is none, and the signal's reason
   * where that does not wait for the load; the load goes on, for others.
   */
  async acquire(id: string | undefined, signal?: AbortSignal): Promise<Lease> {
    const only = this.#entries.size === 1 ? [...this.#entries.values()][0] : undefined;
    const entry = id === undefined ? only : this.#entries.get(id);
    if (!entry) {
      const names = [...this.#entries.keys()].join(', ');
      throw new ApiError(404, `The model ${JSON.stringify((id ?? '').slice(0, 80))} is not served here. Served: ${names}.`, {
        type: 'invalid_request_error', code: 'model_not_found', param: 'model',
      });
    }
    entry.users++;
    entry.lastUsed = ++this.#uses;
    try {
      const engine = await unlessAborted(entry.engine ??= this.#begin(entry), signal);
      let released = false;
      return {
        id: entry.id, engine,
        release: (error) => {
          if (released) return;
          released = true;
          entry.users--;
          if (isTyped(error, 'ERR_ENGINE_STOPPED')) this.#drop(entry, engine);
        },
      };
    } catch (error) {
      entry.users--;
      throw error;
    }
  }

  /** A load that fails is forgotten, also where nobody waits for it any more: who asks next tries again. */
  #begin(entry: Entry): Promise<ServeEngine> {
    const loading = this.#load(entry);
    loading.then((engine) => {
      if (entry.engine === loading) entry.loaded = engine;
    }, () => {
      if (entry.engine === loading) entry.engine = undefined;
    });
    return loading;
  }

  async #load(entry: Entry): Promise<ServeEngine> {
    await this.#makeRoom(entry);
    return entry.load();
  }

  async #makeRoom(wanted: Entry): Promise<void> {
    const loaded = [...this.#entries.values()].filter((entry) => entry !== wanted && entry.engine);
    const idle = loaded.filter(({ users }) => users === 0).sort((a, b) => a.lastUsed - b.lastUsed);
    const surplus = loaded.length + 1 - this.#maxLoaded;
    if (surplus > idle.length) {
      throw new ApiError(503, 'All models that may be loaded at once are busy. Try again shortly.', {
        type: 'server_error', code: 'models_busy', headers: { 'retry-after': '1' },
      });
    }
    for (const entry of idle.slice(0, Math.max(0, surplus))) {
      const engine = entry.engine!;
      this.#forget(entry);
      // One that nobody waits for any more may still be loading; where that fails there is nothing to unload.
      await engine.then((loaded) => loaded.dispose(), () => undefined);
    }
  }

  #drop(entry: Entry, engine: ServeEngine): void {
    if (entry.loaded !== engine) return;
    this.#forget(entry);
    void engine.dispose();
  }

  #forget(entry: Entry): void {
    entry.engine = undefined;
    entry.loaded = undefined;
  }

  async dispose(): Promise<void> {
    const engines = [...this.#entries.values()].map(({ engine }) => engine);
    await Promise.allSettled(engines.map(async (engine) => (await engine)?.dispose()));
  }
}

/** What `work` comes to, or the signal's reason; after an abort nobody hears here of what becomes of `work`. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  signal.throwIfAborted();
  let abort: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', abort!);
  }
}

// The models that a server offers: loaded when first asked for, the least recently used unloaded past a limit, and loaded anew
// after their workers died.
import type { Engine } from '../engine/engine.ts';
import { ApiError, isTyped } from './api-error.ts';
import { checkModels } from './handler-options.ts';

/** An engine as the server uses it. */
export type ServeEngine =
  Pick<Engine, 'model' | 'tokenizer' | 'generate' | 'embed' | 'tokenizeAsync' | 'detokenize' | 'stats' | 'dispose'>;

export interface ServedModel {
  readonly id: string;
  load(): Promise<ServeEngine>;
  /** Where it is in memory already. */
  readonly loaded?: ServeEngine;
}

interface Entry {
  readonly id: string;
  readonly load: () => Promise<ServeEngine>;
  engine?: Promise<ServeEngine>;
  /** The engine once it is there. */
  loaded?: ServeEngine;
  /** It is one of those in memory, or on its way there. */
  hasRoom: boolean;
  users: number;
  lastUsed: number;
}

export interface Lease {
  readonly id: string;
  readonly engine: ServeEngine;
  /** To be called once, with what ended the use, if anything went wrong. */
  release(error?: unknown): void;
}

/** How long a model waits for room before the others' new requests wait for it: shorter, and two models would take turns with each request. */
const LONGEST_WAIT_MS = 10_000;

export class ModelPool {
  readonly #entries: ReadonlyMap<string, Entry>;
  readonly #maxLoaded: number;
  /** Models that wait for room, and since when. */
  readonly #waiting = new Map<Entry, number>();
  #uses = 0;
  #change: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined;

  /** Throws InvalidArgumentError for no model, two of one id, or a `maxLoaded` below 1; all are in memory at once by default. */
  constructor(models: readonly ServedModel[], maxLoaded: number = (models as readonly ServedModel[] | undefined)?.length ?? 0) {
    checkModels(models, maxLoaded);
    this.#entries = new Map(models.map((model) => [model.id, entryOf(model)]));
    this.#maxLoaded = maxLoaded;
  }

  list(): readonly { readonly id: string; readonly engine?: ServeEngine }[] {
    return [...this.#entries.values()].map(({ id, loaded }) => ({ id, engine: loaded }));
  }

  /** The id of the model of that id, or of the only one where none is named. Throws ApiError: 404 where there is none, 400 for no name of several. */
  find(id: string | undefined): string {
    const ids = [...this.#entries.keys()];
    if (id === undefined && ids.length === 1) return ids[0]!;
    if (id !== undefined && this.#entries.has(id)) return id;
    const served = `Served: ${ids.join(', ')}.`;
    throw id === undefined
      ? new ApiError(400, `Say which model: several are served here, and model is missing. ${served}`, {
        type: 'invalid_request_error', code: 'missing_required_parameter', param: 'model',
      })
      : new ApiError(404, `The model ${JSON.stringify(id.slice(0, 80))} is not served here. ${served}`, {
        type: 'invalid_request_error', code: 'model_not_found', param: 'model',
      });
  }

  /**
   * The model that `find` finds, once there is room for it and it is loaded. Throws as that does, and the signal's reason where that
   * does not wait so long; a load that has begun goes on, for others.
   */
  async acquire(id: string | undefined, signal?: AbortSignal): Promise<Lease> {
    const entry = this.#entries.get(this.find(id))!;
    signal?.throwIfAborted();
    while (entry.hasRoom && this.#isOverdue(entry)) await unlessAborted(this.#nextChange(), signal);
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
          this.#leave(entry);
          if (isTyped(error, 'ERR_ENGINE_STOPPED')) this.#drop(entry, engine);
        },
      };
    } catch (error) {
      this.#leave(entry);
      throw error;
    }
  }

  #leave(entry: Entry): void {
    entry.users--;
    this.#changed();
  }

  /** Whether another model has waited for room too long to let any more requests pass. */
  #isOverdue(asked: Entry): boolean {
    return [...this.#waiting].some(([entry, since]) => entry !== asked && performance.now() - since > LONGEST_WAIT_MS);
  }

  /** A load that fails is forgotten, also where nobody waits for it any more: who asks next tries again. */
  #begin(entry: Entry): Promise<ServeEngine> {
    const loading = this.#load(entry);
    loading.then((engine) => {
      if (entry.engine === loading) entry.loaded = engine;
    }, () => {
      if (entry.engine === loading) this.#forget(entry);
    });
    return loading;
  }

  async #load(entry: Entry): Promise<ServeEngine> {
    await this.#makeRoom(entry);
    return entry.load();
  }

  /** Waits until as many as must be unloaded for it are idle, and unloads them. */
  async #makeRoom(wanted: Entry): Promise<void> {
    this.#waiting.set(wanted, performance.now());
    let idle: readonly Entry[] | undefined;
    try {
      while (!(idle = this.#inItsWay(wanted))) {
        await this.#nextChange();
        if (wanted.users > 0) continue;
        // At once: who asks in the moments until the rejection is heard of must not join it. For the others nothing has changed.
        wanted.engine = undefined;
        throw new DOMException('Nobody waits for this any more.', 'AbortError');
      }
    } finally {
      this.#waiting.delete(wanted);
    }
    wanted.hasRoom = true;
    const engines = idle.map(({ engine }) => engine!);
    for (const entry of idle) this.#forget(entry);
    this.#changed();
    // One that nobody waits for any more may still be loading; where that fails there is nothing to unload.
    for (const engine of engines) await engine.then((loaded) => loaded.dispose(), () => undefined);
  }

  /** Those to unload, used longest ago; undefined while too many are in use. */
  #inItsWay(wanted: Entry): readonly Entry[] | undefined {
    const loaded = [...this.#entries.values()].filter((entry) => entry !== wanted && entry.hasRoom);
    const idle = loaded.filter(({ users }) => users === 0).sort((a, b) => a.lastUsed - b.lastUsed);
    const surplus = loaded.length + 1 - this.#maxLoaded;
    return surplus > idle.length ? undefined : idle.slice(0, Math.max(0, surplus));
  }

  #drop(entry: Entry, engine: ServeEngine): void {
    if (entry.loaded !== engine) return;
    this.#forget(entry);
    void engine.dispose();
  }

  #forget(entry: Entry): void {
    entry.engine = undefined;
    entry.loaded = undefined;
    entry.hasRoom = false;
    this.#changed();
  }

  /** Resolves when a model becomes idle, or is forgotten. */
  #nextChange(): Promise<void> {
    if (!this.#change) {
      let resolve!: () => void;
      const promise = new Promise<void>((done) => (resolve = done));
      this.#change = { promise, resolve };
    }
    return this.#change.promise;
  }

  #changed(): void {
    const change = this.#change;
    this.#change = undefined;
    change?.resolve();
  }

  async dispose(): Promise<void> {
    const engines = [...this.#entries.values()].map(({ engine }) => engine);
    await Promise.allSettled(engines.map(async (engine) => (await engine)?.dispose()));
  }
}

function entryOf(model: ServedModel): Entry {
  const { id, loaded } = model;
  return {
    id, load: () => model.load(), users: 0, lastUsed: 0, hasRoom: loaded !== undefined,
    ...(loaded && { loaded, engine: Promise.resolve(loaded) }),
  };
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

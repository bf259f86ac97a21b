// What every generating endpoint does around its own work: a place among the running requests, the model, a signal that ends
// with the client or the deadline, and the answer as JSON or as a stream of events.
import type { EmbedOptions, GenerateOptions, Prompt } from '../engine/types.ts';
import { ApiError } from './api-error.ts';
import type { Lease, ModelPool, ServeEngine } from './model-pool.ts';
import { eventStream } from './sse.ts';

export interface ExchangeLimits {
  /** Requests that run or wait; one more is answered with 429. */
  readonly maxRequests: number;
  /** Milliseconds until a request is given up, 0 for no limit. */
  readonly timeoutMs: number;
  /** Milliseconds that a stream may wait for its client to take more. */
  readonly stallMs: number;
  /** Handed on with what is served. */
  readonly contextPolicy?: GenerateOptions['contextPolicy'];
}

export interface Served {
  readonly engine: ServeEngine;
  readonly model: string;
  readonly signal: AbortSignal;
  readonly contextPolicy?: GenerateOptions['contextPolicy'];
}

export class Exchange {
  readonly #pool: ModelPool;
  readonly #limits: ExchangeLimits;
  /** Who asks, where that is known. */
  readonly #clients = new WeakMap<Request, string>();
  #numActive = 0;
  #draining = false;
  #idle: (() => void) | undefined;

  constructor(pool: ModelPool, limits: ExchangeLimits) {
    this.#pool = pool;
    this.#limits = limits;
  }

  /** Requests of one client take turns with those of others. */
  introduce(request: Request, client: string): void {
    this.#clients.set(request, client);
  }

  get numActive(): number {
    return this.#numActive;
  }

  /** Refuses new requests and resolves once the running ones have ended. */
  async drain(): Promise<void> {
    this.#draining = true;
    if (this.#numActive > 0) await new Promise<void>((resolve) => (this.#idle = resolve));
  }

  /** One whole answer. */
  async answer(request: Request, model: string | undefined, work: (served: Served) => Promise<object>): Promise<Response> {
    const { served, end } = await this.#begin(request, model);
    try {
      const body = await work(served);
      end();
      return Response.json(body);
    } catch (error) {
      end(error);
      throw reasonOf(served.signal, error);
    }
  }

  /** A stream of events. */
  async stream(
    request: Request, model: string | undefined, done: boolean, work: (served: Served) => AsyncGenerator<object, void, void>,
  ): Promise<Response> {
    const { served, end, abort } = await this.#begin(request, model);
    return eventStream(work(served), { done, stallMs: this.#limits.stallMs, onEnd: end, onCancel: abort });
  }

  async #begin(request: Request, model: string | undefined): Promise<{
    served: Served; end: (error?: unknown) => void; abort: () => void;
  }> {
    if (this.#draining) {
      throw new ApiError(503, 'This server is shutting down.', { type: 'server_error', code: 'shutting_down' });
    }
    if (this.#numActive >= this.#limits.maxRequests) {
      throw new ApiError(429, `${this.#numActive} requests run or wait here, which is the limit. Try again shortly.`, {
        type: 'rate_limit_error', code: 'queue_full', headers: { 'retry-after': '1' },
      });
    }
    this.#numActive++;
    let lease: Lease | undefined;
    let ended = false;
    const end = (error?: unknown): void => {
      if (ended) return;
      ended = true;
      lease?.release(error);
      this.#numActive--;
      if (this.#numActive === 0) this.#idle?.();
    };
    try {
      lease = await this.#pool.acquire(model);
    } catch (error) {
      end(error);
      throw error;
    }
    const gone = new AbortController();
    const { timeoutMs } = this.#limits;
    const signals = [request.signal, gone.signal, ...(timeoutMs > 0 ? [AbortSignal.timeout(timeoutMs)] : [])];
    const { contextPolicy } = this.#limits;
    const engine = forClient(lease.engine, this.#clients.get(request));
    const served = { engine, model: lease.id, signal: AbortSignal.any(signals), contextPolicy };
    return { served, end, abort: () => gone.abort(new DOMException('The client has gone.', 'AbortError')) };
  }
}

/** An engine that says on whose behalf it is asked. */
function forClient(engine: ServeEngine, client: string | undefined): ServeEngine {
  if (client === undefined) return engine;
  const { model, tokenizer } = engine;
  return {
    model, tokenizer,
    get stats() {
      return engine.stats;
    },
    generate: (prompt: Prompt, options?: GenerateOptions) => engine.generate(prompt, { ...options, client }),
    embed: (input: string | readonly number[], options?: EmbedOptions) => engine.embed(input, { ...options, client }),
    promptIds: (...given) => engine.promptIds(...given),
    tokenize: (...given) => engine.tokenize(...given),
    detokenize: (...given) => engine.detokenize(...given),
    dispose: () => engine.dispose(),
  };
}

/** What an aborted request ended for, rather than how the engine reports it. */
function reasonOf(signal: AbortSignal, error: unknown): unknown {
  return signal.aborted ? signal.reason : error;
}

// What every generating endpoint does around its own work: a place among the running requests, the model, a signal that ends
// with the client or the deadline, and the answer as JSON or as a stream of events.
import type { EmbedOptions, GenerateOptions, Prompt } from '../engine/types.ts';
import { ApiError } from './api-error.ts';
import type { Lease, ModelPool, ServeEngine } from './model-pool.ts';
import { patience } from './patience.ts';
import { Places } from './places.ts';
import type { PlaceLimits } from './places.ts';
import { eventStream } from './sse.ts';

export interface ExchangeLimits extends PlaceLimits {
  /** Milliseconds until a request is given up, loading its model included; 0 for no limit. */
  readonly timeoutMs: number;
  /** Milliseconds that a stream may wait for its client to take more. */
  readonly stallMs: number;
  /** Handed on with what is served. */
  readonly contextPolicy?: GenerateOptions['contextPolicy'];
  /** Hears of a stream that failed after it had begun, unless its client went away. */
  readonly onBrokenStream?: (request: Request, error: unknown) => void;
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
  /** Where requests run or wait. */
  readonly places: Places;

  constructor(pool: ModelPool, limits: ExchangeLimits) {
    this.#pool = pool;
    this.#limits = limits;
    this.places = new Places(limits);
  }

  /** Requests of one client take turns with those of others. */
  introduce(request: Request, client: string): void {
    this.#clients.set(request, client);
  }

  /** One whole answer. */
  async answer(request: Request, model: string | undefined, work: (served: Served) => Promise<object>): Promise<Response> {
    const { served, end, abort } = await this.#begin(request, model);
    try {
      const body = await work(served);
      end();
      return Response.json(body);
    } catch (error) {
      const reason = reasonOf(request, served.signal, error);
      // One of several generations may have failed: nobody waits for the others.
      abort();
      end(error);
      throw reason;
    }
  }

  /** A stream of events. */
  async stream(
    request: Request, model: string | undefined, done: boolean, work: (served: Served) => AsyncGenerator<object, void, void>,
  ): Promise<Response> {
    const { served, end, abort } = await this.#begin(request, model);
    const { stallMs, onBrokenStream } = this.#limits;
    let hasBegun = false;
    const onEnd = (error?: unknown): void => {
      end(error);
      if (hasBegun && error !== undefined && !request.signal.aborted) onBrokenStream?.(request, error);
    };
    try {
      const response = await eventStream(work(served), { done, stallMs, onEnd, onCancel: abort });
      hasBegun = true;
      return response;
    } catch (error) {
      throw reasonOf(request, served.signal, error);
    }
  }

  async #begin(request: Request, model: string | undefined): Promise<{
    served: Served; end: (error?: unknown) => void; abort: () => void;
  }> {
    const client = this.#clients.get(request);
    const leave = this.places.take(client);
    const { timeoutMs, contextPolicy } = this.#limits;
    const waiting = patience(request.signal, timeoutMs);
    const { signal, abort } = waiting;
    let lease: Lease | undefined;
    let ended = false;
    const end = (error?: unknown): void => {
      if (ended) return;
      ended = true;
      waiting.end();
      lease?.release(error);
      leave();
    };
    try {
      lease = await this.#pool.acquire(model, signal);
    } catch (error) {
      end(error);
      throw reasonOf(request, signal, error);
    }
    const engine = forClient(lease.engine, client);
    return { served: { engine, model: lease.id, signal, contextPolicy }, end, abort };
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

/** What an aborted request ended for, rather than how the engine reports it. Nobody reads the status but the log (nginx has it too). */
function reasonOf({ signal: { aborted: hasGone } }: Request, signal: AbortSignal, error: unknown): unknown {
  if (hasGone) return new ApiError(499, 'The client has gone.', { type: 'invalid_request_error', code: 'client_closed_request' });
  return signal.aborted ? signal.reason : error;
}

// What every generating endpoint does around its own work: a place among the running requests, the model, a signal that ends
// with the client or the deadline, and the answer as JSON or as a stream of events.
import type { SamplingOptions } from '../../engine/sampler/options.ts';
import type { EmbedOptions, GenerateOptions, Prompt } from '../../engine/types.ts';
import { ApiError } from '../api-error.ts';
import { engineFault } from '../engine-faults.ts';
import type { Lease, ModelPool, ServeEngine } from '../model-pool.ts';
import { onAbort, patience } from './patience.ts';
import { Places, shuttingDown } from './places.ts';
import type { PlaceLimits } from './places.ts';
import { eventStream } from './sse.ts';
import { Visit } from './visit.ts';
import type { StreamEnd } from './visit.ts';

export interface ExchangeLimits extends PlaceLimits {
  /** Milliseconds until a request is given up, loading its model included; 0 for no limit. */
  readonly timeoutMs: number;
  /** Milliseconds that a stream may wait for its client to take more. */
  readonly stallMs: number;
  /** Milliseconds without an event after which a stream sends a comment. */
  readonly quietMs: number;
  /** Handed on with what is served. */
  readonly contextPolicy?: GenerateOptions['contextPolicy'];
  /** Sampling of requests that do not say theirs. */
  readonly defaults: SamplingOptions;
  /** How whoever runs the server makes its context longer, as an advice to clients. */
  readonly contextHint?: string;
}

export interface Served {
  readonly engine: ServeEngine;
  readonly model: string;
  readonly signal: AbortSignal;
  readonly contextPolicy?: GenerateOptions['contextPolicy'];
  readonly defaults: SamplingOptions;
  readonly visit: Visit;
}

/** A request that has its place. */
interface Admitted {
  readonly visit: Visit;
  readonly signal: AbortSignal;
  abort(reason?: unknown): void;
  /** Waits for the model. */
  served(): Promise<Served>;
  /** Gives everything back, once. */
  end(error?: unknown): void;
}

export class Exchange {
  readonly #pool: ModelPool;
  readonly #limits: ExchangeLimits;
  readonly #visits = new WeakMap<Request, Visit>();
  readonly #running = new Set<Admitted>();
  /** Where requests run or wait. */
  readonly places: Places;

  constructor(pool: ModelPool, limits: ExchangeLimits) {
    this.#pool = pool;
    this.#limits = limits;
    this.places = new Places(limits);
  }

  /** Requests of one client take turns with those of others. */
  introduce(request: Request, client: string | undefined): void {
    this.#visits.set(request, new Visit(request, client));
  }

  visitOf(request: Request): Visit {
    let visit = this.#visits.get(request);
    if (!visit) this.#visits.set(request, visit = new Visit(request, undefined));
    return visit;
  }

  /** Takes no more requests and resolves once the running ones are over: by themselves, or in an error when `signal` fires. */
  async drain(signal?: AbortSignal): Promise<void> {
    const drained = this.places.drain();
    const stopListening = onAbort(signal, () => {
      for (const { abort } of this.#running) abort(shuttingDown());
    });
    await drained;
    stopListening();
  }

  /** One whole answer. */
  async answer(request: Request, model: string | null | undefined, work: (served: Served) => Promise<object>): Promise<Response> {
    const admitted = this.#admit(request, model);
    try {
      const body = await work(await admitted.served());
      admitted.end();
      return Response.json(body);
    } catch (error) {
      const reason = this.#reasonOf(request, admitted.signal, error);
      // One of several generations may have failed: nobody waits for the others.
      admitted.abort();
      admitted.end(error);
      throw reason;
    }
  }

  /** A stream of events. */
  async stream(
    request: Request, model: string | null | undefined, done: boolean, work: (served: Served) => AsyncGenerator<object, void, void>,
  ): Promise<Response> {
    const admitted = this.#admit(request, model);
    const { visit, signal, abort } = admitted;
    const { stallMs, quietMs } = this.#limits;
    let hear: (end: StreamEnd) => void;
    const whole = new Promise<StreamEnd>((resolve) => (hear = resolve));
    let failure: unknown;
    const reasonOf = (error: unknown): unknown => this.#reasonOf(request, signal, failure = error);
    const response = await eventStream(eventsOf(admitted, work, reasonOf), {
      done, stallMs, quietMs, onCancel: () => abort(),
      onEnd: (error, isGone = false) => {
        admitted.end(failure ?? error);
        hear(isGone || request.signal.aborted ? { isGone: true } : { error });
      },
    });
    visit.stream = whole;
    return response;
  }

  /** Throws ApiError at once where there is no such model or no place. */
  #admit(request: Request, model: string | null | undefined): Admitted {
    const visit = this.visitOf(request);
    const id = this.#pool.find(model ?? undefined);
    const leave = this.places.take(visit.client);
    visit.model = id;
    const { timeoutMs, contextPolicy, defaults } = this.#limits;
    const waiting = patience(request.signal, timeoutMs);
    const { signal, abort } = waiting;
    let lease: Lease | undefined;
    let ended = false;
    const admitted: Admitted = {
      visit, signal, abort,
      served: async () => {
        lease = await this.#pool.acquire(id, signal);
        return { engine: forClient(lease.engine, visit.client), model: id, signal, contextPolicy, defaults, visit };
      },
      end: (error) => {
        if (ended) return;
        ended = true;
        this.#running.delete(admitted);
        waiting.end();
        lease?.release(error);
        leave();
      },
    };
    this.#running.add(admitted);
    return admitted;
  }

  /** What an aborted request ended for, rather than how the engine reports it. Nobody reads a 499 but the log (nginx has it too). */
  #reasonOf(request: Request, signal: AbortSignal, error: unknown): unknown {
    if (request.signal.aborted) return new ApiError(499, 'The client has gone.', { type: 'invalid_request_error', code: 'client_closed_request' });
    if (signal.aborted) return signal.reason;
    return engineFault(error, this.visitOf(request).subject, this.#limits.contextHint);
  }
}

async function* eventsOf(
  admitted: Admitted, work: (served: Served) => AsyncGenerator<object, void, void>, reasonOf: (error: unknown) => unknown,
): AsyncGenerator<object, void, void> {
  try {
    yield* work(await admitted.served());
  } catch (error) {
    throw reasonOf(error);
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
    tokenizeAsync: (...given) => engine.tokenizeAsync(...given),
    detokenize: (...given) => engine.detokenize(...given),
    dispose: () => engine.dispose(),
  };
}

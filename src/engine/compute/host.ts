// The caller's side of the compute workers: starts them over one shared memory, sends requests, routes what comes back.
import { ClawdbotError, EngineStoppedError, GrammarError, InvalidArgumentError, OutOfMemoryError, SamplingError } from '../../errors.ts';
import { STATS_BYTES, wordsIn } from '../engine-stats.ts';
import type { ComputeWorker } from '../../platform/platform.ts';
import type { CancelMessage, FailedMessage, FromCompute, InitMessage, SeveralMessages, StatsMessage, ToCompute, ToOwnMemory } from './protocol.ts';

export type Reply = Exclude<FromCompute, SeveralMessages | { type: 'ready' } | { type: 'prepared' } | StatsMessage>;
export interface ReplyHandler {
  /** Called for each message of the request. */
  onReply(message: Reply): void;
  /** The request failed, or the workers are gone. Nothing follows. */
  onError(error: Error): void;
}

export class ComputeHost {
  readonly #workers: ComputeWorker[];
  /** Of a worker with a memory of its own, see engine-stats.ts. */
  readonly stats = wordsIn(new ArrayBuffer(STATS_BYTES), 0);
  readonly #handlers = new Map<number, ReplyHandler>();
  #nextRequestId = 1;
  #stopped: Error | undefined;
  #startUp: { resolve: () => void; reject: (error: Error) => void; waitingFor: number } | undefined;

  private constructor(workers: ComputeWorker[]) {
    this.#workers = workers;
    workers.forEach((worker) => worker.listen(
      (message) => this.#receive(message as FromCompute),
      (error) => this.#stop(new EngineStoppedError(
        `A compute worker ended: ${error.message}. Load the model again.`, { cause: error })),
    ));
  }

  /** Starts one worker per thread; they load their code while the caller opens the model. */
  static spawn(numThreads: number, spawn: () => ComputeWorker): ComputeHost {
    return new ComputeHost(spawnAll(numThreads, spawn));
  }

  /** Resolves when each worker has laid out the model, and its draft model, in memory. Disposes of itself when that fails. */
  async start(model: Omit<InitMessage, 'type' | 'threadIndex'>, signal?: AbortSignal): Promise<void> {
    await this.#abortable(signal, this.#await(this.#workers.length, () => {
      this.#workers.forEach((worker, threadIndex) => worker.postMessage({ type: 'init', threadIndex, ...model } satisfies ToCompute));
    }));
  }

  /** Repacks the weights as they arrive in memory, and warms up; call once. */
  async prepare(signal?: AbortSignal): Promise<void> {
    await this.#abortable(signal, this.#await(1, () => this.#workers[0]!.postMessage({ type: 'prepare' } satisfies ToCompute)));
    this.#workers.forEach((worker) => worker.keepAlive(false));
  }

  /** Sends a request; `handler` hears of it until `forget` is called. Returns its id. */
  request(build: (requestId: number) => ToCompute, handler: ReplyHandler): number {
    if (this.#stopped) throw this.#stopped;
    const requestId = this.#nextRequestId++;
    this.#handlers.set(requestId, handler);
    this.#workers[0]!.keepAlive(true);
    this.#workers[0]!.postMessage(build(requestId));
    return requestId;
  }

  /** One request with one reply: `pick` returns it, or undefined for messages that are not the answer. */
  call<T>(
    signal: AbortSignal | undefined, build: (requestId: number) => ToCompute, pick: (reply: Reply) => T | undefined,
  ): Promise<T> {
    signal?.throwIfAborted();
    let requestId: number;
    let abort: (() => void) | undefined;
    return new Promise<T>((resolve, reject) => {
      abort = (): void => {
        this.cancel(requestId);
        reject(signal!.reason as Error);
      };
      requestId = this.request(build, {
        onReply: (reply) => {
          const value = pick(reply);
          if (value !== undefined) resolve(value);
        },
        onError: reject,
      });
      signal?.addEventListener('abort', abort);
    }).finally(() => {
      signal?.removeEventListener('abort', abort!);
      this.forget(requestId);
    });
  }

  /** For memory that only the one worker has. */
  send(message: ToOwnMemory, transfer: ArrayBuffer[] = []): void {
    if (!this.#stopped) this.#workers[0]!.postMessage(message, transfer);
  }

  /** Says that the blocks which a `hold` request was given are filled. */
  commit(requestId: number): void {
    if (this.#stopped) throw this.#stopped;
    this.#workers[0]!.postMessage({ type: 'commit', requestId } satisfies ToCompute);
  }

  cancel(requestId: number, choiceIndex?: number): void {
    if (this.#stopped || !this.#handlers.has(requestId)) return;
    this.#workers[0]!.postMessage({ type: 'cancel', requestId, choiceIndex } satisfies CancelMessage);
  }

  forget(requestId: number): void {
    this.#handlers.delete(requestId);
    if (this.#handlers.size === 0 && !this.#stopped) this.#workers[0]!.keepAlive(false);
  }

  /** Ends the workers; requests under way fail with EngineStoppedError. */
  async dispose(): Promise<void> {
    this.#stop(new EngineStoppedError('The engine was disposed. Load the model again to use it.'));
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }

  #receive(message: FromCompute): void {
    if (message.type === 'ready' || message.type === 'prepared') {
      if (this.#startUp && --this.#startUp.waitingFor === 0) this.#startUp.resolve();
    } else if (message.type === 'several') {
      for (const each of message.messages) this.#receive(each);
    } else if (message.type === 'stats') {
      this.stats.set(message.words);
    } else if (message.type === 'failed') {
      const error = asError(message);
      if (message.requestId === undefined) this.#stop(error);
      else this.#handlers.get(message.requestId)?.onError(error);
    } else {
      this.#handlers.get(message.requestId)?.onReply(message);
    }
  }

  #await(count: number, send: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#stopped) return reject(this.#stopped);
      this.#startUp = { resolve, reject, waitingFor: count };
      send();
    });
  }

  async #abortable(signal: AbortSignal | undefined, work: Promise<void>): Promise<void> {
    const abort = (): void => this.#startUp?.reject(signal!.reason as Error);
    // Where the signal was aborted before, nobody waits for the work that disposing then fails.
    work.catch(() => undefined);
    try {
      signal?.throwIfAborted();
      signal?.addEventListener('abort', abort);
      await work;
    } catch (error) {
      await this.dispose();
      throw error;
    } finally {
      signal?.removeEventListener('abort', abort);
      this.#startUp = undefined;
    }
  }

  #stop(error: Error): void {
    if (this.#stopped) return;
    this.#stopped = error;
    this.#startUp?.reject(error);
    for (const handler of this.#handlers.values()) handler.onError(error);
    this.#handlers.clear();
    for (const worker of this.#workers) void worker.terminate();
  }
}

/** All workers, or none: what was started is ended when one cannot be. */
function spawnAll(count: number, spawn: () => ComputeWorker): ComputeWorker[] {
  const workers: ComputeWorker[] = [];
  try {
    while (workers.length < count) workers.push(spawn());
    return workers;
  } catch (error) {
    for (const worker of workers) void worker.terminate();
    throw error;
  }
}

function asError({ code, message, bytes }: FailedMessage): Error {
  if (code === 'ERR_INVALID_ARGUMENT') return new InvalidArgumentError(message);
  if (bytes) return new OutOfMemoryError(bytes.requiredBytes, bytes.availableBytes, message);
  if (code === 'ERR_SAMPLING') return new SamplingError(message);
  if (code === 'ERR_GRAMMAR') return new GrammarError(message);
  if (code === 'ERR_ENGINE_STOPPED') return new EngineStoppedError(message);
  return code === 'ERR_INTERNAL' ? new EngineStoppedError(`The engine failed: ${message}. Load the model again.`) : new ClawdbotError(code, message);
}

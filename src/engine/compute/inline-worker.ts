// A compute worker on the caller's own thread, for runtimes without worker threads: messages are handed over between passes,
// and other events have their turn after each.
import type { ComputeWorker } from '../../platform/platform.ts';
import { Arrivals } from '../load/arrivals.ts';
import { createComputeWorker } from './worker.ts';
import type { ToCompute } from './protocol.ts';

export interface InlineWorker extends ComputeWorker {
  /** Hears how many tensors of a model's shard have been read, see `ModelMemory.arrived`. */
  arrived(model: 'main' | 'draft', shard: number, count: number): void;
}

/** `yieldNow` resolves after events that were due (timers, I/O, messages) have had their turn. */
export function createInlineWorker(yieldNow: () => Promise<void>): InlineWorker {
  const undelivered = new Set<ToCompute>();
  const arrivals = new Arrivals();
  let report: (message: unknown) => void = () => undefined;
  let fail: (error: Error) => void = () => undefined;

  /** What has been terminated goes no further, and is collected with the promise it waits for. */
  const goOn = (): Promise<void> | undefined => (receive ? undefined : new Promise(() => undefined));
  let receive: ReturnType<typeof createComputeWorker> | undefined = createComputeWorker({
    // As late as a worker's messages come: a handler that calls back never meets a step half done.
    post: (message) => queueMicrotask(() => {
      if (receive) report(message);
    }),
    async yieldNow() {
      await yieldNow();
      await goOn();
    },
    isCallersThread: true,
    async whenRead(model, shard, count) {
      await arrivals.whenRead(model, shard, count);
      await yieldNow();
      await goOn();
    },
  });
  const deliver = (message: ToCompute): void => {
    try {
      receive?.(message);
    } catch (error) {
      receive = undefined;
      fail(error as Error);
    }
  };

  return {
    postMessage(posted) {
      const message = posted as ToCompute;
      if (message.type === 'cancel') {
        // At once, as hosts may let an abandoned request do nothing later. A job that has not been delivered yet is not to be.
        const recalled = [...undelivered].filter((other) => 'requestId' in other && other.requestId === message.requestId);
        for (const other of recalled) undelivered.delete(other);
        if (recalled.every(({ type }) => type === 'commit')) deliver(message);
        return;
      }
      undelivered.add(message);
      void yieldNow().then(() => {
        if (undelivered.delete(message)) deliver(message);
      });
    },
    listen(onMessage, onError) {
      report = onMessage;
      fail = onError;
    },
    keepAlive() {},
    async terminate() {
      receive = undefined;
    },
    arrived: (model, shard, count) => arrivals.arrived(model, shard, count),
  };
}

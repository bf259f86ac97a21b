// Entry of a compute worker in browsers, as a classic or as a module worker.
import { ClawdbotError } from '../../errors.ts';
import { answerStore } from '../../platform/browser/store.ts';
import type { StoreMessage, StoredMessage } from '../../platform/browser/store.ts';
import { nextTask } from '../../platform/browser/next-task.ts';
import { createComputeWorker } from './worker.ts';
import { failed } from './failed-message.ts';
import type { FromCompute, ToCompute } from './protocol.ts';

/** The part of a dedicated worker's global scope that is used. */
interface WorkerScope {
  postMessage(message: FromCompute | StoredMessage, transfer?: ArrayBuffer[]): void;
  addEventListener(type: 'message', listener: (event: { readonly data: ToCompute | StoreMessage }) => void): void;
}
const scope = globalThis as unknown as WorkerScope;

const receive = createComputeWorker({
  post: (message, transfer = []) => scope.postMessage(message, transfer),
  yieldNow: nextTask,
});
scope.addEventListener('message', ({ data }) => {
  if (data.type === 'store') {
    void answerStore(data).then((stored) => scope.postMessage(stored));
    return;
  }
  try {
    receive(data);
  } catch (error) {
    // What an error event carries is its message only.
    if (!(error instanceof ClawdbotError)) throw error;
    scope.postMessage(failed(error));
  }
});

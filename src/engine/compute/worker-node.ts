// Entry of a compute worker on node:worker_threads (Node, Deno, Bun).
import { parentPort } from 'node:worker_threads';
import { createComputeWorker } from './worker.ts';
import type { ToCompute } from './protocol.ts';

const port = parentPort!;
const receive = createComputeWorker({
  post: (message) => port.postMessage(message),
  yieldNow: () => new Promise((resolve) => setImmediate(resolve)),
});
port.on('message', (message: ToCompute) => receive(message));

// What a browser can do for the engine, in a page and in a worker of either kind.
import { UnsupportedModelError } from '../../errors.ts';
import type { Platform } from '../platform.ts';
import { loadKernels } from './kernels.ts';
import { physicalCores, usableMemory, whyUnshared } from './machine.ts';
import { nextTask } from './next-task.ts';
import { spawnWorker } from './worker.ts';

export const browserPlatform: Platform = {
  name: 'browser',
  get numCores() {
    return physicalCores();
  },
  get memoryLimit() {
    return usableMemory();
  },
  get unshared() {
    return whyUnshared();
  },
  async openModel(reference) {
    throw new UnsupportedModelError(`"${String(reference)}" cannot be opened in this version's browser entry. Give a Blob or bytes.`);
  },
  loadKernels,
  yieldNow: nextTask,
  // Some browsers let workers start none, and every browser lets other kinds of scripts (worklets) start none.
  ...(typeof Worker !== 'undefined' && { spawnWorker: ({ workerUrl } = {}) => spawnWorker(workerUrl) }),
};

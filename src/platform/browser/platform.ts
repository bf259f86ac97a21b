// What a browser can do for the engine, in a page and in a worker of either kind.
import { ModelCache } from '../../sources/browser/model-cache.ts';
import { DEFAULT_CACHE, openBrowserModel, settingsFor } from '../../sources/browser/open-model.ts';
import type { Platform } from '../platform.ts';
import { withFileWriter } from './files.ts';
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
  openModel: (reference, options) => withFileWriter(options.workerUrl, (writeFile) =>
    openBrowserModel(reference, options, settingsFor(options, writeFile))),
  openHeader: (reference, options) => withFileWriter(options.workerUrl, (writeFile) =>
    openBrowserModel(reference, options, settingsFor(options, writeFile), true)),
  models: {
    list: async (cacheDir = DEFAULT_CACHE) => (await ModelCache.open(cacheDir)).list(),
    remove: async (name, cacheDir = DEFAULT_CACHE) => (await ModelCache.open(cacheDir)).removeModel(name),
  },
  loadKernels,
  yieldNow: nextTask,
  // Some browsers let workers start none, and every browser lets other kinds of scripts (worklets) start none.
  ...(typeof Worker !== 'undefined' && { spawnWorker: ({ workerUrl } = {}) => spawnWorker(workerUrl) }),
};

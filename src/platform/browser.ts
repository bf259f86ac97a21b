// What a browser can do for the engine.
import { UnsupportedModelError } from '../errors.ts';
import type { Platform } from './platform.ts';

export const browserPlatform: Platform = {
  name: 'browser',
  numCores: 1,
  memoryLimit: Infinity,
  async openModel(reference) {
    throw new UnsupportedModelError(`"${String(reference)}" cannot be opened in this version's browser entry. Give a Blob or bytes.`);
  },
  async loadKernels(build) {
    throw new UnsupportedModelError(`This version's browser entry has no compiled kernels (${build}).`);
  },
};

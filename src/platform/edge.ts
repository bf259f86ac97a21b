// What an edge host can do for the engine.
import { UnsupportedModelError } from '../errors.ts';
import type { Platform } from './platform.ts';

export function createEdgePlatform(name: string): Platform {
  return {
    name,
    numCores: 1,
    memoryLimit: Infinity,
    async openModel(reference) {
      throw new UnsupportedModelError(`"${String(reference)}" cannot be opened in this runtime (${name}). Give a Blob or bytes.`);
    },
    async loadKernels(build) {
      throw new UnsupportedModelError(`This runtime (${name}) has no compiled kernels (${build}).`);
    },
  };
}

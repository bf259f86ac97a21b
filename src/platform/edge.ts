// What an edge host can do for the engine: one thread, little memory, and where hosts compile no WebAssembly from bytes, kernels
// that were compiled before it started.
import { UnsupportedModelError } from '../errors.ts';
import type { Platform } from './platform.ts';

/** Cloudflare and Vercel end an isolate past 128 MB; JavaScript's own heap takes a part of that. */
const MEMORY_BYTES = 112 * 2 ** 20;

/** `loadKernels` rejects with CompileError where there is no such build. */
export function createEdgePlatform(name: string, loadKernels: Platform['loadKernels']): Platform {
  return {
    name,
    numCores: 1,
    memoryLimit: MEMORY_BYTES,
    async openModel(reference) {
      throw new UnsupportedModelError(`"${String(reference)}" cannot be opened in this runtime (${name}). Give a Blob or bytes.`);
    },
    loadKernels,
  };
}

/** For hosts that compile at deployment: the module of the kernels for unshared memory is all there is. */
export const precompiled = (baseline: WebAssembly.Module): Platform['loadKernels'] => async (build) => {
  if (build === 'baseline') return baseline;
  throw new WebAssembly.CompileError(`The ${build} kernels are not part of this entry.`);
};

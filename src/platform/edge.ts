// What an edge host can do for the engine: one thread, little memory, and kernels that were compiled before it started, since
// such hosts compile no WebAssembly from bytes.
import { UnsupportedModelError } from '../errors.ts';
import type { Platform } from './platform.ts';

/** Cloudflare and Vercel end an isolate past 128 MB; JavaScript's own heap takes a part of that. */
const MEMORY_BYTES = 112 * 2 ** 20;

/** `baseline` is the compiled module of the kernels for unshared memory, where the host has one. */
export function createEdgePlatform(name: string, baseline?: WebAssembly.Module): Platform {
  return {
    name,
    numCores: 1,
    memoryLimit: MEMORY_BYTES,
    async openModel(reference) {
      throw new UnsupportedModelError(`"${String(reference)}" cannot be opened in this runtime (${name}). Give a Blob or bytes.`);
    },
    async loadKernels(build) {
      if (build === 'baseline' && baseline) return baseline;
      if (baseline) throw new WebAssembly.CompileError(`The ${build} kernels are not part of this entry (${name}).`);
      throw new UnsupportedModelError(
        `This runtime (${name}) has no compiled kernels (${build}). Import the entry of the host, such as @clawdbot/runtime/workerd.`,
      );
    },
  };
}

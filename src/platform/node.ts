// What Node can do for the engine: cores, memory, files, compiled kernels, worker threads.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import v8 from 'node:v8';
import { UnsupportedModelError } from '../errors.ts';
import { resolveModel } from '../sources/resolve.ts';
import { usableMemory, physicalCores } from './node-machine.ts';
import { openFile } from './node-file.ts';
import type { ComputeWorker, Platform } from './platform.ts';

/** Built files lie beside the bundle; from the sources, in dist/ of the checkout. */
const DIST_URL = [new URL('./', import.meta.url), new URL('../', import.meta.url), new URL('../../dist/', import.meta.url)]
  .find((url) => existsSync(new URL('kernels/baseline.wasm', url))) ?? new URL('./', import.meta.url);

export const nodePlatform: Platform = {
  name: 'node',
  numCores: physicalCores(),
  memoryLimit: usableMemory(),

  async openModel(reference, options) {
    const resolved = await resolveModel(reference, options);
    if (resolved.format !== 'gguf') {
      throw new UnsupportedModelError(`${resolved.name} is a ${resolved.format} model; this version runs GGUF files only.`);
    }
    return { name: resolved.name, sources: await Promise.all(resolved.files.map(openFile)) };
  },

  async loadKernels(build) {
    // Node 20 has relaxed SIMD behind this flag; newer versions ignore it.
    if (build.startsWith('relaxed')) v8.setFlagsFromString('--experimental-wasm-relaxed-simd');
    return WebAssembly.compile(await readFile(new URL(`kernels/${build}.wasm`, DIST_URL)));
  },

  spawnWorker(): ComputeWorker {
    // The process's own flags are not for the worker: it would refuse to start under --input-type, for one.
    const options = { execArgv: [], stdout: false, stderr: false };
    const worker = new Worker(fileURLToPath(new URL('compute-worker.js', DIST_URL)), options);
    let ended = false;
    return {
      postMessage: (message) => worker.postMessage(message),
      listen(onMessage, onError) {
        worker.on('message', onMessage);
        worker.on('error', onError);
        worker.on('exit', (code) => {
          if (!ended) onError(new Error(`it exited with code ${code}`));
        });
      },
      keepAlive: (alive) => (alive ? worker.ref() : worker.unref()),
      async terminate() {
        ended = true;
        await worker.terminate();
      },
    };
  },
};

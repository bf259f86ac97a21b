// What runtimes with Node's modules can do for the engine: files, compiled kernels, worker threads.
import { Worker } from 'node:worker_threads';
import v8 from 'node:v8';
import { gunzipSync } from 'node:zlib';
import workerScript from '#inline/node-worker';
import { InvalidArgumentError, UnsupportedModelError } from '../errors.ts';
import { listCached, removeCached } from '../sources/cache.ts';
import { remoteHeader } from '../sources/header.ts';
import { resolveModel } from '../sources/resolve.ts';
import { inlineKernels } from './inline-kernels.ts';
import { openFile, openFiles } from './node-file.ts';
import { collectGarbage } from './node-garbage.ts';
import { writeFileWhole } from './node-write.ts';
import type { ComputeWorker, Platform } from './platform.ts';

/**
 * Compute workers make little garbage: what they need lies in linear memory. V8's own young generation would grow to several
 * MiB for each of them (measured, SmolLM2 on 2 threads: peak of the process 233 → 222 MiB, speed unchanged).
 */
const WORKER_LIMITS = { maxYoungGenerationSizeMb: 3 };

/** A module of one function that uses i16x8.relaxed_dot_i8x16_i7x16_s. */
const RELAXED_PROBE = Uint8Array.of(
  0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 10, 44, 1, 42, 0,
  253, 12, ...new Array<number>(16).fill(0), 253, 12, ...new Array<number>(16).fill(0), 253, 146, 2, 26, 11,
);

/** What differs between them. The functions are called when a model is loaded: asking may take a permission. */
export interface NodeLikeRuntime {
  readonly name: string;
  numCores(): number;
  memoryLimit(): number;
}

export const createNodeLikePlatform = (runtime: NodeLikeRuntime): Platform => ({
  name: runtime.name,
  get numCores() {
    return runtime.numCores();
  },
  get memoryLimit() {
    return runtime.memoryLimit();
  },

  files: { open: openFile, write: writeFileWhole },
  collectGarbage,

  models: {
    list: (cacheDir) => listCached({ cacheDir }),
    remove: (name, cacheDir) => removeCached(name, { cacheDir }),
  },

  async openModel(reference, options) {
    if (options.cache === false) throw new InvalidArgumentError('cache: false is for browsers: here, models are read from files.');
    const resolved = await resolveModel(reference, options);
    if (resolved.format !== 'gguf') {
      throw new UnsupportedModelError(`${resolved.name} is a ${resolved.format} model; this version runs GGUF files only.`);
    }
    return { name: resolved.name, sources: await openFiles(resolved.files) };
  },

  async openHeader(reference, options) {
    return (await remoteHeader(reference, options)) ?? this.openModel(reference, options);
  },

  async loadKernels(build) {
    // Node 20 has relaxed SIMD behind this flag; newer versions do not know it any more and say so.
    if (!build.startsWith('baseline') && !WebAssembly.validate(RELAXED_PROBE)) {
      v8.setFlagsFromString('--experimental-wasm-relaxed-simd');
    }
    return WebAssembly.compile(await inlineKernels(build, (bytes) => new Uint8Array(gunzipSync(bytes))));
  },

  yieldNow: () => new Promise((resolve) => setImmediate(resolve)),

  spawnWorker({ workerUrl } = {}): ComputeWorker {
    if (workerUrl !== undefined) throw new InvalidArgumentError('workerUrl is for browsers: here the worker comes with the package.');
    // As text, which every bundler and executable takes along, where a file beside the bundle would have to be copied there. The
    // process's own flags are not for the worker: it would refuse to start under --input-type, for one.
    const options = { eval: true, execArgv: [], stdout: false, stderr: false, resourceLimits: WORKER_LIMITS };
    const worker = new Worker(workerScript, options);
    let ended = false;
    return {
      postMessage: (message, transfer) => worker.postMessage(message, transfer),
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
});

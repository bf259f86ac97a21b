// What a runtime can do for the engine. Entries hand one in; nothing below this asks where it runs.
import type { ByteSource } from '../gguf/byte-source.ts';
import type { LoadProgress } from '../engine/load/load-types.ts';

export type KernelBuild = 'baseline' | 'baseline-shared' | 'relaxed' | 'relaxed-shared' | 'dot' | 'dot-shared';

/** A WebAssembly.Module; TypeScript knows that name only with the DOM's library, which not every caller has. */
export type KernelModule = object;

/** A WebAssembly.Memory, likewise. */
export interface LinearMemory {
  readonly buffer: ArrayBuffer;
  grow(delta: number): number;
}

export interface ComputeWorker {
  /** Buffers of `transfer` are moved, not copied. */
  postMessage(message: unknown, transfer?: ArrayBuffer[]): void;
  /** `error` gets what the worker threw or why it ended early. */
  listen(onMessage: (message: unknown) => void, onError: (error: Error) => void): void;
  /** Whether a running worker keeps the process alive. */
  keepAlive(alive: boolean): void;
  terminate(): Promise<void>;
}

export interface SpawnOptions {
  /** Address of the worker's script, where the platform would otherwise bring it along. */
  readonly workerUrl?: string | URL;
}

export interface ModelFiles {
  readonly name: string;
  /** The parts of the model in order. */
  readonly sources: readonly ByteSource[];
  /** What whoever loads the model must know of how it was opened. */
  readonly warnings?: readonly string[];
}

/** Files of the user's, by path. */
export interface PlatformFiles {
  open(path: string): Promise<ByteSource>;
  /** Writes the whole file or, where that fails or is aborted, nothing. A part is valid until the next is asked for. */
  write(path: string, parts: Iterable<Uint8Array>, signal?: AbortSignal): Promise<void>;
}

export interface OpenModelOptions extends SpawnOptions {
  readonly cacheDir?: string;
  readonly cache?: boolean;
  readonly offline?: boolean;
  readonly allowHttp?: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: LoadProgress) => void;
}

/** A model in the cache. */
export interface CachedModel {
  readonly name: string;
  /** The reference that was asked for, and the source that served it. */
  readonly reference: string;
  readonly source: string;
  readonly bytes: number;
  readonly licence?: string;
  readonly lastUsed: Date;
}

/** Models that were downloaded and are kept. */
export interface ModelStore {
  list(cacheDir?: string): Promise<readonly CachedModel[]>;
  /** Deletes a model by its name or reference. Throws ModelSourceError where there is none. */
  remove(name: string, cacheDir?: string): Promise<CachedModel>;
}

export interface Platform {
  readonly name: string;
  /** Physical cores this process may use. */
  readonly numCores: number;
  /** Bytes that may be used: the machine's or the container's. */
  readonly memoryLimit: number;
  /** Opens what a model reference (catalog name, path, URL, hf:, pip:) stands for. */
  openModel(
    reference: string | URL,
    options: OpenModelOptions,
  ): Promise<ModelFiles>;
  /** The same for reading headers: where servers give ranges, nothing else is fetched. Absent where openModel does that. */
  openHeader?: Platform['openModel'];
  /** A compiled kernel module; rejects where this engine cannot compile that build. */
  loadKernels(build: KernelBuild): Promise<KernelModule>;
  /** Has memory freed that nobody refers to any more; undefined where that cannot be asked for. */
  collectGarbage?(): Promise<void>;
  /** Undefined where downloads are not kept. */
  readonly models?: ModelStore;
  /** Where sessions are kept; undefined where there are no files. */
  readonly files?: PlatformFiles;
  /** Starts a compute worker; undefined where there are none, and models run on the caller's thread. */
  spawnWorker?(options?: SpawnOptions): ComputeWorker;
  /** Why workers have no memory in common here, and one of them computes alone; undefined where they do. */
  readonly unshared?: string;
  /** Resolves once events that are due (timers, I/O, messages) have had their turn; by default a timer does it. */
  yieldNow?(): Promise<void>;
}

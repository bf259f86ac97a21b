// Loading: source → header → plan → memory and workers → weights → repack and warm-up.
import { InvalidArgumentError, OutOfMemoryError, UnsupportedModelError } from '../errors.ts';
import type { ByteSource } from '../gguf/byte-source.ts';
import { blobSource, bytesSource } from '../gguf/memory-source.ts';
import type { Metadata } from '../gguf/metadata.ts';
import { readGguf } from '../gguf/reader.ts';
import { readGgufParts } from '../gguf/split.ts';
import type { ComputeWorker, Platform } from '../platform/platform.ts';
import { chooseKernels } from '../backends/wasm/load-kernels.ts';
import { writeTables } from '../backends/wasm/memory-map.ts';
import { createTokenizer } from '../tokenizer/tokenizer.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { ComputeHost } from './compute-host.ts';
import type { ReplyHandler } from './compute-host.ts';
import { MAX_THREADS, checkLoadOptions } from './load-options.ts';
import { loadWeights } from './load-weights.ts';
import { DEFAULT_CONTEXT_LENGTH, planModel } from './model-plan.ts';
import type { ModelPlan } from './model-plan.ts';
import type { ToCompute } from './protocol.ts';
import type { LoadOptions, LoadProgress, ModelInfo, ModelSource } from './types.ts';

type Reply = Parameters<ReplyHandler['onReply']>[0];

export interface LoadedModel {
  readonly host: ComputeHost;
  readonly metadata: Metadata;
  readonly tokenizer: Tokenizer;
  readonly pooling: 'mean' | 'cls' | 'last';
  readonly info: Omit<ModelInfo, 'hasChatTemplate' | 'chatTemplateWarning'>;
  /** One request with one reply: `pick` returns it, or undefined for messages that are not the answer. */
  call<T>(signal: AbortSignal | undefined, build: (requestId: number) => ToCompute, pick: (reply: Reply) => T | undefined): Promise<T>;
}

const PAGE_BYTES = 65536;

export async function loadModel(platform: Platform, source: ModelSource, options: LoadOptions): Promise<LoadedModel> {
  const startedAt = performance.now();
  checkLoadOptions(options);
  const { signal } = options;
  signal?.throwIfAborted();
  const numThreads = options.threads ?? Math.max(1, Math.min(platform.numCores, MAX_THREADS));
  const kernels = chooseKernels(platform, { shared: true, deterministic: options.deterministic ?? false });
  // Awaited below; until then a failure of theirs must not count as unhandled.
  kernels.catch(() => undefined);
  const { name, sources } = await openSource(platform, source, options);
  let host: ComputeHost | undefined;
  try {
    const file = sources.length > 1 ? await readGgufParts(sources, { signal }) : await readGguf(sources[0]!, { signal });
    const modelPlan = planModel(file, options, numThreads, platform.memoryLimit);
    // Before any worker runs: what it refuses must leave nothing behind.
    const tokenizer = createTokenizer(file.metadata);
    const { build, module } = await kernels;
    const memory = createMemory(modelPlan.totalBytes);
    writeTables(memory);
    const starting = ComputeHost.start(modelPlan.plan, memory, module, () => spawnWorker(platform), signal);
    const report = throttledProgress(options.onProgress);
    const { weightBytes: totalBytes } = modelPlan;
    const onBytes = (loadedBytes: number): void => report({ phase: 'load', file: name, loadedBytes, totalBytes });
    const reading = loadWeights(file, sources, modelPlan.layout.tensors, memory, onBytes, signal);
    const [started, read] = await Promise.allSettled([starting, reading]);
    if (started.status === 'fulfilled') host = started.value;
    for (const result of [started, read]) if (result.status === 'rejected') throw result.reason;
    report({ phase: 'warmup', file: name, loadedBytes: totalBytes, totalBytes });
    await host!.prepare(signal);
    return {
      host: host!, metadata: file.metadata, tokenizer,
      pooling: defaultPooling(modelPlan),
      info: describeModel(name, modelPlan, build, performance.now() - startedAt, options.contextLength),
      call: (callSignal, buildMessage, pick) => call(host!, callSignal, buildMessage, pick),
    };
  } catch (error) {
    await host?.dispose();
    throw error;
  } finally {
    await Promise.all(sources.map((part) => part.close()));
  }
}

async function openSource(
  platform: Platform, source: ModelSource, options: LoadOptions,
): Promise<{ name: string; sources: readonly ByteSource[] }> {
  if (typeof source === 'string' || source instanceof URL) {
    const { cacheDir, offline, signal, onProgress } = options;
    return platform.openModel(source, { cacheDir, offline, signal, onProgress });
  }
  if (source instanceof ArrayBuffer) return { name: 'bytes', sources: [bytesSource(new Uint8Array(source))] };
  if (source instanceof Uint8Array) return { name: 'bytes', sources: [bytesSource(source)] };
  if (source instanceof Blob) return { name: 'blob', sources: [blobSource(source)] };
  throw new InvalidArgumentError('The model source must be a name, path, URL, Blob or bytes.');
}

function spawnWorker(platform: Platform): ComputeWorker {
  if (platform.spawnWorker) return platform.spawnWorker();
  throw new UnsupportedModelError(`This runtime (${platform.name}) cannot start the worker threads that models run on.`);
}

const PROGRESS_INTERVAL_MS = 100;

/** Passes on ten reports a second, and each phase's first and last. */
function throttledProgress(report: LoadOptions['onProgress']): (progress: LoadProgress) => void {
  let lastTime = -Infinity;
  let lastPhase = '';
  return (progress) => {
    const now = performance.now();
    const isLast = progress.loadedBytes === progress.totalBytes;
    if (progress.phase === lastPhase && !isLast && now - lastTime < PROGRESS_INTERVAL_MS) return;
    lastPhase = progress.phase;
    lastTime = now;
    report?.(progress);
  };
}

function createMemory(totalBytes: number): WebAssembly.Memory {
  const pages = Math.ceil(totalBytes / PAGE_BYTES);
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  } catch (cause) {
    throw new OutOfMemoryError(
      totalBytes, 0,
      `This process could not reserve ${Math.ceil(totalBytes / 2 ** 20)} MiB of WebAssembly memory. ` +
        'Close other models, use a smaller contextLength or a smaller model.',
      { cause },
    );
  }
}

function defaultPooling({ plan: { config } }: ModelPlan): 'mean' | 'cls' | 'last' {
  if (config.pooling && config.pooling !== 'none') return config.pooling;
  return config.kind === 'encoder' ? 'mean' : 'last';
}

function describeModel(
  name: string, modelPlan: ModelPlan, kernels: string, loadMs: number, asked: number | undefined,
): Omit<ModelInfo, 'hasChatTemplate' | 'chatTemplateWarning'> {
  const { config, limits, numThreads, tensors } = modelPlan.plan;
  return {
    name,
    architecture: config.architecture,
    kind: config.kind,
    numParameters: tensors.reduce((sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1), 0),
    vocabSize: config.vocabSize,
    hiddenSize: config.hiddenSize,
    numLayers: config.numLayers,
    contextLength: limits.contextLength,
    trainedContextLength: config.contextLength,
    threads: numThreads,
    kernels,
    recurrent: modelPlan.layout.backend.recurrentStates.length > 0,
    memory: {
      weightBytes: modelPlan.weightBytes,
      kvBytes: modelPlan.kvBytes,
      scratchBytes: modelPlan.totalBytes - modelPlan.weightBytes - modelPlan.kvBytes,
    },
    loadMs,
    warnings: contextWarnings(limits.contextLength, config.contextLength, asked),
  };
}

function contextWarnings(contextLength: number, trained: number, asked: number | undefined): string[] {
  if (contextLength > trained) return [`contextLength ${contextLength} is more than the ${trained} the model was trained for.`];
  const usual = Math.min(trained, DEFAULT_CONTEXT_LENGTH);
  if (asked !== undefined || contextLength === usual) return [];
  return [`The context holds ${contextLength} tokens instead of ${usual}: more does not fit the memory that may be used.`];
}

function call<T>(
  host: ComputeHost, signal: AbortSignal | undefined, build: (requestId: number) => ToCompute, pick: (reply: Reply) => T | undefined,
): Promise<T> {
  signal?.throwIfAborted();
  let requestId: number;
  let abort: (() => void) | undefined;
  return new Promise<T>((resolve, reject) => {
    abort = (): void => {
      host.cancel(requestId);
      reject(signal!.reason as Error);
    };
    requestId = host.request(build, {
      onReply: (reply) => {
        const value = pick(reply);
        if (value !== undefined) resolve(value);
      },
      onError: reject,
    });
    signal?.addEventListener('abort', abort);
  }).finally(() => {
    signal?.removeEventListener('abort', abort!);
    host.forget(requestId);
  });
}

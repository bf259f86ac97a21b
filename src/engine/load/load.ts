// Loading: source → header → plan → memory and workers → weights → repack and warm-up.
import { InvalidArgumentError } from '../../errors.ts';
import type { Metadata } from '../../gguf/metadata.ts';
import type { GgufTensor } from '../../gguf/reader.ts';
import type { Platform } from '../../platform/platform.ts';
import { chooseKernels } from '../../backends/wasm/load-kernels.ts';
import { createTokenizer } from '../../tokenizer/tokenizer.ts';
import type { Tokenizer } from '../../tokenizer/tokenizer.ts';
import { ComputeHost } from '../compute/host.ts';
import { statsReader, wordsIn } from '../engine-stats.ts';
import type { EngineStats } from '../engine-stats.ts';
import { createInlineWorker } from '../compute/inline-worker.ts';
import { checkLoadOptions, threadsFor } from './load-options.ts';
import type { Threads } from './load-options.ts';
import { loadWeights } from './load-weights.ts';
import { ownMemory, workerMemory } from './model-memory.ts';
import type { ModelMemory } from './model-memory.ts';
import { DEFAULT_CONTEXT_LENGTH } from './model-plan.ts';
import type { ModelPlan } from './model-plan.ts';
import { closeAll, openModels } from './open-model.ts';
import { plannedMemory } from './plan.ts';
import type { OpenedModel } from './open-model.ts';
import { countParameters } from '../compute/protocol.ts';
import { nextTask } from '../turns.ts';
import { stretchedContext } from './rope-override.ts';
import { WeightSamples, fingerprint } from '../session/fingerprint.ts';
import type { SessionAccess } from '../session/session.ts';
import type { LoadOptions, LoadProgress, ModelInfo, ModelSource } from './load-types.ts';

/** What the engine says itself. */
type AboutTemplate = 'hasChatTemplate' | 'chatTemplateWarning' | 'parallelToolCalls';

export interface LoadedModel {
  readonly host: ComputeHost;
  readonly metadata: Metadata;
  readonly tokenizer: Tokenizer;
  readonly pooling: 'mean' | 'cls' | 'last';
  readonly session: Omit<SessionAccess, 'model'>;
  readonly stats: () => EngineStats;
  readonly info: Omit<ModelInfo, AboutTemplate>;
}

export async function loadModel(platform: Platform, source: ModelSource, options: LoadOptions): Promise<LoadedModel> {
  const startedAt = performance.now();
  checkLoadOptions(options);
  const { signal } = options;
  signal?.throwIfAborted();
  const threads = threadsFor(platform, options);
  if (options.workerUrl !== undefined && threads.isInline) throw new InvalidArgumentError('workerUrl is for runtimes with workers, and threads above 0.');
  const inline = threads.isInline ? createInlineWorker(platform.yieldNow ?? nextTask) : undefined;
  const kernels = chooseKernels(platform, { shared: !threads.isInline && !threads.isAlone, deterministic: options.deterministic ?? false });
  // Awaited below; until then a failure of theirs must not count as unhandled.
  kernels.catch(() => undefined);
  let opened: readonly OpenedModel[] = [];
  let spawned: ComputeHost | undefined;
  try {
    const host = (spawned = ComputeHost.spawn(threads.numThreads, () => inline ?? platform.spawnWorker!(options)));
    opened = await openModels(platform, source, options, threads.numThreads);
    const main = opened[0]!;
    const { build, module } = await kernels;
    const memories = opened.map(({ modelPlan: { layouts } }, i) => layouts.map(({ arena, regions }, shard): ModelMemory => {
      const place = { model: i === 0 ? 'main' : 'draft', shard } as const;
      return threads.isAlone ? workerMemory(host, arena.end, place) : ownMemory(arena.end, regions, place, inline);
    }));
    const [model, draft] = opened.map(({ modelPlan: { plan } }, i) => ({ plan, memories: memories[i]!.map(({ given }) => given) }));
    const preparing = host.start({ ...model!, module, draft }, signal).then(() => host.prepare(signal));
    // Awaited once all has been read; a failure, the signal's included, ends the reading with the same reason. (Not every host
    // has AbortSignal.any.)
    const failure = new AbortController();
    preparing.catch((error: unknown) => failure.abort(error));
    const report = throttledProgress(options.onProgress);
    const totalBytes = opened.reduce((sum, { modelPlan }) => sum + modelPlan.weightBytes, 0);
    let loadedBytes = 0;
    const onBytes = (bytes: number): void =>
      report({ phase: 'load', file: main.name, loadedBytes: (loadedBytes += bytes), totalBytes });
    const samples = new WeightSamples();
    const reading = opened.map(async ({ file, sources, modelPlan }, i) => {
      const onPart = ({ name, byteLength }: GgufTensor, offset: number, bytes: Uint8Array): void => {
        if (i === 0) samples.add(name, byteLength, offset, bytes);
      };
      // Threads repack shards in this order too.
      for (const [shard, { tensors }] of modelPlan.layouts.entries()) {
        await loadWeights(file, sources, tensors, memories[i]![shard]!, { onBytes, onPart }, failure.signal);
      }
    });
    // While files are read and workers start.
    const tokenizing = new Promise<Tokenizer>((resolve) => resolve(createTokenizer(main.file.metadata)));
    // All of them end before any failure is thrown, as files are closed then.
    for (const result of await Promise.allSettled([...reading, tokenizing])) if (result.status === 'rejected') throw result.reason;
    report({ phase: 'warmup', file: main.name, loadedBytes: totalBytes, totalBytes });
    await preparing;
    const tokenizer = await tokenizing;
    return {
      host, metadata: main.file.metadata, tokenizer,
      pooling: defaultPooling(main.modelPlan),
      session: {
        host, files: platform.files,
        kv: main.modelPlan.layouts.map(({ kvLayers }, shard) => ({ layers: kvLayers, memory: memories[0]![shard]! })),
        cachedBlocks: main.modelPlan.plan.cachedBlocks,
        fingerprint: () => fingerprint(main.file.metadata, main.modelPlan.plan.config, samples),
      },
      stats: statsReader(
        main.modelPlan.plan, memories[0]![0]!.buffer ? wordsIn(memories[0]![0]!.buffer!, main.modelPlan.layouts[0]!.regions.statsPtr) : host.stats,
      ),
      info: describeModel(opened, build, performance.now() - startedAt, options, threads, platform),
    };
  } catch (error) {
    await spawned?.dispose();
    throw error;
  } finally {
    await Promise.all(opened.map(({ sources }) => closeAll(sources)));
  }
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

function defaultPooling({ plan: { config } }: ModelPlan): 'mean' | 'cls' | 'last' {
  if (config.pooling && config.pooling !== 'none') return config.pooling;
  return config.kind === 'encoder' ? 'mean' : 'last';
}

function describeModel(
  [main, draft]: readonly OpenedModel[], kernels: string, loadMs: number, options: LoadOptions, { isInline, isAlone }: Threads,
  { unshared }: Platform,
): Omit<ModelInfo, AboutTemplate> {
  const { name, modelPlan } = main!;
  const { config, limits, numThreads } = modelPlan.plan;
  return {
    ...briefly(name, modelPlan),
    kind: config.kind,
    vocabSize: config.vocabSize,
    hiddenSize: config.hiddenSize,
    numLayers: config.numLayers,
    trainedContextLength: config.contextLength,
    threads: isInline ? 0 : numThreads,
    kernels,
    recurrent: modelPlan.layouts.some(({ backend }) => backend.recurrentStates.length > 0),
    ...(draft && { draftModel: briefly(draft.name, draft.modelPlan) }),
    loadMs,
    warnings: [
      ...contextWarnings(limits.contextLength, stretchedContext(config.contextLength, options), options.contextLength),
      ...(isInline && options.threads ? ['There are no worker threads here: the model is computed on the calling thread.'] : []),
      ...main!.warnings,
      ...(isAlone ? [`${unshared} One worker computes, with one thread.`] : []),
    ],
  };
}

function briefly(name: string, modelPlan: ModelPlan): NonNullable<ModelInfo['draftModel']> {
  const { plan } = modelPlan;
  return {
    name,
    architecture: plan.config.architecture,
    numParameters: countParameters(plan),
    contextLength: plan.limits.contextLength,
    memory: { ...plannedMemory(modelPlan), numShards: plan.shards.length },
  };
}

function contextWarnings(contextLength: number, trained: number, asked: number | undefined): string[] {
  if (contextLength > trained) return [`contextLength ${contextLength} is more than the ${trained} the model was trained for.`];
  const usual = Math.min(trained, DEFAULT_CONTEXT_LENGTH);
  if (asked !== undefined || contextLength === usual) return [];
  return [`The context holds ${contextLength} tokens instead of ${usual}: more does not fit the memory that may be used.`];
}

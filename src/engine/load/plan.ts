// A plan before a load: what a model will take, whether that fits, and what would fit at most. Reads headers only.
import { KV_BLOCK_SIZE, kvCacheBytes } from '../../backends/tensors.ts';
import type { Platform } from '../../platform/platform.ts';
import { checkLoadOptions, threadsFor } from './load-options.ts';
import { largestContext } from './fitting-plan.ts';
import type { ModelPlan } from './model-plan.ts';
import { closeAll, openModels } from './open-model.ts';
import { countParameters } from '../compute/protocol.ts';
import type { LoadOptions, LoadPlan, ModelSource, PlannedMemory } from './load-types.ts';

/**
 * What `load` would do with these arguments. Nothing is downloaded but headers, where servers give ranges, and nothing large is
 * allocated. Rejects as load would, with OutOfMemoryError where the model does not fit.
 */
export async function planLoad(platform: Platform, source: ModelSource, options: LoadOptions): Promise<LoadPlan> {
  checkLoadOptions(options);
  options.signal?.throwIfAborted();
  const { numThreads, isInline } = threadsFor(platform, options);
  const open = platform.openHeader ?? platform.openModel;
  const headers: Platform = { ...platform, openModel: (reference, how) => open.call(platform, reference, how) };
  const opened = await openModels(headers, source, options, numThreads);
  try {
    const [main, draft] = opened;
    const { plan } = main!.modelPlan;
    return {
      name: main!.name,
      architecture: plan.config.architecture,
      kind: plan.config.kind,
      numParameters: countParameters(plan),
      threads: isInline ? 0 : numThreads,
      contextLength: plan.limits.contextLength,
      trainedContextLength: plan.config.contextLength,
      largestContextLength: largestContext(opened.map(({ file }) => file), {
        options: { ...options, kvType: plan.kv.type }, numThreads, memoryLimit: platform.memoryLimit,
      }),
      kvType: plan.kv.type,
      numSequences: plan.maxSequences,
      maxMemory: options.maxMemory ?? platform.memoryLimit,
      memory: plannedMemory(main!.modelPlan),
      ...(draft && { draftModel: { name: draft.name, memory: plannedMemory(draft.modelPlan) } }),
    };
  } finally {
    await Promise.all(opened.map(({ sources }) => closeAll(sources)));
  }
}

/** What the plan and the loaded model say of memory. */
export function plannedMemory({ plan, layouts, totalBytes, weightBytes, kvBytes }: ModelPlan): PlannedMemory {
  const { config, kv, limits, maxSequences } = plan;
  // Rows of logits that only scoring writes.
  const unusedBytes = 4 * config.vocabSize * Math.max(0, limits.maxOutputs - maxSequences);
  const scratchBytes = totalBytes - weightBytes - kvBytes - (config.kind === 'decoder' ? unusedBytes : 0);
  const sequenceBytes = kvBytes / maxSequences;
  // Layers with a window have fewer blocks, whatever the length.
  const growing = layouts.flatMap(({ kvLayers }) => kvLayers).filter(({ numBlocks }) => numBlocks === kv.numBlocks);
  const growingBytes = growing.reduce(
    (sum, layer) => sum + kvCacheBytes(layer, layer.keyDim) + kvCacheBytes(layer, layer.valueDim), 0,
  );
  return {
    weightBytes,
    kvBytesPerToken: growingBytes / (kv.numBlocks * KV_BLOCK_SIZE),
    kvBytes: sequenceBytes,
    scratchBytes,
    usedBytes: weightBytes + sequenceBytes + scratchBytes,
    reservedBytes: totalBytes,
  };
}

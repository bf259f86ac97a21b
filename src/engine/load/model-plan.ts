// From a GGUF header and load options to a plan: what the model is, what it will take, whether that fits.
import { kvCacheBytes } from '../../backends/tensors.ts';
import type { Architecture, TensorDeclaration } from '../../architectures/architecture.ts';
import { findArchitecture } from '../../architectures/registry.ts';
import type { GgufFile } from '../../gguf/reader.ts';
import { InvalidArgumentError, OutOfMemoryError, UnsupportedModelError } from '../../errors.ts';
import { blocksFor } from '../memory/block-pool.ts';
import { MAX_DRAFT } from '../speculation/options.ts';
import type { Layout } from '../memory/layout.ts';
import type { ComputePlan } from '../compute/protocol.ts';
import { overrideRope } from './rope-override.ts';
import { ADDRESSABLE_BYTES, layOutWhole, megabytes, numberingGroups, splitLayers } from './split-layers.ts';
import type { UnsplitPlan } from './split-layers.ts';
import type { LoadOptions } from './load-types.ts';

/** Default for `contextLength` where the model was trained for more. */
export const DEFAULT_CONTEXT_LENGTH = 4096;
/** A default context that does not fit is halved down to this before the load fails. */
const LEAST_DEFAULT_CONTEXT = 512;
const DEFAULT_BATCH_TOKENS = 512;
const DEFAULT_MAX_SEQUENCES = 4;
/** Logits rows are kept below this; a pass of a model with a large vocabulary has fewer result rows. */
const MAX_LOGITS_BYTES = 64 * 2 ** 20;

export interface ModelPlan {
  readonly plan: ComputePlan;
  /** Addresses in each shard, from runs without memory. */
  readonly layouts: readonly Layout[];
  readonly totalBytes: number;
  readonly weightBytes: number;
  readonly kvBytes: number;
}

/** Plans a load. Throws before anything large is allocated: UnsupportedModelError, GgufError, OutOfMemoryError. */
export function planModel(file: GgufFile, options: LoadOptions, numThreads: number, memoryLimit: number): ModelPlan {
  const architectureId = file.metadata.string('general.architecture');
  if (architectureId === undefined) {
    throw new UnsupportedModelError('The file does not name its architecture (general.architecture). It is not a language model this version can run.');
  }
  const architecture = findArchitecture(architectureId);
  if (file.tensors.length === 0) {
    throw new UnsupportedModelError('The file holds a vocabulary and no weights: it can be inspected and tokenized with, but not run.');
  }
  const tensors = file.tensors.map(({ name, type, shape }): TensorDeclaration => ({ name, type, shape }));
  const config = overrideRope(architecture.config(file.metadata, new Map(tensors.map((tensor) => [tensor.name, tensor]))), options);
  const numTokens = Math.min(config.vocabSize, file.metadata.stringList('tokenizer.ggml.tokens')?.length ?? config.vocabSize);
  const batchTokens = positiveInteger('maxBatchTokens', options.maxBatchTokens ?? DEFAULT_BATCH_TOKENS);
  const ceiling = checkedCeiling(options.maxMemory) ?? memoryLimit;
  const [fewestSequences, mostSequences] = sequences(options.maxSequences);
  const shardBytes = Math.min(options.shardBytes ?? ADDRESSABLE_BYTES, ADDRESSABLE_BYTES);
  let failure: OutOfMemoryError | undefined;
  for (const contextLength of contextLengths(architecture, config.contextLength, options.contextLength)) {
    // An encoder's rows all see each other: a text is one pass.
    const maxBatchTokens = architecture.kind === 'encoder' ? contextLength : Math.min(batchTokens, contextLength);
    const maxOutputs = Math.max(1, Math.min(maxBatchTokens, Math.floor(MAX_LOGITS_BYTES / (4 * config.vocabSize))));
    for (let maxSequences = mostSequences; maxSequences >= fewestSequences; maxSequences--) {
      const plan: UnsplitPlan = {
        config,
        tensors,
        limits: { maxBatchTokens, maxOutputs, contextLength },
        kv: {
          // What "auto" means is decided by plans of each type (fitting-plan.ts).
          type: options.kvType === undefined || options.kvType === 'auto' ? 'i16' : options.kvType,
          numBlocks: blocksFor(contextLength) * maxSequences,
          // The last id is computed again, and a draft behind it may be taken back.
          windowed: { numSequences: maxSequences, numRetractable: MAX_DRAFT + 1, numAdded: maxBatchTokens },
        },
        maxSequences,
        cachedBlocks: 0,
        cachedWindowBlocks: [],
        numTokens,
        numThreads,
      };
      const layouts = tryLayOut(plan, ceiling, shardBytes);
      if (!(layouts instanceof OutOfMemoryError)) return measured(plan, layouts, options.prefixCacheBytes);
      failure = layouts;
    }
  }
  throw failure!;
}

function tryLayOut(plan: UnsplitPlan, ceiling: number, shardBytes: number): readonly Layout[] | OutOfMemoryError {
  const { contextLength } = plan.limits;
  const whole = layOutWhole(plan);
  if (whole.arena.end > ceiling) return doesNotFit(whole.arena.end, ceiling, contextLength);
  if (whole.arena.end <= shardBytes) return [whole];
  try {
    const layouts = splitLayers(plan, whole, shardBytes);
    const totalBytes = sumOf(layouts, ({ arena }) => arena.end);
    return totalBytes <= ceiling ? layouts : doesNotFit(totalBytes, ceiling, contextLength);
  } catch (error) {
    if (error instanceof OutOfMemoryError) return error;
    throw error;
  }
}

const sumOf = <T>(items: readonly T[], value: (item: T) => number): number => items.reduce((sum, item) => sum + value(item), 0);

function measured(plan: UnsplitPlan, layouts: readonly Layout[], prefixCacheBytes: number | undefined): ModelPlan {
  const weightBytes = sumOf(layouts, ({ tensors }) => sumOf(tensors, ({ byteLength }) => byteLength));
  const kvBytes = sumOf(layouts, ({ kvLayers }) =>
    sumOf(kvLayers, (layer) => kvCacheBytes(layer, layer.keyDim) + kvCacheBytes(layer, layer.valueDim)));
  const { config, limits, kv } = plan;
  // What a layer with recurrent state knows of a prefix is not in its blocks, and an encoder's rows depend on later ones.
  const canCache = config.kind === 'decoder' && layouts.every(({ backend }) => backend.recurrentStates.length === 0);
  const wanted = prefixCacheBytes === undefined ? blocksFor(limits.contextLength) : Math.floor(prefixCacheBytes * kv.numBlocks / kvBytes);
  const cachedBlocks = canCache ? Math.min(wanted, kv.numBlocks) : 0;
  // Little beside the rest, and the rest is of no use without them.
  const share = prefixCacheBytes === undefined ? 1 : Math.min(1, prefixCacheBytes / kvBytes);
  const cachedWindowBlocks = layouts[0]!.kvGroups.slice(1).map(({ numBlocks }) => Math.ceil(share * numBlocks));
  const shards = layouts.map(({ layers }) => layers);
  const totalBytes = sumOf(layouts, ({ arena }) => arena.end);
  const numbered = layouts.length > 1 ? numberingGroups(plan, layouts[0]!) : plan;
  return { plan: { ...numbered, cachedBlocks, cachedWindowBlocks, shards }, layouts, totalBytes, weightBytes, kvBytes };
}

function doesNotFit(requiredBytes: number, availableBytes: number, contextLength: number): OutOfMemoryError {
  return new OutOfMemoryError(
    requiredBytes, availableBytes,
    `The model with a context of ${contextLength} tokens needs at least ${megabytes(requiredBytes)}, but ${megabytes(availableBytes)} may be used. ` +
      'Use a smaller contextLength, a smaller or more strongly quantized model, or raise maxMemory.',
  );
}

function sequences(wanted: LoadOptions['maxSequences'] = { atMost: DEFAULT_MAX_SEQUENCES }): readonly [fewest: number, most: number] {
  return typeof wanted === 'number' ? [wanted, wanted] : [1, wanted.atMost];
}

/** Context lengths to try, longest first: the one asked for, or the default and, where it does not fit, halves of it. */
function contextLengths(architecture: Architecture, trained: number, wanted: number | undefined): number[] {
  if (wanted !== undefined) {
    positiveInteger('contextLength', wanted);
    if (architecture.kind === 'encoder' && wanted > trained) {
      throw new InvalidArgumentError(`contextLength is ${wanted}, but this encoder has positions for ${trained} tokens only.`);
    }
    return [wanted];
  }
  const lengths = [Math.min(trained, DEFAULT_CONTEXT_LENGTH)];
  while (lengths.at(-1)! >= 2 * LEAST_DEFAULT_CONTEXT) lengths.push(Math.floor(lengths.at(-1)! / 2));
  return lengths;
}

function checkedCeiling(maxMemory: number | undefined): number | undefined {
  if (maxMemory === undefined || (Number.isFinite(maxMemory) && maxMemory > 0)) return maxMemory;
  throw new InvalidArgumentError(`maxMemory must be a positive number of bytes, not ${maxMemory}.`);
}

function positiveInteger(name: string, value: number): number {
  if (Number.isInteger(value) && value > 0 && value <= 2 ** 24) return value;
  throw new InvalidArgumentError(`${name} must be a whole number between 1 and ${2 ** 24}, not ${value}.`);
}

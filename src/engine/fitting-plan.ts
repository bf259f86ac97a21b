// Plans that look for what fits: a type of keys and values when asked to choose one, the longest context for a memory.
import type { KvType } from '../backends/tensors.ts';
import { OutOfMemoryError } from '../errors.ts';
import type { GgufFile } from '../gguf/reader.ts';
import { DEFAULT_CONTEXT_LENGTH, planModel } from './model-plan.ts';
import type { ModelPlan } from './model-plan.ts';
import type { LoadOptions } from './load-types.ts';

/** What "auto" chooses from: the most exact first. */
const KV_CHOICES: readonly KvType[] = ['i16', 'q8_0', 'q4_0'];
/** The longest context that load takes. */
const LONGEST_CONTEXT = 2 ** 24;

/**
 * A plan with the options' type of keys and values. "auto" is the first that leaves the whole context that was asked for (or the
 * default one), else the one with the longest. An OutOfMemoryError says which context would fit.
 */
export function planFitting(file: GgufFile, options: LoadOptions, numThreads: number, memoryLimit: number): ModelPlan {
  try {
    return firstFitting(file, options, numThreads, memoryLimit);
  } catch (error) {
    if (!(error instanceof OutOfMemoryError) || options.contextLength === undefined) throw error;
    const fits = largestContext(file, options, numThreads, memoryLimit);
    if (fits === 0) throw error;
    throw new OutOfMemoryError(
      error.requiredBytes, error.availableBytes, `${error.message} A contextLength of ${fits} would fit.`, { cause: error },
    );
  }
}

function firstFitting(file: GgufFile, options: LoadOptions, numThreads: number, memoryLimit: number): ModelPlan {
  if (options.kvType !== 'auto') return planModel(file, options, numThreads, memoryLimit);
  let best: ModelPlan | undefined, failure: OutOfMemoryError | undefined;
  for (const kvType of KV_CHOICES) {
    try {
      const plan = planModel(file, { ...options, kvType }, numThreads, memoryLimit);
      const { config, limits } = plan.plan;
      if (limits.contextLength >= (options.contextLength ?? Math.min(config.contextLength, DEFAULT_CONTEXT_LENGTH))) return plan;
      if (!best || limits.contextLength > best.plan.limits.contextLength) best = plan;
    } catch (error) {
      if (!(error instanceof OutOfMemoryError)) throw error;
      failure = error;
    }
  }
  if (best) return best;
  throw failure!;
}

/** The longest context with which the model fits, one sequence at a time; 0 where none does. */
export function largestContext(file: GgufFile, options: LoadOptions, numThreads: number, memoryLimit: number): number {
  const fits = (contextLength: number): ModelPlan | undefined => {
    try {
      return firstFitting(file, { ...options, contextLength }, numThreads, memoryLimit);
    } catch (error) {
      if (error instanceof OutOfMemoryError) return undefined;
      throw error;
    }
  };
  const smallest = fits(1);
  if (!smallest) return 0;
  // An encoder has positions for so many tokens and no more.
  const { kind, contextLength: trained } = smallest.plan.config;
  let [low, high] = [1, kind === 'encoder' ? trained : LONGEST_CONTEXT];
  if (fits(high)) return high;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (fits(middle)) low = middle;
    else high = middle;
  }
  return low;
}

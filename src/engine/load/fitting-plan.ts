// Plans that look for what fits: a type of keys and values when asked to choose one, a draft model beside its model, the longest
// context for a memory.
import type { KvType } from '../../backends/tensors.ts';
import { OutOfMemoryError } from '../../errors.ts';
import type { GgufFile } from '../../gguf/reader.ts';
import type { LoadOptions } from './load-types.ts';
import { DEFAULT_CONTEXT_LENGTH, planModel } from './model-plan.ts';
import type { ModelPlan } from './model-plan.ts';

/** What "auto" chooses from: the most exact first. */
const KV_CHOICES: readonly KvType[] = ['i16', 'q8_0', 'q4_0'];
/** The longest context that load takes. */
const LONGEST_CONTEXT = 2 ** 24;

/** Where they are to fit. */
export interface Room {
  readonly options: LoadOptions;
  readonly numThreads: number;
  readonly memoryLimit: number;
}

/**
 * Plans of a model and, where `files` has one, its draft model, with the options' type of keys and values. "auto" is the first that
 * leaves the whole context that was asked for (or the default one), else the smallest, with the longest that fits. An OutOfMemoryError says which
 * context would fit, and which type.
 */
export function planFitting(files: readonly GgufFile[], room: Room): readonly ModelPlan[] {
  try {
    return plansFor(files, room);
  } catch (error) {
    if (!(error instanceof OutOfMemoryError) || room.options.contextLength === undefined) throw error;
    const fits = largestContext(files, room);
    const kvType = smallerType(files, room);
    if (fits === 0 && !kvType) throw error;
    const advice = [...(fits > 0 ? [`A contextLength of ${fits} would fit.`] : []), ...(kvType ? [`With kvType "${kvType}" it would fit.`] : [])];
    throw new OutOfMemoryError(error.requiredBytes, error.availableBytes, [error.message, ...advice].join(' '), { cause: error });
  }
}

/** The most exact type of keys and values, of those smaller than what was asked for, that makes it fit. */
function smallerType(files: readonly GgufFile[], room: Room): KvType | undefined {
  const { kvType = 'i16' } = room.options;
  if (kvType === 'auto') return undefined;
  return KV_CHOICES.slice(KV_CHOICES.indexOf(kvType) + 1).find((type) =>
    type !== 'i16' && unlessTooLarge(() => plansFor(files, { ...room, options: { ...room.options, kvType: type } })));
}

/** The draft model has the memory that the model leaves; where that is too little, the model has what the draft model leaves. */
function plansFor([main, draft]: readonly GgufFile[], room: Room): readonly ModelPlan[] {
  const plan = firstFitting(main!, room);
  if (!draft) return [plan];
  const ceiling = room.options.maxMemory ?? room.memoryLimit;
  const within = (bytes: number, contextLength = room.options.contextLength): Room =>
    ({ ...room, memoryLimit: Math.max(1, bytes), options: { ...room.options, contextLength, maxMemory: undefined } });
  const beside = ({ totalBytes, plan: { limits } }: ModelPlan): ModelPlan => firstFitting(draft, within(ceiling - totalBytes, limits.contextLength));
  try {
    return [plan, beside(plan)];
  } catch (error) {
    if (!(error instanceof OutOfMemoryError)) throw error;
    const smaller = unlessTooLarge(() => firstFitting(main!, within(ceiling - error.requiredBytes)));
    if (smaller) return [smaller, beside(smaller)];
    throw error;
  }
}

function firstFitting(file: GgufFile, { options, numThreads, memoryLimit }: Room): ModelPlan {
  if (options.kvType !== 'auto') return planModel(file, options, numThreads, memoryLimit);
  let smallest: ModelPlan | undefined, whole = 0, failure: OutOfMemoryError | undefined;
  for (const kvType of KV_CHOICES) {
    try {
      const plan = planModel(file, { ...options, kvType }, numThreads, memoryLimit);
      const { config, limits } = plan.plan;
      whole = options.contextLength ?? Math.min(config.contextLength, DEFAULT_CONTEXT_LENGTH);
      if (limits.contextLength >= whole) return plan;
      smallest = plan;
    } catch (error) {
      if (!(error instanceof OutOfMemoryError)) throw error;
      failure = error;
    }
  }
  if (!smallest) throw failure!;
  const { kv, limits } = smallest.plan;
  // A default context was halved until it fit.
  return longest(smallest, limits.contextLength, whole, (contextLength) =>
    unlessTooLarge(() => planModel(file, { ...options, kvType: kv.type, contextLength }, numThreads, memoryLimit)));
}

/** What fits at the longest length from `low`, where `found` does, to below `high`, where nothing does. */
function longest<T>(found: T, low: number, high: number, fitting: (length: number) => T | undefined): T {
  let best = found;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    const fits = fitting(middle);
    if (fits) [best, low] = [fits, middle];
    else high = middle;
  }
  return best;
}

/** The longest context with which the model, and its draft model, fit, one sequence at a time; 0 where none does. */
export function largestContext(files: readonly GgufFile[], room: Room): number {
  const fits = (contextLength: number): readonly ModelPlan[] | undefined =>
    unlessTooLarge(() => plansFor(files, { ...room, options: { ...room.options, contextLength } }));
  const smallest = fits(1);
  if (!smallest) return 0;
  // An encoder has positions for so many tokens and no more.
  const { kind, contextLength: trained } = smallest[0]!.plan.config;
  const high = kind === 'encoder' ? trained : LONGEST_CONTEXT;
  if (fits(high)) return high;
  return longest(smallest, 1, high, fits)[0]!.plan.limits.contextLength;
}

function unlessTooLarge<T>(plan: () => T): T | undefined {
  try {
    return plan();
  } catch (error) {
    if (error instanceof OutOfMemoryError) return undefined;
    throw error;
  }
}

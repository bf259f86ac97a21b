// Checks what a load call asks for, before anything is opened.
import { checkOptions, isBoolean } from '../option-rules.ts';
import type { OptionRules } from '../option-rules.ts';
import { isSignal } from '../inputs.ts';
import { KV_TYPES } from '../../backends/tensors.ts';
import type { KvType } from '../../backends/tensors.ts';
import type { Platform } from '../../platform/platform.ts';
import { isRopeScaling } from './rope-override.ts';
import type { LoadOptions } from './load-types.ts';

const isCount = (value: unknown): boolean => Number.isInteger(value) && (value as number) >= 1;

const isSource = (value: unknown): boolean =>
  (typeof value === 'string' && value !== '') || [URL, Blob, Uint8Array, ArrayBuffer].some((kind) => value instanceof kind);

const MAX_THREADS = 64;
export const MAX_SEQUENCES = 256;
export { KV_TYPES };
const isSequenceCount = (value: unknown): boolean => isCount(value) && (value as number) <= MAX_SEQUENCES;

export interface Threads {
  /** Threads that compute. */
  readonly numThreads: number;
  /** That is the calling thread alone: where it is asked for, or there are no others. */
  readonly isInline: boolean;
  /** That is one worker alone, with memory of its own: where there is none to share. */
  readonly isAlone: boolean;
}

export function threadsFor(platform: Platform, { threads }: LoadOptions): Threads {
  const isInline = threads === 0 || !platform.spawnWorker;
  const isAlone = !isInline && platform.unshared !== undefined;
  const wanted = threads ?? Math.max(1, Math.min(platform.numCores, MAX_THREADS));
  return { isInline, isAlone, numThreads: isInline || isAlone ? 1 : wanted };
}

/** What each option must be. */
const RULES: OptionRules<LoadOptions> = {
  device: ['"auto" or "cpu"', (value) => value === 'auto' || value === 'cpu'],
  threads: [
    `a whole number between 0 (the calling thread itself) and ${MAX_THREADS}`,
    (value) => value === 0 || (isCount(value) && (value as number) <= MAX_THREADS),
  ],
  contextLength: ['a whole number of at least 1', isCount],
  maxSequences: [
    `a whole number between 1 and ${MAX_SEQUENCES}, or { atMost } with one`,
    (value) => isSequenceCount(value) || (typeof value === 'object' && value !== null && Object.keys(value).join() === 'atMost' &&
      isSequenceCount((value as { atMost: unknown }).atMost)),
  ],
  ropeScaling: [
    '"none", { type: "linear", factor } or { type: "yarn", factor, originalContextLength? } with a factor of at least 1', isRopeScaling,
  ],
  ropeTheta: ['a positive number', (value) => typeof value === 'number' && value > 0 && Number.isFinite(value)],
  maxBatchTokens: ['a whole number of at least 1', isCount],
  kvType: [
    ['auto', ...KV_TYPES].map((type) => `"${type}"`).join(', ').replace(/, (?=[^,]*$)/, ' or '),
    (value) => value === 'auto' || KV_TYPES.includes(value as KvType),
  ],
  prefixCacheBytes: ['a number of bytes, or 0', (value) => typeof value === 'number' && value >= 0],
  draftModel: ['a name, path, URL, Blob or bytes', isSource],
  deterministic: ['true or false', isBoolean],
  maxMemory: ['a positive number of bytes', (value) => typeof value === 'number' && value > 0],
  shardBytes: ['a positive number of bytes', (value) => typeof value === 'number' && value > 0],
  workerUrl: ['a URL', (value) => (typeof value === 'string' && value !== '') || value instanceof URL],
  cacheDir: ['a path', (value) => typeof value === 'string' && value !== ''],
  cache: ['true or false', isBoolean],
  offline: ['true or false', isBoolean],
  allowHttp: ['true or false', isBoolean],
  onProgress: ['a function', (value) => typeof value === 'function'],
  signal: ['an AbortSignal', isSignal],
};

/** Throws InvalidArgumentError for an option that does not exist or makes no sense. */
export const checkLoadOptions = (options: LoadOptions): void => checkOptions(options, RULES, 'load option');

// Checks of what createHandler is given, before anything is answered: an option that is misspelled must not open a server.
import { InvalidArgumentError } from '../errors.ts';
import { checkOptions, isBoolean } from '../engine/option-rules.ts';
import type { OptionRules } from '../engine/option-rules.ts';
import { describe, samplingOptions } from '../engine/sampler/options.ts';
import type { HandlerOptions } from './handler.ts';

const isText = (value: unknown): boolean => typeof value === 'string';
const isFunction = (value: unknown): boolean => typeof value === 'function';
const isMs = (value: unknown): boolean => typeof value === 'number' && value >= 0;
const areTexts = (value: unknown): boolean => Array.isArray(value) && value.every((one) => isText(one) && one !== '');
/** A request without a key carries the empty text, a variable that is not set is undefined. */
const areKeys = (value: unknown): boolean => areTexts(value) && (value as string[]).every((key) => key === key.trim());

const RULES: OptionRules<HandlerOptions> = {
  apiKeys: ['a list of texts, none empty and none with white space at its ends', areKeys],
  allowedHosts: ['an array of host names', areTexts],
  allowAddresses: ['true or false', isBoolean],
  corsOrigins: ['an array of origins', areTexts],
  maxBodyBytes: ['a number of bytes of at least 1', (value) => typeof value === 'number' && value >= 1],
  maxRequests: ['a whole number of at least 0', (value) => Number.isInteger(value) && (value as number) >= 0],
  contextPolicy: ['"error" or "slide"', (value) => value === 'error' || value === 'slide'],
  timeoutMs: ['a number of milliseconds, or 0 for no limit', isMs],
  stallTimeoutMs: ['a number of milliseconds', isMs],
  quietMs: ['a number of milliseconds', isMs],
  defaults: ['an object of sampling options', (value) => typeof value === 'object' && value !== null && !Array.isArray(value)],
  contextHint: ['a text', isText],
  trustProxy: ['true or false', isBoolean],
  version: ['a text', isText],
  onRequest: ['a function', isFunction],
  extend: ['a function', isFunction],
};

/** Throws InvalidArgumentError for an option that does not exist or makes no sense. Of `apiKeys` no message tells more than its kind. */
export function checkHandlerOptions(options: HandlerOptions): void {
  const { apiKeys } = (options as HandlerOptions | null) ?? {};
  if (apiKeys !== undefined && !areKeys(apiKeys)) throw new InvalidArgumentError(`apiKeys must be ${RULES.apiKeys[0]}.`);
  checkOptions(options, RULES, 'handler option');
  samplingOptions(options.defaults ?? {}, Infinity);
}

/** Throws InvalidArgumentError for what is no engine; a pool has been checked when it was made. */
export function checkEngine(engine: unknown): void {
  if (typeof (engine as { model?: { name?: unknown } } | null | undefined)?.model?.name === 'string') return;
  throw new InvalidArgumentError(`createHandler takes a loaded engine or a ModelPool, not ${describe(engine)}.`);
}

/** Throws InvalidArgumentError for models that cannot be served. */
export function checkModels(models: unknown, maxLoaded: unknown): void {
  if (!Array.isArray(models) || models.length === 0) {
    throw new InvalidArgumentError(`A ModelPool takes an array of one model or more, not ${Array.isArray(models) ? 'an empty one' : describe(models)}.`);
  }
  const ids = models.map((model: unknown) => {
    const { id, load } = (model ?? {}) as { id?: unknown; load?: unknown };
    if (typeof id === 'string' && id !== '' && typeof load === 'function') return id;
    throw new InvalidArgumentError('A model of a ModelPool must be { id, load }: a text that is not empty, and a function.');
  });
  const twice = ids.find((id, i) => ids.indexOf(id) !== i);
  if (twice !== undefined) throw new InvalidArgumentError(`Two models of the ModelPool have the id ${describe(twice)}.`);
  if (!(Number.isInteger(maxLoaded) && (maxLoaded as number) >= 1)) {
    throw new InvalidArgumentError(`maxLoaded must be a whole number of at least 1, not ${describe(maxLoaded)}.`);
  }
}

// Checks of what embed, score and tokenize are given, before anything is asked of the workers.
import { ContextLengthError, InvalidArgumentError } from '../errors.ts';
import type { Steps } from '../steps.ts';
import type { EncodeOptions, Tokenizer } from '../tokenizer/tokenizer.ts';
import { describe } from './sampler/options.ts';
import type { ModelInfo } from './load/load-types.ts';
import type { EmbedOptions, ScoreOptions } from './types.ts';

const POOLINGS = ['mean', 'cls', 'last'];

/** More alternatives than this are asked for as logits. */
const MAX_TOP = 1000;

/** Throws InvalidArgumentError for an id outside the vocabulary. */
export function checkTokenIds(ids: ArrayLike<number>, vocabSize: number): void {
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i];
    if (Number.isInteger(id) && id! >= 0 && id! < vocabSize) continue;
    throw new InvalidArgumentError(`Token id ${describe(id)} is outside the vocabulary (0 … ${vocabSize - 1}).`);
  }
}

export function checkText(text: unknown): asserts text is string {
  if (typeof text !== 'string') throw new InvalidArgumentError(`The text must be a string, not ${describe(text)}.`);
}

/** Ids of `input`, text or ids, that fit the context. */
export function* idsOf(input: unknown, tokenizer: Tokenizer, model: ModelInfo): Steps<readonly number[]> {
  const ids = typeof input === 'string' ? yield* tokenizer.encodeSteps(input) : input;
  const isArray = Array.isArray(ids) || (ArrayBuffer.isView(ids) && !(ids instanceof DataView));
  if (!isArray) throw new InvalidArgumentError(`Give a text or an array of token ids, not ${describe(input)}.`);
  const list = Array.from(ids as ArrayLike<unknown>);
  if (list.length === 0) {
    throw new InvalidArgumentError(typeof input === 'string' ? 'The text has no tokens. Give some text.' : 'There are no token ids. Give at least one.');
  }
  if (list.some((id) => typeof id === 'string')) {
    throw new InvalidArgumentError('Give one text, or token ids as numbers: several texts need a call each.');
  }
  if (list.length > model.contextLength) throw new ContextLengthError(list.length, model.contextLength);
  checkTokenIds(list as number[], model.vocabSize);
  return list as number[];
}

/** Throws InvalidArgumentError for options that do not exist or make no sense. */
export function checkEmbedOptions(options: EmbedOptions): void {
  checkNames(options, ['pooling', 'normalize', 'client', 'signal']);
  const { pooling, normalize } = options;
  checkClient(options.client);
  checkSignal(options.signal);
  if (pooling !== undefined && !POOLINGS.includes(pooling)) {
    throw new InvalidArgumentError(`pooling must be one of ${POOLINGS.join(', ')}, not ${describe(pooling)}.`);
  }
  checkBoolean('normalize', normalize);
}

/** Likewise; `more` are options of the call itself. */
export function checkEncodeOptions(options: EncodeOptions, ...more: readonly string[]): void {
  checkNames(options, ['addSpecial', 'parseSpecial', ...more]);
  checkBoolean('addSpecial', options.addSpecial);
  checkBoolean('parseSpecial', options.parseSpecial);
}

export const isSignal = (value: unknown): boolean => typeof (value as AbortSignal | null | undefined)?.throwIfAborted === 'function';

export function checkSignal(signal: unknown): void {
  if (signal === undefined || isSignal(signal)) return;
  throw new InvalidArgumentError(`signal must be an AbortSignal, not ${describe(signal)}.`);
}

export function checkClient(client: unknown): void {
  if (client === undefined || typeof client === 'string') return;
  throw new InvalidArgumentError(`client must be a string, not ${describe(client)}.`);
}

/** Likewise; returns the defaults filled in. */
export function checkScoreOptions(options: ScoreOptions, numIds: number, vocabSize: number): { from: number; topK: number } {
  checkNames(options, ['from', 'topK', 'logits', 'signal']);
  checkBoolean('logits', options.logits);
  checkSignal(options.signal);
  const { from = 1, topK = Math.min(10, vocabSize) } = options;
  if (!(Number.isInteger(from) && from >= 1 && from <= numIds)) {
    throw new InvalidArgumentError(`from must be between 1 and the number of ids (${numIds}), not ${describe(from)}.`);
  }
  const most = Math.min(vocabSize, MAX_TOP);
  if (!(Number.isInteger(topK) && topK >= 0 && topK <= most)) {
    throw new InvalidArgumentError(`topK must be between 0 and ${most}, not ${describe(topK)}. For more, ask for the logits.`);
  }
  return { from, topK };
}

export function checkBoolean(name: string, value: unknown): void {
  if (value === undefined || typeof value === 'boolean') return;
  throw new InvalidArgumentError(`${name} must be true or false, not ${describe(value)}.`);
}

export function checkNames(options: object, names: readonly string[]): void {
  if (typeof options !== 'object' || (options as unknown) === null || Array.isArray(options)) {
    throw new InvalidArgumentError(`The options must be an object, not ${describe(options)}.`);
  }
  const unknown = Object.keys(options).find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new InvalidArgumentError(`There is no option "${unknown}" here. There are ${names.join(', ')}.`);
  }
  const { signal } = options as { signal?: AbortSignal };
  if (signal !== undefined && typeof signal?.throwIfAborted !== 'function') {
    throw new InvalidArgumentError(`signal must be an AbortSignal, not ${describe(signal)}.`);
  }
}

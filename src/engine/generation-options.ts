// Checks what a generate call asks for, before any work is done.
import type { ToolFormat } from '../chat/tool-format.ts';
import { ContextLengthError, InvalidArgumentError } from '../errors.ts';
import type { Steps } from '../steps.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { grammarOf } from './grammar-options.ts';
import type { CompiledGrammar } from './grammar-options.ts';
import { checkIds, describe, samplingOptions } from './sampler/options.ts';
import type { SamplingOptions } from './sampler/options.ts';
import { draftSettings, lookupSettings } from './speculation/options.ts';
import type { DraftSettings, LookupSettings } from './speculation/options.ts';
import { checkClient, checkSignal } from './inputs.ts';
import { stopString } from './stop-strings.ts';
import type { StopString } from './stop-strings.ts';
import { checkTools } from './tools/tool-options.ts';
import type { CheckedTools } from './tools/tool-options.ts';
import type { ModelInfo } from './load/load-types.ts';
import type { GenerateOptions } from './types.ts';

const MAX_CHOICES = 128;
const MAX_STOP_STRINGS = 64;
const MAX_STOP_LENGTH = 4096;
const MAX_STOP_IDS = 1024;

/** The options of generate that are not about sampling. */
const OTHERS: readonly (Exclude<keyof GenerateOptions, keyof SamplingOptions>)[] = [
  'maxTokens', 'stop', 'stopIds', 'ignoreEos', 'n', 'parseSpecial', 'tools', 'templateOptions', 'onPromptProgress',
  'speculation', 'contextPolicy', 'signal', 'grammar', 'jsonSchema', 'json', 'toolChoice',
  'parallelToolCalls', 'client',
];

/** What a generation needs to know of the model. */
export interface Speaker {
  readonly tokenizer: Tokenizer;
  readonly model: ModelInfo;
  readonly toolFormat: ToolFormat;
}

export interface CheckedOptions {
  readonly numChoices: number;
  readonly maxTokens: number;
  readonly stops: readonly StopString[];
  readonly stopIds: readonly number[];
  readonly sampling: SamplingOptions;
  readonly lookup: LookupSettings | undefined;
  readonly draft: DraftSettings | undefined;
  readonly grammar: CompiledGrammar | undefined;
  /** The tools whose calls are taken out of the text. */
  readonly called: CheckedTools | undefined;
}

/** Throws InvalidArgumentError that names the option, or ContextLengthError. */
export function* checkOptions(
  options: GenerateOptions, promptIds: readonly number[], { tokenizer, model, toolFormat }: Speaker,
): Steps<CheckedOptions> {
  const sampling = samplingOptions(options, model.vocabSize, OTHERS);
  const { n = 1, ignoreEos = false, stopIds = [] } = options;
  if (!(Number.isInteger(n) && n >= 1 && n <= MAX_CHOICES)) {
    throw new InvalidArgumentError(`n must be a whole number between 1 and ${MAX_CHOICES}, not ${describe(n)}.`);
  }
  checkContextPolicy(options.contextPolicy);
  if (typeof ignoreEos !== 'boolean') {
    throw new InvalidArgumentError(`ignoreEos must be true or false, not ${describe(ignoreEos)}.`);
  }
  checkSignal(options.signal);
  if (options.onPromptProgress !== undefined && typeof options.onPromptProgress !== 'function') {
    throw new InvalidArgumentError(`onPromptProgress must be a function, not ${describe(options.onPromptProgress)}.`);
  }
  checkClient(options.client);
  checkIds('stopIds', stopIds, model.vocabSize, MAX_STOP_IDS);
  const called = checkTools(options, toolFormat);
  return {
    numChoices: n,
    maxTokens: newTokenLimit(options, promptIds, model),
    stops: stopStrings(options.stop),
    stopIds: [...(ignoreEos ? [] : tokenizer.endIds), ...stopIds],
    sampling,
    lookup: lookupSettings(options.speculation, model),
    draft: draftSettings(options.speculation, model),
    grammar: yield* grammarOf(options, tokenizer, toolFormat, called),
    called,
  };
}

function checkContextPolicy(policy: unknown): void {
  if (policy === undefined || policy === 'error' || policy === 'slide') return;
  throw new InvalidArgumentError(`contextPolicy must be "error" or "slide", not ${describe(policy)}.`);
}

function newTokenLimit({ maxTokens: wanted, contextPolicy }: GenerateOptions, promptIds: readonly number[], model: ModelInfo): number {
  const { contextLength, vocabSize } = model;
  if (promptIds.length === 0) {
    throw new InvalidArgumentError('The prompt has no tokens and the model adds none. Give some text.');
  }
  const bad = promptIds.find((id) => !(Number.isInteger(id) && id >= 0 && id < vocabSize));
  if (bad !== undefined) {
    throw new InvalidArgumentError(`Token id ${describe(bad)} is outside the vocabulary (0 … ${vocabSize - 1}).`);
  }
  if (promptIds.length >= contextLength) throw new ContextLengthError(promptIds.length + 1, contextLength);
  const room = contextLength - promptIds.length;
  if (wanted === undefined) return room;
  if (!(Number.isInteger(wanted) && wanted >= 1)) {
    throw new InvalidArgumentError(`maxTokens must be a whole number of at least 1, not ${describe(wanted)}.`);
  }
  return contextPolicy === 'slide' ? wanted : Math.min(wanted, room);
}

function stopStrings(stop: string | readonly string[] | undefined): StopString[] {
  const texts: unknown = stop === undefined ? [] : typeof stop === 'string' ? [stop] : stop;
  if (!Array.isArray(texts) || texts.length > MAX_STOP_STRINGS) {
    const found = Array.isArray(texts) ? `${texts.length} of them` : describe(texts);
    throw new InvalidArgumentError(`stop must be a string or an array of at most ${MAX_STOP_STRINGS}, not ${found}.`);
  }
  for (const text of texts as readonly unknown[]) {
    if (typeof text !== 'string' || text === '') {
      throw new InvalidArgumentError(`stop must be made of non-empty strings, not ${describe(text)}.`);
    }
    if (text.length > MAX_STOP_LENGTH) {
      throw new InvalidArgumentError(
        `stop has a string of ${text.length} UTF-16 units; at most ${MAX_STOP_LENGTH} are allowed.`,
      );
    }
    if (/\p{Surrogate}/u.test(text)) {
      throw new InvalidArgumentError(`stop has half a surrogate pair in ${describe(text)}: no text contains that.`);
    }
  }
  return (texts as readonly string[]).map(stopString);
}

// What may be asked of speculative decoding, its defaults, and the check of every value.
import { InvalidArgumentError, UnsupportedModelError } from '../../errors.ts';
import { describe } from '../sampler/options.ts';

export interface LookupOptions {
  /** Ids at the end of the sequence that are looked for earlier in it: so many at most (3), */
  readonly maxNgram?: number;
  /** and so many at least (2). */
  readonly minNgram?: number;
  /** Draft ids per step at most (7). How many are tried, if any, depends on how many were right lately. */
  readonly maxDraft?: number;
}

export interface DraftOptions {
  /** Draft ids per step at most (7). */
  readonly maxDraft?: number;
  /** A draft ends before an id that the draft model finds less likely than this (0.5). */
  readonly minProbability?: number;
}

/** Ways of computing several tokens per step. None changes the output. */
export interface SpeculationOptions {
  /** Draft what followed the last few ids when they last occurred in the sequence. */
  readonly lookup?: boolean | LookupOptions;
  /** Draft with the engine's draft model, where lookup has nothing: by default if one was loaded. */
  readonly draft?: boolean | DraftOptions;
}

export type LookupSettings = Required<LookupOptions>;
export type DraftSettings = Required<DraftOptions>;

/** What of a model's description decides. */
export interface SpeculatingModel {
  readonly name: string;
  readonly recurrent: boolean;
  readonly draftModel?: object;
}

const LOOKUP_DEFAULTS: LookupSettings = { maxNgram: 3, minNgram: 2, maxDraft: 7 };
const DRAFT_DEFAULTS: DraftSettings = { maxDraft: 7, minProbability: 0.5 };
const MAX_NGRAM = 16;
export const MAX_DRAFT = 64;

/** The lookup to use, if any. Throws InvalidArgumentError, or UnsupportedModelError where drafts cannot be undone. */
export function lookupSettings(
  speculation: SpeculationOptions | undefined, model: SpeculatingModel,
): LookupSettings | undefined {
  const { lookup } = checkedSpeculation(speculation);
  if (lookup === undefined || lookup === false) return undefined;
  const given: LookupOptions = lookup === true ? {} : checkedObject('speculation.lookup', lookup, Object.keys(LOOKUP_DEFAULTS));
  for (const [name, value] of Object.entries(given)) {
    checkWhole(`speculation.lookup.${name}`, value, name === 'maxDraft' ? MAX_DRAFT : MAX_NGRAM);
  }
  const { maxNgram = Math.max(LOOKUP_DEFAULTS.maxNgram, given.minNgram ?? 0) } = given;
  const minNgram = Math.min(LOOKUP_DEFAULTS.minNgram, maxNgram);
  const settings: LookupSettings = { ...LOOKUP_DEFAULTS, minNgram, ...given, maxNgram };
  if (settings.minNgram > settings.maxNgram) {
    throw new InvalidArgumentError(
      `speculation.lookup.minNgram (${settings.minNgram}) must not be above maxNgram (${settings.maxNgram}).`,
    );
  }
  refuseRecurrent(model);
  return settings;
}

/** How the draft model is to be used, if at all. Throws InvalidArgumentError, also where none was loaded. */
export function draftSettings(
  speculation: SpeculationOptions | undefined, model: SpeculatingModel,
): DraftSettings | undefined {
  const { draft = model.draftModel !== undefined } = checkedSpeculation(speculation);
  if (draft === false) return undefined;
  const given: DraftOptions = draft === true ? {} : checkedObject('speculation.draft', draft, Object.keys(DRAFT_DEFAULTS));
  const { maxDraft, minProbability } = { ...DRAFT_DEFAULTS, ...given };
  checkWhole('speculation.draft.maxDraft', maxDraft, MAX_DRAFT);
  if (!(typeof minProbability === 'number' && minProbability >= 0 && minProbability <= 1)) {
    throw new InvalidArgumentError(
      `speculation.draft.minProbability must be a number from 0 to 1, not ${describe(minProbability)}.`,
    );
  }
  if (model.draftModel) return { maxDraft, minProbability };
  throw new InvalidArgumentError('speculation.draft needs a draft model: name one as draftModel when you load the engine.');
}

/** Throws UnsupportedModelError for a model whose state cannot be taken back. */
export function refuseRecurrent({ name, recurrent }: SpeculatingModel): void {
  if (!recurrent) return;
  throw new UnsupportedModelError(
    `${name} has recurrent layers, whose state cannot be taken back to before a wrong draft. Leave out speculation.`,
  );
}

function checkedSpeculation(speculation: SpeculationOptions | undefined): SpeculationOptions {
  return speculation === undefined ? {} : checkedObject('speculation', speculation, ['lookup', 'draft']);
}

function checkWhole(name: string, value: unknown, max: number): void {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= max) return;
  throw new InvalidArgumentError(`${name} must be a whole number from 1 to ${max}, not ${describe(value)}.`);
}

/** The properties that are not undefined. */
function checkedObject(name: string, value: unknown, known: readonly string[]): object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const orFlag = name === 'speculation' ? '' : 'true, false or ';
    throw new InvalidArgumentError(`${name} must be ${orFlag}an object, not ${describe(value)}.`);
  }
  const given = Object.entries(value).filter(([, entry]) => entry !== undefined);
  const unknown = given.find(([key]) => !known.includes(key));
  if (!unknown) return Object.fromEntries(given);
  throw new InvalidArgumentError(`${name} has no option ${unknown[0].slice(0, 80)}; it has ${known.join(', ')}.`);
}

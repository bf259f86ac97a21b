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

/** Ways of computing several tokens per step. None changes the output. */
export interface SpeculationOptions {
  /** Draft what followed the last few ids when they last occurred in the sequence. */
  readonly lookup?: boolean | LookupOptions;
}

export type LookupSettings = Required<LookupOptions>;

const LOOKUP_DEFAULTS: LookupSettings = { maxNgram: 3, minNgram: 2, maxDraft: 7 };
const LOOKUP_NAMES = Object.keys(LOOKUP_DEFAULTS);
const MAX_NGRAM = 16;
const MAX_DRAFT = 64;

/** The lookup to use, if any. Throws InvalidArgumentError, or UnsupportedModelError where drafts cannot be undone. */
export function lookupSettings(
  speculation: SpeculationOptions | undefined, model: { readonly name: string; readonly recurrent: boolean },
): LookupSettings | undefined {
  if (speculation === undefined) return undefined;
  const { lookup } = checkedObject('speculation', speculation, ['lookup']) as SpeculationOptions;
  if (lookup === undefined || lookup === false) return undefined;
  const given = lookup === true ? {} : checkedLookup(lookup);
  const { maxNgram = Math.max(LOOKUP_DEFAULTS.maxNgram, given.minNgram ?? 0) } = given;
  const minNgram = Math.min(LOOKUP_DEFAULTS.minNgram, maxNgram);
  const settings: LookupSettings = { ...LOOKUP_DEFAULTS, minNgram, ...given, maxNgram };
  if (settings.minNgram > settings.maxNgram) {
    throw new InvalidArgumentError(
      `speculation.lookup.minNgram (${settings.minNgram}) must not be above maxNgram (${settings.maxNgram}).`,
    );
  }
  if (model.recurrent) {
    throw new UnsupportedModelError(
      `${model.name} has recurrent layers, whose state cannot be taken back to before a wrong draft. ` +
        'Leave out speculation.',
    );
  }
  return settings;
}

function checkedLookup(lookup: unknown): LookupOptions {
  const given = checkedObject('speculation.lookup', lookup, LOOKUP_NAMES);
  for (const [name, value] of Object.entries(given)) {
    const max = name === 'maxDraft' ? MAX_DRAFT : MAX_NGRAM;
    if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= max) continue;
    throw new InvalidArgumentError(
      `speculation.lookup.${name} must be a whole number from 1 to ${max}, not ${describe(value)}.`,
    );
  }
  return given;
}

/** The properties that are not undefined. */
function checkedObject(name: string, value: unknown, known: readonly string[]): object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const orFlag = name.endsWith('lookup') ? 'true, false or ' : '';
    throw new InvalidArgumentError(`${name} must be ${orFlag}an object, not ${describe(value)}.`);
  }
  const given = Object.entries(value).filter(([, entry]) => entry !== undefined);
  const unknown = given.find(([key]) => !known.includes(key));
  if (!unknown) return Object.fromEntries(given);
  throw new InvalidArgumentError(`${name} has no option ${unknown[0].slice(0, 80)}; it has ${known.join(', ')}.`);
}

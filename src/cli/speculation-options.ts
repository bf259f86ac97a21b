// The flags of speculative decoding, and what the engine takes for them.
import type { SpeculationOptions } from '../engine/speculation/options.ts';
import { flag, integer } from './options.ts';
import type { Values } from './options.ts';
import { UsageError } from './parse-arguments.ts';

export const SPECULATION = {
  lookup: flag({ help: 'Guess tokens from the text so far: same answer, sooner where text repeats' }),
  draftMax: integer({ min: 1, max: 64 }, { help: 'With --lookup: tokens guessed per step at most (7)' }),
};

export function speculationFrom({ lookup, draftMax }: Values<typeof SPECULATION>): SpeculationOptions | undefined {
  if (!lookup && draftMax !== undefined) throw new UsageError('--draft-max goes with --lookup.');
  return lookup ? { lookup: { maxDraft: draftMax } } : undefined;
}

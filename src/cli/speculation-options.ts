// The flags of speculative decoding, and what the engine takes for them.
import type { SpeculationOptions } from '../engine/speculation/options.ts';
import { decimal, flag, integer, text } from './options.ts';
import type { Values } from './options.ts';
import { UsageError } from './parse-arguments.ts';

export const SPECULATION = {
  lookup: flag({ help: 'Guess tokens from the text so far: same answer, sooner where text repeats' }),
  draftModel: text({
    value: 'MODEL', aliases: ['model-draft'],
    help: 'A smaller model of the same family that guesses tokens: same answer, sooner',
  }),
  draftMax: integer({ min: 1, max: 64 }, { help: 'With either: tokens guessed per step at most (7)' }),
  draftMinP: decimal({ min: 0, max: 1 }, { help: 'With --draft-model: no guess less likely than this (0.5)' }),
};

export function speculationFrom(
  { lookup, draftModel, draftMax, draftMinP }: Values<typeof SPECULATION>,
): SpeculationOptions | undefined {
  if (!lookup && !draftModel && draftMax !== undefined) {
    throw new UsageError('--draft-max goes with --lookup or --draft-model.');
  }
  if (!draftModel && draftMinP !== undefined) throw new UsageError('--draft-min-p goes with --draft-model.');
  if (!lookup && !draftModel) return undefined;
  return {
    ...(lookup && { lookup: { maxDraft: draftMax } }),
    ...(draftModel && { draft: { maxDraft: draftMax, minProbability: draftMinP } }),
  };
}

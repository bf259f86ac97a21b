// Decides which rows the next forward pass computes. Policy only: it touches no tensors.
import type { BatchPart } from './runner.ts';
import type { Sequence } from './sequence.ts';

export interface ScheduleLimits {
  /** Rows of a pass. */
  readonly maxTokens: number;
  /** Results of a pass. */
  readonly maxOutputs: number;
  /** Rows that a pass may spend on prompts: alone, and while other sequences wait for their next token. */
  readonly promptRows: number;
  readonly promptRowsBesideDecode: number;
  /** Whether the prompt of `sequence` goes on like that of `part`, so that it need not be computed for both. */
  readonly repeats?: (sequence: Sequence, part: BatchPart) => boolean;
}

/**
 * The next batch, within the limits: one row for every sequence that has a single id left, then their draft ids, then
 * prompt chunks: half of their rows at most for the prompt with the fewest ids left, so that a short one waits for no long one,
 * the rest in order of arrival. The result row of a part is wanted once its sequence is fully computed, and those
 * of its draft ids too.
 */
export function schedule(sequences: readonly Sequence[], limits: ScheduleLimits): BatchPart[] {
  const { maxTokens, maxOutputs } = limits;
  const decoding: Sequence[] = [];
  const parts: BatchPart[] = [];
  const pending = (sequence: Sequence): number => sequence.ids.length - sequence.numComputed;
  for (const sequence of sequences) {
    if (pending(sequence) !== 1 || decoding.length === Math.min(maxTokens, maxOutputs)) continue;
    decoding.push(sequence);
  }
  let rows = decoding.length, outputs = rows;
  for (const sequence of decoding) {
    const numDraft = Math.min(sequence.draft.length, maxTokens - rows, maxOutputs - outputs);
    parts.push({ sequence, numTokens: 1 + numDraft, numOutputs: 1 + numDraft });
    rows += numDraft;
    outputs += numDraft;
  }
  const budget = Math.min(maxTokens - rows, rows > 0 ? limits.promptRowsBesideDecode : limits.promptRows);
  return [...parts, ...prefill(sequences.filter((sequence) => pending(sequence) > 1), budget, maxOutputs - outputs, limits.repeats)];
}

function prefill(
  sequences: readonly Sequence[], rows: number, outputs: number, repeats: ScheduleLimits['repeats'],
): BatchPart[] {
  const left = ({ ids, numComputed }: Sequence): number => ids.length - numComputed;
  const [first, ...others] = sequences;
  if (!first) return [];
  const shortest = others.reduce((best, sequence) => (left(sequence) < left(best) ? sequence : best), first);
  const prompts: BatchPart[] = [];
  const take = (sequence: Sequence, most: number): void => {
    if (most <= 0) return;
    // It waits for the other, whose blocks it then has too.
    if (repeats && prompts.some((part) => repeats(sequence, part))) return;
    const numTokens = Math.min(left(sequence), most);
    const complete = numTokens === left(sequence);
    if (complete && outputs === 0) return;
    prompts.push({ sequence, numTokens, numOutputs: complete ? 1 : 0 });
    rows -= numTokens;
    if (complete) outputs--;
  };
  if (shortest !== first) take(shortest, Math.ceil(rows / 2));
  const isTaken = prompts.length > 0;
  for (const sequence of sequences) if (!(isTaken && sequence === shortest)) take(sequence, rows);
  return prompts;
}

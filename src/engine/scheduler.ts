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
 * prompt chunks in order of arrival. The result row of a part is wanted once its sequence is fully computed, and those
 * of its draft ids too.
 */
export function schedule(sequences: readonly Sequence[], limits: ScheduleLimits): BatchPart[] {
  const { maxTokens, maxOutputs } = limits;
  const decoding: Sequence[] = [];
  const parts: BatchPart[] = [];
  const pending = (sequence: Sequence): number => sequence.ids.length - sequence.numComputed;
  let outputs = 0;
  let rows = 0;
  for (const sequence of sequences) {
    if (pending(sequence) !== 1 || decoding.length === Math.min(maxTokens, maxOutputs)) continue;
    decoding.push(sequence);
  }
  rows = outputs = decoding.length;
  for (const sequence of decoding) {
    const numDraft = Math.min(sequence.draft.length, maxTokens - rows, maxOutputs - outputs);
    parts.push({ sequence, numTokens: 1 + numDraft, numOutputs: 1 + numDraft });
    rows += numDraft;
    outputs += numDraft;
  }
  let budget = Math.min(maxTokens - rows, rows > 0 ? limits.promptRowsBesideDecode : limits.promptRows);
  const prompts: BatchPart[] = [];
  for (const sequence of sequences) {
    const left = pending(sequence);
    if (left <= 1 || budget === 0) continue;
    // It waits for the other, whose blocks it then has too.
    if (limits.repeats && prompts.some((part) => limits.repeats!(sequence, part))) continue;
    const numTokens = Math.min(left, budget);
    const complete = numTokens === left;
    if (complete && outputs === maxOutputs) continue;
    prompts.push({ sequence, numTokens, numOutputs: complete ? 1 : 0 });
    budget -= numTokens;
    if (complete) outputs++;
  }
  return [...parts, ...prompts];
}

// Changes to logits that depend on the tokens so far, prompt included: repetition, presence and frequency penalties,
// and DRY.
import type { ResolvedSampling } from './options.ts';

/** ln of the greatest float32: a greater exponent of DRY's base would be one no more. */
const MAX_LOG = 88.7228391;
/** Leaves the logit a number: DRY makes a token unlikely and never rules it out. */
const MAX_DRY_PENALTY = 1e30;

/** The last `lastN` ids; −1 is all of them. */
function recent(history: readonly number[], lastN: number): readonly number[] {
  return lastN < 0 ? history : lastN === 0 ? [] : history.slice(-lastN);
}

/** Repetition (Keskar et al. 2019, negative logits multiplied), frequency and presence penalties, in place. */
export function applyPenalties(logits: Float32Array, history: readonly number[], options: ResolvedSampling): void {
  const { repetitionPenalty, frequencyPenalty, presencePenalty, penaltyLastN } = options;
  const counts = new Map<number, number>();
  for (const id of recent(history, penaltyLastN)) counts.set(id, (counts.get(id) ?? 0) + 1);
  for (const [id, count] of counts) {
    const logit = logits[id];
    const repeated = logit <= 0 ? logit * repetitionPenalty : logit / repetitionPenalty;
    logits[id] = repeated - count * frequencyPenalty - presencePenalty;
  }
}

/**
 * DRY, in place: a token that would lengthen a repetition of the sequence's end, already `dryAllowedLength` tokens
 * long or longer, loses multiplier · base^(length − allowed). Repetitions do not reach over a breaker, and breakers
 * lose nothing. Breakers are single ids here (llama.cpp takes strings, and has four unless told otherwise).
 */
export function applyDry(
  logits: Float32Array, history: readonly number[], options: ResolvedSampling, breakers: ReadonlySet<number>,
): void {
  const { dryMultiplier, dryBase, dryAllowedLength, dryPenaltyLastN } = options;
  const reversed = Int32Array.from(recent(history, dryPenaltyLastN)).reverse();
  const lastBreaker = reversed.findIndex((id) => breakers.has(id));
  const limit = lastBreaker < 0 ? reversed.length : lastBreaker;
  if (limit < dryAllowedLength) return;
  const lengths = zFunction(reversed);
  const longest = new Map<number, number>();
  for (let i = 1; i < reversed.length; i++) {
    const match = Math.min(lengths[i], limit);
    if (match < dryAllowedLength) continue;
    // The token that followed the earlier occurrence.
    const next = reversed[i - 1];
    if (!breakers.has(next)) longest.set(next, Math.max(longest.get(next) ?? 0, match));
  }
  const maxExponent = dryBase > 1 ? Math.trunc(MAX_LOG / Math.log(dryBase)) : 0;
  for (const [id, match] of longest) {
    const exponent = Math.min(match - dryAllowedLength, maxExponent);
    logits[id] -= Math.min(dryMultiplier * dryBase ** exponent, MAX_DRY_PENALTY);
  }
}

/** z[i] is the length of the longest common prefix of `ids` and `ids` from i; linear time (Main and Lorentz 1984). */
function zFunction(ids: Int32Array): Int32Array {
  const z = new Int32Array(ids.length);
  for (let i = 1, left = 0, right = 0; i < ids.length; i++) {
    let length = i < right ? Math.min(right - i, z[i - left]) : 0;
    while (i + length < ids.length && ids[length] === ids[i + length]) length++;
    z[i] = length;
    if (i + length > right) [left, right] = [i, i + length];
  }
  return z;
}

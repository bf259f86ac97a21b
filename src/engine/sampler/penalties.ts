// Changes to logits that depend on the tokens so far: repetition, presence and frequency penalties, and DRY.
import type { ResolvedSampling } from './options.ts';

/** The last `lastN` ids; −1 is all of them. */
function recent(history: readonly number[], lastN: number): readonly number[] {
  return lastN < 0 ? history : lastN === 0 ? [] : history.slice(-lastN);
}

/** Repetition (Keskar et al. 2019), frequency and presence penalties, in place. */
export function applyPenalties(logits: Float32Array, history: readonly number[], options: ResolvedSampling): void {
  const { repetitionPenalty, frequencyPenalty, presencePenalty, penaltyLastN } = options;
  if (repetitionPenalty === 1 && frequencyPenalty === 0 && presencePenalty === 0) return;
  const counts = new Map<number, number>();
  for (const id of recent(history, penaltyLastN)) counts.set(id, (counts.get(id) ?? 0) + 1);
  for (const [id, count] of counts) {
    const logit = logits[id]!;
    const repeated = logit <= 0 ? logit * repetitionPenalty : logit / repetitionPenalty;
    logits[id] = repeated - count * frequencyPenalty - presencePenalty;
  }
}

/**
 * DRY, in place: a token that would lengthen a repetition of the sequence's end to more than `dryAllowedLength` tokens
 * loses multiplier · base^(length − allowed). Repeated ends are found by the Z function, in linear time.
 */
export function applyDry(logits: Float32Array, history: readonly number[], options: ResolvedSampling): void {
  const { dryMultiplier, dryBase, dryAllowedLength, dryPenaltyLastN, drySequenceBreakers } = options;
  if (dryMultiplier === 0) return;
  const window = recent(history, dryPenaltyLastN);
  const reversed = [...window].reverse();
  const limit = sequenceStart(reversed, drySequenceBreakers);
  const lengths = zFunction(reversed);
  const longest = new Map<number, number>();
  for (let i = 1; i < reversed.length; i++) {
    const match = Math.min(lengths[i]!, limit);
    if (match >= dryAllowedLength) {
      // The token that followed the earlier occurrence.
      const next = reversed[i - 1]!;
      longest.set(next, Math.max(longest.get(next) ?? 0, match));
    }
  }
  for (const [id, match] of longest) {
    if (drySequenceBreakers.includes(id)) continue;
    // Beyond this exponent the penalty is no longer a float.
    const exponent = Math.min(match - dryAllowedLength, Math.floor(88 / Math.log(Math.max(dryBase, 1.000001))));
    logits[id] = logits[id]! - dryMultiplier * dryBase ** exponent;
  }
}

/** How far back a match may reach: to the last breaker. */
function sequenceStart(reversed: readonly number[], breakers: readonly number[]): number {
  const at = reversed.findIndex((id) => breakers.includes(id));
  return at < 0 ? reversed.length : at;
}

/** z[i] is the length of the longest common prefix of `ids` and `ids` from i. */
function zFunction(ids: readonly number[]): Int32Array {
  const z = new Int32Array(ids.length);
  for (let i = 1, left = 0, right = 0; i < ids.length; i++) {
    if (i < right) z[i] = Math.min(right - i, z[i - left]!);
    while (i + z[i]! < ids.length && ids[z[i]!] === ids[i + z[i]!]) z[i] = z[i]! + 1;
    if (i + z[i]! > right) [left, right] = [i, i + z[i]!];
  }
  return z;
}

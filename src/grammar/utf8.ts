// Ranges of code points as sequences of byte ranges in UTF-8.
import { pairsOf } from './code-points.ts';
import type { CodePoints } from './code-points.ts';

/** One range of bytes per byte of the character. */
export type ByteSequence = readonly (readonly [number, number])[];

/** Last code points that take 1, 2, 3 and 4 bytes. */
const LAST_OF_LENGTH = [0x7f, 0x7ff, 0xffff, 0x10ffff];

export function byteSequences(set: CodePoints): ByteSequence[] {
  return pairsOf(set).flatMap(([first, last]) => {
    let from = first;
    return LAST_OF_LENGTH.flatMap((lastOfLength) => {
      if (from > last || from > lastOfLength) return [];
      const end = Math.min(last, lastOfLength);
      const sequences = between(bytesOf(from), bytesOf(end));
      from = end + 1;
      return sequences;
    });
  });
}

/** All byte strings from `low` to `high`, which are equally long. */
function between(low: readonly number[], high: readonly number[]): ByteSequence[] {
  const [first, last] = [low[0], high[0]];
  if (low.length === 1) return [[[first, last]]];
  const [lowRest, highRest] = [low.slice(1), high.slice(1)];
  const least = lowRest.map(() => 0x80);
  const most = lowRest.map(() => 0xbf);
  const after = (a: number, b: number, rests: ByteSequence[]): ByteSequence[] => rests.map((rest) => [[a, b] as const, ...rest]);
  if (first === last) return after(first, last, between(lowRest, highRest));
  const startsWhole = lowRest.every((byte) => byte === 0x80);
  const endsWhole = highRest.every((byte) => byte === 0xbf);
  const [from, to] = [startsWhole ? first : first + 1, endsWhole ? last : last - 1];
  return [
    ...(startsWhole ? [] : after(first, first, between(lowRest, most))),
    ...(from <= to ? after(from, to, between(least, most)) : []),
    ...(endsWhole ? [] : after(last, last, between(least, highRest))),
  ];
}

function bytesOf(codePoint: number): number[] {
  return [...new TextEncoder().encode(String.fromCodePoint(codePoint))];
}

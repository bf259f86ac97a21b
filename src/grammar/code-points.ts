// Sets of code points as sorted, disjoint ranges; surrogates are in none, as UTF-8 has no bytes for them.

/** First and last of each range in turn, ascending. */
export type CodePoints = readonly number[];

const LAST_CODE_POINT = 0x10ffff;
const SURROGATES = [0xd800, 0xdfff] as const;

/** Sorts, joins and takes the surrogates out. */
export function codePoints(ranges: readonly (readonly [number, number])[]): CodePoints {
  const [low, high] = SURROGATES;
  const clean = ranges.flatMap(([first, last]): (readonly [number, number])[] => {
    if (last < low || first > high) return [[first, last]];
    return [[first, Math.min(last, low - 1)] as const, [Math.max(first, high + 1), last] as const].filter(([a, b]) => a <= b);
  }).sort((a, b) => a[0] - b[0]);
  const joined: number[] = [];
  for (const [first, last] of clean) {
    const end = joined.length - 1;
    // Across the surrogates two ranges are neighbours, but stay apart.
    if (end > 0 && first <= joined[end] + 1) joined[end] = Math.max(joined[end], last);
    else joined.push(first, last);
  }
  return joined;
}

export function pairsOf(set: CodePoints): (readonly [number, number])[] {
  return Array.from({ length: set.length / 2 }, (_, i) => [set[2 * i], set[2 * i + 1]] as const);
}

export function union(...sets: readonly CodePoints[]): CodePoints {
  return codePoints(sets.flatMap(pairsOf));
}

export function complement(set: CodePoints): CodePoints {
  const gaps: (readonly [number, number])[] = [];
  let next = 0;
  for (const [first, last] of pairsOf(set)) {
    if (first > next) gaps.push([next, first - 1]);
    next = last + 1;
  }
  if (next <= LAST_CODE_POINT) gaps.push([next, LAST_CODE_POINT]);
  return codePoints(gaps);
}

export function intersection(a: CodePoints, b: CodePoints): CodePoints {
  const common: (readonly [number, number])[] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    const first = Math.max(a[i], b[j]);
    const last = Math.min(a[i + 1], b[j + 1]);
    if (first <= last) common.push([first, last]);
    if (a[i + 1] < b[j + 1]) i += 2;
    else j += 2;
  }
  return codePoints(common);
}

export function contains(set: CodePoints, codePoint: number): boolean {
  for (let i = 0; i < set.length; i += 2) if (codePoint >= set[i] && codePoint <= set[i + 1]) return true;
  return false;
}

export const ANY: CodePoints = complement([]);

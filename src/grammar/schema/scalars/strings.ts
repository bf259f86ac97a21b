// Strings as JSON writes them. Where what they say matters (patterns, names of properties), each character has one spelling.
import type { Steps } from '../../../steps.ts';
import { codePoints, complement, contains, intersection, pairsOf, union } from '../../code-points.ts';
import type { CodePoints } from '../../code-points.ts';
import { characters, choice, repeat, rule, sequence, text } from '../../expression.ts';
import type { CharacterGraph, Expression } from '../../expression.ts';
import type { Language } from '../../pattern/language.ts';

/** Of a language's table. */
const CELLS_A_STEP = 4096;
const CONTROLS = codePoints([[0, 0x1f]]);
const QUOTE_AND_BACKSLASH = codePoints([[0x22, 0x22], [0x5c, 0x5c]]);
const PLAIN = complement(codePoints([...pairsOf(CONTROLS), ...pairsOf(QUOTE_AND_BACKSLASH)]));
const HEX = characters(codePoints([[0x30, 0x39], [0x41, 0x46], [0x61, 0x66]]));
const set = (letters: string): Expression =>
  characters(codePoints([...letters].map((letter) => [letter.codePointAt(0)!, letter.codePointAt(0)!] as const)));

/** Four hexadecimal digits that are no half of a pair, or both halves. */
const ESCAPED_UNIT = choice(
  sequence(set('0123456789abcefABCEF'), HEX, HEX, HEX),
  sequence(set('dD'), set('01234567'), HEX, HEX),
  sequence(set('dD'), set('89abAB'), HEX, HEX, text('\\u'), set('dD'), set('cdefCDEF'), HEX, HEX),
);

export const CHARACTER = choice(characters(PLAIN), sequence(text('\\'), choice(set('"\\/bfnrt'), sequence(text('u'), ESCAPED_UNIT))));

/** A string of so many characters, escapes as JSON has them. */
export function stringOfLength(min: number, max: number): Expression {
  return sequence(text('"'), repeat(rule('character'), min, max), text('"'));
}

/** A string of the language, each character in its shortest spelling. */
export function* stringOf(language: Language): Steps<Expression> {
  return sequence(text('"'), yield* graphOf(language, spelling), text('"'));
}

/** The texts of the language, each character as `spelled`. */
export function* graphOf({ classes, next, accepting }: Language, spelled: (members: CodePoints) => Expression): Steps<Expression> {
  const known = new Map<string, Expression>();
  const rowsAStep = Math.ceil(CELLS_A_STEP / classes.length);
  const edges: CharacterGraph['edges'][number][] = [];
  for (const [from, row] of next.entries()) {
    if (from % rowsAStep === rowsAStep - 1) yield;
    const classesTo = new Map<number, number[]>();
    row.forEach((to, i) => {
      const members = classesTo.get(to);
      if (members) members.push(i);
      else if (to >= 0) classesTo.set(to, [i]);
    });
    for (const [to, members] of classesTo) {
      const key = members.join();
      const on = known.get(key) ?? spelled(union(...members.map((i) => classes[i])));
      known.set(key, on);
      edges.push({ from, to, on });
    }
  }
  const finals = accepting.flatMap((accepts, state) => (accepts ? [state] : []));
  return { kind: 'graph', graph: { numStates: next.length, start: 0, finals, edges } };
}

function spelling(members: CodePoints): Expression {
  const plain = intersection(members, PLAIN);
  const escaped = [...Array(0x20).keys(), 0x22, 0x5c].filter((codePoint) => contains(members, codePoint))
    .map((codePoint) => text(JSON.stringify(String.fromCodePoint(codePoint)).slice(1, -1)));
  return choice(...(plain.length > 0 ? [characters(plain)] : []), ...escaped);
}

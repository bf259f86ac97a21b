// JSON numbers that are multiples of one number and of no others, as automata that follow remainders; or listed, where they are few.
import { atOnce } from '../../../steps.ts';
import { codePoints, complement } from '../../code-points.ts';
import type { CodePoints } from '../../code-points.ts';
import { characters, choice, text } from '../../expression.ts';
import type { Expression } from '../../expression.ts';
import { languageOf } from '../../pattern/language.ts';
import type { Language, PatternBudget } from '../../pattern/language.ts';
import { parsePattern } from '../../pattern/pattern-parser.ts';
import type { Pattern } from '../../pattern/pattern-parser.ts';
import { ONE, commonMultiple, decimalOf, firstMultiple, isMultiple, lastMultiple, times, written } from './decimals.ts';
import type { Decimal } from './decimals.ts';
import { SIGNIFICANT, decimalsBetween } from './numbers.ts';
import type { Bound } from './numbers.ts';
import type { Patterns } from './patterns.ts';
import type { Shape } from '../shape.ts';
import { graphOf } from './strings.ts';

/** Multiples are listed up to so many, and followed by remainder and digits read in up to so many states. */
const MOST_LISTED = 1000;
const MOST_STATES = 8000;
/** Steps that a state costs, with what is made of it later. */
const STATE_WORK = 40;
/** Digits after the point that numbers have beyond those of what they are no multiple of. */
const MORE_DIGITS = 3;

/** What all numbers of the shape are multiples of. */
export function multipleOf({ isInteger, multipleOf }: Shape): Decimal | undefined {
  return isInteger ? (multipleOf ? commonMultiple(multipleOf, ONE) : ONE) : multipleOf;
}

/** Whether no number is in the shape; false where that is not found out. */
export function hasNoNumber(shape: Shape): boolean {
  const { low, high, notMultiplesOf } = shape;
  if (low && high && (low.value > high.value || (low.value === high.value && (low.exclusive || high.exclusive)))) return true;
  const excluded = (value: Decimal): boolean => notMultiplesOf.some((other) => isMultiple(value, other));
  if (low && low.value === high?.value && excluded(decimalOf(low.value))) return true;
  const multiple = multipleOf(shape);
  if (!multiple) return false;
  if (excluded(multiple)) return true;
  const range = low && high && rangeOf(low, high, multiple);
  return range !== undefined && (range[0] > range[1] || (range[1] - range[0] < 64n && listed(range, multiple).every(excluded)));
}

/** The numbers, or why they cannot be written down. */
export function multiplesIn(shape: Shape, patterns: Patterns, pointer: string): Expression | { readonly why: string } {
  const { low, high, notMultiplesOf } = shape;
  const multiple = multipleOf(shape);
  const all = patterns.attempt('multipleOf', pointer, () => numbersBetween(shape, multiple, patterns));
  if (all) {
    const ofDivisor = (divisor: Decimal): Language => patterns.attempt('multipleOf', pointer, () => multiplesOf(divisor, patterns.budget));
    let language = multiple ? patterns.combine(all, ofDivisor(multiple), 'multipleOf', pointer) : all;
    for (const other of notMultiplesOf) language = patterns.combine(language, ofDivisor(other), 'multipleOf', pointer, 'first');
    return atOnce(graphOf(language, characters));
  }
  if (!multiple) return { why: `is for numbers of ${SIGNIFICANT} digits at most, as are the bounds beside it` };
  const range = low && high && rangeOf(low, high, multiple);
  if (!range) return { why: `is ${written(multiple).slice(0, 40)}, which needs a minimum and a maximum beside it` };
  if (range[1] - range[0] >= BigInt(MOST_LISTED)) return { why: `has more than ${MOST_LISTED} multiples between the bounds` };
  const found = listed(range, multiple).filter((value) => !notMultiplesOf.some((other) => isMultiple(value, other)));
  return choice(...found.map((value) => text(written(value))));
}

function rangeOf(low: Bound, high: Bound, multiple: Decimal): readonly [bigint, bigint] {
  return [firstMultiple(decimalOf(low.value), multiple, low.exclusive), lastMultiple(decimalOf(high.value), multiple, high.exclusive)];
}

function listed([first, last]: readonly [bigint, bigint], multiple: Decimal): Decimal[] {
  return Array.from({ length: Math.max(0, Number(last - first) + 1) }, (_, i) => times(first + BigInt(i), multiple));
}

/** Numbers between the bounds, of so few digits that each is a double of its own; undefined where that takes too many states. */
function numbersBetween({ low, high, notMultiplesOf }: Shape, multiple: Decimal | undefined, patterns: Patterns): Language | undefined {
  const bounds = [low, high].flatMap((bound) => (bound ? [decimalOf(Math.abs(bound.value))] : []));
  const places = multiple?.scale ?? Math.max(...notMultiplesOf.map(({ scale }) => scale + MORE_DIGITS), ...bounds.map(({ scale }) => scale + 1));
  const states = [...(multiple ? [multiple] : []), ...notMultiplesOf].map(({ digits, scale }) => Math.floor(MOST_STATES / Number(digits)) - scale - 1);
  const wholeDigits = Math.min(SIGNIFICANT - places, ...states);
  const needed = Math.max(1, ...bounds.map(numWholeDigits), ...(multiple ? [numWholeDigits(multiple)] : []));
  if (wholeDigits < needed) return undefined;
  const fraction = places === 0 ? '' : `(?:\\.\\d{1,${places}})?`;
  const below1 = places === 0 ? '0' : `-?0${fraction}`;
  const all = atOnce(languageOf(parsePattern(`^(?:${below1}|-?[1-9]\\d{0,${wholeDigits - 1}}${fraction})$`), patterns.budget));
  if (!low && !high) return all;
  const between = decimalsBetween(low, high);
  if (!between) return undefined;
  const bounded = atOnce(languageOf({ kind: 'sequence', items: [{ kind: 'start' }, patternOf(between), { kind: 'end' }] }, patterns.budget));
  return patterns.combine(all, bounded, 'multipleOf', '');
}

function numWholeDigits({ digits, scale }: Decimal): number {
  return String(digits / 10n ** BigInt(scale)).length;
}

function patternOf(expression: Expression): Pattern {
  switch (expression.kind) {
    case 'characters': return { kind: 'set', set: expression.set };
    case 'text': return { kind: 'sequence', items: [...expression.text].map((character) => ({ kind: 'set', set: single(character) })) };
    case 'sequence':
    case 'choice': return { kind: expression.kind, items: expression.items.map(patternOf) };
    case 'repeat': return { kind: 'repeat', item: patternOf(expression.item), min: expression.min, max: expression.max };
    default: throw new Error(`A ${expression.kind} is in no number.`);
  }
}

const single = (character: string): CodePoints => codePoints([[character.charCodeAt(0), character.charCodeAt(0)]]);
/** Each digit, then these two, then all others. */
const NUMBER_CLASSES = [...[...'0123456789', '-', '.'].map(single), complement(codePoints([[0x2d, 0x2e], [0x30, 0x39]]))];
const [MINUS, POINT] = [10, 11];

/** All ways to write a multiple without an exponent, and some texts that are no numbers. */
function multiplesOf({ digits, scale }: Decimal, budget: PatternBudget): Language {
  const divisor = Number(digits);
  budget.spend(STATE_WORK * divisor * (scale + 2));
  // State 0 is before the first digit; then come remainders of what was read before the point, and after each digit behind it.
  const stateOf = (place: number, remainder: number): number => 1 + place * divisor + remainder;
  /** By place, the remainder of 10^(digits that are missing behind the point). */
  const missing = (place: number): number => Number(10n ** BigInt(scale - Math.max(0, place - 1)) % digits);
  const next = Array.from({ length: 1 + divisor * (scale + 2) }, () => new Int32Array(NUMBER_CLASSES.length).fill(-1));
  const accepting = next.map(() => false);
  next[0][MINUS] = 0;
  for (let digit = 0; digit < 10; digit++) next[0][digit] = stateOf(0, digit % divisor);
  for (let place = 0; place <= scale + 1; place++) {
    const isLast = place === scale + 1;
    for (let remainder = 0; remainder < divisor; remainder++) {
      const row = next[stateOf(place, remainder)];
      accepting[stateOf(place, remainder)] = (remainder * missing(place)) % divisor === 0;
      if (place === 0) row[POINT] = stateOf(1, remainder);
      // Behind the last place that counts there may be zeros.
      if (isLast) row[0] = stateOf(place, remainder);
      else for (let digit = 0; digit < 10; digit++) row[digit] = stateOf(place === 0 ? 0 : place + 1, (remainder * 10 + digit) % divisor);
    }
  }
  return { classes: NUMBER_CLASSES, next, accepting };
}

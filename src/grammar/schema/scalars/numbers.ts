// JSON numbers between bounds, as expressions. Bounded numbers have 15 significant digits at most, so that no rounding
// carries a number over its bound.
import { codePoints } from '../../code-points.ts';
import { EMPTY, NOTHING, characters, choice, optional, repeat, sequence, text } from '../../expression.ts';
import type { Expression } from '../../expression.ts';

export interface Bound {
  readonly value: number;
  readonly exclusive: boolean;
}

/** Digits that a whole number may have: up to there doubles are whole. */
const MOST_DIGITS = 16;
/** Every decimal number of so many digits is a double of its own. */
export const SIGNIFICANT = 15;
const GREATEST = 10n ** BigInt(MOST_DIGITS) - 1n;

const digit = (low: number, high: number): Expression => characters(codePoints([[0x30 + low, 0x30 + high]]));
const DIGIT = digit(0, 9);
const whole = choice(text('0'), sequence(digit(1, 9), repeat(DIGIT, 0, MOST_DIGITS - 1)));

export const ANY_INTEGER: Expression = choice(text('0'), sequence(optional(text('-')), digit(1, 9), repeat(DIGIT, 0, MOST_DIGITS - 1)));
/** Exponents have two digits, so that no number is infinite. */
export const ANY_NUMBER: Expression = sequence(
  optional(text('-')), whole, optional(sequence(text('.'), repeat(DIGIT, 1, MOST_DIGITS))),
  optional(sequence(characters(codePoints([[0x45, 0x45], [0x65, 0x65]])), optional(characters(codePoints([[0x2b, 0x2b], [0x2d, 0x2d]]))),
    repeat(DIGIT, 1, 2))),
);

/** The whole numbers between two bounds, or undefined where they are too long. */
export function integerRange(low: Bound | undefined, high: Bound | undefined): readonly [bigint, bigint] | undefined {
  const least = low && (low.exclusive ? BigInt(Math.floor(low.value)) + 1n : BigInt(Math.ceil(low.value)));
  const most = high && (high.exclusive ? BigInt(Math.ceil(high.value)) - 1n : BigInt(Math.floor(high.value)));
  if ((least !== undefined && least > GREATEST) || (most !== undefined && most < -GREATEST)) return undefined;
  const clamp = (value: bigint): bigint => (value > GREATEST ? GREATEST : value < -GREATEST ? -GREATEST : value);
  return [clamp(least ?? -GREATEST), clamp(most ?? GREATEST)];
}

export function integersBetween(low: bigint, high: bigint): Expression {
  if (low > high) return NOTHING;
  const parts: Expression[] = [];
  if (low < 0n) parts.push(sequence(text('-'), positive(high < 0n ? -high : 1n, -low)));
  if (low <= 0n && high >= 0n) parts.push(text('0'));
  if (high > 0n) parts.push(positive(low > 0n ? low : 1n, high));
  return choice(...parts);
}

/** low ≥ 1. */
function positive(low: bigint, high: bigint): Expression {
  const [from, to] = [String(low), String(high)];
  const parts: Expression[] = [];
  for (let length = from.length; length <= to.length; length++) {
    const least = length === from.length ? from : `1${'0'.repeat(length - 1)}`;
    const most = length === to.length ? to : '9'.repeat(length);
    parts.push(digitsBetween(least, most));
  }
  return choice(...parts);
}

/** Digit strings of one length. */
function digitsBetween(low: string, high: string): Expression {
  if (low === '') return EMPTY;
  const [first, last] = [Number(low[0]), Number(high[0])];
  const [lowRest, highRest] = [low.slice(1), high.slice(1)];
  if (first === last) return sequence(text(low[0]), digitsBetween(lowRest, highRest));
  const isLeast = /^0*$/.test(lowRest);
  const isMost = /^9*$/.test(highRest);
  const [from, to] = [isLeast ? first : first + 1, isMost ? last : last - 1];
  return choice(
    ...(isLeast ? [] : [sequence(text(low[0]), digitsBetween(lowRest, '9'.repeat(lowRest.length)))]),
    ...(from <= to ? [sequence(digit(from, to), repeat(DIGIT, lowRest.length, lowRest.length))] : []),
    ...(isMost ? [] : [sequence(text(high[0]), digitsBetween('0'.repeat(highRest.length), highRest))]),
  );
}

/** Decimal numbers between two bounds, or undefined where a bound has too many digits. */
export function decimalsBetween(low: Bound | undefined, high: Bound | undefined): Expression | undefined {
  const parts: (Expression | undefined)[] = [];
  if (!low || low.value < 0) {
    const least: Bound = high && high.value < 0 ? { value: -high.value, exclusive: high.exclusive } : { value: 0, exclusive: true };
    const negative = notNegative(least, low && { value: -low.value, exclusive: low.exclusive });
    parts.push(negative && sequence(text('-'), negative));
  }
  if (!high || high.value >= 0) {
    parts.push(notNegative(low && low.value >= 0 ? low : { value: 0, exclusive: false }, high));
  }
  return parts.some((part) => part === undefined) ? undefined : choice(...parts as Expression[]);
}

interface Decimal {
  readonly whole: string;
  readonly fraction: string;
}

function decimal(value: number): Decimal | undefined {
  if (value >= 1e15) return undefined;
  const written = value.toString().includes('e') ? value.toFixed(20).replace(/0+$/, '') : value.toString();
  const [wholePart, fraction = ''] = written.split('.');
  if (Number(written) !== value || wholePart.length + fraction.length > SIGNIFICANT + 1) return undefined;
  return { whole: wholePart, fraction };
}

function notNegative(low: Bound, high: Bound | undefined): Expression | undefined {
  if (high && (high.value < low.value || (high.value === low.value && (high.exclusive || low.exclusive)))) return NOTHING;
  const a = decimal(low.value);
  const b = high && decimal(high.value);
  if (!a || (high && !b)) return undefined;
  const room = Math.max(0, SIGNIFICANT - (b ?? a).whole.length);
  const [first, last] = [BigInt(a.whole), b ? BigInt(b.whole) : GREATEST / 10n];
  const from: Limit = { digits: a.fraction, exclusive: low.exclusive };
  const to: Limit | undefined = high && { digits: b!.fraction, exclusive: high.exclusive };
  if (first === last) return sequence(text(String(first)), fraction(from, to, room));
  return choice(
    sequence(text(String(first)), fraction(from, undefined, room)),
    ...(first + 1n <= last - (b ? 1n : 0n) ? [sequence(positive(first + 1n, last - (b ? 1n : 0n)), fraction(undefined, undefined, room))] : []),
    ...(b ? [sequence(text(String(last)), fraction(undefined, to, room))] : []),
  );
}

interface Limit {
  /** After the point; what is missing is zeros. */
  readonly digits: string;
  readonly exclusive: boolean;
}

/** What may come after the whole part: nothing, or a point and digits. */
function fraction(low: Limit | undefined, high: Limit | undefined, room: number): Expression {
  const [mayEnd, digits] = fractionDigits(low, high, room);
  return choice(...(mayEnd ? [EMPTY] : []), sequence(text('.'), digits));
}

/** Whether no digits at all fit, and those of one and more. */
function fractionDigits(low: Limit | undefined, high: Limit | undefined, room: number): readonly [boolean, Expression] {
  const isZero = (limit: Limit): boolean => /^0*$/.test(limit.digits);
  const mayEnd = (!low || (isZero(low) && !low.exclusive)) && (!high || !isZero(high) || !high.exclusive);
  if (room === 0) return [mayEnd, NOTHING];
  // From zero on, every number is above.
  const floor = low && isZero(low) && !low.exclusive ? undefined : low;
  if (!floor && !high) return [mayEnd, repeat(DIGIT, 1, room)];
  const [least, most] = [Number(floor?.digits[0] ?? 0), Number(high ? high.digits[0] ?? 0 : 9)];
  const parts: Expression[] = [];
  for (let d = least; d <= most; d++) {
    const rest = (limit: Limit): Limit => ({ digits: limit.digits.slice(1), exclusive: limit.exclusive });
    const [ends, more] = fractionDigits(floor && d === least ? rest(floor) : undefined, high && d === most ? rest(high) : undefined, room - 1);
    parts.push(sequence(digit(d, d), choice(...(ends ? [EMPTY] : []), more)));
  }
  return [mayEnd, choice(...parts)];
}

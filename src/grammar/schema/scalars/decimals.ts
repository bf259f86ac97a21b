// Decimal numbers without rounding, and the multiples of one.

/** digits · 10^−scale. */
export interface Decimal {
  readonly digits: bigint;
  readonly scale: number;
}

export const ONE: Decimal = { digits: 1n, scale: 0 };

/** What the shortest way to write a finite number says. */
export function decimalOf(value: number): Decimal {
  const [mantissa, exponent] = value.toExponential().split('e');
  const [whole, fraction = ''] = mantissa.split('.');
  const scale = fraction.length - Number(exponent);
  const digits = BigInt(whole + fraction);
  return scale >= 0 ? { digits, scale } : { digits: digits * 10n ** BigInt(-scale), scale: 0 };
}

export function isMultiple(value: Decimal, of: Decimal): boolean {
  const [a, b] = aligned(value, of);
  return a % b === 0n;
}

export function commonMultiple(a: Decimal, b: Decimal): Decimal {
  const [x, y] = aligned(a, b);
  let [divisor, rest] = [x, y];
  while (rest > 0n) [divisor, rest] = [rest, divisor % rest];
  let digits = (x / divisor) * y;
  let scale = Math.max(a.scale, b.scale);
  for (; scale > 0 && digits % 10n === 0n; scale--) digits /= 10n;
  return { digits, scale };
}

/** The least n for which n · of is at least `value`; above it with `exclusive`. */
export function firstMultiple(value: Decimal, of: Decimal, exclusive: boolean): bigint {
  const [a, b] = aligned(value, of);
  const floor = a / b - (a < 0n && a % b !== 0n ? 1n : 0n);
  return floor * b === a && !exclusive ? floor : floor + 1n;
}

/** The greatest n for which n · of is at most `value`; below it with `exclusive`. */
export function lastMultiple({ digits, scale }: Decimal, of: Decimal, exclusive: boolean): bigint {
  return -firstMultiple({ digits: -digits, scale }, of, exclusive);
}

export function times(count: bigint, { digits, scale }: Decimal): Decimal {
  return { digits: count * digits, scale };
}

/** As JSON, without an exponent. */
export function written({ digits, scale }: Decimal): string {
  const sign = digits < 0n ? '-' : '';
  const all = String(digits < 0n ? -digits : digits).padStart(scale + 1, '0');
  const fraction = all.slice(all.length - scale).replace(/0+$/, '');
  const whole = all.slice(0, all.length - scale);
  return scale === 0 || fraction === '' ? sign + (scale === 0 ? all : whole) : `${sign}${whole}.${fraction}`;
}

function aligned(a: Decimal, b: Decimal): readonly [bigint, bigint] {
  const scale = Math.max(a.scale, b.scale);
  return [a.digits * 10n ** BigInt(scale - a.scale), b.digits * 10n ** BigInt(scale - b.scale)];
}

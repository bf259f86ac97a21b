// exp, log and pow from + − · / alone. The language fixes those to the last bit but leaves Math.exp and its kin to each
// engine; model constants built from these are the same bits in every runtime.

const LN2 = 0.6931471805599453;
/** ln 2 in two parts: k · LN2_HIGH is exact for |k| < 2^20. */
const LN2_HIGH = 0.693147180369123816490;
const LN2_LOW = 1.90821492927058770002e-10;

/** e^x within 2 ulp. */
export function exp(x: number): number {
  if (x > 709.8) return Infinity;
  if (x < -745.2) return 0;
  const k = Math.round(x / LN2);
  const r = x - k * LN2_HIGH - k * LN2_LOW;
  let sum = 1;
  for (let i = 18; i > 0; i--) sum = 1 + (r / i) * sum;
  return timesPowerOfTwo(sum, k);
}

/** Natural logarithm of x > 0 within 2 ulp. */
export function log(x: number): number {
  let mantissa = x;
  let exponent = 0;
  while (mantissa > Math.SQRT2) {
    mantissa /= 2;
    exponent++;
  }
  while (mantissa < Math.SQRT1_2) {
    mantissa *= 2;
    exponent--;
  }
  const s = (mantissa - 1) / (mantissa + 1);
  const square = s * s;
  let sum = 0;
  for (let i = 25; i > 0; i -= 2) sum = sum * square + 1 / i;
  return exponent * LN2_HIGH + (2 * s * sum + exponent * LN2_LOW);
}

/** base^exponent for base > 0. */
export function pow(base: number, exponent: number): number {
  return exp(exponent * log(base));
}

/** In two steps, so that neither factor overflows. */
function timesPowerOfTwo(x: number, k: number): number {
  const half = Math.trunc(k / 2);
  return x * powerOfTwo(half) * powerOfTwo(k - half);
}

function powerOfTwo(k: number): number {
  let result = 1;
  for (let i = Math.abs(k); i > 0; i--) result *= 2;
  return k < 0 ? 1 / result : result;
}

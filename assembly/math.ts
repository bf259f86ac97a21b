// Elementary functions on four lanes, our own so that they give the same bits in every engine and runtime.

import { madd } from './half';

export const LOG2_E: f32 = 1.4426950408889634;
const LN2_HIGH: f32 = 0.693359375;
const LN2_LOW: f32 = -2.12194440e-4;
/** Below this e^x is no normal float: it becomes 0. */
const EXP_MIN: f32 = -87.33654;
const EXP_MAX: f32 = 88.37626;

/** 1.5 · 2^23: adding it rounds a float below 2^22 to the nearest integer, which then is the low bits of the sum. */
const ROUND: f32 = 12582912;

/** e^x, error below 2 ulp (measured): x = k·ln 2 + r, polynomial in r (coefficients: Cephes expf), exponent bits from k. */
// @ts-ignore: decorator
@inline export function exp_f32x4(x: v128): v128 {
  // pmin and pmax are one instruction each, and in this order a NaN stays one.
  const clamped = f32x4.pmin(f32x4.pmax(x, f32x4.splat(EXP_MIN)), f32x4.splat(EXP_MAX));
  const shifted = f32x4.add(f32x4.mul(clamped, f32x4.splat(LOG2_E)), f32x4.splat(ROUND));
  const k = f32x4.sub(shifted, f32x4.splat(ROUND));
  const r = f32x4.sub(f32x4.sub(clamped, f32x4.mul(k, f32x4.splat(LN2_HIGH))), f32x4.mul(k, f32x4.splat(LN2_LOW)));
  let p = f32x4.splat(1.9875691500e-4);
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.3981999507e-3));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(8.3334519073e-3));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(4.1665795894e-2));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.6666665459e-1));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(5.0000001201e-1));
  p = f32x4.add(f32x4.add(f32x4.mul(f32x4.mul(p, r), r), r), f32x4.splat(1));
  const scaled = i32x4.add(p, i32x4.shl(shifted, 23));
  // Not `ge`: a NaN must come out as one.
  return v128.andnot(scaled, f32x4.lt(x, f32x4.splat(EXP_MIN)));
}

export const EXP2_MIN: f32 = -126;

/** 2^x for x ≤ 127, relative error below 4e-7; of x below EXP2_MIN some tiny number. Interpolated at Chebyshev nodes. */
// @ts-ignore: decorator
@inline export function exp2_f32x4(x: v128): v128 {
  const clamped = f32x4.pmax(x, f32x4.splat(EXP2_MIN));
  const shifted = f32x4.add(clamped, f32x4.splat(ROUND));
  const f = f32x4.sub(clamped, f32x4.sub(shifted, f32x4.splat(ROUND)));
  let p = madd(f32x4.splat(1.3381302123889327e-3), f, f32x4.splat(9.66636836528778e-3));
  p = madd(p, f, f32x4.splat(5.5503811687231064e-2));
  p = madd(p, f, f32x4.splat(0.2402234971523285));
  p = madd(p, f, f32x4.splat(0.6931471824645996));
  p = madd(p, f, f32x4.splat(1));
  return i32x4.add(p, i32x4.shl(shifted, 23));
}

/** Nearest integers of floats below 2^22 in magnitude; of others some integer. */
// @ts-ignore: decorator
@inline export function round_i32x4(x: v128): v128 {
  return i32x4.sub(f32x4.add(x, f32x4.splat(ROUND)), i32x4.splat(reinterpret<i32>(ROUND)));
}

// @ts-ignore: decorator
@inline export function exp_f32(x: f32): f32 {
  return f32x4.extract_lane(exp_f32x4(f32x4.splat(x)), 0);
}

// @ts-ignore: decorator
@inline export function sigmoid_f32x4(x: v128): v128 {
  const one = f32x4.splat(1);
  return f32x4.div(one, f32x4.add(one, exp_f32x4(f32x4.neg(x))));
}

/** 1 − 2 / (e^2x + 1): absolute error 1e-7. */
// @ts-ignore: decorator
@inline export function tanh_f32x4(x: v128): v128 {
  const one = f32x4.splat(1);
  const e = exp_f32x4(f32x4.add(x, x));
  return f32x4.sub(one, f32x4.div(f32x4.splat(2), f32x4.add(e, one)));
}

/** Absolute error 2e-7 (Abramowitz and Stegun 7.1.26). */
// @ts-ignore: decorator
@inline export function erf_f32x4(x: v128): v128 {
  const one = f32x4.splat(1);
  const size = f32x4.abs(x);
  const t = f32x4.div(one, f32x4.add(one, f32x4.mul(size, f32x4.splat(0.3275911))));
  let p = f32x4.splat(1.061405429);
  p = f32x4.add(f32x4.mul(p, t), f32x4.splat(-1.453152027));
  p = f32x4.add(f32x4.mul(p, t), f32x4.splat(1.421413741));
  p = f32x4.add(f32x4.mul(p, t), f32x4.splat(-0.284496736));
  p = f32x4.add(f32x4.mul(p, t), f32x4.splat(0.254829592));
  const y = f32x4.sub(one, f32x4.mul(f32x4.mul(p, t), exp_f32x4(f32x4.neg(f32x4.mul(size, size)))));
  return v128.or(y, v128.and(x, i32x4.splat(<i32>0x80000000)));
}

/** ln(1 + e^x) = max(x, 0) + ln(1 + e^−|x|), the logarithm as 2·atanh(z / (2 + z)) in float64. */
export function softplus_f32(x: f32): f32 {
  const z = <f64>exp_f32(-abs(x)), s = z / (2 + z), s2 = s * s;
  let sum: f64 = 0;
  for (let k: i32 = 25; k > 0; k -= 2) sum = sum * s2 + 1 / <f64>k;
  return <f32>(<f64>max<f32>(x, 0) + 2 * s * sum);
}

const TWO_OVER_PI: f64 = 0.6366197723675814;
/** π/2 in three parts of at most 29 bits, so that products with a quotient below 2^24 are exact. */
const HALF_PI_1: f64 = 1.570796325802803;
const HALF_PI_2: f64 = 9.920935774287987e-10;
const HALF_PI_3: f64 = 2.2517741541562176e-18;

/** x − quotient · π/2. */
// @ts-ignore: decorator
@inline export function reduce_angle(x: f64, quotient: f64): f64 {
  return ((x - quotient * HALF_PI_1) - quotient * HALF_PI_2) - quotient * HALF_PI_3;
}

// @ts-ignore: decorator
@inline export function angle_quotient(x: f64): f64 {
  return nearest(x * TWO_OVER_PI);
}

/** sin on [−π/4, π/4], Taylor to x^17: below 1e-17. */
// @ts-ignore: decorator
@inline export function sin_reduced(r: f64): f64 {
  const z = r * r;
  return r * (1 + z * (-1.0 / 6 + z * (1.0 / 120 + z * (-1.0 / 5040 + z * (1.0 / 362880 + z * (-1.0 / 39916800
    + z * (1.0 / 6227020800 + z * (-1.0 / 1307674368000))))))));
}

/** cos on [−π/4, π/4], Taylor to x^16. */
// @ts-ignore: decorator
@inline export function cos_reduced(r: f64): f64 {
  const z = r * r;
  return 1 + z * (-0.5 + z * (1.0 / 24 + z * (-1.0 / 720 + z * (1.0 / 40320 + z * (-1.0 / 3628800
    + z * (1.0 / 479001600 + z * (-1.0 / 87178291200 + z * (1.0 / 20922789888000))))))));
}

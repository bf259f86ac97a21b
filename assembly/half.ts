// 16-bit floats to 32-bit ones, exactly, subnormals included (not infinities and NaNs, which no weight file holds).
import { F16_MASK, F16_SCALE } from './memory-map';

/** f16 at `ptr`: shift exponent and mantissa into place, then correct the exponent bias by one exact multiplication. */
// @ts-ignore: decorator
@inline export function load_f16(ptr: usize): f32 {
  return reinterpret<f32>((<i32>load<i16>(ptr) << 13) & <i32>0x8fffe000) * reinterpret<f32>(0x77800000);
}

/** Four f16 at `ptr`; `mask` and `scale` are the vectors at F16_MASK and F16_SCALE, pinned by the caller. */
// @ts-ignore: decorator
@inline export function load_f16x4(ptr: usize, mask: v128, scale: v128): v128 {
  return f32x4.mul(v128.and(i32x4.shl(v128.load16x4_s(ptr), 13), mask), scale);
}

// @ts-ignore: decorator
@inline export function f16_mask(): v128 {
  return v128.load(F16_MASK);
}

// @ts-ignore: decorator
@inline export function f16_scale(): v128 {
  return v128.load(F16_SCALE);
}

/** Four bf16 at `ptr`. */
// @ts-ignore: decorator
@inline export function load_bf16x4(ptr: usize): v128 {
  return i32x4.shl(v128.load16x4_u(ptr), 16);
}

/** a · b + c: fused in the relaxed build, two roundings in the baseline build. */
// @ts-ignore: decorator
@inline export function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}

/** Sum of the four lanes, as (0 + 2) + (1 + 3). */
// @ts-ignore: decorator
@inline export function horizontal_sum(v: v128): f32 {
  const pairs = f32x4.add(v, i32x4.shuffle(v, v, 2, 3, 0, 1));
  return f32x4.extract_lane(pairs, 0) + f32x4.extract_lane(pairs, 1);
}

/** f16 of a float, rounded to nearest even; overflow becomes infinity. */
// @ts-ignore: decorator
@inline export function to_f16(x: f32): u32 {
  const bits = reinterpret<u32>(x), sign = (bits >> 16) & 0x8000;
  const size = bits & 0x7fffffff;
  if (size >= 0x7f800000) return sign | 0x7c00 | (size > 0x7f800000 ? 0x200 : 0);
  if (size >= 0x477ff000) return sign | 0x7c00;
  // Adding this number lets the float unit round a subnormal half at the right bit.
  if (size < 0x38800000) return sign | (reinterpret<u32>(reinterpret<f32>(size) + <f32>0.5) - 0x3f000000);
  return sign | ((size - 0x38000000 + 0xfff + ((size >> 13) & 1)) >> 13);
}

/** The nearest number that f16 holds; NaN and what is too large for f16 stay as they are. */
// @ts-ignore: decorator
@inline export function round_f16(x: f32): f32 {
  const half = to_f16(x);
  if ((half & 0x7c00) == 0x7c00) return x;
  return reinterpret<f32>((<i32><i16>half << 13) & <i32>0x8fffe000) * reinterpret<f32>(0x77800000);
}

// What all register tiles share: integer dot steps, the sum over a block, and how a finished column is stored.
import { madd } from './half';

// @ts-ignore: decorator
@inline export function dot16(a: v128, b: v128): v128 {
  return i32x4.dot_i16x8_s(a, b);
}

/** 16 products of signed activations with quants of at most 7 bits, added in pairs to i16; relaxed builds only. */
// @ts-ignore: decorator
@inline export function dot8(activations: v128, quants: v128): v128 {
  return i16x8.relaxed_dot_i8x16_i7x16_s(activations, quants);
}

/** (a0 b0 a1 b1), (a2 b2 a3 b3) → one sum per row. */
// @ts-ignore: decorator
@inline export function sum_pairs(low: v128, high: v128): v128 {
  return i32x4.add(i32x4.shuffle(low, high, 0, 2, 4, 6), i32x4.shuffle(low, high, 1, 3, 5, 7));
}

/** sum + i · d, with i integers. */
// @ts-ignore: decorator
@inline export function madd_i32(i: v128, d: v128, sum: v128): v128 {
  return madd(f32x4.convert_i32x4_s(i), d, sum);
}

/** Four rows of one output column: bias, factor and residual in the order of MatmulOptions. `bias` 0 means none. */
// @ts-ignore: decorator
@inline export function store_rows(out: usize, sum: v128, bias: usize, scale: f32, accumulate: i32): void {
  if (bias) sum = f32x4.add(sum, v128.load(bias));
  sum = f32x4.mul(sum, f32x4.splat(scale));
  if (accumulate) sum = f32x4.add(sum, v128.load(out));
  v128.store(out, sum);
}

/** Columns that come in panels of 4; a last lone one is a panel of its own. */
// @ts-ignore: decorator
@inline export function tiled_columns(n: u32): u32 {
  return (n & 3) == 1 ? n - 1 : n;
}

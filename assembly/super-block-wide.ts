// Super-blocks of 256 times activations in 16-bit lanes: the baseline build.
import { f16_mask, f16_scale, load_f16x4 } from './half';
import { dot16, madd_i32, store_rows, sum_pairs, tiled_columns } from './tile';
import {
  Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, activation_bytes, group_bytes, half_mins, half_scales, high_mask, low_mask, min_words,
  pair_bytes, quad, scale_bytes, scale_words, upper_bits,
} from './super-block';

// @ts-ignore: decorator
@inline function has_words(FORMAT: i32): bool {
  return FORMAT == Q4_K || FORMAT == Q5_K;
}

/** Sum over a half's 16 columns for 4 rows and one column of the panel, less the zero point, times the half's scales. */
// @ts-ignore: decorator
@inline function half_sum(
  FORMAT: i32, L: usize, values: usize, offset: usize, q0: v128, q1: v128, q2: v128, q3: v128, scales: v128,
): v128 {
  const x0 = v128.load64_splat(values), x1 = v128.load64_splat(values + 8 * L);
  const x2 = v128.load64_splat(values + 16 * L), x3 = v128.load64_splat(values + 24 * L);
  const low = i32x4.add(
    i32x4.add(dot16(i16x8.extend_low_i8x16_u(q0), x0), dot16(i16x8.extend_low_i8x16_u(q1), x1)),
    i32x4.add(dot16(i16x8.extend_low_i8x16_u(q2), x2), dot16(i16x8.extend_low_i8x16_u(q3), x3)),
  );
  const high = i32x4.add(
    i32x4.add(dot16(i16x8.extend_high_i8x16_u(q0), x0), dot16(i16x8.extend_high_i8x16_u(q1), x1)),
    i32x4.add(dot16(i16x8.extend_high_i8x16_u(q2), x2), dot16(i16x8.extend_high_i8x16_u(q3), x3)),
  );
  let sum = sum_pairs(low, high);
  if (FORMAT == Q6_K) sum = i32x4.add(sum, v128.load32_splat(offset));
  if (FORMAT == Q3_K) sum = i32x4.add(sum, i32x4.shr_s(v128.load32_splat(offset), 3));
  return i32x4.mul(sum, scales);
}

/** Scales that sit twice in each lane as i16, once as i32. */
// @ts-ignore: decorator
@inline function as_i32(pairs: v128): v128 {
  return i32x4.shr_s(pairs, 16);
}

/** sum + a super-block's integers times its scales, less its minima, for 4 rows and column C of a panel of L. */
// @ts-ignore: decorator
@inline function add_block(
  FORMAT: i32, L: usize, C: usize, sum: v128, integers: v128, scales: usize, x: usize, mask: v128, exponent: v128,
): v128 {
  const X = v128.load32_splat(x + 4 * C);
  sum = madd_i32(integers, f32x4.mul(load_f16x4(scales, mask, exponent), X), sum);
  if (has_words(FORMAT)) {
    const bytes = i32x4.splat(0x00ff00ff), low = min_words(scales, 0), high = min_words(scales, 1), sums = x + 4 * L + 4 * C;
    const first = i32x4.add(
      dot16(v128.and(low, bytes), v128.load32_splat(sums)),
      dot16(i16x8.shr_u(low, 8), v128.load32_splat(sums + 4 * L)),
    );
    const second = i32x4.add(
      dot16(v128.and(high, bytes), v128.load32_splat(sums + 8 * L)),
      dot16(i16x8.shr_u(high, 8), v128.load32_splat(sums + 12 * L)),
    );
    const dmin = f32x4.neg(load_f16x4(scales + 8, mask, exponent));
    sum = madd_i32(i32x4.add(first, second), f32x4.mul(dmin, X), sum);
  }
  if (FORMAT == Q2_K) {
    let mins = i32x4.splat(0), offsets = x + 20 * L + 4 * C;
    for (let sub: u32 = 0; sub < 16; sub++) {
      mins = i32x4.add(mins, i32x4.mul(v128.load32_splat(offsets), as_i32(half_mins(scales, sub))));
      offsets += 4 * L;
    }
    // The offsets are −32 times the sums of activations.
    const dmin = f32x4.mul(load_f16x4(scales + 8, mask, exponent), f32x4.splat(0.03125));
    sum = madd_i32(mins, f32x4.mul(dmin, X), sum);
  }
  return sum;
}

/** 4 rows × L columns, L 4 or 1. */
// @ts-ignore: decorator
@inline function tile_4(
  FORMAT: i32, L: usize, w: usize, x: usize, blocks: u32,
  out: usize, outBytes: usize, columns: u32, bias: usize, scale: f32, accumulate: i32,
): void {
  const low = low_mask(FORMAT), high = high_mask(FORMAT), mask = f16_mask(), exponent = f16_scale();
  const hasUpper = FORMAT != Q4_K && FORMAT != Q2_K;
  let scales = w + 8 * pair_bytes(FORMAT) * <usize>blocks;
  let a0 = f32x4.splat(0), a1 = a0, a2 = a0, a3 = a0;
  for (let b: u32 = 0; b < blocks; b++) {
    const zero = i32x4.splat(0);
    let i0 = zero, i1 = zero, i2 = zero, i3 = zero, values = x + 84 * L, offsets = x + 20 * L;
    for (let upper: u32 = 0; upper < 2; upper++) {
      const words = has_words(FORMAT) ? scale_words(scales, upper) : zero;
      for (let p: u32 = 0; p < 4; p++) {
        let u = hasUpper ? upper_bits(FORMAT, 0, w) : low, s = as_i32(half_scales(FORMAT, 0, scales, words, upper, p));
        let q0 = quad(FORMAT, 0, 0, w, u, low, high), q1 = quad(FORMAT, 0, 1, w, u, low, high);
        let q2 = quad(FORMAT, 0, 2, w, u, low, high), q3 = quad(FORMAT, 0, 3, w, u, low, high);
        i0 = i32x4.add(i0, half_sum(FORMAT, L, values, offsets, q0, q1, q2, q3, s));
        if (L == 4) {
          i1 = i32x4.add(i1, half_sum(FORMAT, L, values + 8, offsets + 4, q0, q1, q2, q3, s));
          i2 = i32x4.add(i2, half_sum(FORMAT, L, values + 16, offsets + 8, q0, q1, q2, q3, s));
          i3 = i32x4.add(i3, half_sum(FORMAT, L, values + 24, offsets + 12, q0, q1, q2, q3, s));
        }
        values += 32 * L; offsets += 4 * L;
        if (FORMAT == Q6_K) u = upper_bits(FORMAT, 1, w);
        if (!has_words(FORMAT)) s = as_i32(half_scales(FORMAT, 1, scales, words, upper, p));
        q0 = quad(FORMAT, 1, 0, w, u, low, high); q1 = quad(FORMAT, 1, 1, w, u, low, high);
        q2 = quad(FORMAT, 1, 2, w, u, low, high); q3 = quad(FORMAT, 1, 3, w, u, low, high);
        i0 = i32x4.add(i0, half_sum(FORMAT, L, values, offsets, q0, q1, q2, q3, s));
        if (L == 4) {
          i1 = i32x4.add(i1, half_sum(FORMAT, L, values + 8, offsets + 4, q0, q1, q2, q3, s));
          i2 = i32x4.add(i2, half_sum(FORMAT, L, values + 16, offsets + 8, q0, q1, q2, q3, s));
          i3 = i32x4.add(i3, half_sum(FORMAT, L, values + 24, offsets + 12, q0, q1, q2, q3, s));
        }
        values += 32 * L; offsets += 4 * L;
        w += pair_bytes(FORMAT);
      }
    }
    a0 = add_block(FORMAT, L, 0, a0, i0, scales, x, mask, exponent);
    if (L == 4) {
      a1 = add_block(FORMAT, L, 1, a1, i1, scales, x, mask, exponent);
      a2 = add_block(FORMAT, L, 2, a2, i2, scales, x, mask, exponent);
      a3 = add_block(FORMAT, L, 3, a3, i3, scales, x, mask, exponent);
    }
    scales += scale_bytes(FORMAT); x += L * activation_bytes();
  }
  store_rows(out, a0, bias, scale, accumulate);
  if (L == 1) return;
  store_rows(out + outBytes, a1, bias, scale, accumulate);
  if (columns < 3) return;
  store_rows(out + 2 * outBytes, a2, bias, scale, accumulate);
  if (columns < 4) return;
  store_rows(out + 3 * outBytes, a3, bias, scale, accumulate);
}

// @ts-ignore: decorator
@inline export function wide_k(
  FORMAT: i32, w: usize, x: usize, out: usize, bias: usize, rows: u32, n: u32, blocks: u32,
  outBytes: usize, scale: f32, accumulate: i32,
): void {
  const group = group_bytes(FORMAT, blocks), xRow = activation_bytes() * <usize>blocks, tiled = tiled_columns(n);
  for (let r: u32 = 0; r < rows; r += 4) {
    for (let c: u32 = 0; c < tiled; c += 4) {
      tile_4(FORMAT, 4, w, x + xRow * <usize>c, blocks, out + outBytes * <usize>c, outBytes, min(4, tiled - c), bias, scale, accumulate);
    }
    if (tiled < n) {
      tile_4(FORMAT, 1, w, x + xRow * <usize>tiled, blocks, out + outBytes * <usize>tiled, outBytes, 1, bias, scale, accumulate);
    }
    w += group; out += 16;
    if (bias) bias += 16;
  }
}

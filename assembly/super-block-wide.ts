// Super-blocks of 256 times activations in 16-bit lanes: the baseline build.
import { f16_mask, f16_scale, load_f16x4 } from './half';
import { dot16, madd_i32, store_groups, store_tile, sum_pairs } from './tile';
import {
  Q2_K, Q3_K, Q4_K, Q6_K, activation_bytes, even_bytes, group_bytes, half_mins, half_scales, has_words, high_mask,
  low_mask, min_factor, min_sum, min_words, odd_bytes, pair_bytes, quad, scale_bytes, scale_words, upper_bits,
} from './super-block';

/** Sum over a half's 16 columns for 4 rows and one column of a panel, less the zero point, times the half's scales. */
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

/** sum + a super-block's integers times its scales, for column C of a panel. */
// @ts-ignore: decorator
@inline function add_integers(C: usize, sum: v128, integers: v128, d: v128, x: usize): v128 {
  return madd_i32(integers, f32x4.mul(d, v128.load32_splat(x + 4 * C)), sum);
}

/** Σ minimum · Σ activations of one group and column C of a panel of L. */
// @ts-ignore: decorator
@inline function block_mins(FORMAT: i32, L: usize, C: usize, scales: usize, low: v128, high: v128, x: usize): v128 {
  if (has_words(FORMAT)) {
    return min_sum(L, even_bytes(low), odd_bytes(low), even_bytes(high), odd_bytes(high), x + 4 * L + 4 * C);
  }
  let mins = i32x4.splat(0), offsets = x + 20 * L + 4 * C;
  for (let sub: u32 = 0; sub < 16; sub++) {
    mins = i32x4.add(mins, i32x4.mul(v128.load32_splat(offsets), as_i32(half_mins(scales, sub))));
    offsets += 4 * L;
  }
  return mins;
}

// @ts-ignore: decorator
@inline function tile_4x4(
  FORMAT: i32, w: usize, x: usize, blocks: u32,
  out: usize, outBytes: usize, columns: u32, bias: usize, scale: f32, accumulate: i32,
): void {
  const low = low_mask(FORMAT), high = high_mask(FORMAT), mask = f16_mask(), exponent = f16_scale();
  const hasUpper = FORMAT != Q4_K && FORMAT != Q2_K;
  let a0 = f32x4.splat(0), a1 = a0, a2 = a0, a3 = a0;
  for (let b: u32 = 0; b < blocks; b++) {
    const scales = w;
    w += scale_bytes(FORMAT);
    const zero = i32x4.splat(0);
    let i0 = zero, i1 = zero, i2 = zero, i3 = zero, values = x + 336, offsets = x + 80;
    for (let upper: u32 = 0; upper < 2; upper++) {
      const words = has_words(FORMAT) ? scale_words(scales, upper) : zero;
      for (let p: u32 = 0; p < 4; p++) {
        let u = hasUpper ? upper_bits(FORMAT, 0, w) : low, s = as_i32(half_scales(FORMAT, 0, scales, words, upper, p));
        let q0 = quad(FORMAT, 0, 0, w, u, low, high), q1 = quad(FORMAT, 0, 1, w, u, low, high);
        let q2 = quad(FORMAT, 0, 2, w, u, low, high), q3 = quad(FORMAT, 0, 3, w, u, low, high);
        i0 = i32x4.add(i0, half_sum(FORMAT, 4, values, offsets, q0, q1, q2, q3, s));
        i1 = i32x4.add(i1, half_sum(FORMAT, 4, values + 8, offsets + 4, q0, q1, q2, q3, s));
        i2 = i32x4.add(i2, half_sum(FORMAT, 4, values + 16, offsets + 8, q0, q1, q2, q3, s));
        i3 = i32x4.add(i3, half_sum(FORMAT, 4, values + 24, offsets + 12, q0, q1, q2, q3, s));
        values += 128; offsets += 16;
        if (FORMAT == Q6_K) u = upper_bits(FORMAT, 1, w);
        if (!has_words(FORMAT)) s = as_i32(half_scales(FORMAT, 1, scales, words, upper, p));
        q0 = quad(FORMAT, 1, 0, w, u, low, high); q1 = quad(FORMAT, 1, 1, w, u, low, high);
        q2 = quad(FORMAT, 1, 2, w, u, low, high); q3 = quad(FORMAT, 1, 3, w, u, low, high);
        i0 = i32x4.add(i0, half_sum(FORMAT, 4, values, offsets, q0, q1, q2, q3, s));
        i1 = i32x4.add(i1, half_sum(FORMAT, 4, values + 8, offsets + 4, q0, q1, q2, q3, s));
        i2 = i32x4.add(i2, half_sum(FORMAT, 4, values + 16, offsets + 8, q0, q1, q2, q3, s));
        i3 = i32x4.add(i3, half_sum(FORMAT, 4, values + 24, offsets + 12, q0, q1, q2, q3, s));
        values += 128; offsets += 16;
        w += pair_bytes(FORMAT);
      }
    }
    const d = load_f16x4(scales, mask, exponent);
    a0 = add_integers(0, a0, i0, d, x); a1 = add_integers(1, a1, i1, d, x);
    a2 = add_integers(2, a2, i2, d, x); a3 = add_integers(3, a3, i3, d, x);
    if (has_words(FORMAT) || FORMAT == Q2_K) {
      const m = min_factor(FORMAT, scales, mask, exponent);
      const l = has_words(FORMAT) ? min_words(scales, 0) : zero, h = has_words(FORMAT) ? min_words(scales, 1) : zero;
      a0 = add_integers(0, a0, block_mins(FORMAT, 4, 0, scales, l, h, x), m, x);
      a1 = add_integers(1, a1, block_mins(FORMAT, 4, 1, scales, l, h, x), m, x);
      a2 = add_integers(2, a2, block_mins(FORMAT, 4, 2, scales, l, h, x), m, x);
      a3 = add_integers(3, a3, block_mins(FORMAT, 4, 3, scales, l, h, x), m, x);
    }
    x += 4 * activation_bytes();
  }
  store_tile(0, columns, out, outBytes, a0, a1, a2, a3, a0, a1, a2, a3, bias, scale, accumulate);
}

/** One pair of one group of 4 rows times one column. */
// @ts-ignore: decorator
@inline function pair_sum(
  FORMAT: i32, w: usize, values: usize, offsets: usize, scales: usize, words: v128, upper: u32, p: u32,
  low: v128, high: v128,
): v128 {
  const u = FORMAT != Q4_K && FORMAT != Q2_K ? upper_bits(FORMAT, 0, w) : low;
  const t = FORMAT == Q6_K ? upper_bits(FORMAT, 1, w) : u;
  const s = as_i32(half_scales(FORMAT, 0, scales, words, upper, p));
  const first = half_sum(
    FORMAT, 1, values, offsets, quad(FORMAT, 0, 0, w, u, low, high), quad(FORMAT, 0, 1, w, u, low, high),
    quad(FORMAT, 0, 2, w, u, low, high), quad(FORMAT, 0, 3, w, u, low, high), s,
  );
  const second = half_sum(
    FORMAT, 1, values + 32, offsets + 4, quad(FORMAT, 1, 0, w, t, low, high), quad(FORMAT, 1, 1, w, t, low, high),
    quad(FORMAT, 1, 2, w, t, low, high), quad(FORMAT, 1, 3, w, t, low, high),
    has_words(FORMAT) ? s : as_i32(half_scales(FORMAT, 1, scales, words, upper, p)),
  );
  return i32x4.add(first, second);
}

/** sum + one super-block of one group of 4 rows times one column. */
// @ts-ignore: decorator
@inline function add_single(
  FORMAT: i32, sum: v128, integers: v128, scales: usize, x: usize, mask: v128, exponent: v128,
): v128 {
  sum = add_integers(0, sum, integers, load_f16x4(scales, mask, exponent), x);
  if (!has_words(FORMAT) && FORMAT != Q2_K) return sum;
  const low = has_words(FORMAT) ? min_words(scales, 0) : sum, high = has_words(FORMAT) ? min_words(scales, 1) : sum;
  const mins = block_mins(FORMAT, 1, 0, scales, low, high, x);
  return add_integers(0, sum, mins, min_factor(FORMAT, scales, mask, exponent), x);
}

/** 8 rows × 1 column: groups of 4 rows that are `step` groups apart, two streams, as more would spill. */
// @ts-ignore: decorator
@inline function vector_8(
  FORMAT: i32, w: usize, groups: u32, step: u32, x: usize, blocks: u32,
  out: usize, bias: usize, scale: f32, accumulate: i32,
): void {
  const low = low_mask(FORMAT), high = high_mask(FORMAT), mask = f16_mask(), exponent = f16_scale();
  const g1 = groups > 1 ? group_bytes(FORMAT, blocks) * <usize>step : 0;
  let a0 = f32x4.splat(0), a1 = a0;
  for (let b: u32 = 0; b < blocks; b++) {
    const scales = w;
    w += scale_bytes(FORMAT);
    const zero = i32x4.splat(0);
    let i0 = zero, i1 = zero, values = x + 84, offsets = x + 20;
    for (let upper: u32 = 0; upper < 2; upper++) {
      const s0 = has_words(FORMAT) ? scale_words(scales, upper) : zero;
      const s1 = has_words(FORMAT) ? scale_words(scales + g1, upper) : zero;
      for (let p: u32 = 0; p < 4; p++) {
        i0 = i32x4.add(i0, pair_sum(FORMAT, w, values, offsets, scales, s0, upper, p, low, high));
        i1 = i32x4.add(i1, pair_sum(FORMAT, w + g1, values, offsets, scales + g1, s1, upper, p, low, high));
        w += pair_bytes(FORMAT); values += 64; offsets += 8;
      }
    }
    a0 = add_single(FORMAT, a0, i0, scales, x, mask, exponent);
    a1 = add_single(FORMAT, a1, i1, scales + g1, x, mask, exponent);
    x += activation_bytes();
  }
  store_groups(groups, step, out, a0, a1, a0, a1, bias, scale, accumulate);
}

/** x (n, cols) in panels of 4. */
// @ts-ignore: decorator
@inline export function wide_panels(
  FORMAT: i32, w: usize, x: usize, out: usize, bias: usize, rows: u32, n: u32, blocks: u32,
  outBytes: usize, scale: f32, accumulate: i32,
): void {
  const group = group_bytes(FORMAT, blocks), xRow = activation_bytes() * <usize>blocks;
  for (let r: u32 = 0; r < rows; r += 4) {
    for (let c: u32 = 0; c < n; c += 4) {
      tile_4x4(
        FORMAT, w, x + xRow * <usize>c, blocks,
        out + outBytes * <usize>c, outBytes, min(4, n - c), bias, scale, accumulate,
      );
    }
    w += group; out += 16;
    if (bias) bias += 16;
  }
}

/** x (1, cols) as a panel of one. */
// @ts-ignore: decorator
@inline export function wide_single(
  FORMAT: i32, w: usize, x: usize, out: usize, bias: usize, rows: u32, blocks: u32, scale: f32, accumulate: i32,
): void {
  const group = group_bytes(FORMAT, blocks);
  const step = rows >> 3, rest = (rows >> 2) & 1;
  for (let i: u32 = 0; i < step + rest; i++) {
    const whole = i < step, first = <usize>(whole ? i : 2 * step), at = first << 4;
    vector_8(
      FORMAT, w + group * first, whole ? 2 : 1, whole ? step : 1, x, blocks,
      out + at, bias ? bias + at : 0, scale, accumulate,
    );
  }
}

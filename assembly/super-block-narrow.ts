// Super-blocks of 256 times 8-bit activations, relaxed builds: products of bytes, added in pairs to i16 lanes over 16
// columns (at most 8 · 63 · 127 with the zero point taken off modulo 2^16), then times the scale of the half to i32.
import { f16_mask, f16_scale, load_f16x4 } from './half';
import { dot16, dot8, madd_i32, store_groups, store_tile, stream_step } from './tile';
import {
  Q2_K, Q3_K, Q4_K, Q6_K, activation_bytes, even_bytes, group_bytes, half_mins, half_scales, has_words, high_mask,
  low_mask, min_factor, min_sum, min_words, odd_bytes, pair_bytes, quad, scale_bytes, scale_words, upper_bits,
} from './super-block';

/** The zero point's share as the first value of an i16 accumulator: −32, −4 or 0 times the sum of the activations. */
// @ts-ignore: decorator
@inline function first_sum(FORMAT: i32, offset: usize): v128 {
  if (FORMAT == Q6_K) return v128.load32_splat(offset);
  if (FORMAT == Q3_K) return i16x8.shr_s(v128.load32_splat(offset), 3);
  return i32x4.splat(0);
}

/** Four quads of 4 rows times the same columns, times the half's scales. */
// @ts-ignore: decorator
@inline function half_sum(
  FORMAT: i32, first: v128, x0: v128, x1: v128, x2: v128, x3: v128,
  q0: v128, q1: v128, q2: v128, q3: v128, scales: v128,
): v128 {
  const low = i16x8.add(dot8(x0, q0), dot8(x1, q1)), high = i16x8.add(dot8(x2, q2), dot8(x3, q3));
  const sum = i16x8.add(low, high);
  return dot16(FORMAT == Q3_K || FORMAT == Q6_K ? i16x8.add(first, sum) : sum, scales);
}

/** sum + a super-block's integers times its scales, for column C of a panel. */
// @ts-ignore: decorator
@inline function add_integers(C: usize, sum: v128, integers: v128, d: v128, x: usize): v128 {
  return madd_i32(integers, f32x4.mul(d, v128.load32_splat(x + 4 * C)), sum);
}

/** Σ minimum · Σ activations of one group and one lone column. */
// @ts-ignore: decorator
@inline function single_mins(FORMAT: i32, scales: usize, x: usize): v128 {
  if (has_words(FORMAT)) {
    const low = min_words(scales, 0), high = min_words(scales, 1);
    return min_sum(1, even_bytes(low), odd_bytes(low), even_bytes(high), odd_bytes(high), x + 4);
  }
  let mins = i32x4.splat(0);
  for (let sub: u32 = 0; sub < 16; sub++) {
    mins = i32x4.add(mins, dot16(v128.load32_splat(x + 20 + (<usize>sub << 2)), half_mins(scales, sub)));
  }
  return mins;
}

/** 4 rows × 4 columns of Q4_K. Two groups of rows together would need more registers than there are (77 → 85 GFLOP/s). */
// @ts-ignore: decorator
@inline function tile_4x4(
  w: usize, x: usize, blocks: u32, out: usize, outBytes: usize, columns: u32, bias: usize, scale: f32, accumulate: i32,
): void {
  const nibble = low_mask(Q4_K), mask = f16_mask(), exponent = f16_scale(), zero = i32x4.splat(0);
  let a0 = f32x4.splat(0), a1 = a0, a2 = a0, a3 = a0;
  for (let b: u32 = 0; b < blocks; b++) {
    const scales = w;
    w += scale_bytes(Q4_K);
    let i0 = zero, i1 = zero, i2 = zero, i3 = zero, values = x + 336;
    for (let upper: u32 = 0; upper < 2; upper++) {
      const words = scale_words(scales, upper);
      for (let p: u32 = 0; p < 4; p++) {
        const s = half_scales(Q4_K, 0, scales, words, upper, p);
        // Both halves have one scale and fit i16 together: |Σ| ≤ 16 · 15 · 127.
        let c0 = zero, c1 = zero, c2 = zero, c3 = zero;
        for (const end = w + 64; w < end; w += 16) {
          const g = v128.load(w), l = v128.and(g, nibble), h = v128.and(i16x8.shr_u(g, 4), nibble);
          c0 = i16x8.add(c0, i16x8.add(dot8(v128.load32_splat(values), l), dot8(v128.load32_splat(values, 64), h)));
          c1 = i16x8.add(c1, i16x8.add(dot8(v128.load32_splat(values, 4), l), dot8(v128.load32_splat(values, 68), h)));
          c2 = i16x8.add(c2, i16x8.add(dot8(v128.load32_splat(values, 8), l), dot8(v128.load32_splat(values, 72), h)));
          c3 = i16x8.add(c3, i16x8.add(dot8(v128.load32_splat(values, 12), l), dot8(v128.load32_splat(values, 76), h)));
          values += 16;
        }
        i0 = i32x4.add(i0, dot16(c0, s)); i1 = i32x4.add(i1, dot16(c1, s));
        i2 = i32x4.add(i2, dot16(c2, s)); i3 = i32x4.add(i3, dot16(c3, s));
        values += 64;
      }
    }
    const d = load_f16x4(scales, mask, exponent), m = min_factor(Q4_K, scales, mask, exponent);
    const low = min_words(scales, 0), high = min_words(scales, 1);
    const m0 = even_bytes(low), m1 = odd_bytes(low), m2 = even_bytes(high), m3 = odd_bytes(high);
    a0 = add_integers(0, add_integers(0, a0, i0, d, x), min_sum(4, m0, m1, m2, m3, x + 16), m, x);
    a1 = add_integers(1, add_integers(1, a1, i1, d, x), min_sum(4, m0, m1, m2, m3, x + 20), m, x);
    a2 = add_integers(2, add_integers(2, a2, i2, d, x), min_sum(4, m0, m1, m2, m3, x + 24), m, x);
    a3 = add_integers(3, add_integers(3, a3, i3, d, x), min_sum(4, m0, m1, m2, m3, x + 28), m, x);
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
  const s = half_scales(FORMAT, 0, scales, words, upper, p);
  const first = half_sum(
    FORMAT, first_sum(FORMAT, offsets),
    v128.load32_splat(values), v128.load32_splat(values, 4),
    v128.load32_splat(values, 8), v128.load32_splat(values, 12),
    quad(FORMAT, 0, 0, w, u, low, high), quad(FORMAT, 0, 1, w, u, low, high),
    quad(FORMAT, 0, 2, w, u, low, high), quad(FORMAT, 0, 3, w, u, low, high), s,
  );
  const second = half_sum(
    FORMAT, first_sum(FORMAT, offsets + 4),
    v128.load32_splat(values, 16), v128.load32_splat(values, 20),
    v128.load32_splat(values, 24), v128.load32_splat(values, 28),
    quad(FORMAT, 1, 0, w, t, low, high), quad(FORMAT, 1, 1, w, t, low, high),
    quad(FORMAT, 1, 2, w, t, low, high), quad(FORMAT, 1, 3, w, t, low, high),
    has_words(FORMAT) ? s : half_scales(FORMAT, 1, scales, words, upper, p),
  );
  return i32x4.add(first, second);
}

/** 16 rows × 1 column in four streams, as in block32-narrow. */
// @ts-ignore: decorator
@inline function vector_16(
  FORMAT: i32, w: usize, groups: u32, step: u32, x: usize, blocks: u32,
  out: usize, bias: usize, scale: f32, accumulate: i32,
): void {
  const low = low_mask(FORMAT), high = high_mask(FORMAT), mask = f16_mask(), exponent = f16_scale();
  const apart = group_bytes(FORMAT, blocks) * <usize>step;
  const g1 = groups > 1 ? apart : 0, g2 = groups > 2 ? apart << 1 : 0, g3 = groups > 3 ? apart * 3 : 0;
  let a0 = f32x4.splat(0), a1 = a0, a2 = a0, a3 = a0;
  for (let b: u32 = 0; b < blocks; b++) {
    const scales = w;
    w += scale_bytes(FORMAT);
    const zero = i32x4.splat(0);
    let i0 = zero, i1 = zero, i2 = zero, i3 = zero, values = x + 84, offsets = x + 20;
    for (let upper: u32 = 0; upper < 2; upper++) {
      let s0 = zero, s1 = zero, s2 = zero, s3 = zero;
      if (has_words(FORMAT)) {
        s0 = scale_words(scales, upper); s1 = scale_words(scales + g1, upper);
        s2 = scale_words(scales + g2, upper); s3 = scale_words(scales + g3, upper);
      }
      for (let p: u32 = 0; p < 4; p++) {
        i0 = i32x4.add(i0, pair_sum(FORMAT, w, values, offsets, scales, s0, upper, p, low, high));
        i1 = i32x4.add(i1, pair_sum(FORMAT, w + g1, values, offsets, scales + g1, s1, upper, p, low, high));
        i2 = i32x4.add(i2, pair_sum(FORMAT, w + g2, values, offsets, scales + g2, s2, upper, p, low, high));
        i3 = i32x4.add(i3, pair_sum(FORMAT, w + g3, values, offsets, scales + g3, s3, upper, p, low, high));
        w += pair_bytes(FORMAT); values += 32; offsets += 8;
      }
    }
    a0 = add_integers(0, a0, i0, load_f16x4(scales, mask, exponent), x);
    a1 = add_integers(0, a1, i1, load_f16x4(scales + g1, mask, exponent), x);
    a2 = add_integers(0, a2, i2, load_f16x4(scales + g2, mask, exponent), x);
    a3 = add_integers(0, a3, i3, load_f16x4(scales + g3, mask, exponent), x);
    if (has_words(FORMAT) || FORMAT == Q2_K) {
      a0 = add_integers(0, a0, single_mins(FORMAT, scales, x), min_factor(FORMAT, scales, mask, exponent), x);
      a1 = add_integers(0, a1, single_mins(FORMAT, scales + g1, x), min_factor(FORMAT, scales + g1, mask, exponent), x);
      a2 = add_integers(0, a2, single_mins(FORMAT, scales + g2, x), min_factor(FORMAT, scales + g2, mask, exponent), x);
      a3 = add_integers(0, a3, single_mins(FORMAT, scales + g3, x), min_factor(FORMAT, scales + g3, mask, exponent), x);
    }
    x += activation_bytes();
  }
  store_groups(groups, step, out, a0, a1, a2, a3, bias, scale, accumulate);
}

/** x (n, cols) as one panel of up to 4, of Q4_K. */
// @ts-ignore: decorator
@inline export function narrow_panel(
  w: usize, x: usize, out: usize, bias: usize, rows: u32, n: u32, blocks: u32, outBytes: usize, scale: f32, accumulate: i32,
): void {
  const group = group_bytes(Q4_K, blocks);
  for (let r: u32 = 0; r < rows; r += 4) {
    tile_4x4(w, x, blocks, out, outBytes, n, bias, scale, accumulate);
    w += group; out += 16;
    if (bias) bias += 16;
  }
}

/** x (1, cols) as a panel of one. */
// @ts-ignore: decorator
@inline export function narrow_single(
  FORMAT: i32, w: usize, x: usize, out: usize, bias: usize, rows: u32, blocks: u32, scale: f32, accumulate: i32,
): void {
  const group = group_bytes(FORMAT, blocks);
  const groups = rows >> 2, step = stream_step(groups, group);
  for (let first: u32 = 0; first < groups;) {
    const whole = first < step, at = <usize>first << 4;
    vector_16(
      FORMAT, w + group * <usize>first, whole ? 4 : min(4, groups - first), whole ? step : 1, x, blocks,
      out + at, bias ? bias + at : 0, scale, accumulate,
    );
    first += whole ? 1 : 4;
    if (first == step) first = 4 * step;
  }
}

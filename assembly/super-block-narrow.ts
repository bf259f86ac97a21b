// Super-blocks of 256 times 8-bit activations, relaxed builds: products of bytes, added in pairs to i16 lanes over 16
// columns (at most 8 · 63 · 127 with the zero point taken off modulo 2^16), then times the scale of the half to i32.
import { f16_mask, f16_scale, load_f16x4 } from './half';
import { dot16, dot8, madd_i32, store_rows, tiled_columns } from './tile';
import {
  Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, activation_bytes, group_bytes, half_mins, half_scales, high_mask, low_mask, min_words,
  pair_bytes, quad, scale_bytes, scale_words, upper_bits,
} from './super-block';

/** The zero point's share as the first value of an i16 accumulator: −32, −4 or 0 times the sum of the activations. */
// @ts-ignore: decorator
@inline function first_sum(FORMAT: i32, offset: usize): v128 {
  if (FORMAT == Q6_K) return v128.load32_splat(offset);
  if (FORMAT == Q3_K) return i16x8.shr_s(v128.load32_splat(offset), 3);
  return i32x4.splat(0);
}

// @ts-ignore: decorator
@inline function has_words(FORMAT: i32): bool {
  return FORMAT == Q4_K || FORMAT == Q5_K;
}

/** Four quads of 4 rows times the same columns, times the half's scales. */
// @ts-ignore: decorator
@inline function half_sum(
  first: v128, x0: v128, x1: v128, x2: v128, x3: v128, q0: v128, q1: v128, q2: v128, q3: v128, scales: v128,
): v128 {
  const low = i16x8.add(dot8(x0, q0), dot8(x1, q1)), high = i16x8.add(dot8(x2, q2), dot8(x3, q3));
  return dot16(i16x8.add(first, i16x8.add(low, high)), scales);
}

/** Σ minimum · Σ activations over the 8 pairs, for 4 rows and one column whose pair sums are L apart. */
// @ts-ignore: decorator
@inline function min_sum(L: usize, low: v128, high: v128, sums: usize): v128 {
  const bytes = i32x4.splat(0x00ff00ff);
  const first = i32x4.add(
    dot16(v128.and(low, bytes), v128.load32_splat(sums)),
    dot16(i16x8.shr_u(low, 8), v128.load32_splat(sums + 4 * L)),
  );
  const second = i32x4.add(
    dot16(v128.and(high, bytes), v128.load32_splat(sums + 8 * L)),
    dot16(i16x8.shr_u(high, 8), v128.load32_splat(sums + 12 * L)),
  );
  return i32x4.add(first, second);
}

// @ts-ignore: decorator
@inline function tile_8x4(
  FORMAT: i32, w: usize, second: usize, x: usize, blocks: u32,
  out: usize, outBytes: usize, columns: u32, bias: usize, scale: f32, accumulate: i32,
): void {
  const low = low_mask(FORMAT), high = high_mask(FORMAT), mask = f16_mask(), exponent = f16_scale();
  let scales = w + 8 * pair_bytes(FORMAT) * <usize>blocks;
  let a0 = f32x4.splat(0), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;
  for (let b: u32 = 0; b < blocks; b++) {
    const zero = i32x4.splat(0);
    let i0 = zero, i1 = zero, i2 = zero, i3 = zero, j0 = zero, j1 = zero, j2 = zero, j3 = zero;
    let values = x + 336, offsets = x + 80;
    for (let upper: u32 = 0; upper < 2; upper++) {
      let S = zero, T = zero;
      if (has_words(FORMAT)) {
        S = scale_words(scales, upper); T = scale_words(scales + second, upper);
      }
      for (let p: u32 = 0; p < 4; p++) {
        const v = w + second;
        let u = low, t = low;
        if (FORMAT != Q4_K && FORMAT != Q2_K) {
          u = upper_bits(FORMAT, 0, w); t = upper_bits(FORMAT, 0, v);
        }
        let p0 = quad(FORMAT, 0, 0, w, u, low, high), p1 = quad(FORMAT, 0, 1, w, u, low, high);
        let p2 = quad(FORMAT, 0, 2, w, u, low, high), p3 = quad(FORMAT, 0, 3, w, u, low, high);
        let q0 = quad(FORMAT, 0, 0, v, t, low, high), q1 = quad(FORMAT, 0, 1, v, t, low, high);
        let q2 = quad(FORMAT, 0, 2, v, t, low, high), q3 = quad(FORMAT, 0, 3, v, t, low, high);
        let s = half_scales(FORMAT, 0, scales, S, upper, p), r = half_scales(FORMAT, 0, scales + second, T, upper, p);
        let f = first_sum(FORMAT, offsets);
        let x0 = v128.load32_splat(values), x1 = v128.load32_splat(values, 16), x2 = v128.load32_splat(values, 32), x3 = v128.load32_splat(values, 48);
        i0 = i32x4.add(i0, half_sum(f, x0, x1, x2, x3, p0, p1, p2, p3, s)); j0 = i32x4.add(j0, half_sum(f, x0, x1, x2, x3, q0, q1, q2, q3, r));
        f = first_sum(FORMAT, offsets + 4);
        x0 = v128.load32_splat(values, 4); x1 = v128.load32_splat(values, 20); x2 = v128.load32_splat(values, 36); x3 = v128.load32_splat(values, 52);
        i1 = i32x4.add(i1, half_sum(f, x0, x1, x2, x3, p0, p1, p2, p3, s)); j1 = i32x4.add(j1, half_sum(f, x0, x1, x2, x3, q0, q1, q2, q3, r));
        f = first_sum(FORMAT, offsets + 8);
        x0 = v128.load32_splat(values, 8); x1 = v128.load32_splat(values, 24); x2 = v128.load32_splat(values, 40); x3 = v128.load32_splat(values, 56);
        i2 = i32x4.add(i2, half_sum(f, x0, x1, x2, x3, p0, p1, p2, p3, s)); j2 = i32x4.add(j2, half_sum(f, x0, x1, x2, x3, q0, q1, q2, q3, r));
        f = first_sum(FORMAT, offsets + 12);
        x0 = v128.load32_splat(values, 12); x1 = v128.load32_splat(values, 28); x2 = v128.load32_splat(values, 44); x3 = v128.load32_splat(values, 60);
        i3 = i32x4.add(i3, half_sum(f, x0, x1, x2, x3, p0, p1, p2, p3, s)); j3 = i32x4.add(j3, half_sum(f, x0, x1, x2, x3, q0, q1, q2, q3, r));
        if (FORMAT == Q6_K) {
          u = upper_bits(FORMAT, 1, w); t = upper_bits(FORMAT, 1, v);
        }
        p0 = quad(FORMAT, 1, 0, w, u, low, high); p1 = quad(FORMAT, 1, 1, w, u, low, high);
        p2 = quad(FORMAT, 1, 2, w, u, low, high); p3 = quad(FORMAT, 1, 3, w, u, low, high);
        q0 = quad(FORMAT, 1, 0, v, t, low, high); q1 = quad(FORMAT, 1, 1, v, t, low, high);
        q2 = quad(FORMAT, 1, 2, v, t, low, high); q3 = quad(FORMAT, 1, 3, v, t, low, high);
        if (!has_words(FORMAT)) {
          s = half_scales(FORMAT, 1, scales, S, upper, p); r = half_scales(FORMAT, 1, scales + second, T, upper, p);
        }
        f = first_sum(FORMAT, offsets + 16);
        x0 = v128.load32_splat(values, 64); x1 = v128.load32_splat(values, 80); x2 = v128.load32_splat(values, 96); x3 = v128.load32_splat(values, 112);
        i0 = i32x4.add(i0, half_sum(f, x0, x1, x2, x3, p0, p1, p2, p3, s)); j0 = i32x4.add(j0, half_sum(f, x0, x1, x2, x3, q0, q1, q2, q3, r));
        f = first_sum(FORMAT, offsets + 20);
        x0 = v128.load32_splat(values, 68); x1 = v128.load32_splat(values, 84); x2 = v128.load32_splat(values, 100); x3 = v128.load32_splat(values, 116);
        i1 = i32x4.add(i1, half_sum(f, x0, x1, x2, x3, p0, p1, p2, p3, s)); j1 = i32x4.add(j1, half_sum(f, x0, x1, x2, x3, q0, q1, q2, q3, r));
        f = first_sum(FORMAT, offsets + 24);
        x0 = v128.load32_splat(values, 72); x1 = v128.load32_splat(values, 88); x2 = v128.load32_splat(values, 104); x3 = v128.load32_splat(values, 120);
        i2 = i32x4.add(i2, half_sum(f, x0, x1, x2, x3, p0, p1, p2, p3, s)); j2 = i32x4.add(j2, half_sum(f, x0, x1, x2, x3, q0, q1, q2, q3, r));
        f = first_sum(FORMAT, offsets + 28);
        x0 = v128.load32_splat(values, 76); x1 = v128.load32_splat(values, 92); x2 = v128.load32_splat(values, 108); x3 = v128.load32_splat(values, 124);
        i3 = i32x4.add(i3, half_sum(f, x0, x1, x2, x3, p0, p1, p2, p3, s)); j3 = i32x4.add(j3, half_sum(f, x0, x1, x2, x3, q0, q1, q2, q3, r));
        w += pair_bytes(FORMAT); values += 128; offsets += 32;
      }
    }
    const d = load_f16x4(scales, mask, exponent), e = load_f16x4(scales + second, mask, exponent);
    a0 = add_block(FORMAT, 4, 0, a0, i0, d, scales, x, mask, exponent); b0 = add_block(FORMAT, 4, 0, b0, j0, e, scales + second, x, mask, exponent);
    a1 = add_block(FORMAT, 4, 1, a1, i1, d, scales, x, mask, exponent); b1 = add_block(FORMAT, 4, 1, b1, j1, e, scales + second, x, mask, exponent);
    a2 = add_block(FORMAT, 4, 2, a2, i2, d, scales, x, mask, exponent); b2 = add_block(FORMAT, 4, 2, b2, j2, e, scales + second, x, mask, exponent);
    a3 = add_block(FORMAT, 4, 3, a3, i3, d, scales, x, mask, exponent); b3 = add_block(FORMAT, 4, 3, b3, j3, e, scales + second, x, mask, exponent);
    scales += scale_bytes(FORMAT); x += 4 * activation_bytes();
  }
  const bias2 = bias ? bias + 16 : 0;
  store_rows(out, a0, bias, scale, accumulate);
  if (second) store_rows(out + 16, b0, bias2, scale, accumulate);
  out += outBytes;
  store_rows(out, a1, bias, scale, accumulate);
  if (second) store_rows(out + 16, b1, bias2, scale, accumulate);
  if (columns < 3) return;
  out += outBytes;
  store_rows(out, a2, bias, scale, accumulate);
  if (second) store_rows(out + 16, b2, bias2, scale, accumulate);
  if (columns < 4) return;
  out += outBytes;
  store_rows(out, a3, bias, scale, accumulate);
  if (second) store_rows(out + 16, b3, bias2, scale, accumulate);
}

/** sum + a super-block's integers times its scales, less its minima, for 4 rows and column C of a panel of L. */
// @ts-ignore: decorator
@inline function add_block(
  FORMAT: i32, L: usize, C: usize, sum: v128, integers: v128, d: v128, scales: usize, x: usize, mask: v128, exponent: v128,
): v128 {
  const X = v128.load32_splat(x + 4 * C);
  sum = madd_i32(integers, f32x4.mul(d, X), sum);
  if (has_words(FORMAT)) {
    const dmin = f32x4.neg(load_f16x4(scales + 8, mask, exponent));
    const mins = min_sum(L, min_words(scales, 0), min_words(scales, 1), x + 4 * L + 4 * C);
    sum = madd_i32(mins, f32x4.mul(dmin, X), sum);
  }
  if (FORMAT == Q2_K) {
    let mins = i32x4.splat(0), offsets = x + 20 * L + 4 * C;
    for (let sub: u32 = 0; sub < 16; sub++) {
      mins = i32x4.add(mins, dot16(v128.load32_splat(offsets), half_mins(scales, sub)));
      offsets += 4 * L;
    }
    // The offsets are −32 times the sums of activations.
    const dmin = f32x4.mul(load_f16x4(scales + 8, mask, exponent), f32x4.splat(0.03125));
    sum = madd_i32(mins, f32x4.mul(dmin, X), sum);
  }
  return sum;
}

/** One pair of one group of 4 rows times one column. */
// @ts-ignore: decorator
@inline function pair_sum(
  FORMAT: i32, w: usize, values: usize, offsets: usize, scales: usize, words: v128, upper: u32, p: u32, low: v128, high: v128,
): v128 {
  const has_upper = FORMAT != Q4_K && FORMAT != Q2_K;
  const u = has_upper ? upper_bits(FORMAT, 0, w) : low;
  const t = FORMAT == Q6_K ? upper_bits(FORMAT, 1, w) : u;
  const s = half_scales(FORMAT, 0, scales, words, upper, p);
  const first = half_sum(
    first_sum(FORMAT, offsets),
    v128.load32_splat(values), v128.load32_splat(values, 4), v128.load32_splat(values, 8), v128.load32_splat(values, 12),
    quad(FORMAT, 0, 0, w, u, low, high), quad(FORMAT, 0, 1, w, u, low, high),
    quad(FORMAT, 0, 2, w, u, low, high), quad(FORMAT, 0, 3, w, u, low, high), s,
  );
  const second = half_sum(
    first_sum(FORMAT, offsets + 4),
    v128.load32_splat(values, 16), v128.load32_splat(values, 20), v128.load32_splat(values, 24), v128.load32_splat(values, 28),
    quad(FORMAT, 1, 0, w, t, low, high), quad(FORMAT, 1, 1, w, t, low, high),
    quad(FORMAT, 1, 2, w, t, low, high), quad(FORMAT, 1, 3, w, t, low, high),
    has_words(FORMAT) ? s : half_scales(FORMAT, 1, scales, words, upper, p),
  );
  return i32x4.add(first, second);
}

/** 4 · GROUPS rows × 1 column, GROUPS 4 or 1: several groups are several streams through memory. */
// @ts-ignore: decorator
@inline function vector(
  FORMAT: i32, GROUPS: i32, w: usize, x: usize, blocks: u32, out: usize, bias: usize, scale: f32, accumulate: i32,
): void {
  const low = low_mask(FORMAT), high = high_mask(FORMAT), mask = f16_mask(), exponent = f16_scale();
  const g1 = group_bytes(FORMAT, blocks), g2 = g1 << 1, g3 = g1 + g2;
  let scales = w + 8 * pair_bytes(FORMAT) * <usize>blocks;
  let a0 = f32x4.splat(0), a1 = a0, a2 = a0, a3 = a0;
  for (let b: u32 = 0; b < blocks; b++) {
    const zero = i32x4.splat(0);
    let i0 = zero, i1 = zero, i2 = zero, i3 = zero, values = x + 84, offsets = x + 20;
    for (let upper: u32 = 0; upper < 2; upper++) {
      let s0 = zero, s1 = zero, s2 = zero, s3 = zero;
      if (has_words(FORMAT)) {
        s0 = scale_words(scales, upper);
        if (GROUPS == 4) {
          s1 = scale_words(scales + g1, upper); s2 = scale_words(scales + g2, upper); s3 = scale_words(scales + g3, upper);
        }
      }
      for (let p: u32 = 0; p < 4; p++) {
        i0 = i32x4.add(i0, pair_sum(FORMAT, w, values, offsets, scales, s0, upper, p, low, high));
        if (GROUPS == 4) {
          i1 = i32x4.add(i1, pair_sum(FORMAT, w + g1, values, offsets, scales + g1, s1, upper, p, low, high));
          i2 = i32x4.add(i2, pair_sum(FORMAT, w + g2, values, offsets, scales + g2, s2, upper, p, low, high));
          i3 = i32x4.add(i3, pair_sum(FORMAT, w + g3, values, offsets, scales + g3, s3, upper, p, low, high));
        }
        w += pair_bytes(FORMAT); values += 32; offsets += 8;
      }
    }
    a0 = add_block(FORMAT, 1, 0, a0, i0, load_f16x4(scales, mask, exponent), scales, x, mask, exponent);
    if (GROUPS == 4) {
      a1 = add_block(FORMAT, 1, 0, a1, i1, load_f16x4(scales + g1, mask, exponent), scales + g1, x, mask, exponent);
      a2 = add_block(FORMAT, 1, 0, a2, i2, load_f16x4(scales + g2, mask, exponent), scales + g2, x, mask, exponent);
      a3 = add_block(FORMAT, 1, 0, a3, i3, load_f16x4(scales + g3, mask, exponent), scales + g3, x, mask, exponent);
    }
    scales += scale_bytes(FORMAT); x += activation_bytes();
  }
  store_rows(out, a0, bias, scale, accumulate);
  if (GROUPS == 1) return;
  store_rows(out + 16, a1, bias ? bias + 16 : 0, scale, accumulate);
  store_rows(out + 32, a2, bias ? bias + 32 : 0, scale, accumulate);
  store_rows(out + 48, a3, bias ? bias + 48 : 0, scale, accumulate);
}

// @ts-ignore: decorator
@inline export function narrow_k(
  FORMAT: i32, w: usize, x: usize, out: usize, bias: usize, rows: u32, n: u32, blocks: u32,
  outBytes: usize, scale: f32, accumulate: i32,
): void {
  const group = group_bytes(FORMAT, blocks), xRow = activation_bytes() * <usize>blocks, tiled = tiled_columns(n);
  if (tiled) {
    for (let r: u32 = 0; r < rows; r += 8) {
      const second = r + 4 < rows ? group : 0;
      for (let c: u32 = 0; c < tiled; c += 4) {
        tile_8x4(
          FORMAT, w + (group >> 2) * <usize>r, second, x + xRow * <usize>c, blocks, out + (<usize>r << 2) + outBytes * <usize>c,
          outBytes, min(4, tiled - c), bias ? bias + (<usize>r << 2) : 0, scale, accumulate,
        );
      }
    }
  }
  if (tiled == n) return;
  x += xRow * <usize>tiled; out += outBytes * <usize>tiled;
  let r: u32 = 0;
  for (; r + 16 <= rows; r += 16) {
    vector(FORMAT, 4, w, x, blocks, out, bias, scale, accumulate);
    w += group << 2; out += 64;
    if (bias) bias += 64;
  }
  for (; r < rows; r += 4) {
    vector(FORMAT, 1, w, x, blocks, out, bias, scale, accumulate);
    w += group; out += 16;
    if (bias) bias += 16;
  }
}

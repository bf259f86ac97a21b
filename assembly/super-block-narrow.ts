// Super-blocks of 256 times 8-bit activations, relaxed builds: products of bytes, added in pairs to i16 lanes over 16
// columns (at most 8 · 63 · 127 with the zero point taken off modulo 2^16), then times the scale of the half to i32.
import { f16_mask, f16_scale, load_f16x4 } from './half';
import { dot16, dot8, madd_i32, store_groups, store_tile, stream_step } from './tile';
import {
  Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, activation_bytes, even_bytes, group_bytes, half_mins, half_scales, has_words, high_mask,
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

// @ts-ignore: decorator
@inline function tile_8x4(
  FORMAT: i32, w: usize, second: usize, x: usize, blocks: u32,
  out: usize, outBytes: usize, columns: u32, bias: usize, scale: f32, accumulate: i32,
): void {
  const low = low_mask(FORMAT), high = high_mask(FORMAT), mask = f16_mask(), exponent = f16_scale();
  let a0 = f32x4.splat(0), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;
  for (let b: u32 = 0; b < blocks; b++) {
    const scales = w;
    w += scale_bytes(FORMAT);
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
        if (FORMAT == Q4_K) {
          // Both halves have one scale and fit i16 together: |Σ| ≤ 16 · 15 · 127. Q5_K does not fit.
          const s = half_scales(FORMAT, 0, scales, S, upper, p);
          const r = half_scales(FORMAT, 0, scales + second, T, upper, p);
          // One group after the other: together they would need more registers than there are (77 → 85 GFLOP/s).
          const first = w;
          let c0 = zero, c1 = zero, c2 = zero, c3 = zero;
          for (const end = w + 64; w < end; w += 16) {
            const g = v128.load(w), l = v128.and(g, low), h = v128.and(i16x8.shr_u(g, 4), low);
            c0 = i16x8.add(c0, i16x8.add(dot8(v128.load32_splat(values), l), dot8(v128.load32_splat(values, 64), h)));
            c1 = i16x8.add(c1, i16x8.add(dot8(v128.load32_splat(values, 4), l), dot8(v128.load32_splat(values, 68), h)));
            c2 = i16x8.add(c2, i16x8.add(dot8(v128.load32_splat(values, 8), l), dot8(v128.load32_splat(values, 72), h)));
            c3 = i16x8.add(c3, i16x8.add(dot8(v128.load32_splat(values, 12), l), dot8(v128.load32_splat(values, 76), h)));
            values += 16;
          }
          i0 = i32x4.add(i0, dot16(c0, s)); i1 = i32x4.add(i1, dot16(c1, s));
          i2 = i32x4.add(i2, dot16(c2, s)); i3 = i32x4.add(i3, dot16(c3, s));
          if (second) {
            values -= 64;
            c0 = zero; c1 = zero; c2 = zero; c3 = zero;
            for (let from = first + second; from < w + second; from += 16) {
              const g = v128.load(from), l = v128.and(g, low), h = v128.and(i16x8.shr_u(g, 4), low);
              c0 = i16x8.add(c0, i16x8.add(dot8(v128.load32_splat(values), l), dot8(v128.load32_splat(values, 64), h)));
              c1 = i16x8.add(c1, i16x8.add(dot8(v128.load32_splat(values, 4), l), dot8(v128.load32_splat(values, 68), h)));
              c2 = i16x8.add(c2, i16x8.add(dot8(v128.load32_splat(values, 8), l), dot8(v128.load32_splat(values, 72), h)));
              c3 = i16x8.add(c3, i16x8.add(dot8(v128.load32_splat(values, 12), l), dot8(v128.load32_splat(values, 76), h)));
              values += 16;
            }
            j0 = i32x4.add(j0, dot16(c0, r)); j1 = i32x4.add(j1, dot16(c1, r));
            j2 = i32x4.add(j2, dot16(c2, r)); j3 = i32x4.add(j3, dot16(c3, r));
          }
          values += 64;
          continue;
        }
        let u = low, t = low;
        if (FORMAT != Q2_K) {
          u = upper_bits(FORMAT, 0, w); t = upper_bits(FORMAT, 0, v);
        }
        let p0 = quad(FORMAT, 0, 0, w, u, low, high), p1 = quad(FORMAT, 0, 1, w, u, low, high);
        let p2 = quad(FORMAT, 0, 2, w, u, low, high), p3 = quad(FORMAT, 0, 3, w, u, low, high);
        let q0 = quad(FORMAT, 0, 0, v, t, low, high), q1 = quad(FORMAT, 0, 1, v, t, low, high);
        let q2 = quad(FORMAT, 0, 2, v, t, low, high), q3 = quad(FORMAT, 0, 3, v, t, low, high);
        let s = half_scales(FORMAT, 0, scales, S, upper, p), r = half_scales(FORMAT, 0, scales + second, T, upper, p);
        let f = first_sum(FORMAT, offsets);
        let x0 = v128.load32_splat(values), x1 = v128.load32_splat(values, 16);
        let x2 = v128.load32_splat(values, 32), x3 = v128.load32_splat(values, 48);
        i0 = i32x4.add(i0, half_sum(FORMAT, f, x0, x1, x2, x3, p0, p1, p2, p3, s));
        j0 = i32x4.add(j0, half_sum(FORMAT, f, x0, x1, x2, x3, q0, q1, q2, q3, r));
        f = first_sum(FORMAT, offsets + 4);
        x0 = v128.load32_splat(values, 4); x1 = v128.load32_splat(values, 20);
        x2 = v128.load32_splat(values, 36); x3 = v128.load32_splat(values, 52);
        i1 = i32x4.add(i1, half_sum(FORMAT, f, x0, x1, x2, x3, p0, p1, p2, p3, s));
        j1 = i32x4.add(j1, half_sum(FORMAT, f, x0, x1, x2, x3, q0, q1, q2, q3, r));
        f = first_sum(FORMAT, offsets + 8);
        x0 = v128.load32_splat(values, 8); x1 = v128.load32_splat(values, 24);
        x2 = v128.load32_splat(values, 40); x3 = v128.load32_splat(values, 56);
        i2 = i32x4.add(i2, half_sum(FORMAT, f, x0, x1, x2, x3, p0, p1, p2, p3, s));
        j2 = i32x4.add(j2, half_sum(FORMAT, f, x0, x1, x2, x3, q0, q1, q2, q3, r));
        f = first_sum(FORMAT, offsets + 12);
        x0 = v128.load32_splat(values, 12); x1 = v128.load32_splat(values, 28);
        x2 = v128.load32_splat(values, 44); x3 = v128.load32_splat(values, 60);
        i3 = i32x4.add(i3, half_sum(FORMAT, f, x0, x1, x2, x3, p0, p1, p2, p3, s));
        j3 = i32x4.add(j3, half_sum(FORMAT, f, x0, x1, x2, x3, q0, q1, q2, q3, r));
        if (FORMAT == Q6_K) {
          u = upper_bits(FORMAT, 1, w); t = upper_bits(FORMAT, 1, v);
        }
        p0 = quad(FORMAT, 1, 0, w, u, low, high); p1 = quad(FORMAT, 1, 1, w, u, low, high);
        p2 = quad(FORMAT, 1, 2, w, u, low, high); p3 = quad(FORMAT, 1, 3, w, u, low, high);
        q0 = quad(FORMAT, 1, 0, v, t, low, high); q1 = quad(FORMAT, 1, 1, v, t, low, high);
        q2 = quad(FORMAT, 1, 2, v, t, low, high); q3 = quad(FORMAT, 1, 3, v, t, low, high);
        if (FORMAT != Q5_K) {
          s = half_scales(FORMAT, 1, scales, S, upper, p); r = half_scales(FORMAT, 1, scales + second, T, upper, p);
        }
        f = first_sum(FORMAT, offsets + 16);
        x0 = v128.load32_splat(values, 64); x1 = v128.load32_splat(values, 80);
        x2 = v128.load32_splat(values, 96); x3 = v128.load32_splat(values, 112);
        i0 = i32x4.add(i0, half_sum(FORMAT, f, x0, x1, x2, x3, p0, p1, p2, p3, s));
        j0 = i32x4.add(j0, half_sum(FORMAT, f, x0, x1, x2, x3, q0, q1, q2, q3, r));
        f = first_sum(FORMAT, offsets + 20);
        x0 = v128.load32_splat(values, 68); x1 = v128.load32_splat(values, 84);
        x2 = v128.load32_splat(values, 100); x3 = v128.load32_splat(values, 116);
        i1 = i32x4.add(i1, half_sum(FORMAT, f, x0, x1, x2, x3, p0, p1, p2, p3, s));
        j1 = i32x4.add(j1, half_sum(FORMAT, f, x0, x1, x2, x3, q0, q1, q2, q3, r));
        f = first_sum(FORMAT, offsets + 24);
        x0 = v128.load32_splat(values, 72); x1 = v128.load32_splat(values, 88);
        x2 = v128.load32_splat(values, 104); x3 = v128.load32_splat(values, 120);
        i2 = i32x4.add(i2, half_sum(FORMAT, f, x0, x1, x2, x3, p0, p1, p2, p3, s));
        j2 = i32x4.add(j2, half_sum(FORMAT, f, x0, x1, x2, x3, q0, q1, q2, q3, r));
        f = first_sum(FORMAT, offsets + 28);
        x0 = v128.load32_splat(values, 76); x1 = v128.load32_splat(values, 92);
        x2 = v128.load32_splat(values, 108); x3 = v128.load32_splat(values, 124);
        i3 = i32x4.add(i3, half_sum(FORMAT, f, x0, x1, x2, x3, p0, p1, p2, p3, s));
        j3 = i32x4.add(j3, half_sum(FORMAT, f, x0, x1, x2, x3, q0, q1, q2, q3, r));
        w += pair_bytes(FORMAT); values += 128; offsets += 32;
      }
    }
    const d = load_f16x4(scales, mask, exponent), e = load_f16x4(scales + second, mask, exponent);
    a0 = add_integers(0, a0, i0, d, x); b0 = add_integers(0, b0, j0, e, x);
    a1 = add_integers(1, a1, i1, d, x); b1 = add_integers(1, b1, j1, e, x);
    a2 = add_integers(2, a2, i2, d, x); b2 = add_integers(2, b2, j2, e, x);
    a3 = add_integers(3, a3, i3, d, x); b3 = add_integers(3, b3, j3, e, x);
    if (has_words(FORMAT) || FORMAT == Q2_K) {
      i0 = zero; i1 = zero; i2 = zero; i3 = zero; j0 = zero; j1 = zero; j2 = zero; j3 = zero;
      if (has_words(FORMAT)) {
        let v = min_words(scales, 0), u = min_words(scales, 1);
        let m0 = even_bytes(v), m1 = odd_bytes(v), m2 = even_bytes(u), m3 = odd_bytes(u);
        i0 = min_sum(4, m0, m1, m2, m3, x + 16); i1 = min_sum(4, m0, m1, m2, m3, x + 20);
        i2 = min_sum(4, m0, m1, m2, m3, x + 24); i3 = min_sum(4, m0, m1, m2, m3, x + 28);
        v = min_words(scales + second, 0); u = min_words(scales + second, 1);
        m0 = even_bytes(v); m1 = odd_bytes(v); m2 = even_bytes(u); m3 = odd_bytes(u);
        j0 = min_sum(4, m0, m1, m2, m3, x + 16); j1 = min_sum(4, m0, m1, m2, m3, x + 20);
        j2 = min_sum(4, m0, m1, m2, m3, x + 24); j3 = min_sum(4, m0, m1, m2, m3, x + 28);
      } else {
        let sums = x + 80;
        for (let sub: u32 = 0; sub < 16; sub++) {
          const m = half_mins(scales, sub), o = half_mins(scales + second, sub);
          let X = v128.load32_splat(sums);
          i0 = i32x4.add(i0, dot16(X, m)); j0 = i32x4.add(j0, dot16(X, o));
          X = v128.load32_splat(sums, 4);
          i1 = i32x4.add(i1, dot16(X, m)); j1 = i32x4.add(j1, dot16(X, o));
          X = v128.load32_splat(sums, 8);
          i2 = i32x4.add(i2, dot16(X, m)); j2 = i32x4.add(j2, dot16(X, o));
          X = v128.load32_splat(sums, 12);
          i3 = i32x4.add(i3, dot16(X, m)); j3 = i32x4.add(j3, dot16(X, o));
          sums += 16;
        }
      }
      const m = min_factor(FORMAT, scales, mask, exponent), o = min_factor(FORMAT, scales + second, mask, exponent);
      a0 = add_integers(0, a0, i0, m, x); b0 = add_integers(0, b0, j0, o, x);
      a1 = add_integers(1, a1, i1, m, x); b1 = add_integers(1, b1, j1, o, x);
      a2 = add_integers(2, a2, i2, m, x); b2 = add_integers(2, b2, j2, o, x);
      a3 = add_integers(3, a3, i3, m, x); b3 = add_integers(3, b3, j3, o, x);
    }
    x += 4 * activation_bytes();
  }
  store_tile(second, columns, out, outBytes, a0, a1, a2, a3, b0, b1, b2, b3, bias, scale, accumulate);
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

/** x (n, cols) in panels of 4. */
// @ts-ignore: decorator
@inline export function narrow_panels(
  FORMAT: i32, w: usize, x: usize, out: usize, bias: usize, rows: u32, n: u32, blocks: u32,
  outBytes: usize, scale: f32, accumulate: i32,
): void {
  const group = group_bytes(FORMAT, blocks), xRow = activation_bytes() * <usize>blocks;
  for (let r: u32 = 0; r < rows; r += 8) {
    const second = r + 4 < rows ? group : 0;
    for (let c: u32 = 0; c < n; c += 4) {
      tile_8x4(
        FORMAT, w, second, x + xRow * <usize>c, blocks,
        out + outBytes * <usize>c, outBytes, min(4, n - c), bias, scale, accumulate,
      );
    }
    w += group << 1; out += 32;
    if (bias) bias += 32;
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

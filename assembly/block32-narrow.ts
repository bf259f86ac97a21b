// Blocks of 32 times 8-bit activations, relaxed builds: products of bytes, added in pairs to i16 lanes, one lane pair
// per row. The sums of a block stay in i16: |Σ (quant − zero point) · activation| over a lane's 16 columns is at most
// 32512, and additions modulo 2^16 make every larger intermediate harmless. The dot build adds four products at a time to i32
// lanes, one per row (Q4_0: 106 → 117 GFLOP/s at 64 columns; not the super-blocks, whose scales would then have to be
// multiplied as i32: Q6_K 12.5 → 8.6 GB/s).
import { f16_mask, f16_scale, load_f16x4, madd } from './half';
import { NIBBLE_MASK, ONES_I16 } from './memory-map';
import { read_ahead } from './read-ahead';
import { add_dots8, madd_i32, row_sums, store_groups, store_tile } from './tile';
import {
  activation_bytes, first_sum, has_min, has_spare_bits, high_quants, load_min, meta_bytes, quant_bytes, quant_mask, scale_bytes,
} from './block32';

/**
 * 4 rows × 4 columns of Q4_0 or Q4_1. Two groups of rows at once would load less, but V8 has 15 registers for vectors, schedules
 * all loads of an iteration first, and then keeps half of the sums in memory from one iteration to the next (measured: 80 and 76
 * GFLOP/s against 93 and 86).
 */
// @ts-ignore: decorator
@inline function tile_4x4(
  FORMAT: i32, w: usize, x: usize, blocks: u32,
  out: usize, outBytes: usize, columns: u32, bias: usize, scale: f32, accumulate: i32,
): void {
  const nibble = v128.load(NIBBLE_MASK);
  let a0 = f32x4.splat(0), a1 = a0, a2 = a0, a3 = a0;
  for (let b: u32 = 0; b < blocks; b++) {
    let s0 = first_sum(FORMAT, x + 16), s1 = first_sum(FORMAT, x + 20);
    let s2 = first_sum(FORMAT, x + 24), s3 = first_sum(FORMAT, x + 28);
    for (const end = w + 64; w < end; w += 16) {
      const p = v128.load(w), l = v128.and(p, nibble), h = v128.and(i16x8.shr_u(p, 4), nibble);
      s0 = add_dots8(s0, v128.load32_splat(x, 48), l, v128.load32_splat(x, 112), h);
      s1 = add_dots8(s1, v128.load32_splat(x, 52), l, v128.load32_splat(x, 116), h);
      s2 = add_dots8(s2, v128.load32_splat(x, 56), l, v128.load32_splat(x, 120), h);
      s3 = add_dots8(s3, v128.load32_splat(x, 60), l, v128.load32_splat(x, 124), h);
      x += 16;
    }
    x -= 64;
    const ones = v128.load(ONES_I16), mask = f16_mask(), exponent = f16_scale(), d = load_f16x4(w, mask, exponent);
    a0 = madd_i32(row_sums(s0, ones), f32x4.mul(d, v128.load32_splat(x)), a0);
    a1 = madd_i32(row_sums(s1, ones), f32x4.mul(d, v128.load32_splat(x, 4)), a1);
    a2 = madd_i32(row_sums(s2, ones), f32x4.mul(d, v128.load32_splat(x, 8)), a2);
    a3 = madd_i32(row_sums(s3, ones), f32x4.mul(d, v128.load32_splat(x, 12)), a3);
    if (has_min(FORMAT)) {
      const m = load_min(FORMAT, w, d, mask, exponent);
      a0 = madd(m, v128.load32_splat(x, 32), a0); a1 = madd(m, v128.load32_splat(x, 36), a1);
      a2 = madd(m, v128.load32_splat(x, 40), a2); a3 = madd(m, v128.load32_splat(x, 44), a3);
    }
    w += scale_bytes(FORMAT); x += 4 * activation_bytes(FORMAT);
  }
  store_tile(0, columns, out, outBytes, a0, a1, a2, a3, a0, a1, a2, a3, bias, scale, accumulate);
}

/** A vector of one group's quants, times vector j of the low columns and of the high ones. */
// @ts-ignore: decorator
@inline function add_pair(FORMAT: i32, sum: v128, w: usize, low: v128, high: v128, spare: v128, mask: v128): v128 {
  const q = v128.load(w);
  return add_dots8(sum, low, v128.and(q, mask), high, high_quants(FORMAT, q, spare, mask));
}

/**
 * 16 rows × 1 column: groups of 4 rows that are `step` groups apart, of which `groups` are stored. That is four streams
 * through memory, each of them long, which hides the misses that one stream runs into (measured: 11 against 6 GB/s). The four steps
 * of a block stay a loop: written out, V8 loads all of them first (Q5_0 in the cache: 60 → 57 GFLOP/s, in the dot build 76 → 67).
 */
// @ts-ignore: decorator
@inline export function narrow_vector(
  FORMAT: i32, w: usize, groups: u32, step: u32, x: usize, blocks: u32,
  out: usize, bias: usize, scale: f32, accumulate: i32,
): void {
  const ones = v128.load(ONES_I16), quants = quant_mask(FORMAT);
  const mask = f16_mask(), exponent = f16_scale();
  const apart = (quant_bytes(FORMAT) + scale_bytes(FORMAT)) * <usize>blocks * <usize>step;
  const g1 = groups > 1 ? apart : 0, g2 = groups > 2 ? apart << 1 : 0, g3 = groups > 3 ? apart * 3 : 0;
  let a0 = f32x4.splat(0), a1 = a0, a2 = a0, a3 = a0;
  for (let b: u32 = 0; b < blocks; b++) {
    let s0 = first_sum(FORMAT, x + 4), s1 = s0, s2 = s0, s3 = s0;
    let u0 = s0, u1 = s0, u2 = s0, u3 = s0;
    if (has_spare_bits(FORMAT)) {
      u0 = v128.load(w, 64); u1 = v128.load(w + g1, 64); u2 = v128.load(w + g2, 64); u3 = v128.load(w + g3, 64);
    }
    let values = x + meta_bytes(FORMAT);
    for (const end = w + 64; w < end; w += 16) {
      const low = v128.load32_splat(values), high = v128.load32_splat(values, 16);
      s0 = add_pair(FORMAT, s0, w, low, high, u0, quants);
      s1 = add_pair(FORMAT, s1, w + g1, low, high, u1, quants);
      s2 = add_pair(FORMAT, s2, w + g2, low, high, u2, quants);
      s3 = add_pair(FORMAT, s3, w + g3, low, high, u3, quants);
      if (has_spare_bits(FORMAT)) {
        u0 = i16x8.shr_u(u0, 1); u1 = i16x8.shr_u(u1, 1); u2 = i16x8.shr_u(u2, 1); u3 = i16x8.shr_u(u3, 1);
      }
      values += 4;
    }
    if (has_spare_bits(FORMAT)) w += 16;
    const X = v128.load32_splat(x), scales = w;
    const d0 = load_f16x4(scales, mask, exponent), d1 = load_f16x4(scales + g1, mask, exponent);
    const d2 = load_f16x4(scales + g2, mask, exponent), d3 = load_f16x4(scales + g3, mask, exponent);
    a0 = madd_i32(row_sums(s0, ones), f32x4.mul(d0, X), a0); a1 = madd_i32(row_sums(s1, ones), f32x4.mul(d1, X), a1);
    a2 = madd_i32(row_sums(s2, ones), f32x4.mul(d2, X), a2); a3 = madd_i32(row_sums(s3, ones), f32x4.mul(d3, X), a3);
    if (has_min(FORMAT)) {
      const Y = v128.load32_splat(x, 8);
      a0 = madd(load_min(FORMAT, scales, d0, mask, exponent), Y, a0);
      a1 = madd(load_min(FORMAT, scales + g1, d1, mask, exponent), Y, a1);
      a2 = madd(load_min(FORMAT, scales + g2, d2, mask, exponent), Y, a2);
      a3 = madd(load_min(FORMAT, scales + g3, d3, mask, exponent), Y, a3);
    }
    w += scale_bytes(FORMAT); x += activation_bytes(FORMAT);
  }
  store_groups(groups, step, out, a0, a1, a2, a3, bias, scale, accumulate);
}

/**
 * x (n, cols) as one panel of up to 4, of Q4_0 or Q4_1. The next groups of rows are read ahead: a tile has too little to do to hide
 * that its lines come from memory (measured, Q4_1: with 576 columns of the weight 40 → 75 GFLOP/s, with 4096 30 → 60).
 */
// @ts-ignore: decorator
@inline export function narrow_panel(
  FORMAT: i32, w: usize, x: usize, out: usize, bias: usize, rows: u32, n: u32, blocks: u32,
  outBytes: usize, scale: f32, accumulate: i32,
): void {
  const group = (quant_bytes(FORMAT) + scale_bytes(FORMAT)) * <usize>blocks;
  for (let r: u32 = 0; r < rows; r += 4) {
    if ((r & 7) == 0 && r + 8 < rows) read_ahead(w + (group << 1), r + 12 < rows ? group << 1 : group);
    tile_4x4(FORMAT, w, x, blocks, out, outBytes, n, bias, scale, accumulate);
    w += group; out += 16;
    if (bias) bias += 16;
  }
}

// Blocks of 32 with unsigned quants, Q4_* and Q5_*, times 16-bit activations: the baseline build.
import { f16_mask, f16_scale, load_f16x4, madd } from './half';
import { dot16, madd_i32, store_groups, store_tile, sum_pairs } from './tile';
import {
  Q4_0, Q4_1, activation_bytes, has_min, has_spare_bits, high_quants, load_min, meta_bytes, quant_bytes, quant_mask, scale_bytes,
} from './block32';

/** Sum of a block's columns whose sums are split over two accumulators, with the zero point's share. */
// @ts-ignore: decorator
@inline function block_sum(FORMAT: i32, low: v128, high: v128, offset: usize): v128 {
  const sum = sum_pairs(low, high);
  if (FORMAT == Q4_1) return sum;
  const zero = v128.load32_splat(offset);
  return i32x4.add(sum, FORMAT == Q4_0 ? zero : i32x4.add(zero, zero));
}

// @ts-ignore: decorator
@inline export function unsigned_tile(
  FORMAT: i32, w: usize, x: usize, blocks: u32,
  out: usize, outBytes: usize, columns: u32, bias: usize, scale: f32, accumulate: i32,
): void {
  const quants = quant_mask(FORMAT);
  const mask = f16_mask(), exponent = f16_scale();
  let a0 = f32x4.splat(0), a1 = a0, a2 = a0, a3 = a0;
  for (let b: u32 = 0; b < blocks; b++) {
    const zero = i32x4.splat(0);
    let l0 = zero, h0 = zero, l1 = zero, h1 = zero, l2 = zero, h2 = zero, l3 = zero, h3 = zero;
    let spare = zero;
    if (has_spare_bits(FORMAT)) spare = v128.load(w, 64);
    let values = x + meta_bytes(FORMAT) * 4;
    for (const end = w + 64; w < end; w += 16) {
      let q = v128.and(v128.load(w), quants);
      let low = i16x8.extend_low_i8x16_u(q), high = i16x8.extend_high_i8x16_u(q);
      let X = v128.load64_splat(values);
      l0 = i32x4.add(l0, dot16(low, X)); h0 = i32x4.add(h0, dot16(high, X));
      X = v128.load64_splat(values, 8);
      l1 = i32x4.add(l1, dot16(low, X)); h1 = i32x4.add(h1, dot16(high, X));
      X = v128.load64_splat(values, 16);
      l2 = i32x4.add(l2, dot16(low, X)); h2 = i32x4.add(h2, dot16(high, X));
      X = v128.load64_splat(values, 24);
      l3 = i32x4.add(l3, dot16(low, X)); h3 = i32x4.add(h3, dot16(high, X));
      q = high_quants(FORMAT, v128.load(w), spare, quants);
      if (has_spare_bits(FORMAT)) spare = i16x8.shr_u(spare, 1);
      low = i16x8.extend_low_i8x16_u(q); high = i16x8.extend_high_i8x16_u(q);
      const upper = values + 128;
      X = v128.load64_splat(upper);
      l0 = i32x4.add(l0, dot16(low, X)); h0 = i32x4.add(h0, dot16(high, X));
      X = v128.load64_splat(upper, 8);
      l1 = i32x4.add(l1, dot16(low, X)); h1 = i32x4.add(h1, dot16(high, X));
      X = v128.load64_splat(upper, 16);
      l2 = i32x4.add(l2, dot16(low, X)); h2 = i32x4.add(h2, dot16(high, X));
      X = v128.load64_splat(upper, 24);
      l3 = i32x4.add(l3, dot16(low, X)); h3 = i32x4.add(h3, dot16(high, X));
      values += 32;
    }
    if (has_spare_bits(FORMAT)) w += 16;
    const d = load_f16x4(w, mask, exponent), offset = x + 16;
    a0 = madd_i32(block_sum(FORMAT, l0, h0, offset), f32x4.mul(d, v128.load32_splat(x)), a0);
    a1 = madd_i32(block_sum(FORMAT, l1, h1, offset + 4), f32x4.mul(d, v128.load32_splat(x, 4)), a1);
    a2 = madd_i32(block_sum(FORMAT, l2, h2, offset + 8), f32x4.mul(d, v128.load32_splat(x, 8)), a2);
    a3 = madd_i32(block_sum(FORMAT, l3, h3, offset + 12), f32x4.mul(d, v128.load32_splat(x, 12)), a3);
    if (has_min(FORMAT)) {
      const m = load_min(FORMAT, w, d, mask, exponent), sums = x + 32;
      a0 = madd(m, v128.load32_splat(sums), a0);
      a1 = madd(m, v128.load32_splat(sums, 4), a1);
      a2 = madd(m, v128.load32_splat(sums, 8), a2);
      a3 = madd(m, v128.load32_splat(sums, 12), a3);
    }
    w += scale_bytes(FORMAT);
    x += 4 * activation_bytes(FORMAT);
  }
  store_tile(0, columns, out, outBytes, a0, a1, a2, a3, a0, a1, a2, a3, bias, scale, accumulate);
}

/** 16 rows × 1 column in four streams, as in block32-narrow. */
// @ts-ignore: decorator
@inline export function unsigned_vector(
  FORMAT: i32, w: usize, groups: u32, step: u32, x: usize, blocks: u32,
  out: usize, bias: usize, scale: f32, accumulate: i32,
): void {
  const quants = quant_mask(FORMAT);
  const mask = f16_mask(), exponent = f16_scale();
  const apart = (quant_bytes(FORMAT) + scale_bytes(FORMAT)) * <usize>blocks * <usize>step;
  const g1 = groups > 1 ? apart : 0, g2 = groups > 2 ? apart << 1 : 0, g3 = groups > 3 ? apart * 3 : 0;
  let a0 = f32x4.splat(0), a1 = a0, a2 = a0, a3 = a0;
  for (let b: u32 = 0; b < blocks; b++) {
    const zero = i32x4.splat(0);
    let l0 = zero, h0 = zero, l1 = zero, h1 = zero, l2 = zero, h2 = zero, l3 = zero, h3 = zero;
    let u0 = zero, u1 = zero, u2 = zero, u3 = zero;
    if (has_spare_bits(FORMAT)) {
      u0 = v128.load(w, 64); u1 = v128.load(w + g1, 64); u2 = v128.load(w + g2, 64); u3 = v128.load(w + g3, 64);
    }
    let values = x + meta_bytes(FORMAT);
    for (const end = w + 64; w < end; w += 16) {
      let X = v128.load64_splat(values);
      const p0 = v128.load(w), p1 = v128.load(w + g1), p2 = v128.load(w + g2), p3 = v128.load(w + g3);
      let q = v128.and(p0, quants);
      l0 = i32x4.add(l0, dot16(i16x8.extend_low_i8x16_u(q), X)); h0 = i32x4.add(h0, dot16(i16x8.extend_high_i8x16_u(q), X));
      q = v128.and(p1, quants);
      l1 = i32x4.add(l1, dot16(i16x8.extend_low_i8x16_u(q), X)); h1 = i32x4.add(h1, dot16(i16x8.extend_high_i8x16_u(q), X));
      q = v128.and(p2, quants);
      l2 = i32x4.add(l2, dot16(i16x8.extend_low_i8x16_u(q), X)); h2 = i32x4.add(h2, dot16(i16x8.extend_high_i8x16_u(q), X));
      q = v128.and(p3, quants);
      l3 = i32x4.add(l3, dot16(i16x8.extend_low_i8x16_u(q), X)); h3 = i32x4.add(h3, dot16(i16x8.extend_high_i8x16_u(q), X));
      X = v128.load64_splat(values, 32);
      q = high_quants(FORMAT, p0, u0, quants);
      l0 = i32x4.add(l0, dot16(i16x8.extend_low_i8x16_u(q), X)); h0 = i32x4.add(h0, dot16(i16x8.extend_high_i8x16_u(q), X));
      q = high_quants(FORMAT, p1, u1, quants);
      l1 = i32x4.add(l1, dot16(i16x8.extend_low_i8x16_u(q), X)); h1 = i32x4.add(h1, dot16(i16x8.extend_high_i8x16_u(q), X));
      q = high_quants(FORMAT, p2, u2, quants);
      l2 = i32x4.add(l2, dot16(i16x8.extend_low_i8x16_u(q), X)); h2 = i32x4.add(h2, dot16(i16x8.extend_high_i8x16_u(q), X));
      q = high_quants(FORMAT, p3, u3, quants);
      l3 = i32x4.add(l3, dot16(i16x8.extend_low_i8x16_u(q), X)); h3 = i32x4.add(h3, dot16(i16x8.extend_high_i8x16_u(q), X));
      if (has_spare_bits(FORMAT)) {
        u0 = i16x8.shr_u(u0, 1); u1 = i16x8.shr_u(u1, 1); u2 = i16x8.shr_u(u2, 1); u3 = i16x8.shr_u(u3, 1);
      }
      values += 8;
    }
    if (has_spare_bits(FORMAT)) w += 16;
    const X = v128.load32_splat(x), offset = x + 4;
    const d0 = load_f16x4(w, mask, exponent);
    const d1 = load_f16x4(w + g1, mask, exponent);
    const d2 = load_f16x4(w + g2, mask, exponent);
    const d3 = load_f16x4(w + g3, mask, exponent);
    a0 = madd_i32(block_sum(FORMAT, l0, h0, offset), f32x4.mul(d0, X), a0);
    a1 = madd_i32(block_sum(FORMAT, l1, h1, offset), f32x4.mul(d1, X), a1);
    a2 = madd_i32(block_sum(FORMAT, l2, h2, offset), f32x4.mul(d2, X), a2);
    a3 = madd_i32(block_sum(FORMAT, l3, h3, offset), f32x4.mul(d3, X), a3);
    if (has_min(FORMAT)) {
      const Y = v128.load32_splat(x, 8);
      a0 = madd(load_min(FORMAT, w, d0, mask, exponent), Y, a0);
      a1 = madd(load_min(FORMAT, w + g1, d1, mask, exponent), Y, a1);
      a2 = madd(load_min(FORMAT, w + g2, d2, mask, exponent), Y, a2);
      a3 = madd(load_min(FORMAT, w + g3, d3, mask, exponent), Y, a3);
    }
    w += scale_bytes(FORMAT);
    x += activation_bytes(FORMAT);
  }
  store_groups(groups, step, out, a0, a1, a2, a3, bias, scale, accumulate);
}

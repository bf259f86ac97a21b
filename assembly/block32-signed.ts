// Blocks of 32 with signed quants of up to 8 bits, Q8_0, IQ4_NL, IQ4_XS and MXFP4, times 8-bit activations (q16), in every build.
// The dot build multiplies bytes, and leaves panels of columns to block32-unpacked.
//
// In the other builds activations are stored as 16 bits. A vector of quants, 4 columns of 4 rows, holds pairs of bytes; the upper
// one of a pair, the lower one set to zero, is 256 times its quant as an i16, and so is the lower one moved up. Both ways of
// telling them apart take one instruction, and their products with columns 0, 2 and 1, 3 of the activations add up in one i32 a
// row (at most 32 · 256 · 128 · 127). The scale that q16 holds undoes the 256. Measured (bench/kernels.mjs), Zen 5, one thread:
// widening the bytes to two vectors, whose sums must then be paired, gives 29 GB/s where this gives 32 (Q8_0), and 11.5 where this
// gives 13 (IQ4_NL).
import { f16_mask, f16_scale } from './half';
import { HIGH_BYTES, NIBBLE_MASK } from './memory-map';
import { DOT_ADDS, add_dot8, dot16, madd_i32, sign_flip, store_groups, store_tile, swizzle } from './tile';
import {
  Q8_0, activation_bytes, first_sum, levels, load_scales, meta_bytes, quant_bytes, scale_bytes, shares_scales,
} from './block32';

/** sum + the products of 4 columns, 0 and 2 of them even. */
// @ts-ignore: decorator
@inline function add_products(sum: v128, even: v128, evenX: v128, odd: v128, oddX: v128): v128 {
  return i32x4.add(i32x4.add(sum, dot16(even, evenX)), dot16(odd, oddX));
}

// @ts-ignore: decorator
@inline export function signed_tile(
  FORMAT: i32, w: usize, x: usize, blocks: u32,
  out: usize, outBytes: usize, columns: u32, bias: usize, scale: f32, accumulate: i32,
): void {
  const nibble = v128.load(NIBBLE_MASK), high = v128.load(HIGH_BYTES), table = levels(FORMAT);
  const mask = f16_mask(), exponent = f16_scale();
  let scales = w;
  let a0 = f32x4.splat(0), a1 = a0, a2 = a0, a3 = a0;
  for (let b: u32 = 0; b < blocks; b++) {
    if (shares_scales(FORMAT) && (b & 7) == 0) { scales = w; w += 32; }
    let s0 = i32x4.splat(0), s1 = s0, s2 = s0, s3 = s0;
    let values = x + meta_bytes(FORMAT) * 4;
    const bytes = quant_bytes(FORMAT);
    // The lower and the upper nibbles one after the other: V8 loads all that an iteration needs before it computes, into what registers
    // there are.
    for (let shift = 0; shift < (FORMAT == Q8_0 ? 4 : 8); shift += 4) {
      for (const end = w + bytes; w < end; w += 16) {
        let q = v128.load(w);
        if (FORMAT != Q8_0) q = swizzle(table, v128.and(i16x8.shr_u(q, shift), nibble));
        const even = i16x8.shl(q, 8), odd = v128.and(q, high);
        s0 = add_products(s0, even, v128.load32_splat(values), odd, v128.load32_splat(values, 4));
        s1 = add_products(s1, even, v128.load32_splat(values, 8), odd, v128.load32_splat(values, 12));
        s2 = add_products(s2, even, v128.load32_splat(values, 16), odd, v128.load32_splat(values, 20));
        s3 = add_products(s3, even, v128.load32_splat(values, 24), odd, v128.load32_splat(values, 28));
        values += 32;
      }
      if (FORMAT != Q8_0 && shift == 0) w -= bytes;
    }
    if (!shares_scales(FORMAT)) scales = w;
    const d = load_scales(FORMAT, scales, b, mask, exponent);
    a0 = madd_i32(s0, f32x4.mul(d, v128.load32_splat(x)), a0);
    a1 = madd_i32(s1, f32x4.mul(d, v128.load32_splat(x, 4)), a1);
    a2 = madd_i32(s2, f32x4.mul(d, v128.load32_splat(x, 8)), a2);
    a3 = madd_i32(s3, f32x4.mul(d, v128.load32_splat(x, 12)), a3);
    if (!shares_scales(FORMAT)) w += scale_bytes(FORMAT);
    x += 4 * activation_bytes(FORMAT);
  }
  store_tile(0, columns, out, outBytes, a0, a1, a2, a3, a0, a1, a2, a3, bias, scale, accumulate);
}

/** A vector of quants times 4 columns of the activations: as they are in `even` in the dot build, where `mask` is sign_flip. */
// @ts-ignore: decorator
@inline function add_quants(sum: v128, quants: v128, even: v128, odd: v128, mask: v128): v128 {
  if (DOT_ADDS) return add_dot8(sum, even, v128.xor(quants, mask));
  return add_products(sum, i16x8.shl(quants, 8), even, v128.and(quants, mask), odd);
}

/** A vector of one group's bytes times 4 columns, and where a byte has two quants times those 16 further on. */
// @ts-ignore: decorator
@inline function add_vector(
  FORMAT: i32, sum: v128, w: usize, even: v128, odd: v128, even16: v128, odd16: v128, mask: v128, nibble: v128, table: v128,
): v128 {
  const q = v128.load(w);
  if (FORMAT == Q8_0) return add_quants(sum, q, even, odd, mask);
  const low = add_quants(sum, swizzle(table, v128.and(q, nibble)), even, odd, mask);
  return add_quants(low, swizzle(table, v128.and(i16x8.shr_u(q, 4), nibble)), even16, odd16, mask);
}

/** 16 rows × 1 column in four streams, as in block32-narrow. */
// @ts-ignore: decorator
@inline export function signed_vector(
  FORMAT: i32, w: usize, groups: u32, step: u32, x: usize, blocks: u32,
  out: usize, bias: usize, scale: f32, accumulate: i32,
): void {
  const nibble = v128.load(NIBBLE_MASK), table = levels(FORMAT), bytes = DOT_ADDS ? sign_flip() : v128.load(HIGH_BYTES);
  const mask = f16_mask(), exponent = f16_scale();
  const perQuad: usize = DOT_ADDS ? 4 : 8;
  const apart = (quant_bytes(FORMAT) + scale_bytes(FORMAT)) * <usize>blocks * <usize>step;
  const g1 = groups > 1 ? apart : 0, g2 = groups > 2 ? apart << 1 : 0, g3 = groups > 3 ? apart * 3 : 0;
  let scales = w;
  let a0 = f32x4.splat(0), a1 = a0, a2 = a0, a3 = a0;
  for (let b: u32 = 0; b < blocks; b++) {
    if (shares_scales(FORMAT) && (b & 7) == 0) { scales = w; w += 32; }
    let s0 = DOT_ADDS ? first_sum(FORMAT, x + 4) : i32x4.splat(0), s1 = s0, s2 = s0, s3 = s0;
    let values = x + meta_bytes(FORMAT);
    for (const end = w + quant_bytes(FORMAT); w < end; w += 16) {
      const e = v128.load32_splat(values), o = v128.load32_splat(values, 4);
      let e16 = e, o16 = o;
      if (FORMAT != Q8_0) { e16 = v128.load32_splat(values + 4 * perQuad); o16 = v128.load32_splat(values + 4 * perQuad, 4); }
      s0 = add_vector(FORMAT, s0, w, e, o, e16, o16, bytes, nibble, table);
      s1 = add_vector(FORMAT, s1, w + g1, e, o, e16, o16, bytes, nibble, table);
      s2 = add_vector(FORMAT, s2, w + g2, e, o, e16, o16, bytes, nibble, table);
      s3 = add_vector(FORMAT, s3, w + g3, e, o, e16, o16, bytes, nibble, table);
      values += perQuad;
    }
    const X = v128.load32_splat(x);
    if (!shares_scales(FORMAT)) scales = w;
    a0 = madd_i32(s0, f32x4.mul(load_scales(FORMAT, scales, b, mask, exponent), X), a0);
    a1 = madd_i32(s1, f32x4.mul(load_scales(FORMAT, scales + g1, b, mask, exponent), X), a1);
    a2 = madd_i32(s2, f32x4.mul(load_scales(FORMAT, scales + g2, b, mask, exponent), X), a2);
    a3 = madd_i32(s3, f32x4.mul(load_scales(FORMAT, scales + g3, b, mask, exponent), X), a3);
    if (!shares_scales(FORMAT)) w += scale_bytes(FORMAT);
    x += activation_bytes(FORMAT);
  }
  store_groups(groups, step, out, a0, a1, a2, a3, bias, scale, accumulate);
}

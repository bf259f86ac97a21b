// The formats with blocks of 32, four rows interleaved: sizes, and how scales are read. For the matmul kernels only.
//
//   a group of 4 rows: block after block, quants and then scales (see src/backends/wasm/layouts-block32.ts)
//   quants of a block: Q4*, IQ4*, MXFP4 4 vectors: byte (row r, e) has columns 4j + e (low nibble), 16 + 4j + e (high)
//                      Q5*              the same with 5 bits, whose ranges overlap, then 1 vector of spare bits (high_quants)
//                      Q8_0             8 vectors: byte (r, e) is column 4j + e
//   scales of a block: d f16[4], then for Q4_1 and Q5_1 m f16[4]; MXFP4 has e8m0 u8[4]; IQ4_XS has for every 8 blocks
//                      d f16[4] · scales_h u16[4] · scales_l u32[4]
import { load_f16x4, madd } from './half';
import { BIT4_MASK, IQ4_VALUES, MXFP4_VALUES, NIBBLE_MASK } from './memory-map';
import { DOT_ADDS, pair_sum_start, sign_flip } from './tile';

// @ts-ignore: decorator
@inline export const Q4_0 = 0;
// @ts-ignore: decorator
@inline export const Q4_1 = 1;
// @ts-ignore: decorator
@inline export const Q5_0 = 2;
// @ts-ignore: decorator
@inline export const Q5_1 = 3;
// @ts-ignore: decorator
@inline export const Q8_0 = 4;
// @ts-ignore: decorator
@inline export const IQ4_NL = 5;
// @ts-ignore: decorator
@inline export const MXFP4 = 6;
// @ts-ignore: decorator
@inline export const IQ4_XS = 7;
/** Q8_0 in halves, see halves.ts: of what is here, for sums of unpacked quants only. */
// @ts-ignore: decorator
@inline export const Q8_HALVES = 8;

// @ts-ignore: decorator
@inline export function has_min(FORMAT: i32): bool {
  return FORMAT == Q4_1 || FORMAT == Q5_1;
}

// @ts-ignore: decorator
@inline export function has_spare_bits(FORMAT: i32): bool {
  return FORMAT == Q5_0 || FORMAT == Q5_1;
}

/** Formats whose activations are q16; the others take q8. */
// @ts-ignore: decorator
@inline export function is_signed(FORMAT: i32): bool {
  return FORMAT >= Q8_0 && FORMAT != Q8_HALVES;
}

// @ts-ignore: decorator
@inline export function quant_bytes(FORMAT: i32): usize {
  if (FORMAT == Q8_0) return 128;
  return has_spare_bits(FORMAT) ? 80 : 64;
}

// @ts-ignore: decorator
@inline export function scale_bytes(FORMAT: i32): usize {
  if (FORMAT == MXFP4 || FORMAT == IQ4_XS) return 4;
  return has_min(FORMAT) ? 16 : 8;
}

/** The bits of a quant of Q4_* or Q5_*. */
// @ts-ignore: decorator
@inline export function quant_mask(FORMAT: i32): v128 {
  const nibble = v128.load(NIBBLE_MASK);
  return has_spare_bits(FORMAT) ? v128.or(nibble, v128.load(BIT4_MASK)) : nibble;
}

/**
 * The quants of the high columns of vector j. In Q5_*, bit 4 of a byte belongs to its low and to its high column; `spare`, the block's
 * spare bits shifted right by j, makes the high one right again. That takes one operation and a shift (fifth bits by themselves, or-ed
 * in: 45 GFLOP/s against 61 in the cache, 1 row of x; 57 against 78 in the dot build).
 */
// @ts-ignore: decorator
@inline export function high_quants(FORMAT: i32, q: v128, spare: v128, mask: v128): v128 {
  const high = i16x8.shr_u(q, 4);
  return v128.and(has_spare_bits(FORMAT) ? v128.xor(high, spare) : high, mask);
}

/** The numbers that quants of 4 bits stand for. */
// @ts-ignore: decorator
@inline export function levels(FORMAT: i32): v128 {
  return v128.load(FORMAT == MXFP4 ? MXFP4_VALUES : IQ4_VALUES);
}

/** Whether eight blocks have their scales together, 32 bytes before the first one's quants. */
// @ts-ignore: decorator
@inline export function shares_scales(FORMAT: i32): bool {
  return FORMAT == IQ4_XS;
}

/** Whether a block of activations is a scale and 16-bit values: for signed quants, in builds that cannot multiply them as bytes. */
// @ts-ignore: decorator
@inline function stores_words(FORMAT: i32): bool {
  return is_signed(FORMAT) && !DOT_ADDS;
}

/** Bytes of an activation row's block up to its values, and in all. */
// @ts-ignore: decorator
@inline export function meta_bytes(FORMAT: i32): usize {
  return stores_words(FORMAT) ? 4 : 12;
}

// @ts-ignore: decorator
@inline export function activation_bytes(FORMAT: i32): usize {
  if (stores_words(FORMAT)) return 68;
  return ASC_FEATURE_RELAXED_SIMD ? 44 : 76;
}

/** Scales of block `b` for 4 rows. */
// @ts-ignore: decorator
@inline export function load_scales(FORMAT: i32, ptr: usize, b: u32, mask: v128, exponent: v128): v128 {
  if (FORMAT == IQ4_XS) {
    const low = v128.and(i32x4.shr_u(v128.load(ptr, 16), (b & 7) << 2), i32x4.splat(15));
    const high = v128.and(i32x4.shr_u(v128.load16x4_u(ptr, 8), (b & 7) << 1), i32x4.splat(3));
    const scale = i32x4.sub(v128.or(low, i32x4.shl(high, 4)), i32x4.splat(32));
    return f32x4.mul(load_f16x4(ptr, mask, exponent), f32x4.convert_i32x4_s(scale));
  }
  if (FORMAT != MXFP4) return load_f16x4(ptr, mask, exponent);
  const e = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(ptr))), one = i32x4.splat(1);
  const small = i32x4.shl(i32x4.add(e, one), 21), usual = i32x4.shl(i32x4.sub(e, one), 23);
  return v128.bitselect(small, usual, i32x4.lt_s(e, i32x4.splat(2)));
}

/** Q5_1 computes with quants − 16, so its minimum is raised by 16 d. */
// @ts-ignore: decorator
@inline export function load_min(FORMAT: i32, ptr: usize, d: v128, mask: v128, exponent: v128): v128 {
  const m = load_f16x4(ptr + 8, mask, exponent);
  return FORMAT == Q5_1 ? madd(d, f32x4.splat(16), m) : m;
}

/** The zero point's share as the first value of an accumulator. */
// @ts-ignore: decorator
@inline export function first_sum(FORMAT: i32, ptr: usize): v128 {
  if (FORMAT == Q8_HALVES) {
    // The offset is for upper quants: 16 times as much for whole ones, where these are taken for unsigned.
    const zeros = i32x4.shl(pair_sum_start(v128.load32_splat(ptr)), 4);
    return v128.and(zeros, i8x16.ne(sign_flip(), i8x16.splat(0)));
  }
  if (is_signed(FORMAT)) return v128.load32_splat(ptr);
  if (FORMAT == Q4_1) return i32x4.splat(0);
  const offset = v128.load32_splat(ptr);
  return pair_sum_start(FORMAT == Q4_0 ? offset : i16x8.add(offset, offset));
}

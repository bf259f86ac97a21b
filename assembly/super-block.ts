// The formats with super-blocks of 256, four rows interleaved: sizes, and how quants and scales are read. For the
// matmul kernels only; src/backends/wasm/layouts-k.ts specifies them.
//
// A super-block is 8 pairs of 32 columns, a pair two halves of 16, a half four quads j of 4 columns.
//   quants of a pair: Q4_K  4 vectors j: first half low nibbles, second half high nibbles                     64 bytes
//                     Q5_K  the same, then 1 vector: bit 4 · half + j is the fifth bit                           80
//                     Q6_K  the same, then 1 vector per half: bits 2j, 2j + 1 are the upper two                  96
//                     Q2_K  1 vector per half: bits 2j, 2j + 1                                                   32
//                     Q3_K  the same, then 1 vector: bit 4 · half + j is the third bit                           48
//   scales: Q4_K, Q5_K  d f16[4] · dmin f16[4] · the 12 bytes of 6-bit scales as 3 words of 4 rows               64
//           Q6_K        d f16[4] · (pair 0 … 7)(half) i8[4]                                                      72
//           Q2_K        d f16[4] · dmin f16[4] · 16 bytes (scale | min << 4, one per half) as 4 words of 4 rows  80
//           Q3_K        d f16[4] · the 12 bytes of 6-bit scales as 3 words of 4 rows                             56
import { load_f16x4 } from './half';
import { swizzle } from './tile';
import { BIT2_MASK, BIT4_MASK, BITS01_MASK, BITS45_MASK, NIBBLE_MASK, SCALE_PAIRS } from './memory-map';

// @ts-ignore: decorator
@inline export const Q2_K = 0;
// @ts-ignore: decorator
@inline export const Q3_K = 1;
// @ts-ignore: decorator
@inline export const Q4_K = 2;
// @ts-ignore: decorator
@inline export const Q5_K = 3;
// @ts-ignore: decorator
@inline export const Q6_K = 4;

// @ts-ignore: decorator
@inline export function pair_bytes(FORMAT: i32): usize {
  if (FORMAT == Q2_K) return 32;
  if (FORMAT == Q3_K) return 48;
  if (FORMAT == Q4_K) return 64;
  return FORMAT == Q5_K ? 80 : 96;
}

// @ts-ignore: decorator
@inline export function scale_bytes(FORMAT: i32): usize {
  if (FORMAT == Q2_K) return 80;
  if (FORMAT == Q3_K) return 56;
  return FORMAT == Q6_K ? 72 : 64;
}

/** Bytes of a group of 4 rows. */
// @ts-ignore: decorator
@inline export function group_bytes(FORMAT: i32, blocks: u32): usize {
  return (8 * pair_bytes(FORMAT) + scale_bytes(FORMAT)) * <usize>blocks;
}

/** Bytes of an activation row's super-block. */
// @ts-ignore: decorator
@inline export function activation_bytes(): usize {
  return ASC_FEATURE_RELAXED_SIMD ? 340 : 596;
}

// @ts-ignore: decorator
@inline export function low_mask(FORMAT: i32): v128 {
  return v128.load(FORMAT == Q2_K || FORMAT == Q3_K ? BITS01_MASK : NIBBLE_MASK);
}

// @ts-ignore: decorator
@inline export function high_mask(FORMAT: i32): v128 {
  if (FORMAT == Q3_K) return v128.load(BIT2_MASK);
  return v128.load(FORMAT == Q5_K ? BIT4_MASK : BITS45_MASK);
}

// @ts-ignore: decorator
@inline function shifted(v: v128, left: i32): v128 {
  if (left > 0) return i16x8.shl(v, left);
  return left < 0 ? i16x8.shr_u(v, -left) : v;
}

/** The vector that holds the upper bits of a half, or all of its bits. */
// @ts-ignore: decorator
@inline export function upper_bits(FORMAT: i32, HALF: i32, w: usize): v128 {
  if (FORMAT == Q6_K) return v128.load(w + 64 + 16 * HALF);
  if (FORMAT == Q5_K) return v128.load(w, 64);
  return v128.load(w, 32);
}

/** Quad J of a half as unsigned bytes of at most 6 bits. */
// @ts-ignore: decorator
@inline export function quad(FORMAT: i32, HALF: i32, J: i32, w: usize, upper: v128, low: v128, high: v128): v128 {
  if (FORMAT == Q2_K) return v128.and(shifted(v128.load(w + 16 * HALF), -2 * J), low);
  if (FORMAT == Q3_K) {
    const bits = v128.and(shifted(v128.load(w + 16 * HALF), -2 * J), low);
    return v128.or(bits, v128.and(shifted(upper, 2 - 4 * HALF - J), high));
  }
  const nibbles = v128.and(shifted(v128.load(w + 16 * J), -4 * HALF), low);
  if (FORMAT == Q4_K) return nibbles;
  return v128.or(nibbles, v128.and(shifted(upper, FORMAT == Q5_K ? 4 - 4 * HALF - J : 4 - 2 * J), high));
}

/** 6-bit scales of sub-blocks 0 … 3 or 4 … 7 of Q4_K and Q5_K: byte p of lane r is that of sub-block 4 · upper + p. */
// @ts-ignore: decorator
@inline export function scale_words(scales: usize, upper: u32): v128 {
  const low = v128.load(scales, 16);
  if (!upper) return v128.and(low, i8x16.splat(0x3f));
  const nibbles = v128.and(v128.load(scales, 48), i8x16.splat(0x0f));
  return v128.or(nibbles, i16x8.shl(v128.and(i16x8.shr_u(low, 6), i8x16.splat(0x03)), 4));
}

/** The minima that go with `scale_words`. */
// @ts-ignore: decorator
@inline export function min_words(scales: usize, upper: u32): v128 {
  const low = v128.load(scales, 32);
  if (!upper) return v128.and(low, i8x16.splat(0x3f));
  const nibbles = v128.and(i16x8.shr_u(v128.load(scales, 48), 4), i8x16.splat(0x0f));
  return v128.or(nibbles, i16x8.shl(v128.and(i16x8.shr_u(low, 6), i8x16.splat(0x03)), 4));
}

/**
 * The scale of a half of pair 4 · upper + p for 4 rows, twice in each 32-bit lane as i16. `words` is scale_words for
 * the formats that have them.
 */
// @ts-ignore: decorator
@inline export function half_scales(FORMAT: i32, HALF: i32, scales: usize, words: v128, upper: u32, p: u32): v128 {
  if (FORMAT == Q6_K) {
    const both = v128.load8x8_s(scales + 8 + (<usize>(4 * upper + p) << 3));
    return HALF == 0
      ? i16x8.shuffle(both, both, 0, 0, 1, 1, 2, 2, 3, 3)
      : i16x8.shuffle(both, both, 4, 4, 5, 5, 6, 6, 7, 7);
  }
  if (FORMAT == Q2_K) {
    const word = v128.load(scales + 16 + (<usize>(2 * upper + (p >> 1)) << 4));
    return swizzle(v128.and(word, i8x16.splat(0x0f)), v128.load(SCALE_PAIRS + (<usize>(2 * (p & 1) + HALF) << 4)));
  }
  if (FORMAT == Q3_K) {
    const word = v128.load(scales + 8 + (<usize>(p >> 1) << 4));
    const low = v128.and(i16x8.shr_u(word, upper << 2), i8x16.splat(0x0f));
    const high = v128.and(i16x8.shr_u(v128.load(scales, 40), (2 * upper + (p >> 1)) << 1), i8x16.splat(0x03));
    const indices = v128.load(SCALE_PAIRS + (<usize>(2 * (p & 1) + HALF) << 4));
    const pairs = swizzle(v128.or(low, i16x8.shl(high, 4)), indices);
    return i16x8.sub(pairs, i16x8.splat(32));
  }
  return swizzle(words, v128.load(SCALE_PAIRS + (<usize>p << 4)));
}

/** The minimum of half `sub` of 16 of Q2_K for 4 rows, twice in each 32-bit lane as i16. */
// @ts-ignore: decorator
@inline export function half_mins(scales: usize, sub: u32): v128 {
  const word = v128.and(i16x8.shr_u(v128.load(scales + 16 + (<usize>(sub >> 2) << 4)), 4), i8x16.splat(0x0f));
  return swizzle(word, v128.load(SCALE_PAIRS + (<usize>(sub & 3) << 4)));
}

/** Σ minimum · Σ activations over the 8 pairs for 4 rows; `sums` has the pair sums of one column, L · 4 bytes apart. */
// @ts-ignore: decorator
@inline export function min_sum(L: usize, m0: v128, m1: v128, m2: v128, m3: v128, sums: usize): v128 {
  const low = i32x4.add(
    i32x4.dot_i16x8_s(m0, v128.load32_splat(sums)), i32x4.dot_i16x8_s(m1, v128.load32_splat(sums + 4 * L)),
  );
  const high = i32x4.add(
    i32x4.dot_i16x8_s(m2, v128.load32_splat(sums + 8 * L)), i32x4.dot_i16x8_s(m3, v128.load32_splat(sums + 12 * L)),
  );
  return i32x4.add(low, high);
}

// @ts-ignore: decorator
@inline export function even_bytes(v: v128): v128 {
  return v128.and(v, i32x4.splat(0x00ff00ff));
}

// @ts-ignore: decorator
@inline export function odd_bytes(v: v128): v128 {
  return i16x8.shr_u(v, 8);
}

/** Formats with 6-bit scales and minima. */
// @ts-ignore: decorator
@inline export function has_words(FORMAT: i32): bool {
  return FORMAT == Q4_K || FORMAT == Q5_K;
}

/** Factor on Σ minimum · Σ activations: −dmin, or dmin / 32 for Q2_K, which sums −32 times the activations. */
// @ts-ignore: decorator
@inline export function min_factor(FORMAT: i32, scales: usize, mask: v128, exponent: v128): v128 {
  const dmin = load_f16x4(scales + 8, mask, exponent);
  return FORMAT == Q2_K ? f32x4.mul(dmin, f32x4.splat(0.03125)) : f32x4.neg(dmin);
}

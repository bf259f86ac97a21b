// What all register tiles share: integer dot steps, the sum over a block, and how a finished column is stored.
import { madd } from './half';

/**
 * Up to so many columns, one panel, quants of 4 bits are unpacked as they are multiplied; beyond, and for quants that take more work,
 * unpacking them once pays (Zen 5, GFLOP/s: Q4_1 times 8 columns 99 → 122, Q4_K 108 → 127; times 4 columns 93 → 91 and 108 → 97, but
 * Q5_0 72 → 88, Q6_K 52 → 82).
 */
// @ts-ignore: decorator
@inline export const FEW_COLUMNS: u32 = 4;

// @ts-ignore: decorator
@inline export function dot16(a: v128, b: v128): v128 {
  return i32x4.dot_i16x8_s(a, b);
}

/** 16 products of signed activations with quants of at most 7 bits, added in pairs to i16; relaxed builds only. */
// @ts-ignore: decorator
@inline export function dot8(activations: v128, quants: v128): v128 {
  return i16x8.relaxed_dot_i8x16_i7x16_s(activations, quants);
}

/**
 * Whether sums of byte products are kept in i32 lanes, one per row, by an instruction that multiplies and adds four at a time
 * (x86 with AVX-VNNI, ARM with dotprod), or in i16 lanes, two per row.
 */
// @ts-ignore: decorator
@inline export const DOT_ADDS: bool = isDefined(INTEGER_DOT);

/** sum + 16 products of signed activations with quants of at most 7 bits. */
// @ts-ignore: decorator
@inline export function add_dot8(sum: v128, activations: v128, quants: v128): v128 {
  if (DOT_ADDS) return i32x4.relaxed_dot_i8x16_i7x16_add_s(activations, quants, sum);
  return i16x8.add(sum, dot8(activations, quants));
}

/** sum + two times 16 products. */
// @ts-ignore: decorator
@inline export function add_dots8(sum: v128, a0: v128, q0: v128, a1: v128, q1: v128): v128 {
  if (DOT_ADDS) return add_dot8(add_dot8(sum, a0, q0), a1, q1);
  return i16x8.add(sum, i16x8.add(dot8(a0, q0), dot8(a1, q1)));
}

/**
 * What 8-bit quants are xored with for add_dot8 where DOT_ADDS. Their eighth bit is beyond what is specified: x86 takes them for
 * unsigned, so that 128 more are multiplied, ARM for signed.
 */
// @ts-ignore: decorator
@inline export function sign_flip(): v128 {
  if (!DOT_ADDS) return i8x16.splat(0);
  const product = i32x4.relaxed_dot_i8x16_i7x16_add_s(i8x16.splat(1), i8x16.splat(-1), i32x4.splat(0));
  return v128.and(i32x4.gt_s(product, i32x4.splat(0)), i8x16.splat(-128));
}

/** A sum that add_dot8 starts from, of two i16 that go to one row. */
// @ts-ignore: decorator
@inline export function pair_sum_start(pairs: v128): v128 {
  return DOT_ADDS ? dot16(pairs, i16x8.splat(1)) : pairs;
}

/** What add_dot8 has summed, one i32 per row. */
// @ts-ignore: decorator
@inline export function row_sums(sum: v128, ones: v128): v128 {
  return DOT_ADDS ? sum : dot16(sum, ones);
}

/** bytes[index] per byte, 0 where the index is 128 or more; other indices must be below 16. */
// @ts-ignore: decorator
@inline export function swizzle(bytes: v128, indices: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i8x16.relaxed_swizzle(bytes, indices);
  return i8x16.swizzle(bytes, indices);
}

/** (a0 b0 a1 b1), (a2 b2 a3 b3) → one sum per row. */
// @ts-ignore: decorator
@inline export function sum_pairs(low: v128, high: v128): v128 {
  return i32x4.add(i32x4.shuffle(low, high, 0, 2, 4, 6), i32x4.shuffle(low, high, 1, 3, 5, 7));
}

/** sum + i · d, with i integers. */
// @ts-ignore: decorator
@inline export function madd_i32(i: v128, d: v128, sum: v128): v128 {
  return madd(f32x4.convert_i32x4_s(i), d, sum);
}

/** Four rows of one output column: bias, factor and residual in the order of MatmulOptions. `bias` 0 means none. */
// @ts-ignore: decorator
@inline export function store_rows(out: usize, sum: v128, bias: usize, scale: f32, accumulate: i32): void {
  if (bias) sum = f32x4.add(sum, v128.load(bias));
  sum = f32x4.mul(sum, f32x4.splat(scale));
  if (accumulate) sum = f32x4.add(sum, v128.load(out));
  v128.store(out, sum);
}

/** One or (with `second`) two groups of 4 rows, the first `columns` of 4 columns, 3 or all. */
// @ts-ignore: decorator
@inline export function store_tile(
  second: usize, columns: u32, out: usize, outBytes: usize, a0: v128, a1: v128, a2: v128, a3: v128,
  b0: v128, b1: v128, b2: v128, b3: v128, bias: usize, scale: f32, accumulate: i32,
): void {
  const out1 = out + outBytes, out2 = out1 + outBytes, out3 = out2 + outBytes;
  store_rows(out, a0, bias, scale, accumulate);
  store_rows(out1, a1, bias, scale, accumulate);
  store_rows(out2, a2, bias, scale, accumulate);
  if (columns > 3) store_rows(out3, a3, bias, scale, accumulate);
  if (!second) return;
  if (bias) bias += 16;
  store_rows(out + 16, b0, bias, scale, accumulate);
  store_rows(out1 + 16, b1, bias, scale, accumulate);
  store_rows(out2 + 16, b2, bias, scale, accumulate);
  if (columns > 3) store_rows(out3 + 16, b3, bias, scale, accumulate);
}

/**
 * How many groups of `bytes` apart four streams run that take `groups` groups between them, but for a few at the end. Streams
 * a multiple of 4 KiB apart would always be in the same set of the first cache, where processors that predict its ways take
 * some lines for others (measured on Zen 4: 5632 rows of 2048 Q4_0 17 → 21 GB/s).
 */
// @ts-ignore: decorator
@inline export function stream_step(groups: u32, bytes: usize): u32 {
  const step = groups >> 2;
  return step > 16 && ((bytes * <usize>step + 256) & 4095) < 512 ? step - 1 : step;
}

/** The first `groups` of 4 groups of 4 rows of one column, `step` groups apart. */
// @ts-ignore: decorator
@inline export function store_groups(
  groups: u32, step: u32, out: usize, a0: v128, a1: v128, a2: v128, a3: v128, bias: usize, scale: f32, accumulate: i32,
): void {
  const apart = <usize>step << 4, next = bias ? apart : 0;
  store_rows(out, a0, bias, scale, accumulate);
  if (groups > 1) store_rows(out + apart, a1, bias + next, scale, accumulate);
  if (groups > 2) store_rows(out + 2 * apart, a2, bias + 2 * next, scale, accumulate);
  if (groups > 3) store_rows(out + 3 * apart, a3, bias + 3 * next, scale, accumulate);
}

// Packs float activations for the integer matmul kernels: quantizes rows and lays them out as panels of 4 rows, one or two
// that are left as panels of one. A panel of three has a row of zeros. L is 4 or 1, E the bytes per value:
// the baseline build multiplies 16-bit lanes and stores 8-bit values as 16 bits. Twin: src/backends/wasm/layouts.ts.
//
// Values, and the scales and sums per 32 columns rounded to f16, are those of ggml's Q8_0 and Q8_1, so that greedy text
// parts from llama.cpp's at near ties only (measured on SmolLM2: the gap where it parts halves). q16 holds the same 8-bit
// values for weights whose quants need all 8 bits: in 16 bits, except in the dot build, where it is as q8 but for its offset.
//
//   q8    per 32 columns   scale f32[L] · offset[L] · sum f32[L] · values (quad 0 … 7)[L][4] of E bytes
//   q16   per 32 columns   scale / 256 f32[L] · values (quad 0 … 7)[L] of 2 bytes, of a quad columns 0, 2, 1, 3
//   q8_halves  as q8, but for the sum: times 7.5, and not rounded
//   q8_k  per 256 columns  scale f32[L] · pair sums i16[2] (4)[L] · offset (16)[L] · values (quad 0 … 63)[L][4] of E bytes
//
// offset is −8 (q8) or −32 (q8_k, per 16 columns) times the sum of the values: what a weight's zero point contributes.
// Narrow builds hold it as two i16 (columns 0, 1 and 2, 3 of every quad), wide ones as one i32. The dot build's q16 has one i32:
// what sign_flip adds to quants, negative, times the sum. sum is scale · sum of
// values. Pair sums are over 32 columns, paired (0, 2), (1, 3), (4, 6), (5, 7) as 6-bit minima unpack.

import { round_f16 } from './half';
import { DOT_ADDS, sign_flip } from './tile';

const Q8 = 0;
const Q16 = 1;
const Q8_K = 2;
// @ts-ignore: decorator
@inline export const Q8_HALVES = 3;

/** Whether a block is what block32-signed takes where bytes cannot be multiplied: a scale and 16-bit values. */
// @ts-ignore: decorator
@inline function stores_words(FORMAT: i32): bool {
  return FORMAT == Q16 && !DOT_ADDS;
}

/** Whether values are stored as bytes. */
// @ts-ignore: decorator
@inline function is_narrow(FORMAT: i32): bool {
  return ASC_FEATURE_RELAXED_SIMD && !stores_words(FORMAT);
}

/** Sum of lanes 0 and 1 in the low half, of lanes 2 and 3 in the high half, both times `factor`. */
// @ts-ignore: decorator
@inline function offset_of(sums: v128, factor: i32): i32 {
  const low = i32x4.extract_lane(sums, 0) + i32x4.extract_lane(sums, 1);
  const high = i32x4.extract_lane(sums, 2) + i32x4.extract_lane(sums, 3);
  if (!ASC_FEATURE_RELAXED_SIMD) return (low + high) * factor;
  return ((low * factor) & 0xffff) | ((high * factor) << 16);
}

// @ts-ignore: decorator
@inline function sum_of(sums: v128): i32 {
  const low = i32x4.extract_lane(sums, 0) + i32x4.extract_lane(sums, 1);
  return low + i32x4.extract_lane(sums, 2) + i32x4.extract_lane(sums, 3);
}

// @ts-ignore: decorator
@inline function largest(v: v128): f32 {
  const a = f32x4.max(v, i32x4.shuffle(v, v, 2, 3, 0, 1));
  return max(f32x4.extract_lane(a, 0), f32x4.extract_lane(a, 1));
}

// @ts-ignore: decorator
@inline function magnitude16(src: usize): v128 {
  return f32x4.max(
    f32x4.max(f32x4.abs(v128.load(src)), f32x4.abs(v128.load(src, 16))),
    f32x4.max(f32x4.abs(v128.load(src, 32)), f32x4.abs(v128.load(src, 48))),
  );
}

// @ts-ignore: decorator
@inline function rounded(src: usize, inverse: v128): v128 {
  return i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(v128.load(src), inverse)));
}

/** Quantizes 16 floats, stores them as quads of a panel, and returns the sums of the values by column % 4. */
// @ts-ignore: decorator
@inline function store16(FORMAT: i32, L: usize, dst: usize, src: usize, inverse: v128): v128 {
  const a = rounded(src, inverse), b = rounded(src + 16, inverse);
  const c = rounded(src + 32, inverse), d = rounded(src + 48, inverse);
  let low = i16x8.narrow_i32x4_s(a, b), high = i16x8.narrow_i32x4_s(c, d);
  if (stores_words(FORMAT)) {
    low = i16x8.shuffle(low, low, 0, 2, 1, 3, 4, 6, 5, 7); high = i16x8.shuffle(high, high, 0, 2, 1, 3, 4, 6, 5, 7);
  }
  if (is_narrow(FORMAT)) {
    const values = i8x16.narrow_i16x8_s(low, high);
    if (L == 1) {
      v128.store(dst, values);
    } else {
      v128.store32_lane(dst, values, 0);
      v128.store32_lane(dst, values, 1, 16);
      v128.store32_lane(dst, values, 2, 32);
      v128.store32_lane(dst, values, 3, 48);
    }
  } else if (L == 1) {
    v128.store(dst, low);
    v128.store(dst, high, 16);
  } else {
    v128.store64_lane(dst, low, 0);
    v128.store64_lane(dst, low, 1, 32);
    v128.store64_lane(dst, high, 0, 64);
    v128.store64_lane(dst, high, 1, 96);
  }
  return i32x4.add(i32x4.add(a, b), i32x4.add(c, d));
}

/** Bytes of 16 values of one row, times L. */
// @ts-ignore: decorator
@inline function step16(FORMAT: i32, L: usize): usize {
  return (is_narrow(FORMAT) ? 16 : 32) * L;
}

/** One block of row `lane` of a panel; `dst` is the panel's block. */
// @ts-ignore: decorator
@inline function pack_block32(FORMAT: i32, L: usize, dst: usize, lane: usize, src: usize): void {
  const most = largest(f32x4.max(magnitude16(src), magnitude16(src + 64)));
  const levels: f32 = 127;
  const inverse = f32x4.splat(most == 0 ? 0 : levels / most);
  const scale = most / levels;
  const meta = dst + (lane << 2);
  const perQuad: usize = is_narrow(FORMAT) ? 4 : 8;
  const values = dst + (stores_words(FORMAT) ? 4 : 12) * L + lane * perQuad;
  let sums = store16(FORMAT, L, values, src, inverse);
  sums = i32x4.add(sums, store16(FORMAT, L, values + step16(FORMAT, L), src + 64, inverse));
  store<f32>(meta, stores_words(FORMAT) ? round_f16(scale) / 256 : round_f16(scale));
  if (FORMAT == Q16 && DOT_ADDS) store<i32>(meta + 4 * L, -sum_of(sums) * <i32>i8x16.extract_lane_u(sign_flip(), 0));
  if (FORMAT == Q8 || FORMAT == Q8_HALVES) {
    store<i32>(meta + 4 * L, offset_of(sums, -8));
    const sum = <f32>sum_of(sums);
    store<f32>(meta + 8 * L, FORMAT == Q8 ? round_f16(scale * sum) : round_f16(scale) * (<f32>7.5 * sum));
  }
}

// @ts-ignore: decorator
@inline function pack_block256(L: usize, dst: usize, lane: usize, src: usize): void {
  let most = f32x4.splat(0);
  for (let i: usize = 0; i < 1024; i += 64) most = f32x4.max(most, magnitude16(src + i));
  const amax = largest(most);
  const inverse = f32x4.splat(amax == 0 ? 0 : <f32>127 / amax);
  const meta = dst + (lane << 2);
  store<f32>(meta, amax / 127);
  const perQuad: usize = ASC_FEATURE_RELAXED_SIMD ? 4 : 8;
  let values = dst + 84 * L + lane * perQuad;
  for (let sub: usize = 0; sub < 8; sub++) {
    const first = store16(Q8_K, L, values, src, inverse);
    const second = store16(Q8_K, L, values + step16(Q8_K, L), src + 64, inverse);
    store<i32>(meta + (20 + 8 * sub) * L, offset_of(first, -32));
    store<i32>(meta + (24 + 8 * sub) * L, offset_of(second, -32));
    const pair = (sub & 4) >> 1 | (sub & 1), half = sub & 2;
    store<i16>(meta + (4 + 4 * pair) * L + half, <i16>sum_of(i32x4.add(first, second)));
    values += step16(Q8_K, L) << 1; src += 128;
  }
}

/** Bytes of one row's block. */
// @ts-ignore: decorator
@inline export function block_bytes(FORMAT: i32): usize {
  const valueBytes: usize = ASC_FEATURE_RELAXED_SIMD ? 1 : 2;
  if (stores_words(FORMAT)) return 68;
  return FORMAT != Q8_K ? 12 + 32 * valueBytes : 84 + 256 * valueBytes;
}

// @ts-ignore: decorator
@inline function pack_row(FORMAT: i32, L: usize, dst: usize, lane: usize, src: usize, cols: u32): void {
  const blockSize: u32 = FORMAT == Q8_K ? 256 : 32;
  for (let col: u32 = 0; col < cols; col += blockSize) {
    if (FORMAT == Q8_K) pack_block256(L, dst, lane, src);
    else pack_block32(FORMAT, L, dst, lane, src);
    dst += block_bytes(FORMAT) * L; src += <usize>blockSize << 2;
  }
}

// @ts-ignore: decorator
@inline export function pack(
  FORMAT: i32, dst: usize, src: usize, cols: u32, srcBytes: usize, from: u32, to: u32, n: u32,
): void {
  const rowBytes = block_bytes(FORMAT) * <usize>(cols / (FORMAT == Q8_K ? 256 : 32));
  for (let row = from; row < to; row += 4) {
    const panel = dst + rowBytes * <usize>row, rows = min(4, n - row);
    if (rows < 3) {
      for (let r: u32 = 0; r < rows; r++) pack_row(FORMAT, 1, panel + rowBytes * <usize>r, 0, src + srcBytes * <usize>(row + r), cols);
      continue;
    }
    if (rows == 3) memory.fill(panel, 0, rowBytes << 2);
    for (let lane: u32 = 0; lane < rows; lane++) {
      pack_row(FORMAT, 4, panel, lane, src + srcBytes * <usize>(row + lane), cols);
    }
  }
}

/** Rows [from, to) of n; `from` is a multiple of 4, and so is `to` unless it is n. `dst` stands for row 0. */
export function pack_q8(dst: usize, src: usize, cols: u32, srcBytes: usize, from: u32, to: u32, n: u32): void {
  pack(Q8, dst, src, cols, srcBytes, from, to, n);
}

export function pack_q16(dst: usize, src: usize, cols: u32, srcBytes: usize, from: u32, to: u32, n: u32): void {
  pack(Q16, dst, src, cols, srcBytes, from, to, n);
}

export function pack_q8_k(dst: usize, src: usize, cols: u32, srcBytes: usize, from: u32, to: u32, n: u32): void {
  pack(Q8_K, dst, src, cols, srcBytes, from, to, n);
}

/** Bytes of one row's block in this build. */
export function packed_bytes_q8(): usize {
  return block_bytes(Q8);
}

export function packed_bytes_q16(): usize {
  return block_bytes(Q16);
}

export function packed_bytes_q8_k(): usize {
  return block_bytes(Q8_K);
}

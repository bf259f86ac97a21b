// Matrix products with weights in blocks of 32, four rows interleaved: Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, IQ4_NL, MXFP4.
// out (n, rows) = x (n, 32 · blocks) · weightᵀ for `rows` rows, a multiple of 4; x as pack_q8 or pack_q16 leaves it.
// Lanes are rows; every (row, column) adds its blocks in order, so that no tiling or sharing changes a result.
import { IQ4_NL, MXFP4, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, is_signed } from './block32';
import { narrow } from './block32-narrow';
import { wide } from './block32-wide';

// @ts-ignore: decorator
@inline function matmul(
  FORMAT: i32, w: usize, x: usize, out: usize, bias: usize, rows: u32, n: u32, blocks: u32,
  outBytes: usize, scale: f32, accumulate: i32,
): void {
  if (ASC_FEATURE_RELAXED_SIMD && !is_signed(FORMAT)) narrow(FORMAT, w, x, out, bias, rows, n, blocks, outBytes, scale, accumulate);
  else wide(FORMAT, w, x, out, bias, rows, n, blocks, outBytes, scale, accumulate);
}

export function matmul_q4_0_q8(
  w: usize, x: usize, out: usize, bias: usize, rows: u32, n: u32, blocks: u32, outBytes: usize, scale: f32, accumulate: i32,
): void {
  matmul(Q4_0, w, x, out, bias, rows, n, blocks, outBytes, scale, accumulate);
}

export function matmul_q4_1_q8(
  w: usize, x: usize, out: usize, bias: usize, rows: u32, n: u32, blocks: u32, outBytes: usize, scale: f32, accumulate: i32,
): void {
  matmul(Q4_1, w, x, out, bias, rows, n, blocks, outBytes, scale, accumulate);
}

export function matmul_q5_0_q8(
  w: usize, x: usize, out: usize, bias: usize, rows: u32, n: u32, blocks: u32, outBytes: usize, scale: f32, accumulate: i32,
): void {
  matmul(Q5_0, w, x, out, bias, rows, n, blocks, outBytes, scale, accumulate);
}

export function matmul_q5_1_q8(
  w: usize, x: usize, out: usize, bias: usize, rows: u32, n: u32, blocks: u32, outBytes: usize, scale: f32, accumulate: i32,
): void {
  matmul(Q5_1, w, x, out, bias, rows, n, blocks, outBytes, scale, accumulate);
}

export function matmul_q8_0_q16(
  w: usize, x: usize, out: usize, bias: usize, rows: u32, n: u32, blocks: u32, outBytes: usize, scale: f32, accumulate: i32,
): void {
  matmul(Q8_0, w, x, out, bias, rows, n, blocks, outBytes, scale, accumulate);
}

export function matmul_iq4_nl_q16(
  w: usize, x: usize, out: usize, bias: usize, rows: u32, n: u32, blocks: u32, outBytes: usize, scale: f32, accumulate: i32,
): void {
  matmul(IQ4_NL, w, x, out, bias, rows, n, blocks, outBytes, scale, accumulate);
}

export function matmul_mxfp4_q16(
  w: usize, x: usize, out: usize, bias: usize, rows: u32, n: u32, blocks: u32, outBytes: usize, scale: f32, accumulate: i32,
): void {
  matmul(MXFP4, w, x, out, bias, rows, n, blocks, outBytes, scale, accumulate);
}

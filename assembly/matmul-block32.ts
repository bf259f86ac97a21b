// Matrix products with weights in blocks of 32, four rows interleaved: Q4_*, Q5_*, Q8_0, IQ4_NL, IQ4_XS, MXFP4.
// out (n, rows) = x (n, 32 · blocks) · weightᵀ for `rows` rows, a multiple of 4; x as pack_q8 or pack_q16 (bytes too in the dot build) leaves it:
// `panels` takes the panels of 4 rows of x, `single` a lone row. Lanes are rows of the weight; every (row, column)
// adds its blocks in order, so that no tiling or sharing changes a result.
import { IQ4_NL, IQ4_XS, MXFP4, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0 } from './block32';
import { narrow_panel, narrow_single } from './block32-narrow';
import { unpacked_panels } from './block32-unpacked';
import { signed_panels, signed_single } from './block32-signed';
import { unsigned_panels, unsigned_single } from './block32-unsigned';
import { FEW_COLUMNS } from './tile';

// @ts-ignore: decorator
@inline function panels(
  FORMAT: i32, w: usize, x: usize, out: usize, bias: usize, rows: u32, n: u32, blocks: u32,
  outBytes: usize, scale: f32, accumulate: i32, room: usize,
): void {
  if (ASC_FEATURE_RELAXED_SIMD) {
    const isQuick = FORMAT == Q4_0 || FORMAT == Q4_1;
    if (isQuick && n <= FEW_COLUMNS) narrow_panel(FORMAT, w, x, out, bias, rows, n, blocks, outBytes, scale, accumulate);
    else unpacked_panels(FORMAT, w, x, out, bias, rows, n, blocks, outBytes, scale, accumulate, room);
  } else unsigned_panels(FORMAT, w, x, out, bias, rows, n, blocks, outBytes, scale, accumulate);
}

// @ts-ignore: decorator
@inline function single(
  FORMAT: i32, w: usize, x: usize, out: usize, bias: usize, rows: u32, blocks: u32, scale: f32, accumulate: i32,
): void {
  if (ASC_FEATURE_RELAXED_SIMD) narrow_single(FORMAT, w, x, out, bias, rows, blocks, scale, accumulate);
  else unsigned_single(FORMAT, w, x, out, bias, rows, blocks, scale, accumulate);
}

export function matmul_q4_0_q8_panels(
  w: usize, x: usize, out: usize, bias: usize, rows: u32, n: u32, blocks: u32,
  outBytes: usize, scale: f32, accumulate: i32, room: usize,
): void {
  panels(Q4_0, w, x, out, bias, rows, n, blocks, outBytes, scale, accumulate, room);
}

export function matmul_q4_0_q8_single(
  w: usize, x: usize, out: usize, bias: usize, rows: u32, blocks: u32, scale: f32, accumulate: i32,
): void {
  single(Q4_0, w, x, out, bias, rows, blocks, scale, accumulate);
}

export function matmul_q4_1_q8_panels(
  w: usize, x: usize, out: usize, bias: usize, rows: u32, n: u32, blocks: u32,
  outBytes: usize, scale: f32, accumulate: i32, room: usize,
): void {
  panels(Q4_1, w, x, out, bias, rows, n, blocks, outBytes, scale, accumulate, room);
}

export function matmul_q4_1_q8_single(
  w: usize, x: usize, out: usize, bias: usize, rows: u32, blocks: u32, scale: f32, accumulate: i32,
): void {
  single(Q4_1, w, x, out, bias, rows, blocks, scale, accumulate);
}

export function matmul_q5_0_q8_panels(
  w: usize, x: usize, out: usize, bias: usize, rows: u32, n: u32, blocks: u32,
  outBytes: usize, scale: f32, accumulate: i32, room: usize,
): void {
  panels(Q5_0, w, x, out, bias, rows, n, blocks, outBytes, scale, accumulate, room);
}

export function matmul_q5_0_q8_single(
  w: usize, x: usize, out: usize, bias: usize, rows: u32, blocks: u32, scale: f32, accumulate: i32,
): void {
  single(Q5_0, w, x, out, bias, rows, blocks, scale, accumulate);
}

export function matmul_q5_1_q8_panels(
  w: usize, x: usize, out: usize, bias: usize, rows: u32, n: u32, blocks: u32,
  outBytes: usize, scale: f32, accumulate: i32, room: usize,
): void {
  panels(Q5_1, w, x, out, bias, rows, n, blocks, outBytes, scale, accumulate, room);
}

export function matmul_q5_1_q8_single(
  w: usize, x: usize, out: usize, bias: usize, rows: u32, blocks: u32, scale: f32, accumulate: i32,
): void {
  single(Q5_1, w, x, out, bias, rows, blocks, scale, accumulate);
}

export function matmul_q8_0_q16_panels(
  w: usize, x: usize, out: usize, bias: usize, rows: u32, n: u32, blocks: u32,
  outBytes: usize, scale: f32, accumulate: i32, room: usize,
): void {
  signed_panels(Q8_0, w, x, out, bias, rows, n, blocks, outBytes, scale, accumulate, room);
}

export function matmul_q8_0_q16_single(
  w: usize, x: usize, out: usize, bias: usize, rows: u32, blocks: u32, scale: f32, accumulate: i32,
): void {
  signed_single(Q8_0, w, x, out, bias, rows, blocks, scale, accumulate);
}

export function matmul_iq4_nl_q16_panels(
  w: usize, x: usize, out: usize, bias: usize, rows: u32, n: u32, blocks: u32,
  outBytes: usize, scale: f32, accumulate: i32, room: usize,
): void {
  signed_panels(IQ4_NL, w, x, out, bias, rows, n, blocks, outBytes, scale, accumulate, room);
}

export function matmul_iq4_nl_q16_single(
  w: usize, x: usize, out: usize, bias: usize, rows: u32, blocks: u32, scale: f32, accumulate: i32,
): void {
  signed_single(IQ4_NL, w, x, out, bias, rows, blocks, scale, accumulate);
}

export function matmul_iq4_xs_q16_panels(
  w: usize, x: usize, out: usize, bias: usize, rows: u32, n: u32, blocks: u32,
  outBytes: usize, scale: f32, accumulate: i32, room: usize,
): void {
  signed_panels(IQ4_XS, w, x, out, bias, rows, n, blocks, outBytes, scale, accumulate, room);
}

export function matmul_iq4_xs_q16_single(
  w: usize, x: usize, out: usize, bias: usize, rows: u32, blocks: u32, scale: f32, accumulate: i32,
): void {
  signed_single(IQ4_XS, w, x, out, bias, rows, blocks, scale, accumulate);
}

export function matmul_mxfp4_q16_panels(
  w: usize, x: usize, out: usize, bias: usize, rows: u32, n: u32, blocks: u32,
  outBytes: usize, scale: f32, accumulate: i32, room: usize,
): void {
  signed_panels(MXFP4, w, x, out, bias, rows, n, blocks, outBytes, scale, accumulate, room);
}

export function matmul_mxfp4_q16_single(
  w: usize, x: usize, out: usize, bias: usize, rows: u32, blocks: u32, scale: f32, accumulate: i32,
): void {
  signed_single(MXFP4, w, x, out, bias, rows, blocks, scale, accumulate);
}

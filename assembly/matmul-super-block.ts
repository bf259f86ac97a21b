// Matrix products with weights in super-blocks of 256, four rows interleaved: Q2_K, Q3_K, Q4_K, Q5_K, Q6_K.
// out (n, rows) = x (n, 256 · blocks) · weightᵀ for `rows` rows, a multiple of 4; x as pack_q8_k leaves it: `panels`
// takes the panels of 4 rows of x, `single` a lone row. Lanes are rows of the weight; every (row, column) adds its
// super-blocks in order, so that no tiling or sharing changes a result.
import { Q2_K, Q3_K, Q4_K, Q5_K, Q6_K } from './super-block';
import { narrow_panel, narrow_single } from './super-block-narrow';
import { unpacked_panels } from './super-block-unpacked';
import { FEW_COLUMNS } from './tile';
import { wide_panels, wide_single } from './super-block-wide';

// @ts-ignore: decorator
@inline function panels(
  FORMAT: i32, w: usize, x: usize, out: usize, bias: usize, rows: u32, n: u32, blocks: u32,
  outBytes: usize, scale: f32, accumulate: i32, room: usize,
): void {
  if (ASC_FEATURE_RELAXED_SIMD) {
    if (FORMAT == Q4_K && n <= FEW_COLUMNS) narrow_panel(w, x, out, bias, rows, n, blocks, outBytes, scale, accumulate);
    else unpacked_panels(FORMAT, w, x, out, bias, rows, n, blocks, outBytes, scale, accumulate, room);
  } else wide_panels(FORMAT, w, x, out, bias, rows, n, blocks, outBytes, scale, accumulate);
}

// @ts-ignore: decorator
@inline function single(
  FORMAT: i32, w: usize, x: usize, out: usize, bias: usize, rows: u32, blocks: u32, scale: f32, accumulate: i32,
): void {
  if (ASC_FEATURE_RELAXED_SIMD) narrow_single(FORMAT, w, x, out, bias, rows, blocks, scale, accumulate);
  else wide_single(FORMAT, w, x, out, bias, rows, blocks, scale, accumulate);
}

export function matmul_q2_k_q8_k_panels(
  w: usize, x: usize, out: usize, bias: usize, rows: u32, n: u32, blocks: u32,
  outBytes: usize, scale: f32, accumulate: i32, room: usize,
): void {
  panels(Q2_K, w, x, out, bias, rows, n, blocks, outBytes, scale, accumulate, room);
}

export function matmul_q2_k_q8_k_single(
  w: usize, x: usize, out: usize, bias: usize, rows: u32, blocks: u32, scale: f32, accumulate: i32,
): void {
  single(Q2_K, w, x, out, bias, rows, blocks, scale, accumulate);
}

export function matmul_q3_k_q8_k_panels(
  w: usize, x: usize, out: usize, bias: usize, rows: u32, n: u32, blocks: u32,
  outBytes: usize, scale: f32, accumulate: i32, room: usize,
): void {
  panels(Q3_K, w, x, out, bias, rows, n, blocks, outBytes, scale, accumulate, room);
}

export function matmul_q3_k_q8_k_single(
  w: usize, x: usize, out: usize, bias: usize, rows: u32, blocks: u32, scale: f32, accumulate: i32,
): void {
  single(Q3_K, w, x, out, bias, rows, blocks, scale, accumulate);
}

export function matmul_q4_k_q8_k_panels(
  w: usize, x: usize, out: usize, bias: usize, rows: u32, n: u32, blocks: u32,
  outBytes: usize, scale: f32, accumulate: i32, room: usize,
): void {
  panels(Q4_K, w, x, out, bias, rows, n, blocks, outBytes, scale, accumulate, room);
}

export function matmul_q4_k_q8_k_single(
  w: usize, x: usize, out: usize, bias: usize, rows: u32, blocks: u32, scale: f32, accumulate: i32,
): void {
  single(Q4_K, w, x, out, bias, rows, blocks, scale, accumulate);
}

export function matmul_q5_k_q8_k_panels(
  w: usize, x: usize, out: usize, bias: usize, rows: u32, n: u32, blocks: u32,
  outBytes: usize, scale: f32, accumulate: i32, room: usize,
): void {
  panels(Q5_K, w, x, out, bias, rows, n, blocks, outBytes, scale, accumulate, room);
}

export function matmul_q5_k_q8_k_single(
  w: usize, x: usize, out: usize, bias: usize, rows: u32, blocks: u32, scale: f32, accumulate: i32,
): void {
  single(Q5_K, w, x, out, bias, rows, blocks, scale, accumulate);
}

export function matmul_q6_k_q8_k_panels(
  w: usize, x: usize, out: usize, bias: usize, rows: u32, n: u32, blocks: u32,
  outBytes: usize, scale: f32, accumulate: i32, room: usize,
): void {
  panels(Q6_K, w, x, out, bias, rows, n, blocks, outBytes, scale, accumulate, room);
}

export function matmul_q6_k_q8_k_single(
  w: usize, x: usize, out: usize, bias: usize, rows: u32, blocks: u32, scale: f32, accumulate: i32,
): void {
  single(Q6_K, w, x, out, bias, rows, blocks, scale, accumulate);
}

// Matrix products with weights in blocks of 32, four rows interleaved: Q4_*, Q5_*, Q8_0, IQ4_NL, IQ4_XS, MXFP4.
// out (n, rows) = x (n, 32 · blocks) · weightᵀ for `rows` rows, a multiple of 4; x as pack_q8 or pack_q16 (bytes too in the dot build) leaves it:
// `panels` takes the panels of 4 rows of x, `single` a lone row. Lanes are rows of the weight; every (row, column)
// adds its blocks in order, so that no tiling or sharing changes a result.
import {
  IQ4_NL, IQ4_XS, MXFP4, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, activation_bytes, is_signed, quant_bytes, scale_bytes,
} from './block32';
import { narrow_panel, narrow_vector } from './block32-narrow';
import { signed_tile, signed_vector } from './block32-signed';
import { unpacked_panels } from './block32-unpacked';
import { unsigned_tile, unsigned_vector } from './block32-unsigned';
import { DOT_ADDS, FEW_COLUMNS, stream_step } from './tile';

/** 4 rows × 4 columns, where activations are 16 bits wide. */
// @ts-ignore: decorator
@inline function tile_4x4(
  FORMAT: i32, w: usize, x: usize, blocks: u32,
  out: usize, outBytes: usize, columns: u32, bias: usize, scale: f32, accumulate: i32,
): void {
  if (is_signed(FORMAT)) signed_tile(FORMAT, w, x, blocks, out, outBytes, columns, bias, scale, accumulate);
  else unsigned_tile(FORMAT, w, x, blocks, out, outBytes, columns, bias, scale, accumulate);
}

/** x (n, cols) in panels of 4. */
// @ts-ignore: decorator
@inline function panels(
  FORMAT: i32, w: usize, x: usize, out: usize, bias: usize, rows: u32, n: u32, blocks: u32,
  outBytes: usize, scale: f32, accumulate: i32, room: usize,
): void {
  if (ASC_FEATURE_RELAXED_SIMD) {
    if (DOT_ADDS || !is_signed(FORMAT)) {
      const isQuick = FORMAT == Q4_0 || FORMAT == Q4_1;
      if (isQuick && n <= FEW_COLUMNS) narrow_panel(FORMAT, w, x, out, bias, rows, n, blocks, outBytes, scale, accumulate);
      else unpacked_panels(FORMAT, w, x, out, bias, rows, n, blocks, outBytes, scale, accumulate, room);
      return;
    }
  }
  const group = (quant_bytes(FORMAT) + scale_bytes(FORMAT)) * <usize>blocks;
  const xRow = activation_bytes(FORMAT) * <usize>blocks;
  for (let r: u32 = 0; r < rows; r += 4) {
    for (let c: u32 = 0; c < n; c += 4) {
      tile_4x4(
        FORMAT, w, x + xRow * <usize>c, blocks,
        out + outBytes * <usize>c, outBytes, min(4, n - c), bias, scale, accumulate,
      );
    }
    w += group; out += 16;
    if (bias) bias += 16;
  }
}

/** 16 rows × 1 column: groups of 4 rows that are `step` groups apart, of which `groups` are stored. */
// @ts-ignore: decorator
@inline function vector_16(
  FORMAT: i32, w: usize, groups: u32, step: u32, x: usize, blocks: u32,
  out: usize, bias: usize, scale: f32, accumulate: i32,
): void {
  if (is_signed(FORMAT)) signed_vector(FORMAT, w, groups, step, x, blocks, out, bias, scale, accumulate);
  else if (ASC_FEATURE_RELAXED_SIMD) narrow_vector(FORMAT, w, groups, step, x, blocks, out, bias, scale, accumulate);
  else unsigned_vector(FORMAT, w, groups, step, x, blocks, out, bias, scale, accumulate);
}

/** x (1, cols) as a panel of one. */
// @ts-ignore: decorator
@inline function single(
  FORMAT: i32, w: usize, x: usize, out: usize, bias: usize, rows: u32, blocks: u32, scale: f32, accumulate: i32,
): void {
  const group = (quant_bytes(FORMAT) + scale_bytes(FORMAT)) * <usize>blocks;
  const groups = rows >> 2, step = stream_step(groups, group);
  for (let first: u32 = 0; first < groups;) {
    const whole = first < step, at = <usize>first << 4;
    vector_16(
      FORMAT, w + group * <usize>first, whole ? 4 : min(4, groups - first), whole ? step : 1, x, blocks,
      out + at, bias ? bias + at : 0, scale, accumulate,
    );
    first += whole ? 1 : 4;
    if (first == step) first = 4 * step;
  }
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
  panels(Q8_0, w, x, out, bias, rows, n, blocks, outBytes, scale, accumulate, room);
}

export function matmul_q8_0_q16_single(
  w: usize, x: usize, out: usize, bias: usize, rows: u32, blocks: u32, scale: f32, accumulate: i32,
): void {
  single(Q8_0, w, x, out, bias, rows, blocks, scale, accumulate);
}

export function matmul_iq4_nl_q16_panels(
  w: usize, x: usize, out: usize, bias: usize, rows: u32, n: u32, blocks: u32,
  outBytes: usize, scale: f32, accumulate: i32, room: usize,
): void {
  panels(IQ4_NL, w, x, out, bias, rows, n, blocks, outBytes, scale, accumulate, room);
}

export function matmul_iq4_nl_q16_single(
  w: usize, x: usize, out: usize, bias: usize, rows: u32, blocks: u32, scale: f32, accumulate: i32,
): void {
  single(IQ4_NL, w, x, out, bias, rows, blocks, scale, accumulate);
}

export function matmul_iq4_xs_q16_panels(
  w: usize, x: usize, out: usize, bias: usize, rows: u32, n: u32, blocks: u32,
  outBytes: usize, scale: f32, accumulate: i32, room: usize,
): void {
  panels(IQ4_XS, w, x, out, bias, rows, n, blocks, outBytes, scale, accumulate, room);
}

export function matmul_iq4_xs_q16_single(
  w: usize, x: usize, out: usize, bias: usize, rows: u32, blocks: u32, scale: f32, accumulate: i32,
): void {
  single(IQ4_XS, w, x, out, bias, rows, blocks, scale, accumulate);
}

export function matmul_mxfp4_q16_panels(
  w: usize, x: usize, out: usize, bias: usize, rows: u32, n: u32, blocks: u32,
  outBytes: usize, scale: f32, accumulate: i32, room: usize,
): void {
  panels(MXFP4, w, x, out, bias, rows, n, blocks, outBytes, scale, accumulate, room);
}

export function matmul_mxfp4_q16_single(
  w: usize, x: usize, out: usize, bias: usize, rows: u32, blocks: u32, scale: f32, accumulate: i32,
): void {
  single(MXFP4, w, x, out, bias, rows, blocks, scale, accumulate);
}

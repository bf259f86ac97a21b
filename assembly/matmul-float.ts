// Matrix products with float weights in file order: out (n, rows) = x (n, cols) · weightᵀ, lanes along the columns.
// One accumulator per (row, column of the output) runs through the row in order, four lanes wide, so that a result
// depends neither on n nor on how rows are shared out.
import { f16_mask, f16_scale, horizontal_sum, load_bf16x4, load_f16, load_f16x4, madd } from './half';

const F32 = 0;
const F16 = 1;
const BF16 = 2;

// @ts-ignore: decorator
@inline function load4(TYPE: i32, ptr: usize, mask: v128, scale: v128): v128 {
  if (TYPE == F16) return load_f16x4(ptr, mask, scale);
  if (TYPE == BF16) return load_bf16x4(ptr);
  return v128.load(ptr);
}

// @ts-ignore: decorator
@inline function load1(TYPE: i32, ptr: usize): f32 {
  if (TYPE == F16) return load_f16(ptr);
  if (TYPE == BF16) return reinterpret<f32>(<u32>load<u16>(ptr) << 16);
  return load<f32>(ptr);
}

/** Bias, factor and residual, in the order of MatmulOptions. `biasPtr` 0 means none. */
// @ts-ignore: decorator
@inline function finish(outPtr: usize, sum: f32, biasPtr: usize, scale: f32, accumulate: i32): void {
  if (biasPtr) sum += load<f32>(biasPtr);
  sum *= scale;
  if (accumulate) sum += load<f32>(outPtr);
  store<f32>(outPtr, sum);
}

// @ts-ignore: decorator
@inline function tail(TYPE: i32, sum: f32, w: usize, x: usize, from: u32, cols: u32): f32 {
  const shift: usize = TYPE == F32 ? 2 : 1;
  for (let i = from; i < cols; i++) sum += load1(TYPE, w + (<usize>i << shift)) * load<f32>(x + (<usize>i << 2));
  return sum;
}

// @ts-ignore: decorator
@inline function matmul(
  TYPE: i32, w: usize, x: usize, out: usize, bias: usize, rows: u32, n: u32, cols: u32,
  rowBytes: usize, xBytes: usize, outBytes: usize, scale: f32, accumulate: i32,
): void {
  const mask = f16_mask(), exponent = f16_scale();
  const cols4 = cols & ~3;
  const step: usize = TYPE == F32 ? 16 : 8;
  let r: u32 = 0;
  for (; r + 4 <= rows; r += 4) {
    let xRow = x, outRow = out, c: u32 = 0;
    for (; c + 2 <= n; c += 2) {
      let a0 = f32x4.splat(0), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;
      let w0 = w, w1 = w0 + rowBytes, w2 = w1 + rowBytes, w3 = w2 + rowBytes, x0 = xRow, x1 = xRow + xBytes;
      for (let i: u32 = 0; i < cols4; i += 4) {
        const p = v128.load(x0), q = v128.load(x1);
        let v = load4(TYPE, w0, mask, exponent);
        a0 = madd(v, p, a0); b0 = madd(v, q, b0);
        v = load4(TYPE, w1, mask, exponent);
        a1 = madd(v, p, a1); b1 = madd(v, q, b1);
        v = load4(TYPE, w2, mask, exponent);
        a2 = madd(v, p, a2); b2 = madd(v, q, b2);
        v = load4(TYPE, w3, mask, exponent);
        a3 = madd(v, p, a3); b3 = madd(v, q, b3);
        w0 += step; w1 += step; w2 += step; w3 += step; x0 += 16; x1 += 16;
      }
      const out1 = outRow + outBytes, x2 = xRow + xBytes;
      const v0 = w, v1 = v0 + rowBytes, v2 = v1 + rowBytes, v3 = v2 + rowBytes;
      const s1 = bias ? bias + 4 : 0, s2 = bias ? bias + 8 : 0, s3 = bias ? bias + 12 : 0;
      finish(outRow, tail(TYPE, horizontal_sum(a0), v0, xRow, cols4, cols), bias, scale, accumulate);
      finish(outRow + 4, tail(TYPE, horizontal_sum(a1), v1, xRow, cols4, cols), s1, scale, accumulate);
      finish(outRow + 8, tail(TYPE, horizontal_sum(a2), v2, xRow, cols4, cols), s2, scale, accumulate);
      finish(outRow + 12, tail(TYPE, horizontal_sum(a3), v3, xRow, cols4, cols), s3, scale, accumulate);
      finish(out1, tail(TYPE, horizontal_sum(b0), v0, x2, cols4, cols), bias, scale, accumulate);
      finish(out1 + 4, tail(TYPE, horizontal_sum(b1), v1, x2, cols4, cols), s1, scale, accumulate);
      finish(out1 + 8, tail(TYPE, horizontal_sum(b2), v2, x2, cols4, cols), s2, scale, accumulate);
      finish(out1 + 12, tail(TYPE, horizontal_sum(b3), v3, x2, cols4, cols), s3, scale, accumulate);
      xRow += xBytes << 1; outRow += outBytes << 1;
    }
    if (c < n) {
      let a0 = f32x4.splat(0), a1 = a0, a2 = a0, a3 = a0;
      let w0 = w, w1 = w0 + rowBytes, w2 = w1 + rowBytes, w3 = w2 + rowBytes, x0 = xRow;
      for (let i: u32 = 0; i < cols4; i += 4) {
        const p = v128.load(x0);
        a0 = madd(load4(TYPE, w0, mask, exponent), p, a0);
        a1 = madd(load4(TYPE, w1, mask, exponent), p, a1);
        a2 = madd(load4(TYPE, w2, mask, exponent), p, a2);
        a3 = madd(load4(TYPE, w3, mask, exponent), p, a3);
        w0 += step; w1 += step; w2 += step; w3 += step; x0 += 16;
      }
      const v0 = w, v1 = v0 + rowBytes, v2 = v1 + rowBytes, v3 = v2 + rowBytes;
      finish(outRow, tail(TYPE, horizontal_sum(a0), v0, xRow, cols4, cols), bias, scale, accumulate);
      const s1 = bias ? bias + 4 : 0, s2 = bias ? bias + 8 : 0, s3 = bias ? bias + 12 : 0;
      finish(outRow + 4, tail(TYPE, horizontal_sum(a1), v1, xRow, cols4, cols), s1, scale, accumulate);
      finish(outRow + 8, tail(TYPE, horizontal_sum(a2), v2, xRow, cols4, cols), s2, scale, accumulate);
      finish(outRow + 12, tail(TYPE, horizontal_sum(a3), v3, xRow, cols4, cols), s3, scale, accumulate);
    }
    w += rowBytes << 2; out += 16;
    if (bias) bias += 16;
  }
  for (; r < rows; r++) {
    let xRow = x, outRow = out;
    for (let c: u32 = 0; c < n; c++) {
      let a0 = f32x4.splat(0), w0 = w, x0 = xRow;
      for (let i: u32 = 0; i < cols4; i += 4) {
        a0 = madd(load4(TYPE, w0, mask, exponent), v128.load(x0), a0);
        w0 += step; x0 += 16;
      }
      finish(outRow, tail(TYPE, horizontal_sum(a0), w, xRow, cols4, cols), bias, scale, accumulate);
      xRow += xBytes; outRow += outBytes;
    }
    w += rowBytes; out += 4;
    if (bias) bias += 4;
  }
}

/** Byte strides between rows of weights, x and out; `biasPtr` 0 means none. */
export function matmul_f32_f32(
  w: usize, x: usize, out: usize, bias: usize, rows: u32, n: u32, cols: u32,
  rowBytes: usize, xBytes: usize, outBytes: usize, scale: f32, accumulate: i32,
): void {
  matmul(F32, w, x, out, bias, rows, n, cols, rowBytes, xBytes, outBytes, scale, accumulate);
}

export function matmul_f16_f32(
  w: usize, x: usize, out: usize, bias: usize, rows: u32, n: u32, cols: u32,
  rowBytes: usize, xBytes: usize, outBytes: usize, scale: f32, accumulate: i32,
): void {
  matmul(F16, w, x, out, bias, rows, n, cols, rowBytes, xBytes, outBytes, scale, accumulate);
}

export function matmul_bf16_f32(
  w: usize, x: usize, out: usize, bias: usize, rows: u32, n: u32, cols: u32,
  rowBytes: usize, xBytes: usize, outBytes: usize, scale: f32, accumulate: i32,
): void {
  matmul(BF16, w, x, out, bias, rows, n, cols, rowBytes, xBytes, outBytes, scale, accumulate);
}

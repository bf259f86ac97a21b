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
  const cols4 = cols & ~3, xEnd = <usize>cols4 << 2;
  const step: usize = TYPE == F32 ? 16 : 8;
  // A lone column takes rows a quarter of the matrix apart: four long streams through memory (as in block32-narrow).
  const quarter = rows >> 2, wholeRows = quarter << 2;
  const apart = n == 1 ? rowBytes * <usize>quarter : rowBytes, forward = n == 1 ? rowBytes : rowBytes << 2;
  const outApart: usize = n == 1 ? <usize>wholeRows : 4, outForward: usize = n == 1 ? 4 : 16;
  let w0 = w, out0 = out, bias0 = bias;
  for (let r: u32 = 0; r < quarter; r++) {
    const w1 = w0 + apart, w2 = w1 + apart, w3 = w2 + apart;
    const out1 = out0 + outApart, out2 = out1 + outApart, out3 = out2 + outApart;
    const biasApart = bias ? outApart : 0;
    const bias1 = bias0 + biasApart, bias2 = bias1 + biasApart, bias3 = bias2 + biasApart;
    let x0 = x, at: usize = 0, c: u32 = 0;
    for (; c + 2 <= n; c += 2) {
      const x1 = x0 + xBytes;
      let a0 = f32x4.splat(0), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0, i: usize = 0;
      for (let k: usize = 0; k < xEnd; k += 16) {
        const p = v128.load(x0 + k), q = v128.load(x1 + k);
        let v = load4(TYPE, w0 + i, mask, exponent);
        a0 = madd(v, p, a0); b0 = madd(v, q, b0);
        v = load4(TYPE, w1 + i, mask, exponent);
        a1 = madd(v, p, a1); b1 = madd(v, q, b1);
        v = load4(TYPE, w2 + i, mask, exponent);
        a2 = madd(v, p, a2); b2 = madd(v, q, b2);
        v = load4(TYPE, w3 + i, mask, exponent);
        a3 = madd(v, p, a3); b3 = madd(v, q, b3);
        i += step;
      }
      finish(out0 + at, tail(TYPE, horizontal_sum(a0), w0, x0, cols4, cols), bias0, scale, accumulate);
      finish(out1 + at, tail(TYPE, horizontal_sum(a1), w1, x0, cols4, cols), bias1, scale, accumulate);
      finish(out2 + at, tail(TYPE, horizontal_sum(a2), w2, x0, cols4, cols), bias2, scale, accumulate);
      finish(out3 + at, tail(TYPE, horizontal_sum(a3), w3, x0, cols4, cols), bias3, scale, accumulate);
      at += outBytes;
      finish(out0 + at, tail(TYPE, horizontal_sum(b0), w0, x1, cols4, cols), bias0, scale, accumulate);
      finish(out1 + at, tail(TYPE, horizontal_sum(b1), w1, x1, cols4, cols), bias1, scale, accumulate);
      finish(out2 + at, tail(TYPE, horizontal_sum(b2), w2, x1, cols4, cols), bias2, scale, accumulate);
      finish(out3 + at, tail(TYPE, horizontal_sum(b3), w3, x1, cols4, cols), bias3, scale, accumulate);
      at += outBytes; x0 += xBytes << 1;
    }
    if (c < n) {
      let a0 = f32x4.splat(0), a1 = a0, a2 = a0, a3 = a0, i: usize = 0;
      for (let k: usize = 0; k < xEnd; k += 16) {
        const p = v128.load(x0 + k);
        a0 = madd(load4(TYPE, w0 + i, mask, exponent), p, a0);
        a1 = madd(load4(TYPE, w1 + i, mask, exponent), p, a1);
        a2 = madd(load4(TYPE, w2 + i, mask, exponent), p, a2);
        a3 = madd(load4(TYPE, w3 + i, mask, exponent), p, a3);
        i += step;
      }
      finish(out0 + at, tail(TYPE, horizontal_sum(a0), w0, x0, cols4, cols), bias0, scale, accumulate);
      finish(out1 + at, tail(TYPE, horizontal_sum(a1), w1, x0, cols4, cols), bias1, scale, accumulate);
      finish(out2 + at, tail(TYPE, horizontal_sum(a2), w2, x0, cols4, cols), bias2, scale, accumulate);
      finish(out3 + at, tail(TYPE, horizontal_sum(a3), w3, x0, cols4, cols), bias3, scale, accumulate);
    }
    w0 += forward; out0 += outForward;
    if (bias) bias0 += outForward;
  }
  for (let r = wholeRows; r < rows; r++) {
    const row = w + rowBytes * <usize>r, offset = <usize>r << 2;
    for (let c: u32 = 0; c < n; c++) {
      const x0 = x + xBytes * <usize>c;
      let a0 = f32x4.splat(0), i: usize = 0;
      for (let k: usize = 0; k < xEnd; k += 16) {
        a0 = madd(load4(TYPE, row + i, mask, exponent), v128.load(x0 + k), a0);
        i += step;
      }
      const sum = tail(TYPE, horizontal_sum(a0), row, x0, cols4, cols);
      finish(out + outBytes * <usize>c + offset, sum, bias ? bias + offset : 0, scale, accumulate);
    }
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

// RMSNorm and LayerNorm of parts of rows. A part's sums run in eight fixed lanes, whoever computes it.
import { horizontal_sum, madd } from './half';

/** Sum over `count` floats of (x − mean)². */
// @ts-ignore: decorator
@inline function sum_squares(x: usize, mean: f32, count: usize): f32 {
  const m = f32x4.splat(mean);
  let a = f32x4.splat(0), b = a, i: usize = 0;
  for (const end8 = (count & ~7) << 2; i < end8; i += 32) {
    const u = f32x4.sub(v128.load(x + i), m), v = f32x4.sub(v128.load(x + i, 16), m);
    a = madd(u, u, a); b = madd(v, v, b);
  }
  let sum = horizontal_sum(f32x4.add(a, b));
  for (const end = count << 2; i < end; i += 4) {
    const u = load<f32>(x + i) - mean;
    sum += u * u;
  }
  return sum;
}

// @ts-ignore: decorator
@inline function sum_of(x: usize, count: usize): f32 {
  let a = f32x4.splat(0), b = a, i: usize = 0;
  for (const end8 = (count & ~7) << 2; i < end8; i += 32) {
    a = f32x4.add(a, v128.load(x + i)); b = f32x4.add(b, v128.load(x + i, 16));
  }
  let sum = horizontal_sum(f32x4.add(a, b));
  for (const end = count << 2; i < end; i += 4) sum += load<f32>(x + i);
  return sum;
}

/** out = (x − mean) · factor · weight + bias; weight and bias 0 mean none. */
// @ts-ignore: decorator
@inline function normalize(out: usize, x: usize, mean: f32, factor: f32, weight: usize, bias: usize, count: usize): void {
  const m = f32x4.splat(mean), f = f32x4.splat(factor), end4 = (count & ~3) << 2, end = count << 2;
  let i: usize = 0;
  for (; i < end4; i += 16) {
    let v = f32x4.mul(f32x4.sub(v128.load(x + i), m), f);
    if (weight) v = f32x4.mul(v, v128.load(weight + i));
    if (bias) v = f32x4.add(v, v128.load(bias + i));
    v128.store(out + i, v);
  }
  for (; i < end; i += 4) {
    let v = (load<f32>(x + i) - mean) * factor;
    if (weight) v *= load<f32>(weight + i);
    if (bias) v += load<f32>(bias + i);
    store<f32>(out + i, v);
  }
}

/**
 * Parts [partFrom, partTo) of each of `n` rows, `count` floats each. `step` is the distance in bytes from one part's
 * weights to the next one's: 0 when all parts share them. `centred` takes the mean away first (LayerNorm).
 */
export function norm_f32(
  out: usize, outBytes: usize, x: usize, xBytes: usize, weight: usize, bias: usize, step: usize,
  centred: i32, epsilon: f32, count: usize, partFrom: u32, partTo: u32, n: u32,
): void {
  for (let r: u32 = 0; r < n; r++) {
    for (let p = partFrom; p < partTo; p++) {
      const at = (<usize>p * count) << 2, w = <usize>p * step;
      const mean: f32 = centred ? sum_of(x + at, count) / <f32>count : 0;
      const factor: f32 = 1 / sqrt<f32>(sum_squares(x + at, mean, count) / <f32>count + epsilon);
      normalize(out + at, x + at, mean, factor, weight ? weight + w : 0, bias ? bias + w : 0, count);
    }
    x += xBytes; out += outBytes;
  }
}

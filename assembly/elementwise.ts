// Operations on each float by itself, over `n` rows of `count` floats; strides in bytes. Four lanes, then single floats
// through the same vector code, so that a float's result does not depend on its place.
import { erf_f32x4, exp_f32x4, sigmoid_f32x4, tanh_f32x4 } from './math';

const SILU = 0;
const GELU = 1;
const GELU_ERF = 2;
const GELU_QUICK = 3;
const RELU = 4;
const RELU2 = 5;
const SIGMOID = 6;

// @ts-ignore: decorator
@inline function apply(KIND: i32, x: v128): v128 {
  if (KIND == SILU) return f32x4.div(x, f32x4.add(f32x4.splat(1), exp_f32x4(f32x4.neg(x))));
  if (KIND == GELU) {
    const cubic = f32x4.add(f32x4.splat(1), f32x4.mul(f32x4.splat(0.044715), f32x4.mul(x, x)));
    const inner = f32x4.mul(f32x4.mul(f32x4.splat(0.7978845608028654), x), cubic);
    return f32x4.mul(f32x4.mul(f32x4.splat(0.5), x), f32x4.add(f32x4.splat(1), tanh_f32x4(inner)));
  }
  if (KIND == GELU_ERF) {
    const scaled = f32x4.mul(x, f32x4.splat(0.7071067811865476));
    return f32x4.mul(f32x4.mul(f32x4.splat(0.5), x), f32x4.add(f32x4.splat(1), erf_f32x4(scaled)));
  }
  if (KIND == GELU_QUICK) return f32x4.mul(x, sigmoid_f32x4(f32x4.mul(x, f32x4.splat(1.702))));
  if (KIND == RELU) return f32x4.max(x, f32x4.splat(0));
  if (KIND == RELU2) {
    const positive = f32x4.max(x, f32x4.splat(0));
    return f32x4.mul(positive, positive);
  }
  if (KIND == SIGMOID) return sigmoid_f32x4(x);
  return tanh_f32x4(x);
}

// @ts-ignore: decorator
@inline function store1(ptr: usize, v: v128): void {
  store<f32>(ptr, f32x4.extract_lane(v, 0));
}

// @ts-ignore: decorator
@inline function activate(
  KIND: i32, out: usize, outBytes: usize, x: usize, xBytes: usize, up: usize, upBytes: usize, count: usize, n: u32,
): void {
  const end4 = (count & ~3) << 2, end = count << 2;
  for (let r: u32 = 0; r < n; r++) {
    let i: usize = 0;
    for (; i < end4; i += 16) {
      let v = apply(KIND, v128.load(x + i));
      if (up) v = f32x4.mul(v, v128.load(up + i));
      v128.store(out + i, v);
    }
    for (; i < end; i += 4) {
      let v = apply(KIND, v128.load32_splat(x + i));
      if (up) v = f32x4.mul(v, v128.load32_splat(up + i));
      store1(out + i, v);
    }
    x += xBytes; out += outBytes; if (up) up += upBytes;
  }
}

/** out = f(x), or f(x) · up where `up` is not 0. `kind` in the order of the backend's ACTIVATION_KINDS. */
export function activate_f32(
  kind: i32, out: usize, outBytes: usize, x: usize, xBytes: usize, up: usize, upBytes: usize, count: usize, n: u32,
): void {
  if (kind == SILU) activate(SILU, out, outBytes, x, xBytes, up, upBytes, count, n);
  else if (kind == GELU) activate(GELU, out, outBytes, x, xBytes, up, upBytes, count, n);
  else if (kind == GELU_ERF) activate(GELU_ERF, out, outBytes, x, xBytes, up, upBytes, count, n);
  else if (kind == GELU_QUICK) activate(GELU_QUICK, out, outBytes, x, xBytes, up, upBytes, count, n);
  else if (kind == RELU) activate(RELU, out, outBytes, x, xBytes, up, upBytes, count, n);
  else if (kind == RELU2) activate(RELU2, out, outBytes, x, xBytes, up, upBytes, count, n);
  else if (kind == SIGMOID) activate(SIGMOID, out, outBytes, x, xBytes, up, upBytes, count, n);
  else activate(7, out, outBytes, x, xBytes, up, upBytes, count, n);
}

/** out = g · σ(alpha · g) · (u + 1) with g = min(gate, limit), u = clamp(up, ±limit). */
export function gate_clamped_f32(
  out: usize, outBytes: usize, gate: usize, gateBytes: usize, up: usize, upBytes: usize,
  alpha: f32, limit: f32, count: usize, n: u32,
): void {
  const end = count << 2;
  for (let r: u32 = 0; r < n; r++) {
    for (let i: usize = 0; i < end; i += 4) {
      const g = f32x4.min(v128.load32_splat(gate + i), f32x4.splat(limit));
      const u = f32x4.min(f32x4.max(v128.load32_splat(up + i), f32x4.splat(-limit)), f32x4.splat(limit));
      const s = sigmoid_f32x4(f32x4.mul(g, f32x4.splat(alpha)));
      store1(out + i, f32x4.mul(f32x4.mul(g, s), f32x4.add(u, f32x4.splat(1))));
    }
    gate += gateBytes; up += upBytes; out += outBytes;
  }
}

/** out = a + b · scale; `bBytes` 0 adds the same vector to every row. */
export function add_f32(
  out: usize, outBytes: usize, a: usize, aBytes: usize, b: usize, bBytes: usize, scale: f32, count: usize, n: u32,
): void {
  const end4 = (count & ~3) << 2, end = count << 2, s = f32x4.splat(scale);
  for (let r: u32 = 0; r < n; r++) {
    let i: usize = 0;
    for (; i < end4; i += 16) v128.store(out + i, f32x4.add(v128.load(a + i), f32x4.mul(v128.load(b + i), s)));
    for (; i < end; i += 4) store<f32>(out + i, load<f32>(a + i) + load<f32>(b + i) * scale);
    a += aBytes; b += bBytes; out += outBytes;
  }
}

/** out = a · b; with `single`, b is one float per row. */
export function multiply_f32(
  out: usize, outBytes: usize, a: usize, aBytes: usize, b: usize, bBytes: usize, single: i32, count: usize, n: u32,
): void {
  const end = count << 2;
  for (let r: u32 = 0; r < n; r++) {
    if (single) for (let i: usize = 0; i < end; i += 4) store<f32>(out + i, load<f32>(a + i) * load<f32>(b));
    else for (let i: usize = 0; i < end; i += 4) store<f32>(out + i, load<f32>(a + i) * load<f32>(b + i));
    a += aBytes; b += bBytes; out += outBytes;
  }
}

/** out = x · factor. */
export function scale_f32(out: usize, outBytes: usize, x: usize, xBytes: usize, factor: f32, count: usize, n: u32): void {
  const end4 = (count & ~3) << 2, end = count << 2, f = f32x4.splat(factor);
  for (let r: u32 = 0; r < n; r++) {
    let i: usize = 0;
    for (; i < end4; i += 16) v128.store(out + i, f32x4.mul(v128.load(x + i), f));
    for (; i < end; i += 4) store<f32>(out + i, load<f32>(x + i) * factor);
    x += xBytes; out += outBytes;
  }
}

/** x = cap · tanh(x / cap). */
export function softcap_f32(x: usize, xBytes: usize, cap: f32, count: usize, n: u32): void {
  const end4 = (count & ~3) << 2, end = count << 2, c = f32x4.splat(cap);
  for (let r: u32 = 0; r < n; r++) {
    let i: usize = 0;
    for (; i < end4; i += 16) v128.store(x + i, f32x4.mul(c, tanh_f32x4(f32x4.div(v128.load(x + i), c))));
    for (; i < end; i += 4) store1(x + i, f32x4.mul(c, tanh_f32x4(f32x4.div(v128.load32_splat(x + i), c))));
    x += xBytes;
  }
}

/** x = min(max(x, −limit), limit). */
export function clamp_f32(x: usize, xBytes: usize, limit: f32, count: usize, n: u32): void {
  const end = count << 2;
  for (let r: u32 = 0; r < n; r++) {
    for (let i: usize = 0; i < end; i += 4) store<f32>(x + i, min(max(load<f32>(x + i), -limit), limit));
    x += xBytes;
  }
}

/** out[r] = row indices[r] of x. */
export function gather_f32(
  out: usize, outBytes: usize, x: usize, xBytes: usize, indices: usize, count: usize, n: u32,
): void {
  for (let r: u32 = 0; r < n; r++) {
    memory.copy(out, x + <usize>load<u32>(indices + (<usize>r << 2)) * xBytes, count << 2);
    out += outBytes;
  }
}

// Formats with small blocks and plain floats to float32: Q4_*, Q5_*, Q8_0, Q1_0, Q2_0, IQ4_NL, MXFP4, NVFP4, F16, BF16, F32.
// Specification: src/quant. `count` is a multiple of the block size; every operation is a single rounded one.
import { f16_mask, f16_scale, load_bf16x4, load_f16, load_f16x4 } from './half';
import { store_affine, store_scaled } from './widen';
import { IQ4_VALUES, MXFP4_VALUES } from './memory-map';

export function dequantize_f32(src: usize, dst: usize, count: u32): void {
  memory.copy(dst, src, <usize>count << 2);
}

export function dequantize_f16(src: usize, dst: usize, count: u32): void {
  const mask = f16_mask(), scale = f16_scale();
  let i: u32 = 0;
  for (; i + 4 <= count; i += 4) {
    v128.store(dst, load_f16x4(src, mask, scale));
    src += 8; dst += 16;
  }
  for (; i < count; i++) {
    store<f32>(dst, load_f16(src));
    src += 2; dst += 4;
  }
}

export function dequantize_bf16(src: usize, dst: usize, count: u32): void {
  let i: u32 = 0;
  for (; i + 4 <= count; i += 4) {
    v128.store(dst, load_bf16x4(src));
    src += 8; dst += 16;
  }
  for (; i < count; i++) {
    store<u32>(dst, <u32>load<u16>(src) << 16);
    src += 2; dst += 4;
  }
}

/** 0x10 in byte i where bit i of the 16 bits at `ptr` is set. */
// @ts-ignore: decorator
@inline function fifth_bits(ptr: usize): v128 {
  const bits = v128.load16_splat(ptr);
  const spread = i8x16.shuffle(bits, bits, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1);
  const bit = i64x2.splat(<i64>0x8040201008040201);
  return v128.and(i8x16.eq(v128.and(spread, bit), bit), i8x16.splat(0x10));
}

// @ts-ignore: decorator
@inline function low_nibbles(v: v128): v128 {
  return v128.and(v, i8x16.splat(0x0f));
}

// @ts-ignore: decorator
@inline function high_nibbles(v: v128): v128 {
  return i8x16.shr_u(v, 4);
}

export function dequantize_q4_0(src: usize, dst: usize, count: u32): void {
  for (let i: u32 = 0; i < count; i += 32) {
    const d = f32x4.splat(load_f16(src)), qs = v128.load(src, 2), offset = i8x16.splat(8);
    store_scaled(dst, i8x16.sub(low_nibbles(qs), offset), d);
    store_scaled(dst + 64, i8x16.sub(high_nibbles(qs), offset), d);
    src += 18; dst += 128;
  }
}

export function dequantize_q4_1(src: usize, dst: usize, count: u32): void {
  for (let i: u32 = 0; i < count; i += 32) {
    const d = f32x4.splat(load_f16(src)), m = f32x4.splat(load_f16(src + 2)), qs = v128.load(src, 4);
    store_affine(dst, low_nibbles(qs), d, m);
    store_affine(dst + 64, high_nibbles(qs), d, m);
    src += 20; dst += 128;
  }
}

export function dequantize_q5_0(src: usize, dst: usize, count: u32): void {
  for (let i: u32 = 0; i < count; i += 32) {
    const d = f32x4.splat(load_f16(src)), qs = v128.load(src, 6), offset = i8x16.splat(16);
    store_scaled(dst, i8x16.sub(v128.or(low_nibbles(qs), fifth_bits(src + 2)), offset), d);
    store_scaled(dst + 64, i8x16.sub(v128.or(high_nibbles(qs), fifth_bits(src + 4)), offset), d);
    src += 22; dst += 128;
  }
}

export function dequantize_q5_1(src: usize, dst: usize, count: u32): void {
  for (let i: u32 = 0; i < count; i += 32) {
    const d = f32x4.splat(load_f16(src)), m = f32x4.splat(load_f16(src + 2)), qs = v128.load(src, 8);
    store_affine(dst, v128.or(low_nibbles(qs), fifth_bits(src + 4)), d, m);
    store_affine(dst + 64, v128.or(high_nibbles(qs), fifth_bits(src + 6)), d, m);
    src += 24; dst += 128;
  }
}

export function dequantize_q8_0(src: usize, dst: usize, count: u32): void {
  for (let i: u32 = 0; i < count; i += 32) {
    const d = f32x4.splat(load_f16(src));
    store_scaled(dst, v128.load(src, 2), d);
    store_scaled(dst + 64, v128.load(src, 18), d);
    src += 34; dst += 128;
  }
}

export function dequantize_iq4_nl(src: usize, dst: usize, count: u32): void {
  const levels = v128.load(IQ4_VALUES);
  for (let i: u32 = 0; i < count; i += 32) {
    const d = f32x4.splat(load_f16(src)), qs = v128.load(src, 2);
    store_scaled(dst, i8x16.swizzle(levels, low_nibbles(qs)), d);
    store_scaled(dst + 64, i8x16.swizzle(levels, high_nibbles(qs)), d);
    src += 18; dst += 128;
  }
}

/** Half of 2^(e − 127), because the table holds doubled values. */
// @ts-ignore: decorator
@inline function e8m0_half(e: u32): f32 {
  return reinterpret<f32>(e < 2 ? <u32>0x00200000 << e : (e - 1) << 23);
}

export function dequantize_mxfp4(src: usize, dst: usize, count: u32): void {
  const levels = v128.load(MXFP4_VALUES);
  for (let i: u32 = 0; i < count; i += 32) {
    const d = f32x4.splat(e8m0_half(load<u8>(src))), qs = v128.load(src, 1);
    store_scaled(dst, i8x16.swizzle(levels, low_nibbles(qs)), d);
    store_scaled(dst + 64, i8x16.swizzle(levels, high_nibbles(qs)), d);
    src += 17; dst += 128;
  }
}

/** row *= factor. */
export function scale_row_f32(ptr: usize, count: u32, factor: f32): void {
  for (const end = ptr + (<usize>count << 2); ptr != end; ptr += 4) store<f32>(ptr, load<f32>(ptr) * factor);
}

/** Half of an unsigned E4M3 scale, because the table holds doubled values; NaN counts as 0. */
// @ts-ignore: decorator
@inline function ue4m3_half(bits: u32): f32 {
  if (bits == 0x7f) return 0;
  const exponent = (bits >> 3) & 15, mantissa = bits & 7;
  if (exponent == 0) return <f32>mantissa * <f32>0.0009765625;
  return reinterpret<f32>(((exponent + 119) << 23) | (mantissa << 20));
}

/**
 *   scales UE4M3[4] · 4 × (qs u8[8]: elements j low, j + 8 high)                                        36 bytes
 */
export function dequantize_nvfp4(src: usize, dst: usize, count: u32): void {
  const levels = v128.load(MXFP4_VALUES);
  for (let i: u32 = 0; i < count; i += 64) {
    for (let group: usize = 0; group < 4; group++) {
      const qs = v128.load64_zero(src + 4 + (group << 3));
      const both = i64x2.shuffle(low_nibbles(qs), high_nibbles(qs), 0, 2);
      store_scaled(dst, i8x16.swizzle(levels, both), f32x4.splat(ue4m3_half(load<u8>(src + group))));
      dst += 64;
    }
    src += 36;
  }
}

/**
 *   d f16 · 128 bits, set for +d and clear for −d                                                       18 bytes
 */
export function dequantize_q1_0(src: usize, dst: usize, count: u32): void {
  for (let i: u32 = 0; i < count; i += 128) {
    const d = load_f16(src);
    for (let bit: u32 = 0; bit < 128; bit++) {
      store<f32>(dst, (load<u8>(src + 2 + (bit >> 3)) >> <u8>(bit & 7)) & 1 ? d : -d);
      dst += 4;
    }
    src += 18;
  }
}

/**
 *   d f16 · qs u8[16], 2 bits each                                                                      18 bytes
 */
export function dequantize_q2_0(src: usize, dst: usize, count: u32): void {
  for (let i: u32 = 0; i < count; i += 64) {
    const d = load_f16(src);
    for (let q: u32 = 0; q < 64; q++) {
      store<f32>(dst, <f32>(<i32>((<u32>load<u8>(src + 2 + (q >> 2)) >> ((q & 3) << 1)) & 3) - 1) * d);
      dst += 4;
    }
    src += 18;
  }
}

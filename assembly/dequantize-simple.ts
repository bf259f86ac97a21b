// Blocks of 32 (and plain 16-bit floats) to float32: Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, IQ4_NL, MXFP4, F16, BF16, F32.
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

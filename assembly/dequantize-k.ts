// Super-blocks of 256 with scales of their own to float32: Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, IQ4_XS, TQ1_0, TQ2_0.
// Specification: src/quant. `count` is a multiple of 256; every operation is a single rounded one.
import { load_f16 } from './half';
import { IQ4_VALUES } from './memory-map';
import { store_affine, store_scaled } from './widen';

/**
 *   scales u8[16] (scale | min << 4, one per 16) · qs u8[64] · d f16 · dmin f16                        84 bytes
 */
export function dequantize_q2_k(src: usize, dst: usize, count: u32): void {
  for (let i: u32 = 0; i < count; i += 256) {
    const d = load_f16(src + 80), dmin = load_f16(src + 82);
    for (let sub: u32 = 0; sub < 16; sub++) {
      const packed = <u32>load<u8>(src + sub);
      const qs = v128.load(src + 16 + (<usize>(sub >> 3) << 5) + (<usize>(sub & 1) << 4));
      const q = v128.and(i8x16.shr_u(qs, ((sub >> 1) & 3) << 1), i8x16.splat(3));
      store_affine(dst, q, f32x4.splat(d * <f32>(packed & 15)), f32x4.splat(-(dmin * <f32>(packed >> 4))));
      dst += 64;
    }
    src += 84;
  }
}

/** 6-bit scale `sub` of 16: four low bits from bytes 0 … 7, two high bits from bytes 8 … 11. */
// @ts-ignore: decorator
@inline function scale_q3_k(scales: usize, sub: u32): i32 {
  const low = (<u32>load<u8>(scales + (sub & 7)) >> ((sub >> 3) << 2)) & 15;
  const high = (<u32>load<u8>(scales + 8 + (sub & 3)) >> ((sub >> 2) << 1)) & 3;
  return <i32>(low | (high << 4)) - 32;
}

/**
 *   hmask u8[32] · qs u8[64] · scales u8[12] · d f16                                                    110 bytes
 */
export function dequantize_q3_k(src: usize, dst: usize, count: u32): void {
  for (let i: u32 = 0; i < count; i += 256) {
    const d = load_f16(src + 108);
    for (let sub: u32 = 0; sub < 16; sub++) {
      const qs = v128.load(src + 32 + (<usize>(sub >> 3) << 5) + (<usize>(sub & 1) << 4));
      const bit = i8x16.splat(<i8>(<u32>1 << (sub >> 1)));
      const high = i8x16.eq(v128.and(v128.load(src + (<usize>(sub & 1) << 4)), bit), bit);
      const q = v128.and(i8x16.shr_u(qs, ((sub >> 1) & 3) << 1), i8x16.splat(3));
      const value = i8x16.sub(q, v128.andnot(i8x16.splat(4), high));
      store_scaled(dst, value, f32x4.splat(d * <f32>scale_q3_k(src + 96, sub)));
      dst += 64;
    }
    src += 110;
  }
}

/** Scale `sub` of 8 in the 12 bytes of Q4_K and Q5_K. */
// @ts-ignore: decorator
@inline function scale_q4_k(scales: usize, sub: u32): u32 {
  if (sub < 4) return load<u8>(scales + sub) & 63;
  return (load<u8>(scales + sub + 4) & 15) | ((<u32>load<u8>(scales + sub - 4) >> 6) << 4);
}

// @ts-ignore: decorator
@inline function min_q4_k(scales: usize, sub: u32): u32 {
  if (sub < 4) return load<u8>(scales + sub + 4) & 63;
  return (<u32>load<u8>(scales + sub + 4) >> 4) | ((<u32>load<u8>(scales + sub) >> 6) << 4);
}

/**
 *   d f16 · dmin f16 · scales u8[12] · qs u8[128]                                                       144 bytes
 */
export function dequantize_q4_k(src: usize, dst: usize, count: u32): void {
  for (let i: u32 = 0; i < count; i += 256) {
    const d = load_f16(src), dmin = load_f16(src + 2);
    for (let sub: u32 = 0; sub < 8; sub++) {
      const qs = src + 16 + (<usize>(sub >> 1) << 5), shift = (sub & 1) << 2, mask = i8x16.splat(15);
      const scale = f32x4.splat(d * <f32>scale_q4_k(src + 4, sub));
      const min = f32x4.splat(-(dmin * <f32>min_q4_k(src + 4, sub)));
      store_affine(dst, v128.and(i8x16.shr_u(v128.load(qs), shift), mask), scale, min);
      store_affine(dst + 64, v128.and(i8x16.shr_u(v128.load(qs, 16), shift), mask), scale, min);
      dst += 128;
    }
    src += 144;
  }
}

/**
 *   d f16 · dmin f16 · scales u8[12] · qh u8[32] · qs u8[128]                                           176 bytes
 */
export function dequantize_q5_k(src: usize, dst: usize, count: u32): void {
  for (let i: u32 = 0; i < count; i += 256) {
    const d = load_f16(src), dmin = load_f16(src + 2);
    for (let sub: u32 = 0; sub < 8; sub++) {
      const qs = src + 48 + (<usize>(sub >> 1) << 5), shift = (sub & 1) << 2, mask = i8x16.splat(15);
      const bit = i8x16.splat(<i8>(<u32>1 << sub)), fifth = i8x16.splat(16);
      const scale = f32x4.splat(d * <f32>scale_q4_k(src + 4, sub));
      const min = f32x4.splat(-(dmin * <f32>min_q4_k(src + 4, sub)));
      const high0 = v128.and(i8x16.eq(v128.and(v128.load(src, 16), bit), bit), fifth);
      const high1 = v128.and(i8x16.eq(v128.and(v128.load(src, 32), bit), bit), fifth);
      store_affine(dst, v128.or(v128.and(i8x16.shr_u(v128.load(qs), shift), mask), high0), scale, min);
      store_affine(dst + 64, v128.or(v128.and(i8x16.shr_u(v128.load(qs, 16), shift), mask), high1), scale, min);
      dst += 128;
    }
    src += 176;
  }
}

/**
 *   ql u8[128] · qh u8[64] · scales i8[16] · d f16                                                      210 bytes
 */
export function dequantize_q6_k(src: usize, dst: usize, count: u32): void {
  for (let i: u32 = 0; i < count; i += 256) {
    const d = load_f16(src + 208);
    for (let sub: u32 = 0; sub < 16; sub++) {
      const half = <usize>(sub >> 3), quarter = (sub >> 1) & 3, odd = <usize>(sub & 1) << 4;
      const ql = v128.load(src + (half << 6) + (<usize>(quarter & 1) << 5) + odd);
      const qh = v128.load(src + 128 + (half << 5) + odd);
      const low = v128.and(i8x16.shr_u(ql, (quarter >> 1) << 2), i8x16.splat(15));
      const high = i8x16.shl(v128.and(i8x16.shr_u(qh, quarter << 1), i8x16.splat(3)), 4);
      const scale = d * <f32>load<i8>(src + 192 + sub);
      store_scaled(dst, i8x16.sub(v128.or(low, high), i8x16.splat(32)), f32x4.splat(scale));
      dst += 64;
    }
    src += 210;
  }
}

/**
 *   d f16 · scales_h u16 · scales_l u8[4] · qs u8[128]                                                  136 bytes
 */
export function dequantize_iq4_xs(src: usize, dst: usize, count: u32): void {
  const levels = v128.load(IQ4_VALUES);
  for (let i: u32 = 0; i < count; i += 256) {
    const d = load_f16(src), scalesHigh = <u32>load<u16>(src + 2);
    for (let sub: u32 = 0; sub < 8; sub++) {
      const low = (<u32>load<u8>(src + 4 + (sub >> 1)) >> ((sub & 1) << 2)) & 15;
      const scale = f32x4.splat(d * <f32>(<i32>(low | (((scalesHigh >> (sub << 1)) & 3) << 4)) - 32));
      const qs = v128.load(src + 8 + (<usize>sub << 4));
      store_scaled(dst, i8x16.swizzle(levels, v128.and(qs, i8x16.splat(15))), scale);
      store_scaled(dst + 64, i8x16.swizzle(levels, i8x16.shr_u(qs, 4)), scale);
      dst += 128;
    }
    src += 136;
  }
}

/** Base-3 digit `q · 3 / 256` of bytes that were multiplied by a power of 3 modulo 256, minus one. */
// @ts-ignore: decorator
@inline function trit(byte: u32, power: u32): f32 {
  return <f32>(<i32>((((byte * power) & 255) * 3) >> 8) - 1);
}

// @ts-ignore: decorator
@inline function trits(src: usize, dst: usize, bytes: u32, digits: u32, d: f32): usize {
  let power: u32 = 1;
  for (let n: u32 = 0; n < digits; n++) {
    for (let m: u32 = 0; m < bytes; m++) {
      store<f32>(dst, trit(load<u8>(src + m), power) * d);
      dst += 4;
    }
    power *= 3;
  }
  return dst;
}

/**
 *   qs u8[48] (5 digits each) · qh u8[4] (4 digits each) · d f16                                        54 bytes
 */
export function dequantize_tq1_0(src: usize, dst: usize, count: u32): void {
  for (let i: u32 = 0; i < count; i += 256) {
    const d = load_f16(src + 52);
    dst = trits(src, dst, 32, 5, d);
    dst = trits(src + 32, dst, 16, 5, d);
    dst = trits(src + 48, dst, 4, 4, d);
    src += 54;
  }
}

/**
 *   qs u8[64] · d f16                                                                                   66 bytes
 */
export function dequantize_tq2_0(src: usize, dst: usize, count: u32): void {
  for (let i: u32 = 0; i < count; i += 256) {
    const d = f32x4.splat(load_f16(src + 64)), one = i8x16.splat(1), mask = i8x16.splat(3);
    for (let sub: u32 = 0; sub < 8; sub++) {
      const qs = src + (<usize>(sub >> 2) << 5), shift = (sub & 3) << 1;
      store_scaled(dst, i8x16.sub(v128.and(i8x16.shr_u(v128.load(qs), shift), mask), one), d);
      store_scaled(dst + 64, i8x16.sub(v128.and(i8x16.shr_u(v128.load(qs, 16), shift), mask), one), d);
      dst += 128;
    }
    src += 66;
  }
}

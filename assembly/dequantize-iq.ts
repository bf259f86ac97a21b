// Formats whose blocks index a codebook, to float32: IQ1_S, IQ1_M, IQ2_XXS, IQ2_XS, IQ2_S, IQ3_XXS, IQ3_S.
// Specification: src/quant. `count` is a multiple of 256; every operation is a single rounded one.
import { load_f16 } from './half';
import {
  IQ1_S_GRID, IQ2_S_GRID, IQ2_XS_GRID, IQ2_XXS_GRID, IQ3_S_GRID, IQ3_XXS_GRID, IQ_SIGNS,
} from './memory-map';

/** Four magnitudes at `point`, negated where the low four bits of `signs` say so, times `d`. */
// @ts-ignore: decorator
@inline function store_signed4(dst: usize, point: usize, signs: u32, d: f32): void {
  const bits = i32x4(1, 2, 4, 8);
  const negative = i32x4.eq(v128.and(i32x4.splat(<i32>signs), bits), bits);
  const magnitude = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(point)));
  const value = i32x4.sub(v128.xor(magnitude, negative), negative);
  v128.store(dst, f32x4.mul(f32x4.convert_i32x4_s(value), f32x4.splat(d)));
}

// @ts-ignore: decorator
@inline function store_signed8(dst: usize, point: usize, signs: u32, d: f32): void {
  store_signed4(dst, point, signs, d);
  store_signed4(dst + 16, point + 4, signs >> 4, d);
}

/** Eight levels −1, 0, 1 at `point`, plus `delta`, times `d`. */
// @ts-ignore: decorator
@inline function store_shifted8(dst: usize, point: usize, delta: f32, d: f32): void {
  const levels = v128.load8x8_s(point), shift = f32x4.splat(delta), scale = f32x4.splat(d);
  const low = f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(levels));
  const high = f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(levels));
  v128.store(dst, f32x4.mul(scale, f32x4.add(low, shift)));
  v128.store(dst, f32x4.mul(scale, f32x4.add(high, shift)), 16);
}

/**
 *   d f16 · 8 × (indices u8[4], signs 4 × 7 bits, scale 4 bits)                                         66 bytes
 */
export function dequantize_iq2_xxs(src: usize, dst: usize, count: u32): void {
  for (let i: u32 = 0; i < count; i += 256) {
    const d = load_f16(src);
    for (let sub: usize = 0; sub < 8; sub++) {
      const qs = src + 2 + (sub << 3), packed = load<u32>(qs, 4);
      const scale = d * (<f32>0.5 + <f32>(packed >> 28)) * <f32>0.25;
      for (let l: usize = 0; l < 4; l++) {
        const signs = <u32>load<u8>(IQ_SIGNS + ((packed >> (7 * <u32>l)) & 127));
        store_signed8(dst, IQ2_XXS_GRID + (<usize>load<u8>(qs + l) << 3), signs, scale);
        dst += 32;
      }
    }
    src += 66;
  }
}

/**
 *   d f16 · qs u16[32] (index 9 bits, signs 7 bits) · scales u8[8] (4 bits per 16)                      74 bytes
 */
export function dequantize_iq2_xs(src: usize, dst: usize, count: u32): void {
  for (let i: u32 = 0; i < count; i += 256) {
    const d = load_f16(src);
    for (let group: usize = 0; group < 32; group++) {
      const q = <u32>load<u16>(src + 2 + (group << 1));
      const nibble = (<u32>load<u8>(src + 66 + (group >> 2)) >> ((<u32>group & 2) << 1)) & 15;
      const scale = d * (<f32>0.5 + <f32>nibble) * <f32>0.25;
      store_signed8(dst, IQ2_XS_GRID + (<usize>(q & 511) << 3), <u32>load<u8>(IQ_SIGNS + (q >> 9)), scale);
      dst += 32;
    }
    src += 74;
  }
}

/**
 *   d f16 · qs u8[32] · signs u8[32] · qh u8[8] · scales u8[8] (4 bits per 16)                          82 bytes
 */
export function dequantize_iq2_s(src: usize, dst: usize, count: u32): void {
  for (let i: u32 = 0; i < count; i += 256) {
    const d = load_f16(src);
    for (let group: usize = 0; group < 32; group++) {
      const high = <u32>load<u8>(src + 66 + (group >> 2)) >> ((<u32>group & 3) << 1);
      const index = <u32>load<u8>(src + 2 + group) | ((high & 3) << 8);
      const nibble = (<u32>load<u8>(src + 74 + (group >> 2)) >> ((<u32>group & 2) << 1)) & 15;
      const scale = d * (<f32>0.5 + <f32>nibble) * <f32>0.25;
      store_signed8(dst, IQ2_S_GRID + (<usize>index << 3), <u32>load<u8>(src + 34 + group), scale);
      dst += 32;
    }
    src += 82;
  }
}

/**
 *   d f16 · indices u8[64] · 8 × (signs 4 × 7 bits, scale 4 bits)                                       98 bytes
 */
export function dequantize_iq3_xxs(src: usize, dst: usize, count: u32): void {
  for (let i: u32 = 0; i < count; i += 256) {
    const d = load_f16(src);
    for (let sub: usize = 0; sub < 8; sub++) {
      const packed = load<u32>(src + 66 + (sub << 2)), qs = src + 2 + (sub << 3);
      const scale = d * (<f32>0.5 + <f32>(packed >> 28)) * <f32>0.5;
      for (let l: usize = 0; l < 4; l++) {
        const signs = <u32>load<u8>(IQ_SIGNS + ((packed >> (7 * <u32>l)) & 127));
        store_signed4(dst, IQ3_XXS_GRID + (<usize>load<u8>(qs + (l << 1)) << 2), signs, scale);
        store_signed4(dst + 16, IQ3_XXS_GRID + (<usize>load<u8>(qs + (l << 1), 1) << 2), signs >> 4, scale);
        dst += 32;
      }
    }
    src += 98;
  }
}

/**
 *   d f16 · qs u8[64] · qh u8[8] · signs u8[32] · scales u8[4] (4 bits per 32)                          110 bytes
 */
export function dequantize_iq3_s(src: usize, dst: usize, count: u32): void {
  for (let i: u32 = 0; i < count; i += 256) {
    const d = load_f16(src);
    for (let sub: usize = 0; sub < 8; sub++) {
      const nibble = (<u32>load<u8>(src + 106 + (sub >> 1)) >> ((<u32>sub & 1) << 2)) & 15;
      const scale = d * <f32>(nibble * 2 + 1), high = <u32>load<u8>(src + 66 + sub), qs = src + 2 + (sub << 3);
      for (let l: usize = 0; l < 4; l++) {
        const signs = <u32>load<u8>(src + 74 + (sub << 2) + l), bits = high >> (<u32>l << 1);
        const first = <u32>load<u8>(qs + (l << 1)) | ((bits & 1) << 8);
        const second = <u32>load<u8>(qs + (l << 1), 1) | ((bits & 2) << 7);
        store_signed4(dst, IQ3_S_GRID + (<usize>first << 2), signs, scale);
        store_signed4(dst + 16, IQ3_S_GRID + (<usize>second << 2), signs >> 4, scale);
        dst += 32;
      }
    }
    src += 110;
  }
}

/**
 *   d f16 · qs u8[32] · qh u16[8] (4 × 3 index bits, scale 3 bits, sign of delta)                       50 bytes
 */
export function dequantize_iq1_s(src: usize, dst: usize, count: u32): void {
  for (let i: u32 = 0; i < count; i += 256) {
    const d = load_f16(src);
    for (let sub: usize = 0; sub < 8; sub++) {
      const qh = <u32>load<u16>(src + 34 + (sub << 1));
      const scale = d * <f32>(((qh >> 12) & 7) * 2 + 1), delta: f32 = qh & 0x8000 ? -0.125 : 0.125;
      for (let l: usize = 0; l < 4; l++) {
        const index = <u32>load<u8>(src + 2 + (sub << 2) + l) | (((qh >> (3 * <u32>l)) & 7) << 8);
        store_shifted8(dst, IQ1_S_GRID + (<usize>index << 3), delta, scale);
        dst += 32;
      }
    }
    src += 50;
  }
}

/**
 *   qs u8[32] · qh u8[16] (per 8: 3 index bits, sign of delta) · scales u16[4] (4 × 3 bits, 4 bits of d)  56 bytes
 */
export function dequantize_iq1_m(src: usize, dst: usize, count: u32): void {
  for (let i: u32 = 0; i < count; i += 256) {
    const s0 = <u32>load<u16>(src, 48), s1 = <u32>load<u16>(src, 50);
    const s2 = <u32>load<u16>(src, 52), s3 = <u32>load<u16>(src, 54);
    const bits = (s0 >> 12) | ((s1 >> 8) & 0xf0) | ((s2 >> 4) & 0xf00) | (s3 & 0xf000);
    const d = reinterpret<f32>((<i32><i16>bits << 13) & <i32>0x8fffe000) * reinterpret<f32>(0x77800000);
    for (let group: usize = 0; group < 32; group++) {
      const pair = <u32>(group >> 1);
      const scaleBits = (<u32>load<u16>(src + 48 + (<usize>(pair >> 2) << 1)) >> (3 * (pair & 3))) & 7;
      const high = (<u32>load<u8>(src + 32 + (group >> 1)) >> ((<u32>group & 1) << 2)) & 15;
      const index = <u32>load<u8>(src + group) | ((high & 7) << 8);
      store_shifted8(dst, IQ1_S_GRID + (<usize>index << 3), high & 8 ? -0.125 : 0.125, d * <f32>(scaleBits * 2 + 1));
      dst += 32;
    }
    src += 56;
  }
}

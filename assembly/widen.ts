// Small integers to scaled floats, 16 at a time; shared by the dequantizing kernels.

/** 16 signed bytes, times `d`, to 16 floats. */
// @ts-ignore: decorator
@inline export function store_scaled(dst: usize, bytes: v128, d: v128): void {
  const low = i16x8.extend_low_i8x16_s(bytes), high = i16x8.extend_high_i8x16_s(bytes);
  v128.store(dst, f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(low)), d));
  v128.store(dst, f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(low)), d), 16);
  v128.store(dst, f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(high)), d), 32);
  v128.store(dst, f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(high)), d), 48);
}

/** 16 signed bytes, times `d`, plus `m`. */
// @ts-ignore: decorator
@inline export function store_affine(dst: usize, bytes: v128, d: v128, m: v128): void {
  store_scaled(dst, bytes, d);
  v128.store(dst, f32x4.add(v128.load(dst), m));
  v128.store(dst, f32x4.add(v128.load(dst, 16), m), 16);
  v128.store(dst, f32x4.add(v128.load(dst, 32), m), 32);
  v128.store(dst, f32x4.add(v128.load(dst, 48), m), 48);
}

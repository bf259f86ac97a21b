// Many columns of 8-bit activations times weights in blocks of 32, relaxed builds (signed quants: the dot build): two groups of
// 4 rows are unpacked to bytes once and then serve every panel of columns, so that the inner loop only multiplies and adds. Sums
// are those of block32-narrow and block32-signed, to the bit.
//
//   room: 8 vectors, the tile's sums in float32; then block after block
//         8 × (quad j of the first group, quad j of the second) · d f32[8] · for Q4_1 and Q5_1 m f32[8]
import { f16_mask, f16_scale, load_f16x4, madd } from './half';
import { NIBBLE_MASK, ONES_I16 } from './memory-map';
import { read_ahead } from './read-ahead';
import { add_dot8, madd_i32, row_sums, sign_flip, store_tile, swizzle } from './tile';
import {
  Q8_0, activation_bytes, first_sum, has_min, has_spare_bits, high_quants, is_signed, levels, load_min, load_scales, quant_bytes,
  quant_mask, scale_bytes, shares_scales,
} from './block32';

// @ts-ignore: decorator
@inline export const SUMS: usize = 128;

// @ts-ignore: decorator
@inline function unpacked_bytes(FORMAT: i32): usize {
  return has_min(FORMAT) ? 320 : 288;
}

/** One group of 4 rows; of every 32 bytes of `to` the first or, with `to` 16 on, the second half. */
// @ts-ignore: decorator
@inline function unpack_group(FORMAT: i32, w: usize, blocks: u32, to: usize): void {
  const quants = quant_mask(FORMAT), mask = f16_mask(), exponent = f16_scale();
  for (let b: u32 = 0; b < blocks; b++) {
    let spare = quants;
    if (has_spare_bits(FORMAT)) spare = v128.load(w, 64);
    for (const end = to + 128; to < end; to += 32) {
      const q = v128.load(w);
      v128.store(to, v128.and(q, quants)); v128.store(to, high_quants(FORMAT, q, spare, quants), 128);
      if (has_spare_bits(FORMAT)) spare = i16x8.shr_u(spare, 1);
      w += 16;
    }
    if (has_spare_bits(FORMAT)) w += 16;
    const d = load_f16x4(w, mask, exponent);
    v128.store(to, d, 128);
    if (has_min(FORMAT)) v128.store(to, load_min(FORMAT, w, d, mask, exponent), 160);
    w += scale_bytes(FORMAT); to += unpacked_bytes(FORMAT) - 128;
  }
}

/** The same of a format with signed quants, in the dot build. */
// @ts-ignore: decorator
@inline function unpack_signed_group(FORMAT: i32, w: usize, blocks: u32, to: usize): void {
  const nibble = v128.load(NIBBLE_MASK), table = levels(FORMAT), flip = sign_flip(), mask = f16_mask(), exponent = f16_scale();
  let scales = w;
  for (let b: u32 = 0; b < blocks; b++) {
    if (shares_scales(FORMAT) && (b & 7) == 0) { scales = w; w += 32; }
    if (FORMAT == Q8_0) {
      for (const end = to + 256; to < end; to += 32) { v128.store(to, v128.xor(v128.load(w), flip)); w += 16; }
    } else {
      for (const end = to + 128; to < end; to += 32) {
        const q = v128.load(w);
        v128.store(to, v128.xor(swizzle(table, v128.and(q, nibble)), flip));
        v128.store(to, v128.xor(swizzle(table, v128.and(i16x8.shr_u(q, 4), nibble)), flip), 128);
        w += 16;
      }
      to += 128;
    }
    if (!shares_scales(FORMAT)) scales = w;
    v128.store(to, load_scales(FORMAT, scales, b, mask, exponent));
    if (!shares_scales(FORMAT)) w += scale_bytes(FORMAT);
    to += unpacked_bytes(FORMAT) - 256;
  }
}

/** The tile's sum at `at`, increased by a block's integers. */
// @ts-ignore: decorator
@inline function add_block(FORMAT: i32, at: usize, sum: v128, ones: v128, q: usize, x: usize): void {
  let a = madd_i32(row_sums(sum, ones), f32x4.mul(v128.load(q), v128.load32_splat(x)), v128.load(at));
  if (has_min(FORMAT)) a = madd(v128.load(q, 32), v128.load32_splat(x, 32), a);
  v128.store(at, a);
}

/** 8 rows × 4 columns. */
// @ts-ignore: decorator
@inline export function tile_8x4(
  FORMAT: i32, room: usize, second: usize, x: usize, blocks: u32,
  out: usize, outBytes: usize, columns: u32, bias: usize, scale: f32, accumulate: i32,
): void {
  for (let at = room; at < room + SUMS; at += 16) v128.store(at, f32x4.splat(0));
  let q = room + SUMS;
  for (let b: u32 = 0; b < blocks; b++) {
    let s0 = first_sum(FORMAT, x + 16), s1 = first_sum(FORMAT, x + 20);
    let s2 = first_sum(FORMAT, x + 24), s3 = first_sum(FORMAT, x + 28);
    let t0 = s0, t1 = s1, t2 = s2, t3 = s3;
    for (const end = q + 256; q < end; q += 32) {
      const l = v128.load(q), h = v128.load(q, 16);
      let X = v128.load32_splat(x, 48);
      s0 = add_dot8(s0, X, l); t0 = add_dot8(t0, X, h);
      X = v128.load32_splat(x, 52);
      s1 = add_dot8(s1, X, l); t1 = add_dot8(t1, X, h);
      X = v128.load32_splat(x, 56);
      s2 = add_dot8(s2, X, l); t2 = add_dot8(t2, X, h);
      X = v128.load32_splat(x, 60);
      s3 = add_dot8(s3, X, l); t3 = add_dot8(t3, X, h);
      x += 16;
    }
    x -= 128;
    const ones = v128.load(ONES_I16);
    add_block(FORMAT, room, s0, ones, q, x); add_block(FORMAT, room + 16, s1, ones, q, x + 4);
    add_block(FORMAT, room + 32, s2, ones, q, x + 8); add_block(FORMAT, room + 48, s3, ones, q, x + 12);
    add_block(FORMAT, room + 64, t0, ones, q + 16, x); add_block(FORMAT, room + 80, t1, ones, q + 16, x + 4);
    add_block(FORMAT, room + 96, t2, ones, q + 16, x + 8); add_block(FORMAT, room + 112, t3, ones, q + 16, x + 12);
    q += unpacked_bytes(FORMAT) - 256; x += 4 * activation_bytes(FORMAT);
  }
  store_tile(
    second, columns, out, outBytes, v128.load(room), v128.load(room, 16), v128.load(room, 32), v128.load(room, 48),
    v128.load(room, 64), v128.load(room, 80), v128.load(room, 96), v128.load(room, 112), bias, scale, accumulate,
  );
}

/** x (n, cols) in panels of 4. `room` has 128 + 320 · blocks bytes. */
// @ts-ignore: decorator
@inline export function unpacked_panels(
  FORMAT: i32, w: usize, x: usize, out: usize, bias: usize, rows: u32, n: u32, blocks: u32,
  outBytes: usize, scale: f32, accumulate: i32, room: usize,
): void {
  const group = (quant_bytes(FORMAT) + scale_bytes(FORMAT)) * <usize>blocks;
  const xRow = activation_bytes(FORMAT) * <usize>blocks;
  for (let r: u32 = 0; r < rows; r += 8) {
    const second = r + 4 < rows ? group : 0;
    if (is_signed(FORMAT)) {
      unpack_signed_group(FORMAT, w, blocks, room + SUMS);
      unpack_signed_group(FORMAT, w + second, blocks, room + SUMS + 16);
    } else {
      unpack_group(FORMAT, w, blocks, room + SUMS);
      unpack_group(FORMAT, w + second, blocks, room + SUMS + 16);
    }
    if (r + 8 < rows) read_ahead(w + (group << 1), r + 12 < rows ? group << 1 : group);
    for (let c: u32 = 0; c < n; c += 4) {
      tile_8x4(
        FORMAT, room, second, x + xRow * <usize>c, blocks,
        out + outBytes * <usize>c, outBytes, min<u32>(4, n - c), bias, scale, accumulate,
      );
    }
    w += group << 1; out += 32;
    if (bias) bias += 32;
  }
}

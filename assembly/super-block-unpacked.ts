// Many columns of 8-bit activations times weights in super-blocks of 256, relaxed builds: two groups of 4 rows are
// unpacked to bytes and i16 scales once and then serve every panel of columns. Integers are exact and floats are added
// as in super-block-narrow, so sums are the same to the bit.
//
//   room: the tile's 8 sums in f32x4 · the super-block's 8 in i32x4; then super-block after super-block
//         16 halves or, where both halves have one scale, 8 pairs of
//           4 or 8 × (quad j of the first group, of the second) · scales of both groups, twice per row as i16
//         d f32[8] · then Q5_K  scales as even and odd bytes, 4 × both groups
//                    Q4_K, Q5_K minima likewise · factor f32[8]
//                    Q2_K       minima of 16 halves, twice per row as i16, of both groups · factor f32[8]
import { f16_mask, f16_scale, load_f16x4 } from './half';
import { read_ahead } from './read-ahead';
import { dot16, dot8, madd_i32, store_tile } from './tile';
import {
  Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, activation_bytes, even_bytes, group_bytes, half_mins, half_scales, has_words, high_mask,
  low_mask, min_factor, min_sum, min_words, odd_bytes, pair_bytes, quad, scale_bytes, scale_words, upper_bits,
} from './super-block';

// @ts-ignore: decorator
@inline const INTEGERS: usize = 128;
// @ts-ignore: decorator
@inline const BLOCKS: usize = 256;

/** Bytes of the quads that share a scale. */
// @ts-ignore: decorator
@inline function run_bytes(FORMAT: i32): usize {
  return has_words(FORMAT) ? 256 : 128;
}

// @ts-ignore: decorator
@inline function unpack_half(FORMAT: i32, HALF: i32, w: usize, low: v128, high: v128, to: usize): void {
  const u = FORMAT == Q4_K || FORMAT == Q2_K ? low : upper_bits(FORMAT, HALF, w);
  v128.store(to, quad(FORMAT, HALF, 0, w, u, low, high));
  v128.store(to, quad(FORMAT, HALF, 1, w, u, low, high), 32);
  v128.store(to, quad(FORMAT, HALF, 2, w, u, low, high), 64);
  v128.store(to, quad(FORMAT, HALF, 3, w, u, low, high), 96);
}

/** `words` of sub-blocks 0 … 3 and 4 … 7 as min_sum takes them. */
// @ts-ignore: decorator
@inline function store_words(to: usize, first: v128, second: v128): void {
  v128.store(to, even_bytes(first)); v128.store(to, odd_bytes(first), 32);
  v128.store(to, even_bytes(second), 64); v128.store(to, odd_bytes(second), 96);
}

/** One group of 4 rows to the first or, with `to` 16 on, the second half of every 32 bytes. */
// @ts-ignore: decorator
@inline function unpack_group(FORMAT: i32, w: usize, blocks: u32, to: usize): void {
  const low = low_mask(FORMAT), high = high_mask(FORMAT), mask = f16_mask(), exponent = f16_scale();
  for (let b: u32 = 0; b < blocks; b++) {
    const scales = w;
    w += scale_bytes(FORMAT);
    for (let upper: u32 = 0; upper < 2; upper++) {
      const words = has_words(FORMAT) ? scale_words(scales, upper) : low;
      for (let p: u32 = 0; p < 4; p++) {
        unpack_half(FORMAT, 0, w, low, high, to);
        to += 128;
        if (!has_words(FORMAT)) {
          v128.store(to, half_scales(FORMAT, 0, scales, words, upper, p));
          to += 32;
        }
        unpack_half(FORMAT, 1, w, low, high, to);
        v128.store(to, half_scales(FORMAT, has_words(FORMAT) ? 0 : 1, scales, words, upper, p), 128);
        to += 160; w += pair_bytes(FORMAT);
      }
    }
    v128.store(to, load_f16x4(scales, mask, exponent));
    to += 32;
    if (FORMAT == Q5_K) {
      store_words(to, scale_words(scales, 0), scale_words(scales, 1));
      to += 128;
    }
    if (has_words(FORMAT)) {
      store_words(to, min_words(scales, 0), min_words(scales, 1));
      to += 128;
    }
    if (FORMAT == Q2_K) {
      for (let sub: u32 = 0; sub < 16; sub++, to += 32) v128.store(to, half_mins(scales, sub));
    }
    if (has_words(FORMAT) || FORMAT == Q2_K) {
      v128.store(to, min_factor(FORMAT, scales, mask, exponent));
      to += 32;
    }
  }
}

/**
 * The zero point's share as the first value of an i16 accumulator, from −32 times sums of activations. Quants of Q5_K are
 * taken less 16, so that both halves fit i16 together (|Σ| ≤ 16 · 16 · 127); add_block adds 16 times the scaled sums back.
 */
// @ts-ignore: decorator
@inline function first_sum(FORMAT: i32, offset: usize): v128 {
  if (FORMAT == Q6_K) return v128.load32_splat(offset);
  if (FORMAT == Q3_K) return i16x8.shr_s(v128.load32_splat(offset), 3);
  if (FORMAT != Q5_K) return i32x4.splat(0);
  return i16x8.add(i16x8.shr_s(v128.load32_splat(offset), 1), i16x8.shr_s(v128.load32_splat(offset, 16), 1));
}

// @ts-ignore: decorator
@inline function words_sum(words: usize, sums: usize): v128 {
  return min_sum(4, v128.load(words), v128.load(words, 32), v128.load(words, 64), v128.load(words, 96), sums);
}

// @ts-ignore: decorator
@inline function add_run(at: usize, sum: v128, scales: v128): void {
  v128.store(at, i32x4.add(v128.load(at, INTEGERS), dot16(sum, scales)), INTEGERS);
}

/** Adds a super-block's integers for column C and one group to the tile's sum at `at`. `meta` starts at the group's d. */
// @ts-ignore: decorator
@inline function add_block(FORMAT: i32, C: usize, at: usize, meta: usize, x: usize): void {
  const X = v128.load32_splat(x + 4 * C);
  let integers = v128.load(at, INTEGERS), words = meta + 32;
  if (FORMAT == Q5_K) {
    integers = i32x4.add(integers, i32x4.shl(words_sum(words, x + 16 + 4 * C), 4));
    words += 128;
  }
  let sum = madd_i32(integers, f32x4.mul(v128.load(meta), X), v128.load(at));
  if (has_words(FORMAT)) {
    sum = madd_i32(words_sum(words, x + 16 + 4 * C), f32x4.mul(v128.load(words, 128), X), sum);
  }
  if (FORMAT == Q2_K) {
    let mins = i32x4.splat(0), sums = x + 80 + 4 * C;
    for (const end = words + 512; words < end; words += 32, sums += 16) {
      mins = i32x4.add(mins, dot16(v128.load32_splat(sums), v128.load(words)));
    }
    sum = madd_i32(mins, f32x4.mul(v128.load(words), X), sum);
  }
  v128.store(at, sum);
}

/** 8 rows × 4 columns. */
// @ts-ignore: decorator
@inline function tile_8x4(
  FORMAT: i32, room: usize, second: usize, x: usize, blocks: u32,
  out: usize, outBytes: usize, columns: u32, bias: usize, scale: f32, accumulate: i32,
): void {
  const zero = i32x4.splat(0);
  for (let at = room; at < room + INTEGERS; at += 16) v128.store(at, zero);
  let q = room + BLOCKS;
  for (let b: u32 = 0; b < blocks; b++) {
    for (let at = room + INTEGERS; at < room + BLOCKS; at += 16) v128.store(at, zero);
    let values = x + 336, offsets = x + 80;
    for (const last = x + 336 + 1024; values < last;) {
      let s0 = first_sum(FORMAT, offsets), s1 = first_sum(FORMAT, offsets + 4);
      let s2 = first_sum(FORMAT, offsets + 8), s3 = first_sum(FORMAT, offsets + 12);
      let t0 = s0, t1 = s1, t2 = s2, t3 = s3;
      for (const end = q + run_bytes(FORMAT); q < end; q += 32) {
        const l = v128.load(q), h = v128.load(q, 16);
        let X = v128.load32_splat(values);
        s0 = i16x8.add(s0, dot8(X, l)); t0 = i16x8.add(t0, dot8(X, h));
        X = v128.load32_splat(values, 4);
        s1 = i16x8.add(s1, dot8(X, l)); t1 = i16x8.add(t1, dot8(X, h));
        X = v128.load32_splat(values, 8);
        s2 = i16x8.add(s2, dot8(X, l)); t2 = i16x8.add(t2, dot8(X, h));
        X = v128.load32_splat(values, 12);
        s3 = i16x8.add(s3, dot8(X, l)); t3 = i16x8.add(t3, dot8(X, h));
        values += 16;
      }
      let S = v128.load(q);
      add_run(room, s0, S); add_run(room + 16, s1, S); add_run(room + 32, s2, S); add_run(room + 48, s3, S);
      S = v128.load(q, 16);
      add_run(room + 64, t0, S); add_run(room + 80, t1, S); add_run(room + 96, t2, S); add_run(room + 112, t3, S);
      q += 32; offsets += has_words(FORMAT) ? 32 : 16;
    }
    add_block(FORMAT, 0, room, q, x); add_block(FORMAT, 1, room + 16, q, x);
    add_block(FORMAT, 2, room + 32, q, x); add_block(FORMAT, 3, room + 48, q, x);
    add_block(FORMAT, 0, room + 64, q + 16, x); add_block(FORMAT, 1, room + 80, q + 16, x);
    add_block(FORMAT, 2, room + 96, q + 16, x); add_block(FORMAT, 3, room + 112, q + 16, x);
    q += 32;
    if (FORMAT == Q5_K) q += 128;
    if (has_words(FORMAT)) q += 160;
    if (FORMAT == Q2_K) q += 544;
    x += 4 * activation_bytes();
  }
  store_tile(
    second, columns, out, outBytes, v128.load(room), v128.load(room, 16), v128.load(room, 32), v128.load(room, 48),
    v128.load(room, 64), v128.load(room, 80), v128.load(room, 96), v128.load(room, 112), bias, scale, accumulate,
  );
}

/** x (n, cols) in panels of 4. `room` has 256 + 3136 · blocks bytes. */
// @ts-ignore: decorator
@inline export function unpacked_panels(
  FORMAT: i32, w: usize, x: usize, out: usize, bias: usize, rows: u32, n: u32, blocks: u32,
  outBytes: usize, scale: f32, accumulate: i32, room: usize,
): void {
  const group = group_bytes(FORMAT, blocks), xRow = activation_bytes() * <usize>blocks;
  for (let r: u32 = 0; r < rows; r += 8) {
    const second = r + 4 < rows ? group : 0;
    unpack_group(FORMAT, w, blocks, room + BLOCKS);
    unpack_group(FORMAT, w + second, blocks, room + BLOCKS + 16);
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

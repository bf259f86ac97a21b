// Matrix products with weights in blocks of 32, four rows interleaved: Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, IQ4_NL, MXFP4.
// Lanes are rows; every (row, column) adds its blocks in order, so that no tiling or sharing changes a result.
//
//   a group of 4 rows: quants of all blocks, then scales of all blocks (src/backends/wasm/layouts.ts draws both)
//   quants of a block: Q4*, IQ4, MXFP4  4 vectors: byte (row r, e) has columns 4j + e (low nibble), 16 + 4j + e (high)
//                      Q5*              the same, then 1 vector: bit t of byte (r, e) is the fifth bit of column 4t + e
//                      Q8_0             8 vectors: byte (r, e) is column 4j + e
//   scales of a block: d f16[4], then for Q4_1 and Q5_1 m f16[4]; MXFP4 has e8m0 u8[4]
import { f16_mask, f16_scale, load_f16x4, madd } from './half';
import { BIT4_MASK, IQ4_VALUES, MXFP4_VALUES, NIBBLE_MASK, ONES_I16 } from './memory-map';
import { dot16, dot8, madd_i32, store_rows, sum_pairs } from './tile';

const Q4_0 = 0;
const Q4_1 = 1;
const Q5_0 = 2;
const Q5_1 = 3;
const Q8_0 = 4;
const IQ4_NL = 5;
const MXFP4 = 6;

// @ts-ignore: decorator
@inline function has_min(FORMAT: i32): bool {
  return FORMAT == Q4_1 || FORMAT == Q5_1;
}

// @ts-ignore: decorator
@inline function has_fifth_bit(FORMAT: i32): bool {
  return FORMAT == Q5_0 || FORMAT == Q5_1;
}

/** Formats whose activations are q16; the others take q8. */
// @ts-ignore: decorator
@inline function is_signed(FORMAT: i32): bool {
  return FORMAT >= Q8_0;
}

// @ts-ignore: decorator
@inline function quant_bytes(FORMAT: i32): usize {
  if (FORMAT == Q8_0) return 128;
  return has_fifth_bit(FORMAT) ? 80 : 64;
}

// @ts-ignore: decorator
@inline function scale_bytes(FORMAT: i32): usize {
  if (FORMAT == MXFP4) return 4;
  return has_min(FORMAT) ? 16 : 8;
}

/** Bytes of an activation row's block up to its values, and in all. */
// @ts-ignore: decorator
@inline function meta_bytes(FORMAT: i32): usize {
  return is_signed(FORMAT) ? 4 : 12;
}

// @ts-ignore: decorator
@inline function activation_bytes(FORMAT: i32): usize {
  if (is_signed(FORMAT)) return 68;
  return ASC_FEATURE_RELAXED_SIMD ? 44 : 76;
}

// @ts-ignore: decorator
@inline function load_scales(FORMAT: i32, ptr: usize, mask: v128, exponent: v128): v128 {
  if (FORMAT != MXFP4) return load_f16x4(ptr, mask, exponent);
  const e = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(ptr))), one = i32x4.splat(1);
  const small = i32x4.shl(i32x4.add(e, one), 21), usual = i32x4.shl(i32x4.sub(e, one), 23);
  return v128.bitselect(small, usual, i32x4.lt_s(e, i32x4.splat(2)));
}

/** Q5_1 computes with quants − 16, so its minimum is raised by 16 d. */
// @ts-ignore: decorator
@inline function load_min(FORMAT: i32, ptr: usize, d: v128, mask: v128, exponent: v128): v128 {
  const m = load_f16x4(ptr + 8, mask, exponent);
  return FORMAT == Q5_1 ? madd(d, f32x4.splat(16), m) : m;
}

/** The zero point's share as the first value of an i16 accumulator. */
// @ts-ignore: decorator
@inline function first_sum(FORMAT: i32, ptr: usize): v128 {
  if (FORMAT == Q4_1) return i32x4.splat(0);
  const offset = v128.load32_splat(ptr);
  return FORMAT == Q4_0 ? offset : i16x8.add(offset, offset);
}

// --- relaxed: 8-bit products, 8 rows × 4 columns ---

// The sums of a block stay in i16: |Σ (quant − zero point) · activation| over a lane's 16 columns is at most 32512, and
// additions modulo 2^16 make every larger intermediate harmless.

// @ts-ignore: decorator
@inline function add_column(sum: v128, x: usize, low: v128, high: v128, lanes: usize): v128 {
  return i16x8.add(
    i16x8.add(sum, dot8(v128.load32_splat(x), low)), dot8(v128.load32_splat(x + 16 * lanes), high),
  );
}

// @ts-ignore: decorator
@inline function tile_8x4(
  FORMAT: i32, w: usize, second: usize, x: usize, blocks: u32,
  out: usize, outBytes: usize, columns: u32, bias: usize, scale: f32, accumulate: i32,
): void {
  const nibble = v128.load(NIBBLE_MASK), ones = v128.load(ONES_I16), bit4 = v128.load(BIT4_MASK);
  const mask = f16_mask(), exponent = f16_scale();
  let scales = w + quant_bytes(FORMAT) * <usize>blocks;
  let a0 = f32x4.splat(0), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;
  for (let b: u32 = 0; b < blocks; b++) {
    let s0 = first_sum(FORMAT, x + 16), s1 = first_sum(FORMAT, x + 20), s2 = first_sum(FORMAT, x + 24), s3 = first_sum(FORMAT, x + 28);
    let t0 = s0, t1 = s1, t2 = s2, t3 = s3;
    let u = i32x4.splat(0), v = u, u4 = u, v4 = u;
    if (has_fifth_bit(FORMAT)) {
      u = v128.load(w, 64); v = v128.load(w + second, 64);
      u4 = i16x8.shl(u, 4); v4 = i16x8.shl(v, 4);
    }
    for (const end = w + 64; w < end; w += 16) {
      const p = v128.load(w), q = v128.load(w + second);
      let pl = v128.and(p, nibble), ph = v128.and(i16x8.shr_u(p, 4), nibble);
      let ql = v128.and(q, nibble), qh = v128.and(i16x8.shr_u(q, 4), nibble);
      if (has_fifth_bit(FORMAT)) {
        pl = v128.or(pl, v128.and(u4, bit4)); ph = v128.or(ph, v128.and(u, bit4));
        ql = v128.or(ql, v128.and(v4, bit4)); qh = v128.or(qh, v128.and(v, bit4));
        u = i16x8.shr_u(u, 1); v = i16x8.shr_u(v, 1); u4 = i16x8.shr_u(u4, 1); v4 = i16x8.shr_u(v4, 1);
      }
      let X = v128.load32_splat(x, 48);
      s0 = i16x8.add(s0, dot8(X, pl)); t0 = i16x8.add(t0, dot8(X, ql));
      X = v128.load32_splat(x, 112);
      s0 = i16x8.add(s0, dot8(X, ph)); t0 = i16x8.add(t0, dot8(X, qh));
      X = v128.load32_splat(x, 52);
      s1 = i16x8.add(s1, dot8(X, pl)); t1 = i16x8.add(t1, dot8(X, ql));
      X = v128.load32_splat(x, 116);
      s1 = i16x8.add(s1, dot8(X, ph)); t1 = i16x8.add(t1, dot8(X, qh));
      X = v128.load32_splat(x, 56);
      s2 = i16x8.add(s2, dot8(X, pl)); t2 = i16x8.add(t2, dot8(X, ql));
      X = v128.load32_splat(x, 120);
      s2 = i16x8.add(s2, dot8(X, ph)); t2 = i16x8.add(t2, dot8(X, qh));
      X = v128.load32_splat(x, 60);
      s3 = i16x8.add(s3, dot8(X, pl)); t3 = i16x8.add(t3, dot8(X, ql));
      X = v128.load32_splat(x, 124);
      s3 = i16x8.add(s3, dot8(X, ph)); t3 = i16x8.add(t3, dot8(X, qh));
      x += 16;
    }
    if (has_fifth_bit(FORMAT)) w += 16;
    x -= 64;
    const d = load_f16x4(scales, mask, exponent), e = load_f16x4(scales + second, mask, exponent);
    let X = v128.load32_splat(x);
    a0 = madd_i32(dot16(s0, ones), f32x4.mul(d, X), a0); b0 = madd_i32(dot16(t0, ones), f32x4.mul(e, X), b0);
    X = v128.load32_splat(x, 4);
    a1 = madd_i32(dot16(s1, ones), f32x4.mul(d, X), a1); b1 = madd_i32(dot16(t1, ones), f32x4.mul(e, X), b1);
    X = v128.load32_splat(x, 8);
    a2 = madd_i32(dot16(s2, ones), f32x4.mul(d, X), a2); b2 = madd_i32(dot16(t2, ones), f32x4.mul(e, X), b2);
    X = v128.load32_splat(x, 12);
    a3 = madd_i32(dot16(s3, ones), f32x4.mul(d, X), a3); b3 = madd_i32(dot16(t3, ones), f32x4.mul(e, X), b3);
    if (has_min(FORMAT)) {
      const m = load_min(FORMAT, scales, d, mask, exponent), o = load_min(FORMAT, scales + second, e, mask, exponent);
      X = v128.load32_splat(x, 32); a0 = madd(m, X, a0); b0 = madd(o, X, b0);
      X = v128.load32_splat(x, 36); a1 = madd(m, X, a1); b1 = madd(o, X, b1);
      X = v128.load32_splat(x, 40); a2 = madd(m, X, a2); b2 = madd(o, X, b2);
      X = v128.load32_splat(x, 44); a3 = madd(m, X, a3); b3 = madd(o, X, b3);
    }
    scales += scale_bytes(FORMAT); x += 4 * activation_bytes(FORMAT);
  }
  const bias2 = bias ? bias + 16 : 0;
  store_rows(out, a0, bias, scale, accumulate);
  if (second) store_rows(out + 16, b0, bias2, scale, accumulate);
  out += outBytes;
  store_rows(out, a1, bias, scale, accumulate);
  if (second) store_rows(out + 16, b1, bias2, scale, accumulate);
  if (columns < 3) return;
  out += outBytes;
  store_rows(out, a2, bias, scale, accumulate);
  if (second) store_rows(out + 16, b2, bias2, scale, accumulate);
  if (columns < 4) return;
  out += outBytes;
  store_rows(out, a3, bias, scale, accumulate);
  if (second) store_rows(out + 16, b3, bias2, scale, accumulate);
}

// @ts-ignore: decorator
@inline function fifth(FORMAT: i32, quants: v128, bits: v128, shift: i32, bit4: v128): v128 {
  if (!has_fifth_bit(FORMAT)) return quants;
  const placed = shift < 4 ? i16x8.shl(bits, 4 - shift) : i16x8.shr_u(bits, shift - 4);
  return v128.or(quants, v128.and(placed, bit4));
}

/** Vectors j of the low and of the high half of a block. */
// @ts-ignore: decorator
@inline function pair(FORMAT: i32, j: i32, sum: v128, w: usize, x: usize, bits: v128, nibble: v128, bit4: v128): v128 {
  const q = v128.load(w + 16 * j);
  const low = fifth(FORMAT, v128.and(q, nibble), bits, j, bit4);
  const high = fifth(FORMAT, v128.and(i16x8.shr_u(q, 4), nibble), bits, 4 + j, bit4);
  return i16x8.add(sum, i16x8.add(dot8(v128.load32_splat(x + 4 * j), low), dot8(v128.load32_splat(x + 16 + 4 * j), high)));
}

/** 4 rows × 1 column. */
// @ts-ignore: decorator
@inline function vector_4(
  FORMAT: i32, w: usize, x: usize, blocks: u32, out: usize, bias: usize, scale: f32, accumulate: i32,
): void {
  const nibble = v128.load(NIBBLE_MASK), ones = v128.load(ONES_I16), bit4 = v128.load(BIT4_MASK);
  const mask = f16_mask(), exponent = f16_scale();
  let scales = w + quant_bytes(FORMAT) * <usize>blocks, sum = f32x4.splat(0);
  for (let b: u32 = 0; b < blocks; b++) {
    const bits = has_fifth_bit(FORMAT) ? v128.load(w, 64) : nibble, values = x + meta_bytes(FORMAT);
    let s = pair(FORMAT, 0, first_sum(FORMAT, x + 4), w, values, bits, nibble, bit4);
    s = pair(FORMAT, 1, s, w, values, bits, nibble, bit4);
    s = pair(FORMAT, 2, s, w, values, bits, nibble, bit4);
    s = pair(FORMAT, 3, s, w, values, bits, nibble, bit4);
    const d = load_f16x4(scales, mask, exponent);
    sum = madd_i32(dot16(s, ones), f32x4.mul(d, v128.load32_splat(x)), sum);
    if (has_min(FORMAT)) sum = madd(load_min(FORMAT, scales, d, mask, exponent), v128.load32_splat(x, 8), sum);
    w += quant_bytes(FORMAT); scales += scale_bytes(FORMAT); x += activation_bytes(FORMAT);
  }
  store_rows(out, sum, bias, scale, accumulate);
}

// @ts-ignore: decorator
@inline function narrow(
  FORMAT: i32, w: usize, x: usize, out: usize, bias: usize, rows: u32, n: u32, blocks: u32,
  outBytes: usize, scale: f32, accumulate: i32,
): void {
  const group = (quant_bytes(FORMAT) + scale_bytes(FORMAT)) * <usize>blocks;
  const xRow = activation_bytes(FORMAT) * <usize>blocks;
  const tiled = n & ~3 | (n & 2 ? n & 3 : 0);
  if (tiled) {
    for (let r: u32 = 0; r < rows; r += 8) {
      const second = r + 4 < rows ? group : 0;
      for (let c: u32 = 0; c < tiled; c += 4) {
        tile_8x4(
          FORMAT, w + (group >> 2) * <usize>r, second, x + xRow * <usize>c, blocks,
          out + (<usize>r << 2) + outBytes * <usize>c, outBytes, min(4, tiled - c), bias ? bias + (<usize>r << 2) : 0, scale, accumulate,
        );
      }
    }
  }
  if (tiled == n) return;
  x += xRow * <usize>tiled; out += outBytes * <usize>tiled;
  for (let r: u32 = 0; r < rows; r += 4) {
    vector_4(FORMAT, w, x, blocks, out, bias, scale, accumulate);
    w += group; out += 16;
    if (bias) bias += 16;
  }
}

// --- wide: 16-bit products, 4 rows × 4 or 1 columns; everything in the baseline build, signed quants in both ---

// @ts-ignore: decorator
@inline function levels(FORMAT: i32): v128 {
  return v128.load(FORMAT == MXFP4 ? MXFP4_VALUES : IQ4_VALUES);
}

/** Sum of a block's columns whose sums are split over two accumulators, with the zero point's share. */
// @ts-ignore: decorator
@inline function block_sum(FORMAT: i32, low: v128, high: v128, offset: usize): v128 {
  const sum = sum_pairs(low, high);
  if (is_signed(FORMAT) || FORMAT == Q4_1) return sum;
  const zero = v128.load32_splat(offset);
  return i32x4.add(sum, FORMAT == Q4_0 ? zero : i32x4.add(zero, zero));
}

// @ts-ignore: decorator
@inline function tile_4(
  FORMAT: i32, L: usize, w: usize, x: usize, blocks: u32,
  out: usize, outBytes: usize, columns: u32, bias: usize, scale: f32, accumulate: i32,
): void {
  const nibble = v128.load(NIBBLE_MASK), bit4 = v128.load(BIT4_MASK), table = levels(FORMAT);
  const mask = f16_mask(), exponent = f16_scale();
  let scales = w + quant_bytes(FORMAT) * <usize>blocks;
  let a0 = f32x4.splat(0), a1 = a0, a2 = a0, a3 = a0;
  for (let b: u32 = 0; b < blocks; b++) {
    const zero = i32x4.splat(0);
    let l0 = zero, h0 = zero, l1 = zero, h1 = zero, l2 = zero, h2 = zero, l3 = zero, h3 = zero;
    let bits = zero, bits4 = zero;
    if (has_fifth_bit(FORMAT)) {
      bits = v128.load(w, 64);
      bits4 = i16x8.shl(bits, 4);
    }
    let values = x + meta_bytes(FORMAT) * L;
    const end = w + (FORMAT == Q8_0 ? 128 : 64);
    for (; w < end; w += 16) {
      let low: v128, high: v128, X: v128;
      if (FORMAT == Q8_0) {
        low = v128.load8x8_s(w); high = v128.load8x8_s(w, 8);
      } else {
        let q = v128.and(v128.load(w), nibble);
        if (has_fifth_bit(FORMAT)) q = v128.or(q, v128.and(bits4, bit4));
        if (is_signed(FORMAT)) q = i8x16.swizzle(table, q);
        low = is_signed(FORMAT) ? i16x8.extend_low_i8x16_s(q) : i16x8.extend_low_i8x16_u(q);
        high = is_signed(FORMAT) ? i16x8.extend_high_i8x16_s(q) : i16x8.extend_high_i8x16_u(q);
      }
      X = v128.load64_splat(values);
      l0 = i32x4.add(l0, dot16(low, X)); h0 = i32x4.add(h0, dot16(high, X));
      if (L == 4) {
        X = v128.load64_splat(values, 8);
        l1 = i32x4.add(l1, dot16(low, X)); h1 = i32x4.add(h1, dot16(high, X));
        X = v128.load64_splat(values, 16);
        l2 = i32x4.add(l2, dot16(low, X)); h2 = i32x4.add(h2, dot16(high, X));
        X = v128.load64_splat(values, 24);
        l3 = i32x4.add(l3, dot16(low, X)); h3 = i32x4.add(h3, dot16(high, X));
      }
      if (FORMAT != Q8_0) {
        let q = v128.and(i16x8.shr_u(v128.load(w), 4), nibble);
        if (has_fifth_bit(FORMAT)) {
          q = v128.or(q, v128.and(bits, bit4));
          bits = i16x8.shr_u(bits, 1); bits4 = i16x8.shr_u(bits4, 1);
        }
        if (is_signed(FORMAT)) q = i8x16.swizzle(table, q);
        low = is_signed(FORMAT) ? i16x8.extend_low_i8x16_s(q) : i16x8.extend_low_i8x16_u(q);
        high = is_signed(FORMAT) ? i16x8.extend_high_i8x16_s(q) : i16x8.extend_high_i8x16_u(q);
        const upper = values + 32 * L;
        X = v128.load64_splat(upper);
        l0 = i32x4.add(l0, dot16(low, X)); h0 = i32x4.add(h0, dot16(high, X));
        if (L == 4) {
          X = v128.load64_splat(upper, 8);
          l1 = i32x4.add(l1, dot16(low, X)); h1 = i32x4.add(h1, dot16(high, X));
          X = v128.load64_splat(upper, 16);
          l2 = i32x4.add(l2, dot16(low, X)); h2 = i32x4.add(h2, dot16(high, X));
          X = v128.load64_splat(upper, 24);
          l3 = i32x4.add(l3, dot16(low, X)); h3 = i32x4.add(h3, dot16(high, X));
        }
      }
      values += 8 * L;
    }
    if (has_fifth_bit(FORMAT)) w += 16;
    const d = load_scales(FORMAT, scales, mask, exponent), offset = x + 4 * L;
    a0 = madd_i32(block_sum(FORMAT, l0, h0, offset), f32x4.mul(d, v128.load32_splat(x)), a0);
    if (L == 4) {
      a1 = madd_i32(block_sum(FORMAT, l1, h1, offset + 4), f32x4.mul(d, v128.load32_splat(x, 4)), a1);
      a2 = madd_i32(block_sum(FORMAT, l2, h2, offset + 8), f32x4.mul(d, v128.load32_splat(x, 8)), a2);
      a3 = madd_i32(block_sum(FORMAT, l3, h3, offset + 12), f32x4.mul(d, v128.load32_splat(x, 12)), a3);
    }
    if (has_min(FORMAT)) {
      const m = load_min(FORMAT, scales, d, mask, exponent), sums = x + 8 * L;
      a0 = madd(m, v128.load32_splat(sums), a0);
      if (L == 4) {
        a1 = madd(m, v128.load32_splat(sums, 4), a1);
        a2 = madd(m, v128.load32_splat(sums, 8), a2);
        a3 = madd(m, v128.load32_splat(sums, 12), a3);
      }
    }
    scales += scale_bytes(FORMAT); x += L * activation_bytes(FORMAT);
  }
  store_rows(out, a0, bias, scale, accumulate);
  if (L == 1) return;
  store_rows(out + outBytes, a1, bias, scale, accumulate);
  if (columns < 3) return;
  store_rows(out + 2 * outBytes, a2, bias, scale, accumulate);
  if (columns < 4) return;
  store_rows(out + 3 * outBytes, a3, bias, scale, accumulate);
}

// @ts-ignore: decorator
@inline function wide(
  FORMAT: i32, w: usize, x: usize, out: usize, bias: usize, rows: u32, n: u32, blocks: u32,
  outBytes: usize, scale: f32, accumulate: i32,
): void {
  const group = (quant_bytes(FORMAT) + scale_bytes(FORMAT)) * <usize>blocks;
  const xRow = activation_bytes(FORMAT) * <usize>blocks;
  for (let r: u32 = 0; r < rows; r += 4) {
    for (let c: u32 = 0; c < n; c += 4) {
      const columns = min(4, n - c), xPanel = x + xRow * <usize>c, outPanel = out + outBytes * <usize>c;
      if (columns == 1) tile_4(FORMAT, 1, w, xPanel, blocks, outPanel, outBytes, 1, bias, scale, accumulate);
      else tile_4(FORMAT, 4, w, xPanel, blocks, outPanel, outBytes, columns, bias, scale, accumulate);
    }
    w += group; out += 16;
    if (bias) bias += 16;
  }
}

// @ts-ignore: decorator
@inline function matmul(
  FORMAT: i32, w: usize, x: usize, out: usize, bias: usize, rows: u32, n: u32, blocks: u32,
  outBytes: usize, scale: f32, accumulate: i32,
): void {
  if (ASC_FEATURE_RELAXED_SIMD && !is_signed(FORMAT)) narrow(FORMAT, w, x, out, bias, rows, n, blocks, outBytes, scale, accumulate);
  else wide(FORMAT, w, x, out, bias, rows, n, blocks, outBytes, scale, accumulate);
}

// out (n, rows) = x (n, 32 · blocks) · weightᵀ for `rows` rows, a multiple of 4; x as pack_q8 or pack_q16 leaves it.

export function matmul_q4_0_q8(
  w: usize, x: usize, out: usize, bias: usize, rows: u32, n: u32, blocks: u32, outBytes: usize, scale: f32, accumulate: i32,
): void {
  matmul(Q4_0, w, x, out, bias, rows, n, blocks, outBytes, scale, accumulate);
}

export function matmul_q4_1_q8(
  w: usize, x: usize, out: usize, bias: usize, rows: u32, n: u32, blocks: u32, outBytes: usize, scale: f32, accumulate: i32,
): void {
  matmul(Q4_1, w, x, out, bias, rows, n, blocks, outBytes, scale, accumulate);
}

export function matmul_q5_0_q8(
  w: usize, x: usize, out: usize, bias: usize, rows: u32, n: u32, blocks: u32, outBytes: usize, scale: f32, accumulate: i32,
): void {
  matmul(Q5_0, w, x, out, bias, rows, n, blocks, outBytes, scale, accumulate);
}

export function matmul_q5_1_q8(
  w: usize, x: usize, out: usize, bias: usize, rows: u32, n: u32, blocks: u32, outBytes: usize, scale: f32, accumulate: i32,
): void {
  matmul(Q5_1, w, x, out, bias, rows, n, blocks, outBytes, scale, accumulate);
}

export function matmul_q8_0_q16(
  w: usize, x: usize, out: usize, bias: usize, rows: u32, n: u32, blocks: u32, outBytes: usize, scale: f32, accumulate: i32,
): void {
  matmul(Q8_0, w, x, out, bias, rows, n, blocks, outBytes, scale, accumulate);
}

export function matmul_iq4_nl_q16(
  w: usize, x: usize, out: usize, bias: usize, rows: u32, n: u32, blocks: u32, outBytes: usize, scale: f32, accumulate: i32,
): void {
  matmul(IQ4_NL, w, x, out, bias, rows, n, blocks, outBytes, scale, accumulate);
}

export function matmul_mxfp4_q16(
  w: usize, x: usize, out: usize, bias: usize, rows: u32, n: u32, blocks: u32, outBytes: usize, scale: f32, accumulate: i32,
): void {
  matmul(MXFP4, w, x, out, bias, rows, n, blocks, outBytes, scale, accumulate);
}

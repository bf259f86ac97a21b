// Q8_0 in halves, for the weights of language-model heads; relaxed builds only. Of 64 rows come first the upper 4 bits of all
// quants, with the scales, and then the lower 4 bits, so that likeliest.ts can leave most of the latter unread.
//
//   upper   16 groups of 4 rows, each block after block as Q4_0 has them: 4 vectors of quant >> 4, plus 8, and d f16[4]
//   lower   likewise, 4 vectors of quant & 15, without scales
//
// A quant is 16 (upper − 8) + lower. Specification: src/backends/wasm/layouts-halves.ts. Sums are those of block32-signed, to the
// bit: those of a block are whole numbers, below 2^24, and scales and blocks follow in the same order.
import { Q4_0, Q8_HALVES, activation_bytes, first_sum, meta_bytes } from './block32';
import { SUMS, tile_8x4 } from './block32-unpacked';
import { f16_mask, f16_scale, horizontal_sum, load_f16, load_f16x4, madd } from './half';
import { NIBBLE_MASK, ONES_I16 } from './memory-map';
import { Q8_HALVES as PACKED_HALVES, block_bytes, pack } from './quantize-activations';
import { read_ahead } from './read-ahead';
import { DOT_ADDS, add_dots8, dot16, dot8, madd_i32, row_sums, store_groups, sign_flip, store_tile, stream_step } from './tile';

/** Rows whose halves lie together, and groups of 4 of them. */
// @ts-ignore: decorator
@inline export const UNIT_ROWS: u32 = 64;
// @ts-ignore: decorator
@inline export const UNIT_GROUPS: u32 = 16;
/** Bytes of a block of 4 rows: quants and scales, quants. */
// @ts-ignore: decorator
@inline const UPPER_BYTES: usize = 72;
// @ts-ignore: decorator
@inline const LOWER_BYTES: usize = 64;

/** Bytes of the upper quants of a group, of its lower ones, and of a unit. */
// @ts-ignore: decorator
@inline export function upper_bytes(blocks: u32): usize {
  return UPPER_BYTES * <usize>blocks;
}

// @ts-ignore: decorator
@inline export function lower_bytes(blocks: u32): usize {
  return LOWER_BYTES * <usize>blocks;
}

// @ts-ignore: decorator
@inline export function unit_bytes(blocks: u32): usize {
  return (UPPER_BYTES + LOWER_BYTES) * <usize>(blocks * UNIT_GROUPS);
}

/** sum + a vector of quants times the activations of its low and of its high nibbles. */
// @ts-ignore: decorator
@inline export function add_nibbles(sum: v128, w: usize, low: v128, high: v128, nibble: v128): v128 {
  const q = v128.load(w);
  return add_dots8(sum, low, v128.and(q, nibble), high, v128.and(i16x8.shr_u(q, 4), nibble));
}

/** The sums of a block's whole quants. */
// @ts-ignore: decorator
@inline function whole_sums(upper: v128, lower: v128, ones: v128): v128 {
  return i32x4.add(i32x4.shl(row_sums(upper, ones), 4), row_sums(lower, ones));
}

/** 4 rows × 1 column: the group's upper quants at `w`, its lower ones at `v`. */
// @ts-ignore: decorator
@inline export function group_product(w: usize, v: usize, x: usize, blocks: u32): v128 {
  const nibble = v128.load(NIBBLE_MASK), ones = v128.load(ONES_I16), mask = f16_mask(), exponent = f16_scale();
  let sum = f32x4.splat(0);
  for (let b: u32 = 0; b < blocks; b++) {
    let s = first_sum(Q4_0, x + 4), t = i32x4.splat(0), values = x + meta_bytes(Q8_HALVES);
    for (const end = w + 64; w < end; w += 16) {
      const low = v128.load32_splat(values), high = v128.load32_splat(values, 16);
      s = add_nibbles(s, w, low, high, nibble);
      t = add_nibbles(t, v, low, high, nibble);
      v += 16; values += 4;
    }
    sum = madd_i32(whole_sums(s, t, ones), f32x4.mul(load_f16x4(w, mask, exponent), v128.load32_splat(x)), sum);
    w += 8; x += activation_bytes(Q8_HALVES);
  }
  return sum;
}

/** c + what a block's upper quants give with its lower ones in their middle, 7.5: `X` is 16 times its scale, `Y` 7.5 times its sum. */
// @ts-ignore: decorator
@inline export function add_upper_block(c: v128, sums: v128, X: v128, Y: v128, d: v128): v128 {
  return madd(madd_i32(sums, X, Y), d, c);
}

/**
 * 16 rows × 1 column: 4 groups, `apart` bytes of upper and `apartLower` of lower quants apart. With `WHOLE` their products, `step` groups
 * apart; with `UPPER` what upper quants alone give, to vectors at `room`, `roomApart` bytes apart.
 */
// @ts-ignore: decorator
@inline export function vector_16(
  WHOLE: bool, UPPER: bool, w: usize, v: usize, apart: usize, apartLower: usize, step: u32, x: usize, blocks: u32,
  out: usize, bias: usize, scale: f32, accumulate: i32, room: usize, roomApart: usize,
): void {
  const nibble = v128.load(NIBBLE_MASK), ones = v128.load(ONES_I16), mask = f16_mask(), exponent = f16_scale();
  let a0 = f32x4.splat(0), a1 = a0, a2 = a0, a3 = a0;
  let c0 = a0, c1 = a0, c2 = a0, c3 = a0;
  for (let b: u32 = 0; b < blocks; b++) {
    let s0 = first_sum(Q4_0, x + 4), s1 = s0, s2 = s0, s3 = s0;
    let values = x + meta_bytes(Q8_HALVES);
    for (const end = w + 64; w < end; w += 16) {
      const low = v128.load32_splat(values), high = v128.load32_splat(values, 16);
      s0 = add_nibbles(s0, w, low, high, nibble);
      s1 = add_nibbles(s1, w + apart, low, high, nibble);
      s2 = add_nibbles(s2, w + 2 * apart, low, high, nibble);
      s3 = add_nibbles(s3, w + 3 * apart, low, high, nibble);
      values += 4;
    }
    const d0 = load_f16x4(w, mask, exponent), d1 = load_f16x4(w + apart, mask, exponent);
    const d2 = load_f16x4(w + 2 * apart, mask, exponent), d3 = load_f16x4(w + 3 * apart, mask, exponent);
    if (UPPER) {
      const X = f32x4.mul(v128.load32_splat(x), f32x4.splat(16)), Y = v128.load32_splat(x, 8);
      c0 = add_upper_block(c0, row_sums(s0, ones), X, Y, d0); c1 = add_upper_block(c1, row_sums(s1, ones), X, Y, d1);
      c2 = add_upper_block(c2, row_sums(s2, ones), X, Y, d2); c3 = add_upper_block(c3, row_sums(s3, ones), X, Y, d3);
    }
    if (WHOLE) {
      let t0 = i32x4.splat(0), t1 = t0, t2 = t0, t3 = t0;
      values -= 16;
      for (const end = v + 64; v < end; v += 16) {
        const low = v128.load32_splat(values), high = v128.load32_splat(values, 16);
        t0 = add_nibbles(t0, v, low, high, nibble);
        t1 = add_nibbles(t1, v + apartLower, low, high, nibble);
        t2 = add_nibbles(t2, v + 2 * apartLower, low, high, nibble);
        t3 = add_nibbles(t3, v + 3 * apartLower, low, high, nibble);
        values += 4;
      }
      const X = v128.load32_splat(x);
      a0 = madd_i32(whole_sums(s0, t0, ones), f32x4.mul(d0, X), a0); a1 = madd_i32(whole_sums(s1, t1, ones), f32x4.mul(d1, X), a1);
      a2 = madd_i32(whole_sums(s2, t2, ones), f32x4.mul(d2, X), a2); a3 = madd_i32(whole_sums(s3, t3, ones), f32x4.mul(d3, X), a3);
    }
    w += 8; x += activation_bytes(Q8_HALVES);
  }
  if (UPPER) {
    v128.store(room, c0); v128.store(room + roomApart, c1);
    v128.store(room + 2 * roomApart, c2); v128.store(room + 3 * roomApart, c3);
  }
  if (WHOLE) store_groups(4, step, out, a0, a1, a2, a3, bias, scale, accumulate);
}

/** e · x of a group's rows, whose products are at `out` and c at `room`, to `known`, where a group has its column. */
// @ts-ignore: decorator
@inline function note_deviations(out: usize, room: usize, bounds: usize, known: usize, inverse: v128): void {
  const bound = v128.load(bounds), share = f32x4.div(f32x4.sub(v128.load(out), v128.load(room)), bound);
  const whole = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(share, inverse)));
  // A bound of NaN where it is more than 8 bits say.
  v128.store(bounds, v128.or(bound, i32x4.gt_s(i32x4.abs(whole), i32x4.splat(127))));
  store<i8>(known, <i8>i32x4.extract_lane(whole, 0));
  store<i8>(known, <i8>i32x4.extract_lane(whole, 1), 2);
  store<i8>(known, <i8>i32x4.extract_lane(whole, 2), 4);
  store<i8>(known, <i8>i32x4.extract_lane(whole, 3), 6);
}

/**
 * The products of a multiple of 64 rows with one column. Four units at a time are four streams, as in matmul-block32. With `KNOW`
 * e · x as well, see likeliest.ts; `room` then has 16 floats.
 */
// @ts-ignore: decorator
@inline export function multiply_units(
  KNOW: bool, w: usize, x: usize, out: usize, bias: usize, rows: u32, blocks: u32, scale: f32, accumulate: i32,
  bounds: usize, known: usize, inverse: f32, room: usize,
): void {
  const upper = upper_bytes(blocks), lower = lower_bytes(blocks), unit = unit_bytes(blocks);
  const units = rows / UNIT_ROWS, step = stream_step(units, unit);
  for (let u: u32 = 0; u < units;) {
    const whole = u < step;
    const apart = whole ? unit * step : upper, apartLower = whole ? apart : lower, groups: u32 = whole ? 1 : 4;
    const next = whole ? step * UNIT_GROUPS : 1, first = w + unit * <usize>u;
    for (let g: u32 = 0; g < UNIT_GROUPS; g += groups) {
      const group = u * UNIT_GROUPS + g, at = <usize>group << 4;
      vector_16(
        true, KNOW, first + upper * <usize>g, first + upper * <usize>UNIT_GROUPS + lower * <usize>g, apart, apartLower, next, x, blocks,
        out + at, bias ? bias + at : 0, scale, accumulate, room, 16,
      );
      if (KNOW) {
        for (let i: u32 = 0; i < 4; i++) {
          const to = <usize>(group + i * next) << 4;
          note_deviations(out + to, room + (<usize>i << 4), bounds + to, known + (to << 2), f32x4.splat(inverse));
        }
      }
    }
    u++;
    if (u == step) u = 4 * step;
  }
}

/** x (1, cols), packed by pack_q8_halves, for a multiple of 64 rows. */
export function matmul_q8_0_q8_halves_single(
  w: usize, x: usize, out: usize, bias: usize, rows: u32, blocks: u32, scale: f32, accumulate: i32,
): void {
  multiply_units(false, w, x, out, bias, rows, blocks, scale, accumulate, 0, 0, 0, 0);
}

/** 4 rows × 4 columns. */
// @ts-ignore: decorator
@inline function tile_4x4(
  w: usize, v: usize, x: usize, blocks: u32,
  out: usize, outBytes: usize, columns: u32, bias: usize, scale: f32, accumulate: i32,
): void {
  const nibble = v128.load(NIBBLE_MASK);
  let a0 = f32x4.splat(0), a1 = a0, a2 = a0, a3 = a0;
  for (let b: u32 = 0; b < blocks; b++) {
    let s0 = first_sum(Q4_0, x + 16), s1 = first_sum(Q4_0, x + 20), s2 = first_sum(Q4_0, x + 24), s3 = first_sum(Q4_0, x + 28);
    for (const end = w + 64; w < end; w += 16) {
      const p = v128.load(w), l = v128.and(p, nibble), h = v128.and(i16x8.shr_u(p, 4), nibble);
      s0 = add_dots8(s0, v128.load32_splat(x, 48), l, v128.load32_splat(x, 112), h);
      s1 = add_dots8(s1, v128.load32_splat(x, 52), l, v128.load32_splat(x, 116), h);
      s2 = add_dots8(s2, v128.load32_splat(x, 56), l, v128.load32_splat(x, 120), h);
      s3 = add_dots8(s3, v128.load32_splat(x, 60), l, v128.load32_splat(x, 124), h);
      x += 16;
    }
    x -= 64;
    let t0 = i32x4.splat(0), t1 = t0, t2 = t0, t3 = t0;
    for (const end = v + 64; v < end; v += 16) {
      const p = v128.load(v), l = v128.and(p, nibble), h = v128.and(i16x8.shr_u(p, 4), nibble);
      t0 = add_dots8(t0, v128.load32_splat(x, 48), l, v128.load32_splat(x, 112), h);
      t1 = add_dots8(t1, v128.load32_splat(x, 52), l, v128.load32_splat(x, 116), h);
      t2 = add_dots8(t2, v128.load32_splat(x, 56), l, v128.load32_splat(x, 120), h);
      t3 = add_dots8(t3, v128.load32_splat(x, 60), l, v128.load32_splat(x, 124), h);
      x += 16;
    }
    x -= 64;
    const ones = v128.load(ONES_I16), d = load_f16x4(w, f16_mask(), f16_scale());
    a0 = madd_i32(whole_sums(s0, t0, ones), f32x4.mul(d, v128.load32_splat(x)), a0);
    a1 = madd_i32(whole_sums(s1, t1, ones), f32x4.mul(d, v128.load32_splat(x, 4)), a1);
    a2 = madd_i32(whole_sums(s2, t2, ones), f32x4.mul(d, v128.load32_splat(x, 8)), a2);
    a3 = madd_i32(whole_sums(s3, t3, ones), f32x4.mul(d, v128.load32_splat(x, 12)), a3);
    w += 8; x += 4 * activation_bytes(Q8_HALVES);
  }
  store_tile(0, columns, out, outBytes, a0, a1, a2, a3, a0, a1, a2, a3, bias, scale, accumulate);
}

/** The whole quants of a group as bytes to `to`, as block32-unpacked has them. */
// @ts-ignore: decorator
@inline function unpack_group(w: usize, v: usize, blocks: u32, to: usize): void {
  const nibble = v128.load(NIBBLE_MASK), flip = v128.xor(sign_flip(), i8x16.splat(<i8>0x80)), mask = f16_mask(), exponent = f16_scale();
  for (let b: u32 = 0; b < blocks; b++) {
    for (const end = to + 128; to < end; to += 32) {
      const u = v128.load(w), l = v128.load(v);
      v128.store(to, v128.xor(v128.or(i16x8.shl(v128.and(u, nibble), 4), v128.and(l, nibble)), flip));
      v128.store(to, v128.xor(v128.or(v128.andnot(u, nibble), v128.and(i16x8.shr_u(l, 4), nibble)), flip), 128);
      w += 16; v += 16;
    }
    v128.store(to, load_f16x4(w, mask, exponent), 128);
    w += 8; to += 160;
  }
}

/** Groups that are taken at a time, with panels of columns: unpacked first where bytes can be multiplied. */
// @ts-ignore: decorator
@inline const GROUPS: u32 = DOT_ADDS ? 2 : 1;

/** x (n, cols) in panels of 4, likewise. */
export function matmul_q8_0_q8_halves_panels(
  w: usize, x: usize, out: usize, bias: usize, rows: u32, n: u32, blocks: u32,
  outBytes: usize, scale: f32, accumulate: i32, room: usize,
): void {
  const upper = upper_bytes(blocks), lower = lower_bytes(blocks), xRow = activation_bytes(Q8_HALVES) * <usize>blocks;
  for (let r: u32 = 0; r < rows; r += UNIT_ROWS) {
    let v = w + upper * <usize>UNIT_GROUPS;
    for (let g: u32 = 0; g < UNIT_GROUPS; g += GROUPS) {
      if ((g & 1) == 0 && g + 2 < UNIT_GROUPS) {
        read_ahead(w + (upper << 1), upper << 1);
        read_ahead(v + (lower << 1), lower << 1);
      }
      if (DOT_ADDS) {
        unpack_group(w, v, blocks, room + SUMS);
        unpack_group(w + upper, v + lower, blocks, room + SUMS + 16);
      }
      for (let c: u32 = 0; c < n; c += 4) {
        const panel = x + xRow * <usize>c, to = out + outBytes * <usize>c, columns = min<u32>(4, n - c);
        if (DOT_ADDS) tile_8x4(Q8_HALVES, room, upper, panel, blocks, to, outBytes, columns, bias, scale, accumulate);
        else tile_4x4(w, v, panel, blocks, to, outBytes, columns, bias, scale, accumulate);
      }
      w += upper * <usize>GROUPS; v += lower * <usize>GROUPS; out += 16 * <usize>GROUPS;
      if (bias) bias += 16 * <usize>GROUPS;
    }
    w = v;
  }
}

/** As pack_q8 of quantize-activations. */
export function pack_q8_halves(dst: usize, src: usize, cols: u32, srcBytes: usize, from: u32, to: u32, n: u32): void {
  pack(PACKED_HALVES, dst, src, cols, srcBytes, from, to, n);
}

export function packed_bytes_q8_halves(): usize {
  return block_bytes(PACKED_HALVES);
}

/**
 * 64 rows from file order to halves, in place; `copy` has room for as many bytes. `bounds` gets for each row the norm of what its
 * lower quants deviate from their middle, √(Σ (d · (lower − 7.5))²), rounded up.
 */
export function halve_q8_0(unit: usize, copy: usize, blocks: u32, bounds: usize): void {
  memory.copy(copy, unit, unit_bytes(blocks));
  const nibble = v128.load(NIBBLE_MASK), ones = v128.load(ONES_I16), fifteen = i8x16.splat(15);
  const upperGroup = upper_bytes(blocks), lowerGroup = lower_bytes(blocks), lowers = unit + upperGroup * <usize>UNIT_GROUPS;
  for (let row: usize = 0; row < <usize>UNIT_ROWS; row++) {
    const lane = row & 3;
    let upper = unit + upperGroup * (row >> 2), lower = lowers + lowerGroup * (row >> 2) + (lane << 2);
    let products = f32x4.splat(0), squares: f32 = 0;
    for (let b: u32 = 0; b < blocks; b++) {
      const first = v128.load(copy, 2), second = v128.load(copy, 18);
      const l = v128.and(first, nibble), h = v128.and(second, nibble);
      const low = v128.or(l, i16x8.shl(h, 4));
      const high = v128.xor(v128.or(v128.and(i16x8.shr_u(first, 4), nibble), v128.andnot(second, nibble)), i8x16.splat(<i8>0x88));
      const words = upper + (lane << 2);
      v128.store32_lane(words, high, 0);
      v128.store32_lane(words, high, 1, 16);
      v128.store32_lane(words, high, 2, 32);
      v128.store32_lane(words, high, 3, 48);
      v128.store32_lane(lower, low, 0);
      v128.store32_lane(lower, low, 1, 16);
      v128.store32_lane(lower, low, 2, 32);
      v128.store32_lane(lower, low, 3, 48);
      store<u16>(upper + 64 + (lane << 1), load<u16>(copy));
      // (lower − 7.5)² = lower (lower − 15) + 56.25
      const d = load_f16(copy);
      const sums = i16x8.add(dot8(i8x16.sub(l, fifteen), l), dot8(i8x16.sub(h, fifteen), h));
      products = madd_i32(dot16(sums, ones), f32x4.splat(d * d), products);
      squares += d * d;
      upper += UPPER_BYTES; lower += LOWER_BYTES; copy += 34;
    }
    // The two sums, up to 1800 times the squares each, are off by as many roundings as there are blocks, and some.
    const rounding = 2 * 1800 * <f64>(blocks + 8) / 16777216;
    const deviations = max<f64>(<f64>horizontal_sum(products) + 1800 * <f64>squares, 0) + rounding * <f64>squares;
    store<f32>(bounds + (row << 2), <f32>(sqrt(deviations) * 1.000001));
  }
}

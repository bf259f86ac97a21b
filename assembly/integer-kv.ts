// Integer keys and values: how floats become codes, and where they are stored. See attention-integer.ts for the layout.
// `T` is the type of a code; u8 stands for q4_0, whose bytes hold two codes: i8 codes of -8 to 7, each 8 greater, of dimensions
// d (low bits) and d + 1 (high bits) of one position, so that threads which store other positions write other bytes. Its keys
// and values are rotated first, and so are queries; what the rotated values are mixed to is rotated back.
import { BLOCK } from './attention-params';
import { round_i32x4 } from './math';

/** Magnitudes of codes, such that sums over 64 dimensions stay below 2^31: 4095 · 8191 · 64. */
export const QUERY_MAX: f32 = 4095;
const KEY_MAX: f32 = 8191;
const VALUE_MAX: f32 = 16383;
const I8_MAX: f32 = 127;
const NIBBLE_BIAS: i32 = 8;
/** Dimensions that share a scale of i8 codes and of q4_0's. */
export const GROUP: i32 = 32;
/** Rows below this are zero: the reciprocal of their scale would overflow. */
export const SMALLEST: f32 = 1e-30;

// @ts-ignore: decorator
@inline export function to_codes(x: v128, inverse: v128): v128 {
  return round_i32x4(f32x4.mul(x, inverse));
}

/** Whether two codes share a byte. */
// @ts-ignore: decorator
@inline export function is_packed<T>(): bool {
  return sizeof<T>() == 1 && !isSigned<T>();
}

/** Bytes of the codes of one block with `dim` dimensions, after which its scales lie. */
// @ts-ignore: decorator
@inline export function code_bytes<T>(dim: i32): usize {
  return is_packed<T>() ? <usize>(BLOCK * dim) >> 1 : <usize>(BLOCK * dim) * sizeof<T>();
}

// @ts-ignore: decorator
@inline export function block_bytes<T>(dim: i32): usize {
  const scales = sizeof<T>() == 1 ? (dim + GROUP - 1) / GROUP : 1;
  return code_bytes<T>(dim) + (<usize>(BLOCK * scales) << 2);
}

/** Largest magnitude of `dim` floats; NaN if one is. */
export function magnitude(x: usize, dim: i32): f32 {
  let m = f32x4.splat(0);
  for (const end = x + (<usize>dim << 2); x < end; x += 16) m = f32x4.max(m, f32x4.abs(v128.load(x)));
  m = f32x4.max(m, i32x4.shuffle(m, m, 2, 3, 0, 1));
  return max(f32x4.extract_lane(m, 0), f32x4.extract_lane(m, 1));
}

// @ts-ignore: decorator
@inline export function inverse_step(size: f32, limit: f32): f32 {
  return size < SMALLEST ? 0 : limit / size;
}

// @ts-ignore: decorator
@inline export function step_of(size: f32, limit: f32): f32 {
  return size < SMALLEST ? 0 : size / limit;
}

/** The element of the greatest magnitude of `dim` floats; NaN if one is. */
function extreme(x: usize, dim: i32): f32 {
  let low = f32x4.splat(0), high = low;
  for (const end = x + (<usize>dim << 2); x < end; x += 16) {
    const v = v128.load(x);
    low = f32x4.min(low, v); high = f32x4.max(high, v);
  }
  low = f32x4.min(low, i32x4.shuffle(low, low, 2, 3, 0, 1)); high = f32x4.max(high, i32x4.shuffle(high, high, 2, 3, 0, 1));
  const least = min(f32x4.extract_lane(low, 0), f32x4.extract_lane(low, 1));
  const most = max(f32x4.extract_lane(high, 0), f32x4.extract_lane(high, 1));
  return -least > most ? least : most;
}

/**
 * Hadamard's rotation of each run of `dim & -dim` floats, its own inverse: it spreads what few dimensions hold over all of a
 * run, so that they can share a coarse scale. `to` may be `from`.
 */
export function rotate(to: usize, from: usize, dim: i32): void {
  const run = dim & -dim, bytes = <usize>run << 2, norm = f32x4.splat(1 / sqrt<f32>(<f32>run));
  for (let i: usize = 0; i < <usize>dim << 2; i += 16) v128.store(to + i, f32x4.mul(v128.load(from + i), norm));
  for (let stride = bytes >> 1; stride >= 16; stride >>= 1) {
    for (let first: usize = 0; first < <usize>dim << 2; first += stride << 1) {
      for (let x = to + first; x < to + first + stride; x += 16) {
        const a = v128.load(x), b = v128.load(x + stride);
        v128.store(x, f32x4.add(a, b)); v128.store(x + stride, f32x4.sub(a, b));
      }
    }
  }
  const halves = f32x4(1, 1, -1, -1), pairs = f32x4(1, -1, 1, -1);
  for (let i: usize = 0; i < <usize>dim << 2; i += 16) {
    let x = v128.load(to + i);
    x = f32x4.add(f32x4.mul(x, halves), i32x4.shuffle(x, x, 2, 3, 0, 1));
    v128.store(to + i, f32x4.add(f32x4.mul(x, pairs), i32x4.shuffle(x, x, 1, 0, 3, 2)));
  }
}

/** The same as store_row for q4_0: as in ggml, the element of the greatest magnitude of a group becomes -8. */
function store_packed_row(base: usize, from: usize, dim: i32, p: usize, areValues: i32): void {
  let steps = base + code_bytes<u8>(dim) + (p << 2);
  for (let first: i32 = 0; first < dim; first += GROUP) {
    const end = min(first + GROUP, dim), size = extreme(from + (<usize>first << 2), end - first);
    const step: f32 = abs(size) < SMALLEST ? 0 : size / -8, inverse = f32x4.splat(abs(size) < SMALLEST ? 0 : -8 / size);
    store<f32>(steps, step);
    steps += 128;
    for (let i = first; i < end; i += 4) {
      const d = <usize>i, rounded = to_codes(v128.load(from + (d << 2)), inverse);
      const x = i32x4.add(i32x4.max_s(i32x4.min_s(rounded, i32x4.splat(7)), i32x4.splat(-8)), i32x4.splat(NIBBLE_BIAS));
      const low = i32x4.extract_lane(x, 0) | i32x4.extract_lane(x, 1) << 4;
      const high = i32x4.extract_lane(x, 2) | i32x4.extract_lane(x, 3) << 4;
      if (areValues) {
        const lanes = min<usize>(16, <usize>dim - (d & ~15));
        const to = base + ((d & ~15) << 4) + (p >> 1) * lanes + (d & 15) + (p & 1);
        store<u8>(to, <u8>low); store<u8>(to, <u8>high, 2);
      } else {
        const to = base + (p >> 4) * (<usize>dim << 3) + (d << 3) + (p & 15);
        store<u8>(to, <u8>low); store<u8>(to, <u8>high, 16);
      }
    }
  }
}

/** A q4_0 block as one of i8. */
export function unpack_block(to: usize, from: usize, dim: i32, areValues: i32): void {
  const mask = i8x16.splat(15), bias = i8x16.splat(<i8>NIBBLE_BIAS), scales = from + code_bytes<u8>(dim);
  for (; from < scales; from += 16) {
    const x = v128.load(from);
    const a = i8x16.sub(v128.and(x, mask), bias), b = i8x16.sub(v128.and(i16x8.shr_u(x, 4), mask), bias);
    if (areValues) {
      v128.store(to, i16x8.shuffle(a, b, 0, 8, 1, 9, 2, 10, 3, 11));
      v128.store(to, i16x8.shuffle(a, b, 4, 12, 5, 13, 6, 14, 7, 15), 16);
    } else {
      v128.store(to, i8x16.shuffle(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23));
      v128.store(to, i8x16.shuffle(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31), 16);
    }
    to += 32;
  }
  for (const end = scales + (<usize>((dim + GROUP - 1) / GROUP) << 7); from < end; from += 16) {
    v128.store(to, v128.load(from));
    to += 16;
  }
}

/** Stores one head's row of position `p` of the block at `base`. */
function store_row<T>(base: usize, from: usize, dim: i32, p: usize, areValues: i32): void {
  const limit: f32 = sizeof<T>() == 1 ? I8_MAX : areValues ? VALUE_MAX : KEY_MAX, group = sizeof<T>() == 1 ? GROUP : dim;
  let steps = base + code_bytes<T>(dim) + (p << 2);
  for (let first: i32 = 0; first < dim; first += group) {
    const end = min(first + group, dim), size = magnitude(from + (<usize>first << 2), end - first);
    const inverse = f32x4.splat(inverse_step(size, limit));
    store<f32>(steps, step_of(size, limit));
    steps += 128;
    for (let i = first; i < end; i += 4) {
      const d = <usize>i, rounded = to_codes(v128.load(from + (d << 2)), inverse);
      let x = i16x8.narrow_i32x4_s(rounded, rounded);
      if (sizeof<T>() == 1) x = i8x16.narrow_i16x8_s(x, x);
      if (areValues) {
        const lanes = min<usize>(16, <usize>dim - (d & ~15));
        const at = ((d & ~15) << 5) + (((p >> 1) * lanes + (d & 15)) << 1) + (p & 1), to = base + at * sizeof<T>();
        if (sizeof<T>() == 1) {
          v128.store8_lane(to, x, 0); v128.store8_lane(to, x, 1, 2); v128.store8_lane(to, x, 2, 4); v128.store8_lane(to, x, 3, 6);
        } else {
          v128.store16_lane(to, x, 0); v128.store16_lane(to, x, 1, 4); v128.store16_lane(to, x, 2, 8); v128.store16_lane(to, x, 3, 12);
        }
      } else {
        const at = (p >> 4) * (<usize>dim << 4) + (d << 4) + ((p & 15) << 1), to = base + at * sizeof<T>();
        if (sizeof<T>() == 1) { v128.store16_lane(to, x, 0); v128.store16_lane(to, x, 1, 32); }
        else { v128.store32_lane(to, x, 0); v128.store32_lane(to, x, 1, 64); }
      }
    }
  }
}

/** Stores heads [headFrom, headTo) of rows [rowFrom, rowTo) of x (n, numKv · dim), as keys or as values. */
function store_kv_of<T>(
  cache: usize, x: usize, xBytes: usize, positions: usize, tables: usize, numBlocks: u32, dim: u32, areValues: i32,
  rowFrom: u32, rowTo: u32, headFrom: u32, headTo: u32, scratch: usize,
): void {
  for (let r = rowFrom; r < rowTo; r++) {
    const position = load<u32>(positions + (<usize>r << 2)), table = <usize>load<u32>(tables + (<usize>r << 2));
    const block = load<u32>(table + (<usize>(position / BLOCK) << 2)), p = <usize>(position & (BLOCK - 1));
    for (let h = headFrom; h < headTo; h++) {
      const from = x + <usize>r * xBytes + (<usize>(h * dim) << 2);
      const base = cache + (<usize>h * <usize>numBlocks + <usize>block) * block_bytes<T>(dim);
      if (is_packed<T>()) {
        rotate(scratch, from, dim);
        store_packed_row(base, scratch, dim, p, areValues);
      } else store_row<T>(base, from, dim, p, areValues);
    }
  }
}

export function store_kv_i16(
  cache: usize, x: usize, xBytes: usize, positions: usize, tables: usize, numBlocks: u32, dim: u32, areValues: i32,
  rowFrom: u32, rowTo: u32, headFrom: u32, headTo: u32,
): void {
  store_kv_of<i16>(cache, x, xBytes, positions, tables, numBlocks, dim, areValues, rowFrom, rowTo, headFrom, headTo, 0);
}

export function store_kv_q8_0(
  cache: usize, x: usize, xBytes: usize, positions: usize, tables: usize, numBlocks: u32, dim: u32, areValues: i32,
  rowFrom: u32, rowTo: u32, headFrom: u32, headTo: u32,
): void {
  store_kv_of<i8>(cache, x, xBytes, positions, tables, numBlocks, dim, areValues, rowFrom, rowTo, headFrom, headTo, 0);
}

/** `scratch` has room for `dim` floats. */
export function store_kv_q4_0(
  cache: usize, x: usize, xBytes: usize, positions: usize, tables: usize, numBlocks: u32, dim: u32, areValues: i32,
  rowFrom: u32, rowTo: u32, headFrom: u32, headTo: u32, scratch: usize,
): void {
  store_kv_of<u8>(cache, x, xBytes, positions, tables, numBlocks, dim, areValues, rowFrom, rowTo, headFrom, headTo, scratch);
}

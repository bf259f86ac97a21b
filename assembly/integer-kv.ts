// Integer keys and values: how floats become codes, and where they are stored. See attention-integer.ts for the layout.
import { BLOCK } from './attention-params';
import { round_i32x4 } from './math';

/** Magnitudes of codes, such that sums over 64 dimensions stay below 2^31: 4095 · 8191 · 64. */
export const QUERY_MAX: f32 = 4095;
const KEY_MAX: f32 = 8191;
const VALUE_MAX: f32 = 16383;
const I8_MAX: f32 = 127;
/** Dimensions that share a scale of i8 codes. */
export const GROUP: i32 = 32;
/** Rows below this are zero: the reciprocal of their scale would overflow. */
export const SMALLEST: f32 = 1e-30;

// @ts-ignore: decorator
@inline export function to_codes(x: v128, inverse: v128): v128 {
  return round_i32x4(f32x4.mul(x, inverse));
}

/** Bytes of the codes of one block with `dim` dimensions, after which its scales lie. */
// @ts-ignore: decorator
@inline export function code_bytes<T>(dim: i32): usize {
  return <usize>(BLOCK * dim) * sizeof<T>();
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
  rowFrom: u32, rowTo: u32, headFrom: u32, headTo: u32,
): void {
  for (let r = rowFrom; r < rowTo; r++) {
    const position = load<u32>(positions + (<usize>r << 2)), table = <usize>load<u32>(tables + (<usize>r << 2));
    const block = load<u32>(table + (<usize>(position / BLOCK) << 2)), p = <usize>(position & (BLOCK - 1));
    for (let h = headFrom; h < headTo; h++) {
      const from = x + <usize>r * xBytes + (<usize>(h * dim) << 2);
      store_row<T>(cache + (<usize>h * <usize>numBlocks + <usize>block) * block_bytes<T>(dim), from, dim, p, areValues);
    }
  }
}

export function store_kv_i16(
  cache: usize, x: usize, xBytes: usize, positions: usize, tables: usize, numBlocks: u32, dim: u32, areValues: i32,
  rowFrom: u32, rowTo: u32, headFrom: u32, headTo: u32,
): void {
  store_kv_of<i16>(cache, x, xBytes, positions, tables, numBlocks, dim, areValues, rowFrom, rowTo, headFrom, headTo);
}

export function store_kv_q8_0(
  cache: usize, x: usize, xBytes: usize, positions: usize, tables: usize, numBlocks: u32, dim: u32, areValues: i32,
  rowFrom: u32, rowTo: u32, headFrom: u32, headTo: u32,
): void {
  store_kv_of<i8>(cache, x, xBytes, positions, tables, numBlocks, dim, areValues, rowFrom, rowTo, headFrom, headTo);
}

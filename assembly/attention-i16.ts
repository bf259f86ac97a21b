// Paged attention on 16-bit keys and values with one scale per position: products are integer, so their sums are exact
// and no tiling can change a result. One pass over the blocks with a running softmax (flash style).
//
// A block of one head holds 32 positions. Keys: for 16 positions at a time and each pair of dimensions the positions, two
// i16 each, so that lanes are positions. Values: for 16 dimensions at a time and each pair of positions the dimensions, two
// i16 each, so that lanes are dimensions. Then 32 float scales. Queries are quantized likewise, softmax weights per block.
// Two queries read a block in the order in which it lies, one line after another, which processors see and fetch ahead of.
import {
  BLOCK, KEYS, KEY_DIM, NUM_HEADS, NUM_KV_HEADS, OUT, OUT_BYTES, Q, Q_BYTES, SCRATCH, SINKS, TABLES, VALUES,
  VALUE_DIM, adjust, adjusts, block_number, end_visible, first_visible, row_position, score_scale,
} from './attention-params';
import { horizontal_sum, madd } from './half';
import { EXP2_MIN, LOG2_E, exp2_f32x4, exp_f32, round_i32x4 } from './math';

/** Magnitudes of codes, such that sums over CHUNK dimensions stay below 2^31: 4095 · 8191 · 64. */
const QUERY_MAX: f32 = 4095;
const KEY_MAX: f32 = 8191;
const CHUNK: i32 = 64;
/** With weights of at most 32767 whose sum in a block is at most 131000, sums stay below 2^31 as well. */
const VALUE_MAX: f32 = 16383;
const WEIGHT_MAX: f32 = 32767;
const WEIGHT_SUM: f32 = 131000;
/** Rows below this are zero: the reciprocal of their scale would overflow. */
const SMALLEST: f32 = 1e-30;

/** Queries of a tile, and the rows of one that decode divides by heads. Twins in src/backends/wasm. */
const TILE: i32 = 16;
const FEW_ROWS: i32 = 4;

/** Record of a query: state of its softmax, what it sees, its weights (i16) and scores of a block; codes and sums follow. */
const MAX: usize = 0; const SUM: usize = 4; const Q_STEP: usize = 8; const FIRST: usize = 12; const END: usize = 16;
const POSITION: usize = 20; const HEAD: usize = 24; const WEIGHT_STEP: usize = 28; const WEIGHTS: usize = 32;
const SCORES: usize = 96; const CODES: usize = 224;

// @ts-ignore: decorator
@inline function dot(a: v128, b: v128, sum: v128): v128 {
  return i32x4.add(sum, i32x4.dot_i16x8_s(a, b));
}

// @ts-ignore: decorator
@inline function to_codes(x: v128, inverse: v128): v128 {
  return round_i32x4(f32x4.mul(x, inverse));
}

/** Largest magnitude of `dim` floats; NaN if one is. */
function magnitude(x: usize, dim: i32): f32 {
  let m = f32x4.splat(0);
  for (const end = x + (<usize>dim << 2); x < end; x += 16) m = f32x4.max(m, f32x4.abs(v128.load(x)));
  m = f32x4.max(m, i32x4.shuffle(m, m, 2, 3, 0, 1));
  return max(f32x4.extract_lane(m, 0), f32x4.extract_lane(m, 1));
}

// @ts-ignore: decorator
@inline function inverse_step(size: f32, limit: f32): f32 {
  return size < SMALLEST ? 0 : limit / size;
}

// @ts-ignore: decorator
@inline function step_of(size: f32, limit: f32): f32 {
  return size < SMALLEST ? 0 : size / limit;
}

// @ts-ignore: decorator
@inline function put(to: usize, sum: v128, add: i32): void {
  const x = f32x4.convert_i32x4_s(sum);
  v128.store(to, add ? f32x4.add(v128.load(to), x) : x);
}

/**
 * Sums of `pairs` pairs of dimensions for 32 positions and one query; the later 16 lie `half` bytes after the others. `add`
 * continues earlier dimensions.
 */
function scores_single(keys: usize, half: usize, pairs: i32, q: usize, to: usize, add: i32): void {
  let a = i32x4.splat(0), b = a, c = a, d = a, e = a, f = a, g = a, h = a, later = keys + half;
  for (const end = q + (<usize>pairs << 2); q < end; q += 4) {
    const x = v128.load32_splat(q);
    a = dot(v128.load(keys), x, a); b = dot(v128.load(keys, 16), x, b);
    c = dot(v128.load(keys, 32), x, c); d = dot(v128.load(keys, 48), x, d);
    e = dot(v128.load(later), x, e); f = dot(v128.load(later, 16), x, f);
    g = dot(v128.load(later, 32), x, g); h = dot(v128.load(later, 48), x, h);
    keys += 64; later += 64;
  }
  put(to, a, add); put(to + 16, b, add); put(to + 32, c, add); put(to + 48, d, add);
  put(to + 64, e, add); put(to + 80, f, add); put(to + 96, g, add); put(to + 112, h, add);
}

/** The same for two queries, 16 positions at a time. */
function scores_pair(keys: usize, half: usize, pairs: i32, q: usize, r: usize, to: usize, next: usize, add: i32): void {
  const bytes = <usize>pairs << 2;
  for (let at: usize = 0; at < 128; at += 64) {
    let a = i32x4.splat(0), b = a, c = a, d = a, e = a, f = a, g = a, h = a, k = keys;
    for (let i: usize = 0; i < bytes; i += 4) {
      const x = v128.load32_splat(q + i), y = v128.load32_splat(r + i);
      let z = v128.load(k); a = dot(z, x, a); e = dot(z, y, e);
      z = v128.load(k, 16); b = dot(z, x, b); f = dot(z, y, f);
      z = v128.load(k, 32); c = dot(z, x, c); g = dot(z, y, g);
      z = v128.load(k, 48); d = dot(z, x, d); h = dot(z, y, h);
      k += 64;
    }
    keys += half;
    put(to + at, a, add); put(to + at + 16, b, add); put(to + at + 32, c, add); put(to + at + 48, d, add);
    put(next + at, e, add); put(next + at + 16, f, add); put(next + at + 32, g, add); put(next + at + 48, h, add);
  }
}

// @ts-ignore: decorator
@inline function gain(acc: usize, sum: v128, step: v128): void {
  v128.store(acc, madd(f32x4.convert_i32x4_s(sum), step, v128.load(acc)));
}

/** acc += weights · values for the last `dims` (at most 16) dimensions and one query. */
function mix_rest(values: usize, dims: i32, pairs: i32, q: usize, acc: usize): void {
  const stride = <usize>dims << 2, step = v128.load32_splat(q, WEIGHT_STEP), bytes = <usize>pairs << 2;
  for (let i: i32 = 0; i < dims; i += 4) {
    let a = i32x4.splat(0), v = values;
    for (let w: usize = 0; w < bytes; w += 4) { a = dot(v128.load(v), v128.load32_splat(q + w, WEIGHTS), a); v += stride; }
    gain(acc, a, step);
    acc += 16; values += 16;
  }
}

/** acc += weights · values for `pairs` pairs of positions and one query. */
function mix_single(values: usize, dim: i32, pairs: i32, q: usize, acc: usize): void {
  const step = v128.load32_splat(q, WEIGHT_STEP), bytes = <usize>pairs << 2;
  let i: i32 = 0;
  for (; i + 32 <= dim; i += 32) {
    let a = i32x4.splat(0), b = a, c = a, d = a, e = a, f = a, g = a, h = a, v = values, u = values + 1024;
    for (let w: usize = 0; w < bytes; w += 4) {
      const x = v128.load32_splat(q + w, WEIGHTS);
      a = dot(v128.load(v), x, a); b = dot(v128.load(v, 16), x, b);
      c = dot(v128.load(v, 32), x, c); d = dot(v128.load(v, 48), x, d);
      e = dot(v128.load(u), x, e); f = dot(v128.load(u, 16), x, f);
      g = dot(v128.load(u, 32), x, g); h = dot(v128.load(u, 48), x, h);
      v += 64; u += 64;
    }
    gain(acc, a, step); gain(acc + 16, b, step); gain(acc + 32, c, step); gain(acc + 48, d, step);
    gain(acc + 64, e, step); gain(acc + 80, f, step); gain(acc + 96, g, step); gain(acc + 112, h, step);
    acc += 128; values += 2048;
  }
  for (; i < dim; i += 16) {
    mix_rest(values, min(16, dim - i), pairs, q, acc);
    acc += 64; values += 1024;
  }
}

/** The same for two queries. */
function mix_pair(values: usize, dim: i32, pairs: i32, q: usize, r: usize, acc: usize, next: usize): void {
  const bytes = <usize>pairs << 2, step = v128.load32_splat(q, WEIGHT_STEP), nextStep = v128.load32_splat(r, WEIGHT_STEP);
  let i: i32 = 0;
  for (; i + 16 <= dim; i += 16) {
    let a = i32x4.splat(0), b = a, c = a, d = a, e = a, f = a, g = a, h = a, v = values;
    for (let w: usize = 0; w < bytes; w += 4) {
      const x = v128.load32_splat(q + w, WEIGHTS), y = v128.load32_splat(r + w, WEIGHTS);
      let z = v128.load(v); a = dot(z, x, a); e = dot(z, y, e);
      z = v128.load(v, 16); b = dot(z, x, b); f = dot(z, y, f);
      z = v128.load(v, 32); c = dot(z, x, c); g = dot(z, y, g);
      z = v128.load(v, 48); d = dot(z, x, d); h = dot(z, y, h);
      v += 64;
    }
    gain(acc, a, step); gain(acc + 16, b, step); gain(acc + 32, c, step); gain(acc + 48, d, step);
    gain(next, e, nextStep); gain(next + 16, f, nextStep); gain(next + 32, g, nextStep); gain(next + 48, h, nextStep);
    acc += 64; next += 64; values += 1024;
  }
  if (i == dim) return;
  mix_rest(values, dim - i, pairs, q, acc);
  mix_rest(values, dim - i, pairs, r, next);
}

/** Raw sums at SCORES → scores; returns the highest of each lane. `steps` are those of the keys. */
function score(params: usize, q: usize, start: i32, steps: usize): v128 {
  const scores = q + SCORES, step = v128.load32_splat(q, Q_STEP);
  let m = f32x4.splat(-Infinity);
  for (let i: usize = 0; i < 128; i += 16) {
    const x = f32x4.mul(f32x4.mul(v128.load(scores + i), v128.load(steps + i)), step);
    v128.store(scores + i, x);
    m = f32x4.pmax(m, x);
  }
  const from = load<i32>(q, FIRST) - start, to = load<i32>(q, END) - start;
  if (from <= 0 && to >= BLOCK && !adjusts(params)) return m;
  adjust(params, scores, load<i32>(q, HEAD), start, load<i32>(q, POSITION), BLOCK);
  for (let p: i32 = 0; p < from; p++) store<f32>(scores + (<usize>p << 2), -Infinity);
  for (let p = to; p < BLOCK; p++) store<f32>(scores + (<usize>p << 2), -Infinity);
  m = f32x4.splat(-Infinity);
  for (let i: usize = 0; i < 128; i += 16) m = f32x4.pmax(m, v128.load(scores + i));
  return m;
}

/**
 * Scores → codes at WEIGHTS, relative to the running maximum, which `acc` and the state follow. `m` is score's result, `steps`
 * are those of the values.
 */
function fold(q: usize, acc: usize, dim: i32, m: v128, steps: usize): void {
  const scores = q + SCORES;
  m = f32x4.pmax(m, i32x4.shuffle(m, m, 2, 3, 0, 1));
  const highest = max(f32x4.extract_lane(m, 0), f32x4.extract_lane(m, 1)), before = load<f32>(q, MAX);
  if (highest > before) {
    const factor = exp_f32(before - highest), by = f32x4.splat(factor);
    store<f32>(q, highest, MAX);
    store<f32>(q, load<f32>(q, SUM) * factor, SUM);
    for (const end = acc + (<usize>dim << 2); acc < end; acc += 16) v128.store(acc, f32x4.mul(v128.load(acc), by));
  }
  const shift = v128.load32_splat(q, MAX), zero = f32x4.splat(0);
  let sum = zero, total = zero, largest = zero;
  for (let i: usize = 0; i < 128; i += 16) {
    const x = f32x4.mul(f32x4.sub(v128.load(scores + i), shift), f32x4.splat(LOG2_E));
    // A position that counts for nothing may lie where nothing sensible was ever stored.
    const none = f32x4.lt(x, f32x4.splat(EXP2_MIN)), e = v128.andnot(exp2_f32x4(x), none);
    const w = v128.andnot(f32x4.mul(e, v128.load(steps + i)), none);
    v128.store(scores + i, w);
    sum = f32x4.add(sum, e); total = f32x4.add(total, w); largest = f32x4.pmax(largest, w);
  }
  store<f32>(q, load<f32>(q, SUM) + horizontal_sum(sum), SUM);
  // Of the two, only the sum is sure to carry a NaN.
  const mass = horizontal_sum(total);
  if (mass < SMALLEST) { store<f32>(q, 0, WEIGHT_STEP); memory.fill(q + WEIGHTS, 0, 64); return; }
  largest = f32x4.pmax(largest, i32x4.shuffle(largest, largest, 2, 3, 0, 1));
  const peak = max(f32x4.extract_lane(largest, 0), f32x4.extract_lane(largest, 1));
  const inverse = min(WEIGHT_MAX / peak, WEIGHT_SUM / mass), by = f32x4.splat(inverse);
  store<f32>(q, 1 / inverse, WEIGHT_STEP);
  for (let i: usize = 0; i < 128; i += 32) {
    v128.store(q + (i >> 1), i16x8.narrow_i32x4_s(to_codes(v128.load(scores + i), by), to_codes(v128.load(scores + i, 16), by)), WEIGHTS);
  }
}

/** Fills the record of the query of row `r` and `head`. */
function begin(params: usize, q: usize, acc: usize, r: i32, head: i32): void {
  const keyDim = load<i32>(params, KEY_DIM), valueDim = load<i32>(params, VALUE_DIM), sinks = <usize>load<u32>(params, SINKS);
  const x = <usize>load<u32>(params, Q) + <usize>r * load<u32>(params, Q_BYTES) + (<usize>(head * keyDim) << 2);
  const size = magnitude(x, keyDim), inverse = f32x4.splat(inverse_step(size, QUERY_MAX));
  for (let i: usize = 0; i < <usize>keyDim << 2; i += 16) {
    const codes = to_codes(v128.load(x + i), inverse);
    v128.store64_lane(q + (i >> 1), i16x8.narrow_i32x4_s(codes, codes), 0, CODES);
  }
  store<f32>(q, sinks ? load<f32>(sinks + (<usize>head << 2)) : -Infinity, MAX);
  store<f32>(q, sinks ? 1 : 0, SUM);
  store<f32>(q, step_of(size, QUERY_MAX) * score_scale(params, r), Q_STEP);
  store<i32>(q, first_visible(params, r), FIRST);
  store<i32>(q, end_visible(params, r), END);
  store<i32>(q, row_position(params, r), POSITION);
  store<i32>(q, head, HEAD);
  memory.fill(acc, 0, <usize>valueDim << 2);
}

// @ts-ignore: decorator
@inline function sees(q: usize, start: i32): bool {
  return load<i32>(q, FIRST) < start + BLOCK && load<i32>(q, END) > start;
}

/** One block for the queries at `q` and `q + stride`, of which the second may be missing or either see nothing of it. */
function attend_block(
  params: usize, q: usize, stride: usize, isPair: bool, start: i32, keys: usize, values: usize, keyDim: i32, valueDim: i32,
): void {
  const r = q + stride, accAt = CODES + ((<usize>keyDim << 1) + 15 & ~15);
  const first = sees(q, start), second = isPair && sees(r, start), half = <usize>keyDim << 5;
  for (let d: i32 = 0; d < keyDim; d += CHUNK) {
    const pairs = min(CHUNK, keyDim - d) >> 1, add = i32(d > 0), k = keys + (<usize>d << 5), at = CODES + (<usize>d << 1);
    if (first && second) scores_pair(k, half, pairs, q + at, r + at, q + SCORES, r + SCORES, add);
    else if (first) scores_single(k, half, pairs, q + at, q + SCORES, add);
    else if (second) scores_single(k, half, pairs, r + at, r + SCORES, add);
  }
  const keySteps = keys + (<usize>keyDim << 6), valueSteps = values + (<usize>valueDim << 6);
  if (first) fold(q, q + accAt, valueDim, score(params, q, start, keySteps), valueSteps);
  if (second) fold(r, r + accAt, valueDim, score(params, r, start, keySteps), valueSteps);
  const end = max(first ? load<i32>(q, END) : 0, second ? load<i32>(r, END) : 0);
  const used = min(BLOCK, end - start) + 1 >> 1;
  if (first && second) mix_pair(values, valueDim, used, q, r, q + accAt, r + accAt);
  else if (first) mix_single(values, valueDim, used, q, q + accAt);
  else if (second) mix_single(values, valueDim, used, r, r + accAt);
}

/** Rows [row, row + rows) of one sequence, heads [head, head + heads) of one key/value head; at most TILE queries. */
function attend(params: usize, row: i32, rows: i32, head: i32, heads: i32): void {
  const keyDim = load<i32>(params, KEY_DIM), valueDim = load<i32>(params, VALUE_DIM), numKv = load<i32>(params, NUM_KV_HEADS);
  const kv = head / (load<i32>(params, NUM_HEADS) / numKv), count = rows * heads;
  const records = <usize>load<u32>(params, SCRATCH), accAt = CODES + ((<usize>keyDim << 1) + 15 & ~15);
  const stride = accAt + (<usize>valueDim << 2);
  let first: i32 = i32.MAX_VALUE, end: i32 = 0;
  for (let i: i32 = 0; i < count; i++) {
    const q = records + <usize>i * stride;
    begin(params, q, q + accAt, row + i / heads, head + i % heads);
    first = min(first, load<i32>(q, FIRST)); end = max(end, load<i32>(q, END));
  }
  const table = <usize>load<u32>(<usize>load<u32>(params, TABLES) + (<usize>row << 2));
  const allKeys = <usize>load<u32>(params, KEYS), allValues = <usize>load<u32>(params, VALUES);
  const keyBytes = <usize>BLOCK * ((<usize>keyDim << 1) + 4), valueBytes = <usize>BLOCK * ((<usize>valueDim << 1) + 4);
  for (let block = first / BLOCK; block * BLOCK < end; block++) {
    const number = block_number(params, table, block, kv);
    const keys = allKeys + number * keyBytes, values = allValues + number * valueBytes;
    for (let i: i32 = 0; i < count; i += 2) {
      attend_block(params, records + <usize>i * stride, stride, i + 1 < count, block * BLOCK, keys, values, keyDim, valueDim);
    }
  }
  for (let i: i32 = 0; i < count; i++) {
    const q = records + <usize>i * stride, by = f32x4.splat(1 / load<f32>(q, SUM));
    const out = <usize>load<u32>(params, OUT) + <usize>(row + i / heads) * load<u32>(params, OUT_BYTES)
      + (<usize>((head + i % heads) * valueDim) << 2);
    for (let d: usize = 0; d < <usize>valueDim << 2; d += 16) v128.store(out + d, f32x4.mul(v128.load(q + accAt + d), by));
  }
}

// @ts-ignore: decorator
@inline function table_of(params: usize, r: i32): u32 {
  return load<u32>(<usize>load<u32>(params, TABLES) + (<usize>r << 2));
}

/**
 * Thread `index`'s part of `n` rows. Few rows are divided by heads, so that decoding uses all threads; many by tiles of
 * rows and key/value heads in turn, since later rows of a causal prompt see more.
 */
export function attention_i16(params: usize, index: i32, numThreads: i32, n: i32): void {
  const numHeads = load<i32>(params, NUM_HEADS), numKv = load<i32>(params, NUM_KV_HEADS), group = numHeads / numKv;
  if (n <= FEW_ROWS) {
    const total = n * numHeads, end = total * (index + 1) / numThreads;
    for (let item = total * index / numThreads; item < end;) {
      const head = item % numHeads, heads = min(min(end - item, group - head % group), TILE);
      attend(params, item / numHeads, 1, head, heads);
      item += heads;
    }
    return;
  }
  const tileRows = max<i32>(1, TILE / group);
  let item: i32 = 0;
  for (let row: i32 = 0; row < n;) {
    let rows: i32 = 1;
    while (rows < tileRows && row + rows < n && table_of(params, row + rows) == table_of(params, row)) rows++;
    for (let kv: i32 = 0; kv < numKv; kv++, item++) {
      if (item % numThreads != index) continue;
      for (let head = kv * group; head < (kv + 1) * group; head += TILE) {
        attend(params, row, rows, head, min(TILE, (kv + 1) * group - head));
      }
    }
    row += rows;
  }
}

/** Where heads [headFrom, headTo) of rows [rowFrom, rowTo) of x (n, numKv · dim) go, as keys or as values. */
export function store_kv_i16(
  cache: usize, x: usize, xBytes: usize, positions: usize, tables: usize, numBlocks: u32, dim: u32, areValues: i32,
  rowFrom: u32, rowTo: u32, headFrom: u32, headTo: u32,
): void {
  const limit = areValues ? VALUE_MAX : KEY_MAX, blockBytes = <usize>BLOCK * ((<usize>dim << 1) + 4);
  for (let r = rowFrom; r < rowTo; r++) {
    const position = load<u32>(positions + (<usize>r << 2)), table = <usize>load<u32>(tables + (<usize>r << 2));
    const block = load<u32>(table + (<usize>(position / BLOCK) << 2)), p = <usize>(position & (BLOCK - 1));
    for (let h = headFrom; h < headTo; h++) {
      const from = x + <usize>r * xBytes + (<usize>(h * dim) << 2), base = cache + (<usize>h * <usize>numBlocks + <usize>block) * blockBytes;
      const size = magnitude(from, dim), inverse = f32x4.splat(inverse_step(size, limit));
      store<f32>(base + (<usize>dim << 6) + (p << 2), step_of(size, limit));
      for (let d: usize = 0; d < <usize>dim; d += 4) {
        const codes = to_codes(v128.load(from + (d << 2)), inverse), narrow = i16x8.narrow_i32x4_s(codes, codes);
        if (areValues) {
          const lanes = min<usize>(16, <usize>dim - (d & ~15));
          const to = base + ((d & ~15) << 6) + (((p >> 1) * lanes + (d & 15)) << 2) + ((p & 1) << 1);
          v128.store16_lane(to, narrow, 0); v128.store16_lane(to, narrow, 1, 4);
          v128.store16_lane(to, narrow, 2, 8); v128.store16_lane(to, narrow, 3, 12);
        } else {
          const to = base + (p >> 4) * (<usize>dim << 5) + (d << 5) + ((p & 15) << 2);
          v128.store32_lane(to, narrow, 0); v128.store32_lane(to, narrow, 1, 64);
        }
      }
    }
  }
}

// Paged attention on integer keys and values: products are integer, so their sums are exact and no tiling can change a
// result. One pass over the blocks with a running softmax (flash style).
//
// `T` is the code of a key or value: i16 with one scale per position, or i8 with one per position and 32 dimensions. A block
// of one head holds 32 positions. Keys: for 16 positions at a time and each pair of dimensions the positions, two codes each,
// so that lanes are positions. Values: for 16 dimensions at a time and each pair of positions the dimensions, two codes each,
// so that lanes are dimensions. Then the float scales, 32 positions a row. Queries are quantized to i16, softmax weights per
// block (and 32 dimensions). Two queries read a block in the order in which it lies, one line after another, which processors
// see and fetch ahead of. Blocks of packed codes (q4_0) are unpacked to i8 first, once for all queries of a tile.
import {
  BLOCK, KEYS, KEY_DIM, NUM_HEADS, NUM_KV_HEADS, OUT, OUT_BYTES, Q, Q_BYTES, SCRATCH, SINKS, TABLES, VALUES,
  VALUE_DIM, adjust, adjusts, block_number, end_visible, first_visible, row_position, score_scale,
} from './attention-params';
import {
  CODES, END, FIRST, HEAD, MAX, POSITION, PRODUCTS, Q_STEP, SCORES, SUM, WEIGHTS, WEIGHT_STEP, mix_pair, mix_single, scores_pair,
  scores_single,
} from './attention-products';
import { horizontal_sum } from './half';
import {
  GROUP, QUERY_MAX, SMALLEST, block_bytes, code_bytes, inverse_step, magnitude, is_packed, step_of, to_codes,
  rotate, unpack_block,
} from './integer-kv';
import { EXP2_MIN, LOG2_E, exp2_f32x4, exp_f32 } from './math';

/** Dimensions whose products with a query's codes are added as integers. */
const CHUNK: i32 = 64;
/** Weights of at most 32767 whose sum in a block is at most 131000: sums of them times 14-bit values stay below 2^31. */
const WEIGHT_MAX: f32 = 32767;
const WEIGHT_SUM: f32 = 131000;

/** Queries of a tile, and the rows of one that decode divides by heads. Twins in src/backends/wasm. */
const TILE: i32 = 16;
const FEW_ROWS: i32 = 4;

/** Sums at SCORES → scores; returns the highest of each lane. `steps` are those of the keys, if not yet applied. */
function score<T>(params: usize, q: usize, start: i32, steps: usize): v128 {
  const scores = q + SCORES, step = v128.load32_splat(q, Q_STEP);
  let m = f32x4.splat(-Infinity);
  for (let i: usize = 0; i < 128; i += 16) {
    let x = v128.load(scores + i);
    if (sizeof<T>() == 2) x = f32x4.mul(x, v128.load(steps + i));
    x = f32x4.mul(x, step);
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
 * Scores → weights, in their place, relative to the running maximum, which `acc` and the state follow. `m` is score's result.
 */
function fold(q: usize, acc: usize, dim: i32, m: v128): void {
  const scores = q + SCORES;
  m = f32x4.pmax(m, i32x4.shuffle(m, m, 2, 3, 0, 1));
  const highest = max(f32x4.extract_lane(m, 0), f32x4.extract_lane(m, 1)), before = load<f32>(q, MAX);
  if (highest > before) {
    const factor = exp_f32(before - highest), by = f32x4.splat(factor);
    store<f32>(q, highest, MAX);
    store<f32>(q, load<f32>(q, SUM) * factor, SUM);
    for (const end = acc + (<usize>dim << 2); acc < end; acc += 16) v128.store(acc, f32x4.mul(v128.load(acc), by));
  }
  const shift = v128.load32_splat(q, MAX);
  let sum = f32x4.splat(0);
  for (let i: usize = 0; i < 128; i += 16) {
    const x = f32x4.mul(f32x4.sub(v128.load(scores + i), shift), f32x4.splat(LOG2_E));
    const e = v128.andnot(exp2_f32x4(x), f32x4.lt(x, f32x4.splat(EXP2_MIN)));
    v128.store(scores + i, e);
    sum = f32x4.add(sum, e);
  }
  store<f32>(q, load<f32>(q, SUM) + horizontal_sum(sum), SUM);
}

/** Weights times the values' scales → codes at WEIGHTS. */
function weigh(q: usize, steps: usize): void {
  const scores = q + SCORES, products = q + PRODUCTS, zero = f32x4.splat(0);
  let total = zero, largest = zero;
  for (let i: usize = 0; i < 128; i += 16) {
    const e = v128.load(scores + i);
    // A position that counts for nothing may lie where nothing sensible was ever stored.
    const w = v128.andnot(f32x4.mul(e, v128.load(steps + i)), f32x4.eq(e, zero));
    // Scales of packed codes may be negative.
    const size = f32x4.abs(w);
    v128.store(products + i, w);
    total = f32x4.add(total, size); largest = f32x4.pmax(largest, size);
  }
  // Of the two, only the sum is sure to carry a NaN.
  const mass = horizontal_sum(total);
  if (mass < SMALLEST) { store<f32>(q, 0, WEIGHT_STEP); memory.fill(q + WEIGHTS, 0, 64); return; }
  largest = f32x4.pmax(largest, i32x4.shuffle(largest, largest, 2, 3, 0, 1));
  const peak = max(f32x4.extract_lane(largest, 0), f32x4.extract_lane(largest, 1));
  const inverse = min(WEIGHT_MAX / peak, WEIGHT_SUM / mass), by = f32x4.splat(inverse);
  store<f32>(q, 1 / inverse, WEIGHT_STEP);
  for (let i: usize = 0; i < 128; i += 32) {
    const low = to_codes(v128.load(products + i), by), high = to_codes(v128.load(products + i, 16), by);
    v128.store(q + (i >> 1), i16x8.narrow_i32x4_s(low, high), WEIGHTS);
  }
}

/** Fills the record of the query of row `r` and `head`; a rotated one passes through `room`. */
function begin<T>(params: usize, q: usize, acc: usize, r: i32, head: i32, room: usize): void {
  const keyDim = load<i32>(params, KEY_DIM), valueDim = load<i32>(params, VALUE_DIM), sinks = <usize>load<u32>(params, SINKS);
  let x = <usize>load<u32>(params, Q) + <usize>r * load<u32>(params, Q_BYTES) + (<usize>(head * keyDim) << 2);
  if (is_packed<T>()) {
    rotate(room, x, keyDim); x = room;
  }
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
function attend_block<T>(
  params: usize, q: usize, stride: usize, isPair: bool, start: i32, keys: usize, values: usize, keyDim: i32, valueDim: i32,
): void {
  const r = q + stride, accAt = CODES + ((<usize>keyDim << 1) + 15 & ~15);
  const first = sees(q, start), second = isPair && sees(r, start);
  const chunk = sizeof<T>() == 1 ? GROUP : CHUNK, half = code_bytes<T>(keyDim) >> 1;
  let steps = keys + code_bytes<T>(keyDim);
  for (let d: i32 = 0; d < keyDim; d += chunk) {
    const pairs = min(chunk, keyDim - d) >> 1, add = i32(d > 0), k = keys + (code_bytes<T>(d) >> 1), at = CODES + (<usize>d << 1);
    if (first && second) scores_pair<T>(k, half, pairs, q + at, r + at, q + SCORES, r + SCORES, add, steps);
    else if (first) scores_single<T>(k, half, pairs, q + at, q + SCORES, add, steps);
    else if (second) scores_single<T>(k, half, pairs, r + at, r + SCORES, add, steps);
    if (sizeof<T>() == 1) steps += 128;
  }
  if (first) fold(q, q + accAt, valueDim, score<T>(params, q, start, steps));
  if (second) fold(r, r + accAt, valueDim, score<T>(params, r, start, steps));
  const end = max(first ? load<i32>(q, END) : 0, second ? load<i32>(r, END) : 0), pairs = min(BLOCK, end - start) + 1 >> 1;
  const group = sizeof<T>() == 1 ? GROUP : valueDim;
  steps = values + code_bytes<T>(valueDim);
  for (let d: i32 = 0; d < valueDim; d += group) {
    const v = values + code_bytes<T>(d), acc = accAt + (<usize>d << 2), dims = min(group, valueDim - d);
    if (first) weigh(q, steps);
    if (second) weigh(r, steps);
    if (first && second) mix_pair<T>(v, dims, pairs, q, r, q + acc, r + acc);
    else if (first) mix_single<T>(v, dims, pairs, q, q + acc);
    else if (second) mix_single<T>(v, dims, pairs, r, r + acc);
    steps += 128;
  }
}

/** Rows [row, row + rows) of one sequence, heads [head, head + heads) of one key/value head; at most TILE queries. */
function attend<T>(params: usize, row: i32, rows: i32, head: i32, heads: i32): void {
  const keyDim = load<i32>(params, KEY_DIM), valueDim = load<i32>(params, VALUE_DIM), numKv = load<i32>(params, NUM_KV_HEADS);
  const kv = head / (load<i32>(params, NUM_HEADS) / numKv), count = rows * heads;
  const records = <usize>load<u32>(params, SCRATCH), accAt = CODES + ((<usize>keyDim << 1) + 15 & ~15);
  const stride = accAt + (<usize>valueDim << 2), wideKeys = records + TILE * stride;
  let first: i32 = i32.MAX_VALUE, end: i32 = 0;
  for (let i: i32 = 0; i < count; i++) {
    const q = records + <usize>i * stride;
    begin<T>(params, q, q + accAt, row + i / heads, head + i % heads, wideKeys);
    first = min(first, load<i32>(q, FIRST)); end = max(end, load<i32>(q, END));
  }
  const table = <usize>load<u32>(<usize>load<u32>(params, TABLES) + (<usize>row << 2));
  const allKeys = <usize>load<u32>(params, KEYS), allValues = <usize>load<u32>(params, VALUES);
  const keyBytes = block_bytes<T>(keyDim), valueBytes = block_bytes<T>(valueDim);
  const wideValues = wideKeys + block_bytes<i8>(keyDim);
  for (let block = first / BLOCK; block * BLOCK < end; block++) {
    const number = block_number(params, table, block, kv);
    let keys = allKeys + number * keyBytes, values = allValues + number * valueBytes;
    if (is_packed<T>()) {
      unpack_block(wideKeys, keys, keyDim, 0); keys = wideKeys;
      unpack_block(wideValues, values, valueDim, 1); values = wideValues;
    }
    for (let i: i32 = 0; i < count; i += 2) {
      const q = records + <usize>i * stride, isPair = i + 1 < count;
      if (is_packed<T>()) attend_block<i8>(params, q, stride, isPair, block * BLOCK, keys, values, keyDim, valueDim);
      else attend_block<T>(params, q, stride, isPair, block * BLOCK, keys, values, keyDim, valueDim);
    }
  }
  for (let i: i32 = 0; i < count; i++) {
    const q = records + <usize>i * stride, by = f32x4.splat(1 / load<f32>(q, SUM));
    const out = <usize>load<u32>(params, OUT) + <usize>(row + i / heads) * load<u32>(params, OUT_BYTES)
      + (<usize>((head + i % heads) * valueDim) << 2);
    if (is_packed<T>()) rotate(q + accAt, q + accAt, valueDim);
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
function attention<T>(params: usize, index: i32, numThreads: i32, n: i32): void {
  const numHeads = load<i32>(params, NUM_HEADS), numKv = load<i32>(params, NUM_KV_HEADS), group = numHeads / numKv;
  if (n <= FEW_ROWS) {
    const total = n * numHeads, end = total * (index + 1) / numThreads;
    for (let item = total * index / numThreads; item < end;) {
      const head = item % numHeads, heads = min(min(end - item, group - head % group), TILE);
      attend<T>(params, item / numHeads, 1, head, heads);
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
        attend<T>(params, row, rows, head, min(TILE, (kv + 1) * group - head));
      }
    }
    row += rows;
  }
}

export function attention_i16(params: usize, index: i32, numThreads: i32, n: i32): void {
  attention<i16>(params, index, numThreads, n);
}

export function attention_q8_0(params: usize, index: i32, numThreads: i32, n: i32): void {
  attention<i8>(params, index, numThreads, n);
}

export function attention_q4_0(params: usize, index: i32, numThreads: i32, n: i32): void {
  attention<u8>(params, index, numThreads, n);
}

// Paged attention for one batch row and one key/value head, all query heads that share it at once: one pass over the
// blocks with a running softmax (flash style). Half-precision keys and values are widened once per block.
//
// Layout of a block (KV_BLOCK_SIZE = 32 positions) of one head: (32, dim) elements. Block numbers come from the row's table.
import {
  BLOCK, HALF, KEYS, KEY_DIM, NUM_HEADS, NUM_KV_HEADS, OUT, OUT_BYTES, Q, Q_BYTES, SCRATCH, SINKS, TABLES, VALUES,
  VALUE_DIM, adjust, block_number, end_visible, first_visible, row_position, score_scale,
} from './attention-params';
import { exp_f32, exp_f32x4 } from './math';
import { f16_mask, f16_scale, horizontal_sum, load_f16x4, madd, to_f16 } from './half';

/** One floating-point block in scratch: `count` floats from halves. */
function widen_f16(to: usize, from: usize, count: i32): void {
  const mask = f16_mask(), scale = f16_scale();
  let i: i32 = 0;
  for (; i + 4 <= count; i += 4) v128.store(to + (<usize>i << 2), load_f16x4(from + (<usize>i << 1), mask, scale));
  for (; i < count; i++) {
    const h = <i32>load<i16>(from + (<usize>i << 1));
    store<f32>(to + (<usize>i << 2), reinterpret<f32>((h << 13) & <i32>0x8fffe000) * reinterpret<f32>(0x77800000));
  }
}

// @ts-ignore: decorator
@inline function dot_tail(q: usize, k: usize, from: i32, dim: i32): f32 {
  let sum: f32 = 0;
  for (let i = from; i < dim; i++) sum += load<f32>(q + (<usize>i << 2)) * load<f32>(k + (<usize>i << 2));
  return sum;
}

/** scores[0 … count) = scale · q·k for positions of one block; lanes along the head, four positions at a time. */
function block_scores(scores: usize, q: usize, keys: usize, dim: i32, count: i32, scale: f32): void {
  const step = <usize>dim << 2, dim4 = dim & ~3;
  let p: i32 = 0;
  for (; p + 4 <= count; p += 4) {
    let a = f32x4.splat(0), b = a, c = a, d = a, k0 = keys, k1 = k0 + step, k2 = k1 + step, k3 = k2 + step, x = q;
    for (const end = q + (<usize>dim4 << 2); x < end; x += 16) {
      const v = v128.load(x);
      a = madd(v, v128.load(k0), a); b = madd(v, v128.load(k1), b);
      c = madd(v, v128.load(k2), c); d = madd(v, v128.load(k3), d);
      k0 += 16; k1 += 16; k2 += 16; k3 += 16;
    }
    store<f32>(scores, (horizontal_sum(a) + dot_tail(q, keys, dim4, dim)) * scale);
    store<f32>(scores, (horizontal_sum(b) + dot_tail(q, keys + step, dim4, dim)) * scale, 4);
    store<f32>(scores, (horizontal_sum(c) + dot_tail(q, keys + 2 * step, dim4, dim)) * scale, 8);
    store<f32>(scores, (horizontal_sum(d) + dot_tail(q, keys + 3 * step, dim4, dim)) * scale, 12);
    scores += 16; keys += step << 2;
  }
  for (; p < count; p++) {
    let a = f32x4.splat(0);
    for (let i: i32 = 0; i < dim4; i += 4) {
      a = madd(v128.load(q + (<usize>i << 2)), v128.load(keys + (<usize>i << 2)), a);
    }
    store<f32>(scores, (horizontal_sum(a) + dot_tail(q, keys, dim4, dim)) * scale);
    scores += 4; keys += step;
  }
}

/** acc += Σ weights[p] · values[p] over `count` positions. */
function block_mix(acc: usize, weights: usize, values: usize, dim: i32, count: i32): void {
  const step = <usize>dim << 2;
  let i: i32 = 0;
  for (; i + 16 <= dim; i += 16) {
    let a = v128.load(acc), b = v128.load(acc, 16), c = v128.load(acc, 32), d = v128.load(acc, 48), v = values;
    for (let p: i32 = 0; p < count; p++) {
      const w = v128.load32_splat(weights + (<usize>p << 2));
      a = madd(w, v128.load(v), a); b = madd(w, v128.load(v, 16), b);
      c = madd(w, v128.load(v, 32), c); d = madd(w, v128.load(v, 48), d);
      v += step;
    }
    v128.store(acc, a); v128.store(acc, b, 16); v128.store(acc, c, 32); v128.store(acc, d, 48);
    acc += 64; values += 64;
  }
  for (; i + 4 <= dim; i += 4) {
    let a = v128.load(acc), v = values;
    for (let p: i32 = 0; p < count; p++) { a = madd(v128.load32_splat(weights + (<usize>p << 2)), v128.load(v), a); v += step; }
    v128.store(acc, a);
    acc += 16; values += 16;
  }
  for (; i < dim; i++) {
    let a = load<f32>(acc), v = values;
    for (let p: i32 = 0; p < count; p++) { a += load<f32>(weights + (<usize>p << 2)) * load<f32>(v); v += step; }
    store<f32>(acc, a);
    acc += 4; values += 4;
  }
}

// @ts-ignore: decorator
@inline function scale_row(x: usize, factor: f32, dim: i32): void {
  for (let i: i32 = 0; i < dim; i++) store<f32>(x + (<usize>i << 2), load<f32>(x + (<usize>i << 2)) * factor);
}

/** Turns a block's scores into weights relative to the running maximum; acc and sums follow it. Returns nothing. */
function fold(scores: usize, acc: usize, state: usize, dim: i32, count: i32): void {
  let highest = load<f32>(scores);
  for (let p: i32 = 1; p < count; p++) highest = max(highest, load<f32>(scores + (<usize>p << 2)));
  const before = load<f32>(state);
  if (highest > before) {
    const factor = exp_f32(before - highest);
    store<f32>(state, highest);
    store<f32>(state, load<f32>(state, 4) * factor, 4);
    scale_row(acc, factor, dim);
  }
  const shift = f32x4.splat(load<f32>(state));
  for (let p: i32 = 0; p < count; p += 4) {
    const at = scores + (<usize>p << 2);
    v128.store(at, exp_f32x4(f32x4.sub(v128.load(at), shift)));
  }
  let sum: f32 = 0;
  for (let p: i32 = 0; p < count; p++) sum += load<f32>(scores + (<usize>p << 2));
  store<f32>(state, load<f32>(state, 4) + sum, 4);
}

/** Row `r`, key/value head `kv`. Scratch: keys, values, scores (32 each), then per head acc (valueDim) and (max, sum). */
function attend(params: usize, r: i32, kv: i32): void {
  const keyDim = load<i32>(params, KEY_DIM), valueDim = load<i32>(params, VALUE_DIM), half = load<i32>(params, HALF);
  const numKv = load<i32>(params, NUM_KV_HEADS), group = load<i32>(params, NUM_HEADS) / numKv;
  const table = <usize>load<u32>(<usize>load<u32>(params, TABLES) + (<usize>r << 2));
  const position = row_position(params, r), first = first_visible(params, r), end = end_visible(params, r);
  const scale = score_scale(params, r);
  const shift: usize = half ? 1 : 2;
  const keyBlock = <usize>(BLOCK * keyDim) << shift, valueBlock = <usize>(BLOCK * valueDim) << shift;
  const wideKeys = <usize>load<u32>(params, SCRATCH), wideValues = wideKeys + (<usize>(BLOCK * keyDim) << 2);
  const scores = wideValues + (<usize>(BLOCK * valueDim) << 2), states = scores + (<usize>BLOCK << 2);
  const stateBytes = (<usize>valueDim << 2) + 16;
  const q = <usize>load<u32>(params, Q) + <usize>r * load<u32>(params, Q_BYTES) + (<usize>(kv * group * keyDim) << 2);
  const out = <usize>load<u32>(params, OUT) + <usize>r * load<u32>(params, OUT_BYTES) + (<usize>(kv * group * valueDim) << 2);
  const sinks = <usize>load<u32>(params, SINKS);
  for (let g: i32 = 0; g < group; g++) {
    const state = states + <usize>g * stateBytes;
    store<f32>(state, sinks ? load<f32>(sinks + (<usize>(kv * group + g) << 2)) : -Infinity);
    store<f32>(state, sinks ? 1 : 0, 4);
    memory.fill(state + 16, 0, <usize>valueDim << 2);
  }
  for (let block = first / BLOCK; block * BLOCK < end; block++) {
    const from = max(first, block * BLOCK), count = min(end, (block + 1) * BLOCK) - from;
    const number = block_number(params, table, block, kv);
    let keys = <usize>load<u32>(params, KEYS) + number * keyBlock + (<usize>((from & (BLOCK - 1)) * keyDim) << shift);
    let values = <usize>load<u32>(params, VALUES) + number * valueBlock + (<usize>((from & (BLOCK - 1)) * valueDim) << shift);
    if (half) {
      widen_f16(wideKeys, keys, count * keyDim); keys = wideKeys;
      widen_f16(wideValues, values, count * valueDim); values = wideValues;
    }
    for (let g: i32 = 0; g < group; g++) {
      const state = states + <usize>g * stateBytes;
      block_scores(scores, q + (<usize>(g * keyDim) << 2), keys, keyDim, count, scale);
      adjust(params, scores, kv * group + g, from, position, count);
      fold(scores, state + 16, state, valueDim, count);
      block_mix(state + 16, scores, values, valueDim, count);
    }
  }
  for (let g: i32 = 0; g < group; g++) {
    const state = states + <usize>g * stateBytes, to = out + (<usize>(g * valueDim) << 2), factor: f32 = 1 / load<f32>(state, 4);
    for (let i: i32 = 0; i < valueDim; i++) {
      store<f32>(to + (<usize>i << 2), load<f32>(state + 16 + (<usize>i << 2)) * factor);
    }
  }
}

/** Work items `from, from + step, …` below `numItems`; item i is row i / kvHeads, head i % kvHeads. */
export function attention_f32(params: usize, from: i32, step: i32, numItems: i32): void {
  const numKv = load<i32>(params, NUM_KV_HEADS);
  for (let item = from; item < numItems; item += step) attend(params, item / numKv, item % numKv);
}

/** Stores heads [headFrom, headTo) of rows [rowFrom, rowTo) of x (n, numKv · dim) at the rows' positions. */
export function store_kv(
  cache: usize, x: usize, xBytes: usize, positions: usize, tables: usize, numBlocks: u32, dim: u32, half: i32,
  rowFrom: u32, rowTo: u32, headFrom: u32, headTo: u32,
): void {
  const shift: usize = half ? 1 : 2;
  for (let r = rowFrom; r < rowTo; r++) {
    const position = load<u32>(positions + (<usize>r << 2)), table = <usize>load<u32>(tables + (<usize>r << 2));
    const block = <usize>load<u32>(table + (<usize>(position / BLOCK) << 2));
    for (let h = headFrom; h < headTo; h++) {
      const from = x + <usize>r * xBytes + (<usize>(h * dim) << 2);
      const place = (<usize>h * <usize>numBlocks + block) * <usize>BLOCK + <usize>(position & (BLOCK - 1));
      const to = cache + ((place * <usize>dim) << shift);
      if (half) for (let i: usize = 0; i < <usize>dim; i++) store<u16>(to + (i << 1), <u16>to_f16(load<f32>(from + (i << 2))));
      else memory.copy(to, from, <usize>dim << 2);
    }
  }
}

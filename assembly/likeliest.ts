// The rows of a language-model head whose products with one column are the highest, found without computing the others exactly.
// Relaxed builds only; weights in halves (halves.ts).
//
// With the lower quants in their middle, 7.5, upper quants give a product c that is off by e · x, where e are the deviations. The
// earlier columns x_j that the caller keeps, for which e · x_j was computed once, and how x is made of them say most of that:
// e · x = Σ α_j e · x_j + e · (x − Σ α_j x_j), and the rest is at most |e| · |x − Σ α_j x_j|. Only rows whose product may reach the
// count-th highest have their lower quants read. |e| are the row's bounds. What e · x_j is of |e| · |x_j| is kept in 8 bits, for 16
// columns of each group of 4 rows as 8 × (row 0 … 3)(columns 2p, 2p + 1); a row that has more than these can say is always computed, its bound
// being no number. src/backends/wasm/likeliest.ts writes the record:
//
//   0   bounds f32[rows] of these rows       28  room: f32[256]
//   4   e · x_j i8[rows][16] of these rows   32  best: f32[count], −Infinity
//   8   pairs of x_j                         36  maxima: f32[units]; then as many words
//   12  count                                40  |x − Σ α_j x_j| and a margin for rounding f32
//   16  thresholds f32[threads]              44  unit of products of what follows with e · x_j, f32
//   20  number of threads                    48  α_j |x_j| i16[16]
//   24  index of this thread                 80  found: u16[units], the groups of each that were computed
import { Q8_HALVES, activation_bytes, meta_bytes } from './block32';
import { horizontal_sum, madd } from './half';
import {
  UNIT_GROUPS, UNIT_ROWS, group_product, lower_bytes, multiply_units, unit_bytes, upper_bytes, vector_16,
} from './halves';
import { dot16, madd_i32, stream_step } from './tile';

// @ts-ignore: decorator
@inline const BOUNDS: usize = 0;
// @ts-ignore: decorator
@inline const KNOWN: usize = 4;
// @ts-ignore: decorator
@inline const PAIRS: usize = 8;
// @ts-ignore: decorator
@inline const COUNT: usize = 12;
// @ts-ignore: decorator
@inline const THRESHOLDS: usize = 16;
// @ts-ignore: decorator
@inline const NUM_THREADS: usize = 20;
// @ts-ignore: decorator
@inline const THREAD: usize = 24;
// @ts-ignore: decorator
@inline const ROOM: usize = 28;
// @ts-ignore: decorator
@inline const BEST: usize = 32;
// @ts-ignore: decorator
@inline const MAXIMA: usize = 36;
// @ts-ignore: decorator
@inline const REST: usize = 40;
// @ts-ignore: decorator
@inline const UNIT: usize = 44;
// @ts-ignore: decorator
@inline const SHARES: usize = 48;
// @ts-ignore: decorator
@inline const FOUND: usize = 80;
/** Bytes that a group of 4 rows has of known columns. */
// @ts-ignore: decorator
@inline const KNOWN_BYTES: usize = 64;

/** c of unit `u`, and where `step` is not 0 of those `step`, 2 · step and 3 · step further on, to `room` one after another. */
// @ts-ignore: decorator
@inline function upper_units(w: usize, x: usize, blocks: u32, step: u32, room: usize): void {
  const upper = upper_bytes(blocks), apart = step ? unit_bytes(blocks) * <usize>step : upper;
  for (let g: u32 = 0; g < UNIT_GROUPS; g += step ? 1 : 4) {
    vector_16(
      false, true, w + upper * <usize>g, 0, apart, 0, 0, x, blocks, 0, 0, 1, 0, room + (<usize>g << 4), step ? <usize>UNIT_GROUPS << 4 : 16,
    );
  }
}

/** The highest product that as many rows of any thread as are looked for are known to reach. */
function threshold_of(record: usize): f32 {
  const count: usize = load<u32>(record, NUM_THREADS), thresholds: usize = load<u32>(record, THRESHOLDS);
  let highest: f32 = -Infinity;
  for (let t: usize = 0; t < count; t++) {
    const bits = ASC_FEATURE_THREADS ? atomic.load<i32>(thresholds + (t << 2)) : load<i32>(thresholds + (t << 2));
    highest = max(highest, reinterpret<f32>(bits));
  }
  return highest;
}

/** Puts a product among the best, which are in ascending order. */
function note_product(best: usize, count: usize, product: f32): void {
  if (!(product > load<f32>(best))) return;
  let at = best;
  for (const last = best + ((count - 1) << 2); at < last; at += 4) {
    const next = load<f32>(at, 4);
    if (next >= product) break;
    store<f32>(at, next);
  }
  store<f32>(at, product);
}

/** Puts the products of 4 rows among the best, and returns what it then takes to be one of them. */
function note_group(products: v128, record: usize): f32 {
  const best: usize = load<u32>(record, BEST), count: usize = load<u32>(record, COUNT);
  const before = load<f32>(best);
  note_product(best, count, f32x4.extract_lane(products, 0));
  note_product(best, count, f32x4.extract_lane(products, 1));
  note_product(best, count, f32x4.extract_lane(products, 2));
  note_product(best, count, f32x4.extract_lane(products, 3));
  const least = load<f32>(best);
  if (least > before) {
    const own = <usize>load<u32>(record, THRESHOLDS) + (<usize>load<u32>(record, THREAD) << 2);
    if (ASC_FEATURE_THREADS) atomic.store<i32>(own, reinterpret<i32>(least));
    else store<i32>(own, reinterpret<i32>(least));
  }
  return least;
}

/** What products are expected to be that are `most` at most: without what the known columns do not say. */
// @ts-ignore: decorator
@inline function expected(most: v128, bounds: v128, rest: v128): v128 {
  return f32x4.sub(most, f32x4.mul(bounds, rest));
}

// @ts-ignore: decorator
@inline function highest_lane(v: v128): f32 {
  const pairs = f32x4.max(v, i32x4.shuffle(v, v, 2, 3, 0, 1));
  return max(f32x4.extract_lane(pairs, 0), f32x4.extract_lane(pairs, 1));
}

/**
 * The most that the products of a unit's rows can be, from their c at `room`, to `out`; the highest of them to `maximum`. Returns the
 * highest that is expected.
 */
function bound_unit(room: usize, row: u32, out: usize, maximum: usize, record: usize): f32 {
  let bounds = <usize>load<u32>(record, BOUNDS) + (<usize>row << 2), known = <usize>load<u32>(record, KNOWN) + <usize>row * (KNOWN_BYTES / 4);
  const shares = record + SHARES, pairBytes = <usize>load<u32>(record, PAIRS) << 3;
  const rest = v128.load32_splat(record, REST), scale = v128.load32_splat(record, UNIT);
  let highest = f32x4.splat(-Infinity), peak = highest;
  for (const end = room + (<usize>UNIT_ROWS << 2); room < end; room += 16) {
    let sum = i32x4.splat(0);
    for (let at: usize = 0; at < pairBytes; at += 8) {
      sum = i32x4.add(sum, dot16(v128.load8x8_s(known + at), v128.load32_splat(shares + (at >> 1))));
    }
    const deviation = madd_i32(sum, scale, rest);
    const bound = v128.load(bounds), most = madd(bound, deviation, v128.load(room));
    v128.store(out, most);
    highest = f32x4.max(highest, most);
    peak = f32x4.max(peak, expected(most, bound, rest));
    bounds += 16; known += KNOWN_BYTES; out += 16;
  }
  store<f32>(maximum, highest_lane(highest));
  return highest_lane(peak);
}

/** Whether none of 4 rows reaches `threshold`. What is not a number may: it is computed, so that the sampler hears of it. */
// @ts-ignore: decorator
@inline function is_below(most: v128, threshold: f32): bool {
  return i32x4.all_true(f32x4.lt(most, f32x4.splat(threshold)));
}

/**
 * Computes those groups of a unit that are not `done` and may reach `threshold`, or with `rest` of which it is expected; returns the set
 * of groups that are. `row` is the unit's first.
 */
function compute_unit(unit: usize, x: usize, blocks: u32, out: usize, row: u32, rest: v128, threshold: f32, done: u32, record: usize): u32 {
  const upper = upper_bytes(blocks), lower = lower_bytes(blocks), lowers = unit + upper * <usize>UNIT_GROUPS;
  const bounds = <usize>load<u32>(record, BOUNDS) + (<usize>row << 2);
  for (let g: u32 = 0; g < UNIT_GROUPS; g++) {
    const at = <usize>g << 4;
    if (((done >> g) & 1) != 0 || is_below(expected(v128.load(out + at), v128.load(bounds + at), rest), threshold)) continue;
    const products = group_product(unit + upper * <usize>g, lowers + lower * <usize>g, x, blocks);
    v128.store(out + at, products);
    threshold = max(threshold, note_group(products, record));
    done |= 1 << g;
  }
  return done;
}

/** Makes −Infinity of what was not computed of a unit. */
function rule_out(out: usize, done: u32): void {
  for (let g: u32 = 0; g < UNIT_GROUPS; g++) {
    if (((done >> g) & 1) == 0) v128.store(out + (<usize>g << 4), f32x4.splat(-Infinity));
  }
}

/** How many groups of 4 rows may reach `threshold`. */
function count_groups(out: usize, units: u32, maxima: usize, threshold: f32): u32 {
  let count: u32 = 0;
  for (let u: u32 = 0; u < units; u++) {
    if (load<f32>(maxima + (<usize>u << 2)) < threshold) continue;
    const first = out + (<usize>(u * UNIT_ROWS) << 2);
    for (let g: usize = 0; g < <usize>UNIT_GROUPS; g++) count += is_below(v128.load(first + (g << 4)), threshold) ? 0 : 1;
  }
  return count;
}

/**
 * out (1, rows) = x (1, cols) · weightᵀ for `rows` rows, a multiple of 64, in halves: of those that may be among the highest, and
 * −Infinity elsewhere. Returns how many groups of 4 rows may be; more than `limit` are not computed, and `out` is without meaning.
 */
export function likeliest_q8_0(w: usize, x: usize, out: usize, rows: u32, blocks: u32, record: usize, limit: u32): u32 {
  const unit = unit_bytes(blocks), units = rows / UNIT_ROWS, step = stream_step(units, unit), room: usize = load<u32>(record, ROOM);
  const best: usize = load<u32>(record, BEST), count: usize = load<u32>(record, COUNT), maxima: usize = load<u32>(record, MAXIMA);
  // For each unit, what is expected of it, and later its groups that were computed.
  const done = maxima + (<usize>units << 2);
  for (let u: u32 = 0; u < units;) {
    const streams: u32 = u < step ? 4 : 1;
    upper_units(w + unit * <usize>u, x, blocks, streams > 1 ? step : 0, room);
    for (let s: u32 = 0; s < streams; s++) {
      const at = u + s * step, row = at * UNIT_ROWS;
      const peak = bound_unit(room + (<usize>(s * UNIT_ROWS) << 2), row, out + (<usize>row << 2), maxima + (<usize>at << 2), record);
      store<f32>(done + (<usize>at << 2), peak);
      note_product(best, count, peak);
    }
    u++;
    if (u == step) u = 4 * step;
  }
  // As many units as products are looked for have one that is expected to be this high: theirs say what is to be reached.
  const promising = load<f32>(best), rest = v128.load32_splat(record, REST);
  for (let i: usize = 0; i < count; i++) store<f32>(best + (i << 2), -Infinity);
  let computed: u32 = 0;
  for (let u: u32 = 0; u < units; u++) {
    const at = <usize>u << 2;
    const groups = load<f32>(done + at) < promising
      ? 0 : compute_unit(w + unit * <usize>u, x, blocks, out + (at << 6), u * UNIT_ROWS, rest, promising, 0, record);
    store<u32>(done + at, groups);
    computed += popcnt(groups);
  }
  const found: usize = load<u32>(record, FOUND);
  const needed = computed + count_groups(out, units, maxima, max(load<f32>(best), threshold_of(record)));
  if (needed > limit) return needed;
  for (let u: u32 = 0; u < units; u++) {
    const at = <usize>u << 2, before = load<u32>(done + at);
    const threshold = max(load<f32>(best), threshold_of(record));
    const groups = load<f32>(maxima + at) < threshold
      ? before : compute_unit(w + unit * <usize>u, x, blocks, out + (at << 6), u * UNIT_ROWS, f32x4.splat(0), threshold, before, record);
    rule_out(out + (at << 6), groups);
    store<u16>(found + (<usize>u << 1), <u16>groups);
    computed += popcnt(groups ^ before);
  }
  return computed;
}

/**
 * out (1, rows), all of them, and e · x to column `index` of what is known, `known` of these rows, as multiples of 1 / `inverse` of the
 * row's bound. `room` has 16 floats.
 */
export function know_q8_0(
  w: usize, x: usize, out: usize, rows: u32, blocks: u32, bounds: usize, known: usize, index: u32, inverse: f32, room: usize,
): void {
  multiply_units(true, w, x, out, 0, rows, blocks, 1, 0, bounds, known + <usize>(index >> 1 << 3 | index & 1), inverse, room);
}

/** The column that pack_q8_halves packed as f32[cols] at `to`, exactly: 11 bits of scale times 7. */
export function unpack_q8_halves(x: usize, to: usize, blocks: u32): void {
  for (let b: u32 = 0; b < blocks; b++) {
    const X = v128.load32_splat(x);
    for (let i: usize = 0; i < 32; i += 8) {
      const words = v128.load8x8_s(x + meta_bytes(Q8_HALVES) + i);
      v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(words)), X));
      v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(words)), X), 16);
      to += 32;
    }
    x += activation_bytes(Q8_HALVES);
  }
}

/** |x − Σ coefficients[j] · columns[j]|² of f32[cols], the columns one after another; cols is a multiple of 4. */
export function distance_f32(x: usize, columns: usize, coefficients: usize, count: u32, cols: u32): f32 {
  const columnBytes = <usize>cols << 2;
  let sum = f32x4.splat(0);
  for (let at: usize = 0; at < columnBytes; at += 16) {
    let left = v128.load(x + at), column = columns + at;
    for (let j: u32 = 0; j < count; j++) {
      left = f32x4.sub(left, f32x4.mul(v128.load32_splat(coefficients + (<usize>j << 2)), v128.load(column)));
      column += columnBytes;
    }
    sum = madd(left, left, sum);
  }
  return horizontal_sum(sum);
}

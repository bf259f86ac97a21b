// Products of integer queries and softmax weights with the keys and values of one block, for one query or two, and the record in
// which a query's are kept. Layouts and `T`: attention-integer.ts.
import { madd } from './half';

/**
 * Record of a query: state of its softmax, what it sees, its weights (i16), scores and products of a block; codes and sums
 * follow.
 */
export const MAX: usize = 0;
export const SUM: usize = 4;
export const Q_STEP: usize = 8;
export const FIRST: usize = 12;
export const END: usize = 16;
export const POSITION: usize = 20;
export const HEAD: usize = 24;
export const WEIGHT_STEP: usize = 28;
export const WEIGHTS: usize = 32;
export const SCORES: usize = 96;
export const PRODUCTS: usize = 224;
export const CODES: usize = 352;

// @ts-ignore: decorator
@inline function dot(a: v128, b: v128, sum: v128): v128 {
  return i32x4.add(sum, i32x4.dot_i16x8_s(a, b));
}

/** Vector `i` of 8 codes each. */
// @ts-ignore: decorator
@inline function codes<T>(ptr: usize, i: usize): v128 {
  return sizeof<T>() == 1 ? v128.load8x8_s(ptr + 8 * i) : v128.load(ptr + 16 * i);
}

/** Adds four positions' sums to their scores: times their scales here where each group of dimensions has its own. */
// @ts-ignore: decorator
@inline function put<T>(to: usize, sum: v128, add: i32, steps: usize): void {
  let x = f32x4.convert_i32x4_s(sum);
  if (sizeof<T>() == 1) x = f32x4.mul(x, v128.load(steps));
  v128.store(to, add ? f32x4.add(v128.load(to), x) : x);
}

/**
 * Sums of `pairs` pairs of dimensions for 32 positions and one query; the later 16 lie `half` bytes after the others. `add`
 * continues earlier dimensions.
 */
export function scores_single<T>(keys: usize, half: usize, pairs: i32, q: usize, to: usize, add: i32, steps: usize): void {
  let a = i32x4.splat(0), b = a, c = a, d = a, e = a, f = a, g = a, h = a, later = keys + half;
  for (const end = q + (<usize>pairs << 2); q < end; q += 4) {
    const x = v128.load32_splat(q);
    a = dot(codes<T>(keys, 0), x, a); b = dot(codes<T>(keys, 1), x, b);
    c = dot(codes<T>(keys, 2), x, c); d = dot(codes<T>(keys, 3), x, d);
    e = dot(codes<T>(later, 0), x, e); f = dot(codes<T>(later, 1), x, f);
    g = dot(codes<T>(later, 2), x, g); h = dot(codes<T>(later, 3), x, h);
    keys += 32 * sizeof<T>(); later += 32 * sizeof<T>();
  }
  put<T>(to, a, add, steps); put<T>(to + 16, b, add, steps + 16); put<T>(to + 32, c, add, steps + 32);
  put<T>(to + 48, d, add, steps + 48); put<T>(to + 64, e, add, steps + 64); put<T>(to + 80, f, add, steps + 80);
  put<T>(to + 96, g, add, steps + 96); put<T>(to + 112, h, add, steps + 112);
}

/** The same for two queries, 16 positions at a time. */
export function scores_pair<T>(
  keys: usize, half: usize, pairs: i32, q: usize, r: usize, to: usize, next: usize, add: i32, steps: usize,
): void {
  const bytes = <usize>pairs << 2;
  for (let at: usize = 0; at < 128; at += 64) {
    let a = i32x4.splat(0), b = a, c = a, d = a, e = a, f = a, g = a, h = a, k = keys;
    for (let i: usize = 0; i < bytes; i += 4) {
      const x = v128.load32_splat(q + i), y = v128.load32_splat(r + i);
      let z = codes<T>(k, 0); a = dot(z, x, a); e = dot(z, y, e);
      z = codes<T>(k, 1); b = dot(z, x, b); f = dot(z, y, f);
      z = codes<T>(k, 2); c = dot(z, x, c); g = dot(z, y, g);
      z = codes<T>(k, 3); d = dot(z, x, d); h = dot(z, y, h);
      k += 32 * sizeof<T>();
    }
    keys += half;
    const one = to + at, other = next + at, s = steps + at;
    put<T>(one, a, add, s); put<T>(one + 16, b, add, s + 16); put<T>(one + 32, c, add, s + 32); put<T>(one + 48, d, add, s + 48);
    put<T>(other, e, add, s); put<T>(other + 16, f, add, s + 16); put<T>(other + 32, g, add, s + 32);
    put<T>(other + 48, h, add, s + 48);
  }
}

// @ts-ignore: decorator
@inline function gain(acc: usize, sum: v128, step: v128): void {
  v128.store(acc, madd(f32x4.convert_i32x4_s(sum), step, v128.load(acc)));
}

/** acc += weights · values for the last `dims` (at most 16) dimensions and one query. */
function mix_rest<T>(values: usize, dims: i32, pairs: i32, q: usize, acc: usize): void {
  const stride = (<usize>dims << 1) * sizeof<T>(), step = v128.load32_splat(q, WEIGHT_STEP), bytes = <usize>pairs << 2;
  for (let i: i32 = 0; i < dims; i += 4) {
    let a = i32x4.splat(0), v = values;
    for (let w: usize = 0; w < bytes; w += 4) { a = dot(codes<T>(v, 0), v128.load32_splat(q + w, WEIGHTS), a); v += stride; }
    gain(acc, a, step);
    acc += 16; values += 8 * sizeof<T>();
  }
}

/** acc += weights · values for `pairs` pairs of positions and one query. */
export function mix_single<T>(values: usize, dim: i32, pairs: i32, q: usize, acc: usize): void {
  const step = v128.load32_splat(q, WEIGHT_STEP), bytes = <usize>pairs << 2;
  let i: i32 = 0;
  for (; i + 32 <= dim; i += 32) {
    let a = i32x4.splat(0), b = a, c = a, d = a, e = a, f = a, g = a, h = a, v = values, u = values + 512 * sizeof<T>();
    for (let w: usize = 0; w < bytes; w += 4) {
      const x = v128.load32_splat(q + w, WEIGHTS);
      a = dot(codes<T>(v, 0), x, a); b = dot(codes<T>(v, 1), x, b);
      c = dot(codes<T>(v, 2), x, c); d = dot(codes<T>(v, 3), x, d);
      e = dot(codes<T>(u, 0), x, e); f = dot(codes<T>(u, 1), x, f);
      g = dot(codes<T>(u, 2), x, g); h = dot(codes<T>(u, 3), x, h);
      v += 32 * sizeof<T>(); u += 32 * sizeof<T>();
    }
    gain(acc, a, step); gain(acc + 16, b, step); gain(acc + 32, c, step); gain(acc + 48, d, step);
    gain(acc + 64, e, step); gain(acc + 80, f, step); gain(acc + 96, g, step); gain(acc + 112, h, step);
    acc += 128; values += 1024 * sizeof<T>();
  }
  for (; i < dim; i += 16) {
    mix_rest<T>(values, min(16, dim - i), pairs, q, acc);
    acc += 64; values += 512 * sizeof<T>();
  }
}

/** The same for two queries. */
export function mix_pair<T>(values: usize, dim: i32, pairs: i32, q: usize, r: usize, acc: usize, next: usize): void {
  const bytes = <usize>pairs << 2, step = v128.load32_splat(q, WEIGHT_STEP), nextStep = v128.load32_splat(r, WEIGHT_STEP);
  let i: i32 = 0;
  for (; i + 16 <= dim; i += 16) {
    let a = i32x4.splat(0), b = a, c = a, d = a, e = a, f = a, g = a, h = a, v = values;
    for (let w: usize = 0; w < bytes; w += 4) {
      const x = v128.load32_splat(q + w, WEIGHTS), y = v128.load32_splat(r + w, WEIGHTS);
      let z = codes<T>(v, 0); a = dot(z, x, a); e = dot(z, y, e);
      z = codes<T>(v, 1); b = dot(z, x, b); f = dot(z, y, f);
      z = codes<T>(v, 2); c = dot(z, x, c); g = dot(z, y, g);
      z = codes<T>(v, 3); d = dot(z, x, d); h = dot(z, y, h);
      v += 32 * sizeof<T>();
    }
    gain(acc, a, step); gain(acc + 16, b, step); gain(acc + 32, c, step); gain(acc + 48, d, step);
    gain(next, e, nextStep); gain(next + 16, f, nextStep); gain(next + 32, g, nextStep); gain(next + 48, h, nextStep);
    acc += 64; next += 64; values += 512 * sizeof<T>();
  }
  if (i == dim) return;
  mix_rest<T>(values, dim - i, pairs, q, acc);
  mix_rest<T>(values, dim - i, pairs, r, next);
}

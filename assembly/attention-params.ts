// What both attention kernels share: the parameter record, the visible range of a row, and what is added to its scores.
import { tanh_f32x4 } from './math';

/** Fields of the record, by byte offset; twin: src/backends/wasm/attention-params.ts. */
export const Q: usize = 0;
export const Q_BYTES: usize = 4;
export const OUT: usize = 8;
export const OUT_BYTES: usize = 12;
export const KEYS: usize = 16;
export const VALUES: usize = 20;
export const NUM_HEADS: usize = 24;
export const NUM_KV_HEADS: usize = 28;
export const KEY_DIM: usize = 32;
export const VALUE_DIM: usize = 36;
export const HALF: usize = 40;
export const SCALE: usize = 44;
export const CAUSAL: usize = 48;
export const WINDOW: usize = 52;
export const SOFTCAP: usize = 56;
export const ALIBI: usize = 60;
export const SINKS: usize = 64;
export const BIAS_TABLE: usize = 68;
export const BIAS_BUCKETS: usize = 72;
export const Q_SCALE: usize = 76;
export const Q_SCALE_BYTES: usize = 80;
export const POSITIONS: usize = 84;
export const LENGTHS: usize = 88;
export const TABLES: usize = 92;
export const SCRATCH: usize = 96;
export const NUM_BLOCKS: usize = 100;

/** Where block `block` of key/value head `kv` lies, in blocks: those of one head follow each other. */
// @ts-ignore: decorator
@inline export function block_number(params: usize, table: usize, block: i32, kv: i32): usize {
  return <usize>kv * load<u32>(params, NUM_BLOCKS) + <usize>load<u32>(table + (<usize>block << 2));
}

/** Positions per block. */
export const BLOCK: i32 = 32;
/** Relative position buckets are tabulated for distances −128 … 128. */
const MAX_DISTANCE: i32 = 128;

// @ts-ignore: decorator
@inline export function row_position(params: usize, r: i32): i32 {
  return load<i32>(<usize>load<u32>(params, POSITIONS) + (<usize>r << 2));
}

/** First position that row `r` sees. */
export function first_visible(params: usize, r: i32): i32 {
  const window = load<i32>(params, WINDOW), position = row_position(params, r);
  if (!window) return 0;
  return max(0, load<i32>(params, CAUSAL) ? position - window + 1 : position - window / 2);
}

/** The position after the last that row `r` sees. */
export function end_visible(params: usize, r: i32): i32 {
  const window = load<i32>(params, WINDOW), position = row_position(params, r);
  if (load<i32>(params, CAUSAL)) return position + 1;
  const length = load<i32>(<usize>load<u32>(params, LENGTHS) + (<usize>r << 2));
  return window ? min(length, position + window / 2 + 1) : length;
}

/** Factor on q·k for row `r`. */
export function score_scale(params: usize, r: i32): f32 {
  const scale = load<f32>(params, SCALE), perRow = <usize>load<u32>(params, Q_SCALE);
  return perRow ? scale * load<f32>(perRow + <usize>r * load<u32>(params, Q_SCALE_BYTES)) : scale;
}

/** Whether `adjust` changes anything. */
// @ts-ignore: decorator
@inline export function adjusts(params: usize): bool {
  return (load<u32>(params, SOFTCAP) | load<u32>(params, ALIBI) | load<u32>(params, BIAS_TABLE)) != 0;
}

/** Softcap, ALiBi and relative bias on `count` scores; `first` is the position of the first. */
export function adjust(params: usize, scores: usize, head: i32, first: i32, position: i32, count: i32): void {
  const cap = load<f32>(params, SOFTCAP), slopes = <usize>load<u32>(params, ALIBI), table = <usize>load<u32>(params, BIAS_TABLE);
  if (cap != 0) {
    const c = f32x4.splat(cap);
    for (let p: i32 = 0; p < count; p += 4) {
      const at = scores + (<usize>p << 2);
      v128.store(at, f32x4.mul(c, tanh_f32x4(f32x4.div(v128.load(at), c))));
    }
  }
  if (slopes) {
    const slope = load<f32>(slopes + (<usize>head << 2));
    for (let p: i32 = 0; p < count; p++) {
      const at = scores + (<usize>p << 2);
      store<f32>(at, load<f32>(at) - slope * <f32>abs<i32>(first + p - position));
    }
  }
  if (table) {
    const buckets = <usize>load<u32>(params, BIAS_BUCKETS), numHeads = load<i32>(params, NUM_HEADS);
    for (let p: i32 = 0; p < count; p++) {
      const at = scores + (<usize>p << 2), distance = min(max(first + p - position, -MAX_DISTANCE), MAX_DISTANCE);
      const bucket = load<i32>(buckets + (<usize>(distance + MAX_DISTANCE) << 2));
      store<f32>(at, load<f32>(at) + load<f32>(table + (<usize>(bucket * numHeads + head) << 2)));
    }
  }
}

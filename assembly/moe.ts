// Mixture of experts: which experts a row goes to, and the weighted sum of what they say.
import { exp_f32 } from './math';

const SOFTMAX = 0;
const SIGMOID = 1;
/** A sum of weights below this (the smallest normal half float) counts as this. */
const MIN_WEIGHT_SUM: f32 = 6.103515625e-5;

// @ts-ignore: decorator
@inline function at(x: usize, i: i32): usize {
  return x + (<usize>i << 2);
}

function softmax(x: usize, count: i32): void {
  let highest = load<f32>(x), sum: f32 = 0;
  for (let i: i32 = 1; i < count; i++) highest = max(highest, load<f32>(at(x, i)));
  for (let i: i32 = 0; i < count; i++) {
    const power = exp_f32(load<f32>(at(x, i)) - highest);
    store<f32>(at(x, i), power);
    sum += power;
  }
  for (let i: i32 = 0; i < count; i++) store<f32>(at(x, i), load<f32>(at(x, i)) / sum);
}

/** Index of the largest of `count` floats, the lowest among equals. */
function largest(x: usize, count: i32): i32 {
  let best: i32 = 0;
  for (let i: i32 = 1; i < count; i++) if (load<f32>(at(x, i)) > load<f32>(at(x, best))) best = i;
  return best;
}

/** Preferences of groups outside the `topGroups` best become −∞. A group scores its best one or two summed. */
function keep_groups(preferences: usize, scores: usize, numExperts: i32, numGroups: i32, topGroups: i32, two: i32): void {
  const size = numExperts / numGroups;
  for (let g: i32 = 0; g < numGroups; g++) {
    const members = at(preferences, g * size);
    const first = largest(members, size);
    let score = load<f32>(at(members, first));
    if (two) {
      let second: f32 = -Infinity;
      for (let i: i32 = 0; i < size; i++) if (i != first) second = max(second, load<f32>(at(members, i)));
      score += second;
    }
    store<f32>(at(scores, g), score);
  }
  for (let k: i32 = 0; k < topGroups; k++) store<f32>(at(scores, largest(scores, numGroups)), -Infinity);
  for (let g: i32 = 0; g < numGroups; g++) {
    if (load<f32>(at(scores, g)) == -Infinity) continue;
    for (let i: i32 = 0; i < size; i++) store<f32>(at(preferences, g * size + i), -Infinity);
  }
}

/**
 * Rows [rowFrom, rowTo): ids and weights (n, numUsed) from logits. `bias` (or 0) is added for the choice only. Scratch
 * holds 3 · numExperts floats. `gating`: 0 softmax, 1 sigmoid, 2 softmax over the chosen.
 */
export function route_f32(
  ids: usize, weights: usize, logits: usize, logitsBytes: usize, bias: usize, scratch: usize, numExperts: i32,
  numUsed: i32, gating: i32, normalize: i32, scale: f32, numGroups: i32, topGroups: i32, rowFrom: u32, rowTo: u32,
): void {
  const preferences = at(scratch, numExperts), scores = at(scratch, 2 * numExperts);
  for (let r = rowFrom; r < rowTo; r++) {
    const id = ids + ((<usize>r * <usize>numUsed) << 2), weight = weights + ((<usize>r * <usize>numUsed) << 2);
    memory.copy(scratch, logits + <usize>r * logitsBytes, <usize>numExperts << 2);
    if (gating == SOFTMAX) softmax(scratch, numExperts);
    if (gating == SIGMOID) {
      for (let e: i32 = 0; e < numExperts; e++) store<f32>(at(scratch, e), 1 / (1 + exp_f32(-load<f32>(at(scratch, e)))));
    }
    for (let e: i32 = 0; e < numExperts; e++) {
      store<f32>(at(preferences, e), load<f32>(at(scratch, e)) + (bias ? load<f32>(at(bias, e)) : 0));
    }
    if (numGroups > 1) keep_groups(preferences, scores, numExperts, numGroups, topGroups, bias ? 1 : 0);
    for (let k: i32 = 0; k < numUsed; k++) {
      const best = largest(preferences, numExperts);
      store<i32>(at(id, k), best);
      store<f32>(at(weight, k), load<f32>(at(scratch, best)));
      // A row of NaNs or −∞ would choose an expert twice; that is harmless.
      store<f32>(at(preferences, best), -Infinity);
    }
    if (gating > SIGMOID) softmax(weight, numUsed);
    let sum: f32 = 0;
    for (let k: i32 = 0; k < numUsed; k++) sum += load<f32>(at(weight, k));
    const factor: f32 = normalize ? scale / max(sum, MIN_WEIGHT_SUM) : scale;
    for (let k: i32 = 0; k < numUsed; k++) store<f32>(at(weight, k), load<f32>(at(weight, k)) * factor);
  }
}

/** out[r] += Σ_k weights[r][k] · y[r · numUsed + k] over `count` columns. */
export function combine_experts_f32(
  out: usize, outBytes: usize, y: usize, yBytes: usize, weights: usize, numUsed: u32, count: usize, n: u32,
): void {
  for (let r: u32 = 0; r < n; r++) {
    for (let i: usize = 0; i < count << 2; i += 4) {
      let sum: f32 = 0, answer = y + i;
      for (let k: u32 = 0; k < numUsed; k++) {
        sum += load<f32>(weights + (<usize>k << 2)) * load<f32>(answer);
        answer += yBytes;
      }
      store<f32>(out + i, load<f32>(out + i) + sum);
    }
    out += outBytes; y += yBytes * <usize>numUsed; weights += <usize>numUsed << 2;
  }
}
